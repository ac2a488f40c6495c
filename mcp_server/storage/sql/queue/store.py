"""The job store: each method of `JobStore` is one transaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from mcp_server.errors import Overtaken
from mcp_server.jobs.job import (
    ENDED_JOB_STATES,
    Attempt,
    Dedup,
    JobState,
    Json,
    NewJob,
    Origin,
    Step,
)
from mcp_server.jobs.records import (
    Applied,
    Cancelled,
    Claim,
    Exchange,
    NewBatch,
    Report,
    Request,
    Submission,
    WrittenBy,
)
from mcp_server.jobs.retry import Verdict
from mcp_server.jobs.rules import rounds
from mcp_server.jobs.rules.following import FOLLOW_MAX
from mcp_server.storage.sql.database import Database
from mcp_server.storage.sql.queue import (
    attempts,
    counters,
    finishing,
    following,
    retrying,
    sharing,
    stopping,
    submission,
)
from mcp_server.storage.sql.queue.effects import EffectApplier, JobEffects
from mcp_server.storage.sql.queue.reads import batch_or_none
from mcp_server.storage.sql.queue.steps import JobSteps
from mcp_server.storage.sql.transaction import Row, Transaction

T = TypeVar("T")


class SqlJobStore(JobSteps):
    """`jobs.store.JobStore` on a database."""

    def __init__(
        self,
        database: Database,
        effects: EffectApplier,
        new_job_id: Callable[[], str],
        *,
        follow_max: int = FOLLOW_MAX,
    ) -> None:
        super().__init__(database, follow_max=follow_max)
        self._others = effects
        self._effects = JobEffects(effects, new_job_id)

    # Handing in

    async def submit(self, batch: NewBatch, *, now: float) -> Submission:
        applied: list[object] = []

        def apply(tx: Transaction, effect: object) -> str | None:
            applied.append(effect)
            return self._others.apply(tx, effect, job=None, now=now)

        def apply_by(tx: Transaction, effect: object, by: WrittenBy) -> str | None:
            applied.append(effect)
            return self._others.apply(tx, effect, job=by, now=now)

        def step(tx: Transaction) -> Submission:
            found = tx.kept_unless(
                lambda: submission.submit(tx, batch, apply, apply_by, now=now),
                failed=lambda made: made is not None and made.batch is None,
            )
            assert found is not None
            self.begin_to_follow(tx)
            self._effects.follow_up(tx, applied, now)
            if found.duplicate or found.held:
                counters.next_change(tx)  # it is wanted again: a stopped worker may be started
            return found

        return await self.write_arrivals(step)

    async def apply(
        self, effects: Sequence[object], *, free: Collection[str], now: float
    ) -> Applied:
        def attempt(tx: Transaction) -> Applied:
            if held := submission.held_keys(tx, free):
                return Applied(held=held)
            for effect in effects:
                if conflict := self._others.apply(tx, effect, job=None, now=now):
                    return Applied(conflict=conflict)
            return Applied()

        def step(tx: Transaction) -> Applied:
            found = tx.kept_unless(
                lambda: attempt(tx),
                failed=lambda made: made is not None and made.conflict is not None,
            )
            assert found is not None
            self._effects.follow_up(tx, effects, now)
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
                if self._others.apply(tx, effect, job=None, now=now) is not None:
                    raise Overtaken(job.subject, action="update")
            holder = submission.holder_of(tx, job)
            if holder is None:
                submission.insert_jobs(tx, [(id, job)], origin=origin, batch=None, now=now)
            elif job.dedup is Dedup.REPLACE:
                sharing.share(tx, holder, job, None, now=now)
            counters.next_change(tx)  # somebody wants work done: a stopped worker may be started
            return (id, True) if holder is None else (holder["job_id"], False)

        return await self.write_arrivals(step)

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
            held = self.begin_to_follow(tx)
            batch = retrying.stored(tx, answer.batch.order)
            left = tx.all("list_following_of", batch=batch.order)
            return replace(answer, batch=batch, held=held), bool(left)

        answer, left = await self.write_arrivals(step)
        while answer is None:  # its jobs still follow what was said before
            await self.follow_all(batch_id)
            answer, left = await self.write_arrivals(step)
        if not left:  # nearly always
            return answer
        batch, held = await self.follow_all(batch_id)
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
        apply = partial(self._effects.apply_all, now=now)
        keep = partial(self._effects.keep_all, now=now)

        def step(tx: Transaction) -> tuple[Sequence[Verdict | Exception], Sequence[Attempt]]:
            found = attempts.exchange(tx, reports, claim, apply, keep, now=now)
            self.begin_to_follow(tx)
            self._effects.follow_up(tx, [e for each in reports for e in each.verdict.effects], now)
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
            if finishing.step(tx, steps):
                for batch_id in dict.fromkeys(attempt.job.batch_id for attempt, _ in steps):
                    tx.run("touch_batch", batch_id=batch_id, change=counters.next_change(tx))

        await self._database.write(record)

    async def checkpoint(
        self, attempt: Attempt, effects: Sequence[object], *, now: float
    ) -> str | None:
        apply = partial(self._effects.apply_all, now=now)

        def step(tx: Transaction) -> str | None:
            conflict = attempts.checkpoint(tx, attempt, effects, apply)
            self._effects.follow_up(tx, effects, now)
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
        return await self._database.write(lambda tx: tx.count("release_due", now=now, limit=limit))

    # Stopping

    async def pause(self, batch_id: str, reason: str) -> None:
        def step(tx: Transaction) -> None:
            row = tx.one("get_batch", batch_id=batch_id)
            if row is not None:
                stopping.pause(tx, row["id"], reason)
                self.begin_to_follow(tx)

        await self._database.write(step)

    async def cancel_batch(self, batch_id: str, *, reason: str, now: float) -> Cancelled:
        def step(tx: Transaction) -> Cancelled:
            row, jobs = stopping.to_cancel(tx, batch_id)
            if row is None or row["state"] not in rounds.UNFINISHED:
                return Cancelled(batch=batch_or_none(row), stopped=0, dropped=0, done=_done(row))
            stopped, dropped = stopping.cancel_rest(tx, row, jobs, reason=reason, now=now)
            self.begin_to_follow(tx)
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


def _done(row: Row | None) -> int:
    return 0 if row is None else row["completed"]
