"""The job store: each method of `JobStore` is one transaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Protocol, TypeVar

from mcp_server.errors import Overtaken
from mcp_server.jobs.job import (
    ENDED_JOB_STATES,
    OURS,
    Attempt,
    Batch,
    Dedup,
    JobState,
    Json,
    NewJob,
    Origin,
    Step,
)
from mcp_server.jobs.json_text import dumped
from mcp_server.jobs.outcome import Enqueue
from mcp_server.jobs.records import (
    Applied,
    Cancelled,
    Claim,
    Exchange,
    Host,
    NewBatch,
    Report,
    Request,
    Submission,
    WrittenBy,
)
from mcp_server.jobs.retry import Verdict
from mcp_server.jobs.rules import rounds
from mcp_server.jobs.rules.coalescing import SHARED
from mcp_server.jobs.rules.following import CALLER_S, FOLLOW_MAX, What
from mcp_server.jobs.rules.requests import REQUEST_KEY_S
from mcp_server.storage.sql.database import Database
from mcp_server.storage.sql.queue import (
    attempts,
    clock,
    counters,
    following,
    pruning,
    retrying,
    sharing,
    stopping,
    submission,
)
from mcp_server.storage.sql.queue.reads import JobReads, batch_or_none, work_until
from mcp_server.storage.sql.queue.retrying import Held
from mcp_server.storage.sql.queue.rows import host_of, origin_of
from mcp_server.storage.sql.transaction import Row, Transaction

T = TypeVar("T")

HOST_FORGOTTEN_S = 3600.0
"""How long the row of a process stays that died without withdrawing it."""

FREE_PAGES_KEPT = 1000
"""Pages (of 4 kB) that are kept for what comes next: a file that shrinks has to grow again."""

FREED_MAX = 200
"""Pages that are given back in one transaction, in a few milliseconds."""


class EffectApplier(Protocol):
    """Applies the effects that belong to somebody else than the queue."""

    def apply(
        self, tx: Transaction, effect: object, *, job: Row | WrittenBy | None, now: float
    ) -> str | None:
        """Apply one effect; return why it cannot be applied, where it cannot."""
        ...

    def keep(self, tx: Transaction, effect: object, *, job: Row, now: float) -> None:
        """Store what is to be kept of an effect that came too late."""
        ...

    def follow_up(self, tx: Transaction, applied: Iterable[object]) -> NewJob | None:
        """Return the job that is to follow these effects: one of its shared key waits at most.

        It is outside any batch, and Pressroom's own: nobody is told of it.
        """
        ...


class SqlJobStore(JobReads):
    """`jobs.store.JobStore` on a database."""

    def __init__(
        self,
        database: Database,
        effects: EffectApplier,
        new_job_id: Callable[[], str],
        *,
        follow_max: int = FOLLOW_MAX,
    ) -> None:
        super().__init__(database)
        self._follow_max = follow_max
        self._carried_to: tuple[int, str, int] | None = None
        """How far the caller of a retry had come at the last look."""
        self._effects = effects
        self._new_job_id = new_job_id
        self._to_notice: list[Callable[[], None]] = []

    @contextmanager
    def arriving(self, notice: Callable[[], None]) -> Generator[None]:
        self._to_notice.append(notice)
        try:
            yield
        finally:
            self._to_notice.remove(notice)

    async def _write_arrivals(self, step: Callable[[Transaction], T]) -> T:
        for notice in self._to_notice:
            notice()
        return await self._database.write(step)

    # Handing in

    async def submit(self, batch: NewBatch, *, now: float) -> Submission:
        applied: list[object] = []

        def apply(tx: Transaction, effect: object) -> str | None:
            applied.append(effect)
            return self._effects.apply(tx, effect, job=None, now=now)

        def apply_by(tx: Transaction, effect: object, by: WrittenBy) -> str | None:
            applied.append(effect)
            return self._effects.apply(tx, effect, job=by, now=now)

        def step(tx: Transaction) -> Submission:
            found = tx.kept_unless(
                lambda: submission.submit(tx, batch, apply, apply_by, now=now),
                failed=lambda made: made is not None and made.batch is None,
            )
            assert found is not None
            self._begin_to_follow(tx)
            self._follow_up(tx, applied, now)
            if found.duplicate or found.held:
                counters.next_change(tx)  # it is wanted again: a stopped worker may be started
            return found

        return await self._write_arrivals(step)

    async def apply(
        self, effects: Sequence[object], *, free: Collection[str], now: float
    ) -> Applied:
        def attempt(tx: Transaction) -> Applied:
            if held := submission.held_keys(tx, free):
                return Applied(held=held)
            for effect in effects:
                if conflict := self._effects.apply(tx, effect, job=None, now=now):
                    return Applied(conflict=conflict)
            return Applied()

        def step(tx: Transaction) -> Applied:
            found = tx.kept_unless(
                lambda: attempt(tx),
                failed=lambda made: made is not None and made.conflict is not None,
            )
            assert found is not None
            self._follow_up(tx, effects, now)
            return found

        return await self._database.write(step)

    async def enqueue(
        self,
        id: str,
        job: NewJob,
        *,
        origin: Origin,
        effects: Sequence[object] = (),
        now: float,
    ) -> tuple[str, bool]:
        def step(tx: Transaction) -> tuple[str, bool]:
            for effect in effects:
                if self._effects.apply(tx, effect, job=None, now=now) is not None:
                    raise Overtaken(job.subject, action="update")
            holder = _holder(tx, job)
            if holder is not None and job.dedup is Dedup.REPLACE:
                sharing.share(tx, holder, job, None, now=now)
            counters.next_change(tx)  # somebody wants work done: a stopped worker may be started
            if holder is not None:
                return holder["job_id"], False
            submission.insert_jobs(tx, [(id, job)], origin=origin, batch=None, now=now)
            return id, True

        return await self._write_arrivals(step)

    async def retry(
        self,
        batch_id: str,
        *,
        terms: Json | None,
        requires: str | None,
        leave_out: Collection[str],
        request: Request | None,
        now: float,
    ) -> Submission:
        def step(tx: Transaction) -> tuple[Submission | None, bool]:
            answer = retrying.retry(
                tx,
                batch_id,
                terms=terms,
                requires=requires,
                leave_out=leave_out,
                request=request,
                limit=self._follow_max,
                now=now,
            )
            if answer is None or answer.batch is None or answer.duplicate:
                return answer, False
            held = self._begin_to_follow(tx)
            batch = retrying.stored(tx, answer.batch.order)
            left = tx.all("list_following_of", batch=batch.order)
            return replace(answer, batch=batch, held=held), bool(left)

        answer, left = await self._write_arrivals(step)
        while answer is None:  # its jobs still follow what was said before
            await self._follow_all(batch_id)
            answer, left = await self._write_arrivals(step)
        if not left:  # nearly always
            return answer
        batch, held = await self._follow_all(batch_id)
        return replace(answer, batch=batch, held={**answer.held, **held})

    async def remember(self, request: Request, batch_id: str, *, owner: str, now: float) -> None:
        def step(tx: Transaction) -> None:
            row = tx.one("get_batch", batch_id=batch_id)
            if row is not None:
                submission.remember(tx, request, owner=owner, batch=row["id"], now=now)

        await self._database.write(step)

    # The life of an attempt

    async def exchange(
        self, reports: Sequence[Report], claim: Claim | None, *, now: float
    ) -> Exchange:
        def apply(tx: Transaction, job: Row, effects: Sequence[object]) -> str | None:
            return self._apply_all(tx, job, effects, now)

        def keep(tx: Transaction, job: Row, effects: Sequence[object]) -> None:
            for effect in effects:
                self._effects.keep(tx, effect, job=job, now=now)

        def step(tx: Transaction) -> tuple[Sequence[Verdict | Exception], Sequence[Attempt]]:
            found = attempts.exchange(tx, reports, claim, apply, keep, now=now)
            self._begin_to_follow(tx)
            self._follow_up(tx, [e for each in reports for e in each.verdict.effects], now)
            return found

        written = await self._database.write_step(step)
        return Exchange(*written.result, written.version)

    async def renew(self, attempt_ids: Collection[str], *, lease_s: float, now: float) -> set[str]:
        def step(tx: Transaction) -> set[str]:
            rows = tx.all(
                "renew_leases", attempts=json.dumps(list(attempt_ids)), lease_until=now + lease_s
            )
            return set(attempt_ids) - {row["attempt_id"] for row in rows}

        return await self._database.write(step)

    async def step(self, steps: Sequence[tuple[Attempt, Step]]) -> None:
        def record(tx: Transaction) -> None:
            if attempts.step(tx, steps):
                for batch_id in dict.fromkeys(attempt.job.batch_id for attempt, _ in steps):
                    tx.run("touch_batch", batch_id=batch_id, change=counters.next_change(tx))

        await self._database.write(record)

    async def checkpoint(
        self, attempt: Attempt, effects: Sequence[object], *, now: float
    ) -> str | None:
        def step(tx: Transaction) -> str | None:
            conflict = attempts.checkpoint(
                tx, attempt, effects, lambda t, job, asked: self._apply_all(t, job, asked, now)
            )
            self._follow_up(tx, effects, now)
            return conflict

        return await self._database.write(step)

    async def note_started(self, attempts: Mapping[str, float]) -> None:
        started = [{"attempt_id": id, "at": at} for id, at in attempts.items()]
        await self._database.write(lambda tx: tx.many("start_job", started))

    async def give_back(self, attempt_ids: Collection[str], *, now: float) -> None:
        await self._database.write(lambda tx: attempts.give_back(tx, attempt_ids, now=now))

    async def rescue(
        self, *, now: float, except_worker: str | None, crashes_max: int, limit: int
    ) -> int:
        if not await self._database.read(
            lambda tx: attempts.list_lost(tx, now=now, except_worker=except_worker, limit=1)
        ):
            return 0  # almost always; writing would wait for other writers, and make them wait
        return await self._database.write(
            lambda tx: attempts.rescue(
                tx, now=now, except_worker=except_worker, crashes_max=crashes_max, limit=limit
            )
        )

    async def release_due(self, *, now: float, limit: int) -> int:
        return await self._database.write(lambda tx: tx.run("release_due", now=now, limit=limit))

    # Stopping

    async def pause(self, batch_id: str, reason: str) -> None:
        def step(tx: Transaction) -> None:
            row = tx.one("get_batch", batch_id=batch_id)
            if row is not None:
                stopping.pause(tx, row["id"], reason)
                self._begin_to_follow(tx)

        await self._database.write(step)

    async def cancel_batch(self, batch_id: str, *, reason: str, now: float) -> Cancelled:
        def step(tx: Transaction) -> Cancelled:
            row = tx.one("get_batch", batch_id=batch_id)
            if row is None or row["state"] not in rounds.UNFINISHED:
                return Cancelled(batch=batch_or_none(row), stopped=0, dropped=0, done=_done(row))
            stopped, dropped = stopping.cancel_rest(tx, row, reason=reason, now=now)
            self._begin_to_follow(tx)
            stored = tx.one("get_batch", batch_id=batch_id)
            return Cancelled(
                batch=batch_or_none(stored), stopped=stopped, dropped=dropped, done=_done(row)
            )

        return await self._database.write(step)

    async def cancel_job(self, job_id: str, *, reason: str, now: float) -> Cancelled:
        def step(tx: Transaction) -> Cancelled:
            job = tx.one("get_job", job_id=job_id)
            job = job and following.follow_one(tx, job)
            if job is None or JobState(job["state"]) in ENDED_JOB_STATES:
                return Cancelled(batch=None, stopped=0, dropped=0, done=int(job is not None))
            stopping.cancel_one(tx, job, reason=reason, now=now)
            running = job["state"] == JobState.PROCESSING
            batch = tx.one("get_batch_by_row", id=job["batch"])
            return Cancelled(
                batch=batch_or_none(batch), stopped=int(running), dropped=int(not running), done=0
            )

        return await self._database.write(step)

    # Jobs that follow what was said of their batch

    async def follow(self, *, now: float) -> bool:
        before = now - CALLER_S
        said = await self._database.read(lambda tx: tx.one("find_following", said_before=before))
        if said is None or self._is_carried_out(said):
            return False  # almost always

        def step(tx: Transaction) -> bool:
            said = tx.one("find_following", said_before=before)
            if said is not None:
                self._follow(tx, said)
                self._is_carried_out(tx.one("find_following", said_before=before))
            return said is not None

        return await self._write_arrivals(step)

    def _is_carried_out(self, said: Row | None) -> bool:
        """Whether whoever took a batch up has come further with it since the last look."""
        if said is None or said["what"] in {What.CANCEL, What.PAUSE}:
            return False
        at = (said["batch"], said["what"], said["after"])
        moved, self._carried_to = at != self._carried_to, at
        return moved

    async def _follow_all(self, batch_id: str) -> tuple[Batch, Held]:
        """Let all jobs of a batch follow, in steps; return it, and what others hold of them."""
        held: dict[str, Batch | None] = {}

        def step(tx: Transaction) -> tuple[bool, Batch]:
            row = tx.one("get_batch", batch_id=batch_id)
            assert row is not None, "a batch row never goes away"
            left = tx.all("list_following_of", batch=row["id"])
            for said in left[:1]:
                held.update(self._follow(tx, said))
            return bool(left), retrying.stored(tx, row["id"])

        left, batch = await self._write_arrivals(step)
        while left:
            left, batch = await self._write_arrivals(step)
        return batch, held

    def _begin_to_follow(self, tx: Transaction) -> Held:
        """Make the first step of what was said in this transaction, of most batches all of it."""
        held: dict[str, Batch | None] = {}
        for said in tx.all("list_new_following"):
            held.update(self._follow(tx, said))
        return held

    def _follow(self, tx: Transaction, said: Row) -> Held:
        """Let the next jobs follow; return what others hold of them."""
        limit, held = self._follow_max, dict[str, Batch | None]()
        jobs = following.next_jobs(tx, said, limit=limit)
        if said["what"] == What.RETRY:
            held |= retrying.take_up(tx, said, jobs, last=len(jobs) < limit)
        else:
            following.follow(tx, said, jobs)
        following.note(tx, said, jobs, limit=limit)
        return held

    # Housekeeping

    async def prune(self, *, completed_before: float, ended_before: float, limit: int) -> int:
        while True:
            found = await self._database.read(
                lambda tx: pruning.find(
                    tx, completed_before=completed_before, ended_before=ended_before, limit=limit
                )
            )
            if not found:
                return 0
            if deleted := await self._database.write(partial(pruning.prune, found=found)):
                return deleted

    async def forget_requests(self, *, now: float, limit: int) -> int:
        before = now - REQUEST_KEY_S
        if await self._database.read(lambda tx: tx.one("find_old_request", before=before)) is None:
            return 0
        ages = {"before": before, "limit": limit}
        return await self._database.write(
            lambda tx: tx.run("prune_requests", **ages) + tx.run("prune_spent", **ages)
        )

    async def shrink(self) -> bool:
        found = await self._database.read(lambda tx: tx.one("count_free_pages"))
        assert found is not None
        if not found["shrinks"] or found["pages"] <= FREE_PAGES_KEPT:
            await self._database.checkpoint()
            return False

        def step(tx: Transaction) -> None:
            for _ in range(FREED_MAX):
                tx.run("free_page")

        await self._database.write(step)
        return True

    async def announce(self, host: Host, *, now: float) -> Host:
        def step(tx: Transaction) -> Host:
            clock.follow(tx, now=now)
            tx.run("forget_hosts", before=now - HOST_FORGOTTEN_S)
            row = tx.one(
                "put_host",
                id=host.id,
                role=host.role,
                pid=host.pid,
                version=host.version,
                abilities=dumped(sorted(host.abilities)),
                details=dumped(host.details),
                now=now,
            )
            assert row is not None
            return host_of(row)

        return await self._database.write(step)

    async def withdraw(
        self, host_id: str, *, unless_work_within_s: float | None, now: float
    ) -> bool:
        def step(tx: Transaction) -> bool:
            if unless_work_within_s is not None and work_until(tx, now + unless_work_within_s):
                return False
            tx.run("delete_host", id=host_id)
            return True

        return await self._database.write(step)

    async def ask(self, host_id: str, wanted: str) -> None:
        await self._database.write(lambda tx: tx.run("ask_host", id=host_id, wanted=wanted))

    def _follow_up(self, tx: Transaction, applied: Iterable[object], now: float) -> None:
        job = self._effects.follow_up(tx, applied)
        if job is None:
            return
        if (held := sharing.waiting(tx, job.dedup_key)) is not None:
            if held["due_at"] > now + job.delay_s:  # as it was tried in vain
                sharing.replace(tx, held, job, now=now)
            return
        counters.next_change(tx)  # a stopped worker may be started
        new = [(self._new_job_id(), job)]
        submission.insert_jobs(tx, new, origin=OURS, batch=None, now=now)

    def _apply_all(
        self, tx: Transaction, job: Row, effects: Sequence[object], now: float
    ) -> str | None:
        """Apply effects in turn; return the first conflict."""
        for effect in effects:
            if conflict := self._apply(tx, effect, job, now):
                return conflict
        return None

    def _apply(self, tx: Transaction, effect: object, job: Row, now: float) -> str | None:
        if not isinstance(effect, Enqueue):
            return self._effects.apply(tx, effect, job=job, now=now)
        batch = None if job["batch"] is None else tx.one("get_batch_by_row", id=job["batch"])
        origin = origin_of(job)
        if effect.job.dedup is Dedup.SKIP and submission.holder(tx, effect.job.dedup_key):
            return None
        new = [(self._new_job_id(), effect.job)]
        submission.insert_jobs(tx, new, origin=origin, batch=batch, now=now)
        return None


def _holder(tx: Transaction, job: NewJob) -> Row | None:
    """Return the job that a job outside any batch would repeat, join or replace."""
    if job.dedup in SHARED:
        return sharing.waiting(tx, job.dedup_key)
    if job.dedup is Dedup.SKIP:
        return submission.holder(tx, job.dedup_key)
    return None


def _done(row: Row | None) -> int:
    return 0 if row is None else row["completed"]
