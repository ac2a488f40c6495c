"""The queue: jobs are checked, and then stored."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from mcp_server.clock import Clock
from mcp_server.errors import NotFound
from mcp_server.jobs.job import ENDED_JOB_STATES, Job, NewJob, Origin
from mcp_server.jobs.registry import Registry
from mcp_server.jobs.store import JobStore
from mcp_server.jobs.timeouts import timed_out

LOOK_S = 60.0
"""The longest wait for a change before a job is looked at all the same."""


class JobQueue:
    """Jobs outside any batch."""

    def __init__(
        self, store: JobStore, registry: Registry, clock: Clock, new_job_id: Callable[[], str]
    ) -> None:
        self._store, self._registry, self._clock = store, registry, clock
        self._new_job_id = new_job_id

    async def enqueue(self, job: NewJob, *, origin: Origin) -> str:
        """Store a job and return its id, or that of the job which holds its dedup key.

        With `replace` that one is this job from now on.

        Raises:
            UnknownKind: nothing runs its kind.
            InvalidPayload: the payload is not what its handler takes, or a field not what can be
                stored.
            LimitExceeded: the payload is too large.
        """
        self._registry.check(job)
        id, _ = await self._store.enqueue(
            self._new_job_id(), job, origin=origin, now=self._clock.now()
        )
        return id

    async def get(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            NotFound: there is none with this id, or it was pruned.
        """
        job = await self._store.job(job_id)
        if job is None:
            raise NotFound("job", job_id, hint="Finished jobs are forgotten after a day.")
        return job

    async def wait(self, job_id: str, *, timeout_s: float = 60.0) -> Job:
        """Return the job once it has ended.

        Raises:
            NotFound: there is none with this id.
            TimeoutError: it has not ended in time; says in which state it is.
        """
        job = await self.get(job_id)
        with anyio.move_on_after(timeout_s):
            while job.state not in ENDED_JOB_STATES:
                job = await self.after(job)
            return job
        raise timed_out(f"Job {job_id}", timeout_s, [job])

    async def after(self, job: Job) -> Job:
        """Return the job as soon as it is no longer as it is given: in another state or step.

        Raises:
            NotFound: it was pruned.
        """
        while True:
            since = self._store.version
            present = await self.get(job.id)
            if present != job:
                return present
            await self._store.wait_for_change(LOOK_S, since=since)
