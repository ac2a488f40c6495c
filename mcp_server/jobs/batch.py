"""Batches: the jobs of one call, submitted together, waited for together, stopped together."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import anyio

from mcp_server.clock import Clock
from mcp_server.errors import InvalidTransition, LimitExceeded
from mcp_server.jobs.hub.hub import LOOK_S, Hub
from mcp_server.jobs.hub.subscription import ENDED, STILL, State
from mcp_server.jobs.job import (
    ENDED_JOB_STATES,
    Batch,
    BatchState,
    JobState,
    Json,
    NewJob,
)
from mcp_server.jobs.reads import BatchReads
from mcp_server.jobs.records import (
    Applied,
    Cancelled,
    NewBatch,
    Request,
    Submission,
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


class BatchService(BatchReads):
    """What interfaces and the content service may do with batches.

    A batch belongs to the owner in its origin.
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
        super().__init__(store)
        self._registry, self._clock, self._new_job_id = registry, clock, new_job_id
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


def _as_seen_by(owner: str, submission: Submission) -> Submission:
    """Return what became of a submission, without the batches of other owners (R1)."""
    return replace(submission, held=_held_as_seen_by(owner, submission.held))


def _held_as_seen_by(owner: str, held: Mapping[str, Batch | None]) -> Mapping[str, Batch | None]:
    return {k: b if b is not None and b.origin.owner == owner else None for k, b in held.items()}
