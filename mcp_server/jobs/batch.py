"""Batches: the jobs of one call, submitted together, waited for together, stopped together."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import anyio

from mcp_server.clock import Clock
from mcp_server.errors import ID_LIKENESS, InvalidTransition, LimitExceeded, NotFound
from mcp_server.jobs.hub.hub import LOOK_S, Hub
from mcp_server.jobs.hub.subscription import ENDED, STILL, State
from mcp_server.jobs.job import (
    ENDED_JOB_STATES,
    Batch,
    BatchState,
    Job,
    JobState,
    Json,
    NewJob,
)
from mcp_server.jobs.records import (
    Applied,
    Cancelled,
    NewBatch,
    Recorded,
    Request,
    Submission,
    Tally,
)
from mcp_server.jobs.registry import Registry, check_origin
from mcp_server.jobs.store import JobStore
from mcp_server.jobs.telemetry import submit_span, with_trace
from mcp_server.jobs.timeouts import NAMED_MAX, timed_out

PROGRESS_S = 0.5
"""Between two reports of progress: a person sees no more, and one may cost a message."""
UNFINISHED = frozenset(JobState) - ENDED_JOB_STATES


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """Bounds of a batch."""

    jobs_max: int = 100_000


class BatchService:
    """What interfaces and the content service may do with batches.

    A batch belongs to the owner in its origin; to anybody else it does not exist. Where a method
    takes `None` for an owner, it means everybody's.
    """

    def __init__(
        self,
        store: JobStore,
        registry: Registry,
        clock: Clock,
        new_job_id: Callable[[], str],
        limits: BatchLimits | None = None,
        hub: Hub | None = None,
    ) -> None:
        self._store, self._registry, self._clock = store, registry, clock
        self._new_job_id = new_job_id
        self._limits = limits or BatchLimits()
        self._hub = hub or Hub(store)

    def prepare(self, jobs: Sequence[NewJob]) -> list[tuple[str, NewJob]]:
        """Check all jobs, and give each its id; none is stored.

        Raises:
            UnknownKind, InvalidPayload: a job cannot be run.
            LimitExceeded: there are too many, or one is too large.
        """
        if len(jobs) > self._limits.jobs_max:
            raise LimitExceeded(
                "batch", actual=len(jobs), maximum=self._limits.jobs_max, unit="jobs"
            )
        for job in jobs:
            self._registry.check(job)
        return [(self._new_job_id(), job) for job in jobs]

    async def submit(self, batch: NewBatch) -> Submission:
        """Store a prepared batch: batch, jobs and duplicate keys in one transaction.

        When this returns a batch, its id survives anything. Of two calls with the same submit
        key, one gets the other's batch, with `duplicate`.

        Raises:
            InvalidPayload: the request key was used with other arguments, or who asks cannot be
                stored.
        """
        check_origin(batch.origin)
        with submit_span("submit", batch.kind, batch.id, jobs=len(batch.jobs) + len(batch.at_once)):
            traced = replace(batch, terms=with_trace(batch.terms))
            submission = await self._store.submit(traced, now=self._clock.now())
        return _as_seen_by(batch.origin.owner, submission)

    async def apply(
        self, effects: Sequence[object], *, free: Collection[str], owner: str
    ) -> Applied:
        """Apply effects at once, outside any batch, unless a batch holds one of the keys in `free`.

        Without effects it is only a look at who holds them.
        """
        applied = await self._store.apply(effects, free=free, now=self._clock.now())
        return replace(applied, held=_held_as_seen_by(owner, applied.held))

    async def get(self, batch_id: str, *, owner: str | None) -> Batch:
        """Return a batch with the jobs that are being worked on.

        Raises:
            NotFound: the owner has no such batch; names the nearest.
        """
        batch = await self._store.batch(batch_id, running=True)
        if batch is None or not _is_of(owner, batch):
            raise await self._no_batch(batch_id, owner)
        return batch

    async def _no_batch(self, batch_id: str, owner: str | None) -> NotFound:
        if await self.is_own_job(batch_id, owner=owner):
            hint = f'It is the id of a job: status {{"jobId": "{batch_id}"}} shows it.'
            return NotFound("batch", batch_id, hint=hint)
        recent = await self._store.batches(owner=owner, limit=200)
        known, hint = [batch.id for batch in recent], "`status` lists the batches."
        return NotFound("batch", batch_id, known=known, likeness=ID_LIKENESS, hint=hint)

    async def is_own(self, batch_id: str, *, owner: str | None) -> bool:
        """Whether the batch is the owner's; to others its id is not told (R1)."""
        batch = await self._store.batch(batch_id)
        return batch is not None and _is_of(owner, batch)

    async def is_own_job(self, job_id: str, *, owner: str | None) -> bool:
        """Whether the owner has a job of this id, in a batch or not."""
        job = await self._store.job(job_id)
        return job is not None and _is_of(owner, job)

    async def list(
        self,
        *,
        owner: str | None,
        active: bool | None = None,
        limit: int,
        before: int | None = None,
    ) -> Sequence[Batch]:
        """Return the owner's batches, newest first, those before the `order` of `before`."""
        return await self._store.batches(owner=owner, active=active, before=before, limit=limit)

    async def list_since(
        self,
        since: float,
        *,
        owner: str | None,
        ids: Collection[str] | None = None,
        limit: int,
        before: int | None = None,
    ) -> Sequence[Batch]:
        """Return the owner's batches that have ended since then, or have not ended, as `list`.

        With `ids` only these.
        """
        return await self._store.batches_since(
            since, owner=owner, ids=ids, before=before, limit=limit
        )

    async def tallies(
        self, since: float, *, owner: str | None, ids: Collection[str] | None = None
    ) -> Sequence[Tally]:
        """Return how many batches `list_since` lists of each kind, and what they have done."""
        return await self._store.tallies(since, owner=owner, ids=ids)

    async def jobs(
        self,
        batch_id: str,
        *,
        owner: str | None,
        states: Collection[JobState] | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> Sequence[Job]:
        """Return the jobs of a batch that were not pruned, in the order they were handed in.

        With `states` only those, from position `after` among them.
        """
        await self.get(batch_id, owner=owner)
        return await self._store.jobs(batch_id, states=states, after=after, limit=limit)

    async def record(
        self,
        batch_id: str,
        *,
        owner: str | None,
        states: Collection[str] | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> Sequence[Recorded]:
        """Return what became of each job of a batch, also once it was pruned, in their order.

        Behind them what was left out while the batch was planned, with the state `SKIPPED`.
        """
        await self.get(batch_id, owner=owner)
        return await self._store.record(batch_id, states=states, after=after, limit=limit)

    async def job(self, job_id: str, *, owner: str | None) -> Job:
        """Return a job.

        Raises:
            NotFound: the owner has no such job, or it was pruned.
        """
        job = await self._store.job(job_id)
        if job is None or not _is_of(owner, job):
            hint = "Finished jobs are forgotten after a day."
            if await self.is_own(job_id, owner=owner):
                hint = f'It is the id of a batch: status {{"batchId": "{job_id}"}} shows it.'
            raise NotFound("job", job_id, hint=hint)
        return job

    async def alone(
        self, *, owner: str | None, active: bool, limit: int, before: int | None = None
    ) -> Sequence[Job]:
        """Return the owner's jobs outside any batch, newest first: the unfinished, or the ended.

        Of these those before the `order` of `before`.
        """
        return await self._store.alone(owner=owner, active=active, before=before, limit=limit)

    async def keyed(
        self, ranges: Sequence[tuple[str, str]], *, owner: str | None, limit: int
    ) -> Sequence[Job]:
        """Return the owner's jobs whose dedup key lies in one of these ranges, newest first.

        Each range is from the first text up to but not with the second, and no folder deeper. Ended
        jobs count, too, as long as they were not pruned.
        """
        return await self._store.keyed(ranges, owner=owner, limit=limit)

    async def cancel(self, batch_id: str, *, owner: str) -> Cancelled:
        """Cancel what has not finished, and say what was done before.

        Pending jobs never run; a running attempt is fenced from this moment on.

        Raises:
            NotFound: the owner has no such batch.
            InvalidTransition: it has ended.
        """
        batch = await self.get(batch_id, owner=owner)
        if batch.ended:
            raise InvalidTransition(f"batch {batch_id}", state=batch.state, action="cancel")
        return await self._store.cancel_batch(
            batch_id, reason="cancelled by its owner", now=self._clock.now()
        )

    async def cancel_job(self, job_id: str, *, owner: str) -> Cancelled:
        """Cancel one job that has not finished.

        Raises:
            NotFound: the owner has no such job.
            InvalidTransition: it has ended, it follows from another, or is Pressroom's own.
        """
        job = await self.job(job_id, owner=owner)
        if job.state in ENDED_JOB_STATES:
            raise InvalidTransition(f"job {job_id}", state=job.state, action="cancel")
        if job.origin.owner != owner:
            raise InvalidTransition(
                f"job {job_id}",
                state=job.state,
                action="cancel",
                advice="Pressroom does it by itself, and nobody waits for it.",
            )
        if not job.counted:
            raise InvalidTransition(
                f"job {job_id} alone",
                state=job.state,
                action="cancel",
                advice="It carries out what another job has changed already: cancel its batch, "
                "or undo that.",
            )
        return await self._store.cancel_job(
            job_id, reason="cancelled by its owner", now=self._clock.now()
        )

    async def retry(
        self,
        batch_id: str,
        *,
        owner: str,
        terms: Json | None = None,
        requires: str | None = None,
        leave_out: Collection[str] = (),
        request_key: str | None = None,
        asked: str = "",
    ) -> Submission:
        """Take up again what failed, was cancelled or is paused.

        `asked` is what the request wants beside that: with its key, it must be the same again.
        Counted jobs that failed with a code in `leave_out`, such as `conflict`, stay as they are.
        A paused batch goes on with its round, an ended one opens the next.

        Raises:
            NotFound: the owner has no such batch.
            InvalidTransition: it is running.
        """
        batch = await self.get(batch_id, owner=owner)
        if not batch.ended and batch.state is not BatchState.PAUSED:
            raise InvalidTransition(
                f"batch {batch_id}",
                state=batch.state,
                action="retry",
                advice="`status` shows how far it is; `cancel` stops it.",
            )
        with submit_span("retry", batch.kind, batch_id):
            submission = await self._store.retry(
                batch_id,
                terms=with_trace(batch.terms if terms is None else terms),
                requires=requires,
                leave_out=leave_out,
                request=retry_request(request_key, batch_id, asked),
                now=self._clock.now(),
            )
        return _as_seen_by(owner, submission)

    async def requested(self, request: Request | None, *, owner: str) -> Batch | None:
        """Return the batch that this request was answered with before, if it was (R2).

        Raises:
            InvalidPayload: its key was used for something else.
        """
        if request is None:
            return None
        return await self._store.requested(request, owner=owner, now=self._clock.now())

    async def spent(self, request: Request | None, *, owner: str) -> Batch | None:
        """Return the batch that this request has spent its digest for, if it was (R28).

        Raises:
            InvalidPayload: it was spent by another call.
        """
        return None if request is None else await self._store.spent(request, owner=owner)

    async def remember(self, request: Request | None, batch: Batch, *, owner: str) -> None:
        """Let a request stand for a batch that it is answered with, though it queued nothing."""
        if request is not None:
            await self._store.remember(request, batch.id, owner=owner, now=self._clock.now())

    async def about(self, batch_id: str) -> Sequence[Batch]:
        """Return the batches that are about this one (that take it back), newest first."""
        return await self._store.about(batch_id)

    async def wait(
        self,
        batch_id: str,
        *,
        owner: str | None,
        timeout_s: float = 60.0,
        on_progress: Callable[[Batch], Awaitable[None]] | None = None,
    ) -> Batch:
        """Return the batch once its round has ended (`paused` is no end).

        `on_progress` is told where it stands: now, after changes, twice a second at most, and at
        the end.

        Raises:
            NotFound: the owner has no such batch.
            StorageError: the database refused.
            TimeoutError: it has not ended in time; names what is outstanding.
        """
        return await self._wait(
            batch_id, ENDED, owner=owner, timeout_s=timeout_s, on_progress=on_progress
        )

    async def wait_until_still(
        self, batch_id: str, *, owner: str | None, timeout_s: float = 60.0
    ) -> Batch:
        """Return the batch once nothing of it happens by itself: it has ended, or is paused.

        Raises:
            NotFound: the owner has no such batch.
            TimeoutError: it goes on after that time; names what is outstanding.
        """
        return await self._wait(batch_id, STILL, owner=owner, timeout_s=timeout_s)

    async def _wait(
        self,
        batch_id: str,
        until: frozenset[State],
        *,
        owner: str | None,
        timeout_s: float,
        on_progress: Callable[[Batch], Awaitable[None]] | None = None,
    ) -> Batch:
        await self.get(batch_id, owner=owner)
        with anyio.move_on_after(timeout_s):
            interval_s = math.inf if on_progress is None else PROGRESS_S
            subscription = await self._hub.subscribe(
                owner, only=batch_id, until=until, interval_s=interval_s, patient=False
            )
            last: Batch | None = None
            async for snapshot in subscription:
                last = snapshot.batch
                if on_progress is not None:
                    await on_progress(last)
            assert last is not None, "the present comes first"
            return last
        await self.get(batch_id, owner=owner)  # of one that was lost meanwhile, nothing is told
        jobs = await self._store.jobs(batch_id, states=UNFINISHED, limit=NAMED_MAX + 1)
        raise timed_out(f"Batch {batch_id}", timeout_s, jobs)

    async def under_way(self, *, owner: str | None, limit: int) -> Sequence[Batch | Job]:
        """Return the owner's unfinished batches, then his jobs outside any, that are not paused.

        What is scheduled counts, however late it is due.
        """
        return await self._store.under_way(owner=owner, limit=limit)

    async def paused(self, *, owner: str | None, limit: int) -> Sequence[Batch | Job]:
        """Return what is paused of the owner's `limit` newest unfinished batches, and of his jobs.

        Of jobs those outside any batch.
        """
        found: list[Batch | Job] = []
        found += await self._store.batches(owner=owner, active=True, limit=limit)
        found += await self._store.alone(owner=owner, active=True, limit=limit)
        return [each for each in found if each.state in (BatchState.PAUSED, JobState.PAUSED)]

    async def wait_idle(self, *, owner: str | None, timeout_s: float = 60.0) -> None:
        """Return once none of the owner's batches, nor his jobs outside any, waits or runs.

        What is scheduled counts, however late it is due. What is paused does not: it waits for
        somebody to mend the cause, and for no worker.

        Raises:
            TimeoutError: some still do; names them.
        """
        with anyio.move_on_after(timeout_s):
            while True:
                since = self._store.version
                if not await self.under_way(owner=owner, limit=1):
                    return
                await self._store.wait_for_change(LOOK_S, since=since)
        outstanding = await self.under_way(owner=owner, limit=NAMED_MAX + 1)
        raise timed_out("Waiting for idle", timeout_s, outstanding)


def retry_request(request_key: str | None, batch_id: str, asked: str = "") -> Request | None:
    """Return what a request key of a retry stands for, `None` without a key."""
    digest = f"retry {batch_id} {asked}".rstrip()
    return Request(key=request_key, digest=digest) if request_key else None


def _is_of(owner: str | None, found: Batch | Job) -> bool:
    return found.origin.is_seen_by(owner)


def _as_seen_by(owner: str, submission: Submission) -> Submission:
    """Return what became of a submission, without the batches of other owners (R1)."""
    return replace(submission, held=_held_as_seen_by(owner, submission.held))


def _held_as_seen_by(owner: str, held: Mapping[str, Batch | None]) -> Mapping[str, Batch | None]:
    return {k: b if b is not None and b.origin.owner == owner else None for k, b in held.items()}
