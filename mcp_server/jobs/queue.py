"""The queue: jobs are checked, and then stored."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import anyio

from mcp_server.clock import Clock
from mcp_server.errors import NotFound
from mcp_server.jobs.hub.hub import Hub
from mcp_server.jobs.job import Job, NewJob, Origin
from mcp_server.jobs.registry import Registry, check_origin
from mcp_server.jobs.store import JobStore
from mcp_server.jobs.timeouts import timed_out


class JobQueue:
    """Jobs outside any batch."""

    def __init__(
        self,
        store: JobStore,
        registry: Registry,
        clock: Clock,
        new_job_id: Callable[[], str],
        hub: Hub | None = None,
    ) -> None:
        self._store, self._registry, self._clock = store, registry, clock
        self._new_job_id = new_job_id
        self._hub = hub or Hub(store)

    async def enqueue(self, job: NewJob, *, origin: Origin, effects: Sequence[object] = ()) -> str:
        """Store a job and return its id, or that of the job which holds its dedup key.

        With `replace` that one is this job from now on. The effects are applied together with it.

        Raises:
            Overtaken: an effect does not find what it expects: nothing was stored.
            UnknownKind: nothing runs its kind.
            InvalidPayload: the payload is not what its handler takes, or a field, or who asks, not
                what can be stored.
            LimitExceeded: the payload is too large.
        """
        check_origin(origin)
        self._registry.check(job)
        id, _ = await self._store.enqueue(
            self._new_job_id(), job, origin=origin, effects=effects, now=self._clock.now()
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
            StorageError: the database refused.
            TimeoutError: it has not ended in time; says in which state it is.
        """
        await self.get(job_id)
        with anyio.move_on_after(timeout_s):
            subscription = await self._hub.subscribe(
                None, only=job_id, interval_s=math.inf, patient=False
            )
            async for snapshot in subscription:
                if snapshot.ended:
                    return snapshot.job
            return await self.get(job_id)  # it was pruned
        raise timed_out(f"Job {job_id}", timeout_s, [await self.get(job_id)])
