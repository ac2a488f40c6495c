"""What plugins may do with jobs: queue one, see it, wait for it, read its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, overload

from pydantic import BaseModel

from mcp_server.errors import InvalidPayload, NotFound
from mcp_server.jobs.handler import Handler
from mcp_server.jobs.job import Dedup, NewJob, Origin, Priority
from mcp_server.jobs.result import as_answered
from mcp_server.plugin.status import JobStatus, job_status

if TYPE_CHECKING:  # a handler's own process imports this, and has no use for them
    from mcp_server.entities.service import EmbedNow
    from mcp_server.entities.store import EntityStore
    from mcp_server.jobs.batch import BatchService
    from mcp_server.jobs.queue import JobQueue
    from mcp_server.jobs.store import JobStore

P = TypeVar("P", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """The queue of an open workspace, and the entities that its jobs work on."""

    store: JobStore
    queue: JobQueue
    batches: BatchService
    new_batch_id: Callable[[], str]
    entities: EntityStore
    embed: EmbedNow
    now: Callable[[], float]


class PluginJobs:
    """The jobs of a plugin.

    In a tool the caller is the origin of all that is queued and seen; anywhere else the origin is
    named in the call, and everything is seen.
    """

    def __init__(self, jobs: Callable[[], Jobs], origin: Origin | None = None) -> None:
        self._jobs, self._origin = jobs, origin

    @overload
    async def enqueue_job(
        self,
        kind: Handler[P],
        payload: P,
        *,
        subject: str = "",
        priority: int = Priority.NORMAL,
        max_retries: int = 3,
        delay_s: float = 0.0,
        dedup: Dedup = Dedup.NONE,
        dedup_key: str | None = None,
        origin: Origin | None = None,
    ) -> str: ...

    @overload
    async def enqueue_job(
        self,
        kind: str,
        payload: Mapping[str, Any],
        *,
        subject: str = "",
        priority: int = Priority.NORMAL,
        max_retries: int = 3,
        delay_s: float = 0.0,
        dedup: Dedup = Dedup.NONE,
        dedup_key: str | None = None,
        origin: Origin | None = None,
    ) -> str: ...

    async def enqueue_job(
        self,
        kind: Handler[Any] | str,
        payload: Any,
        *,
        subject: str = "",
        priority: int = Priority.NORMAL,
        max_retries: int = 3,
        delay_s: float = 0.0,
        dedup: Dedup = Dedup.NONE,
        dedup_key: str | None = None,
        origin: Origin | None = None,
    ) -> str:
        """Queue a job outside any batch, and return its id, which survives anything.

        The kind is a handler, and the payload its model; or a name, and a mapping. Where another
        job of this kind and owner holds the `dedup_key`, that one's id is returned; `Dedup.REPLACE`
        has put this job in its place.

        Raises:
            UnknownKind: nothing runs the kind.
            InvalidPayload: the payload is not what its handler takes; or no origin is known.
            LimitExceeded: the payload is too large.
        """
        origin = self._from(origin)
        if dedup is not Dedup.NONE and not dedup_key:
            raise InvalidPayload("enqueue_job", ["dedup compares keys: give a dedup_key"])
        made = NewJob(kind=kind, payload=payload) if isinstance(kind, str) else kind.job(payload)
        job = NewJob(
            kind=made.kind,
            payload=made.payload,
            subject=subject,
            priority=priority,
            max_retries=max_retries,
            delay_s=delay_s,
            dedup=dedup,
            dedup_key=dedup_key,
        )
        return await self._jobs().queue.enqueue(with_own_key(job, origin), origin=origin)

    async def get_job_status(self, job_id: str) -> JobStatus | None:
        """Return where a job stands; `None` if there is none, or it is another's, or forgotten."""
        job = await self._jobs().store.job(job_id)
        return None if job is None or not self._sees(job.origin) else job_status(job)

    async def wait_for_job(self, job_id: str, *, timeout_s: float = 60.0) -> JobStatus:
        """Return a job once it has ended, however it ended.

        Raises:
            NotFound: there is none with this id.
            TimeoutError: it has not ended in time; says in which state it is.
        """
        if await self.get_job_status(job_id) is None:
            raise NotFound("job", job_id)
        return job_status(await self._jobs().queue.wait(job_id, timeout_s=timeout_s))

    async def result(self, job_id: str) -> Mapping[str, Any] | bytes | None:
        """Return what a job's handler answered with `Done`.

        `None`: it has not done its work; or there is no such job, or it is another's or forgotten.
        """
        job = await self._jobs().store.job(job_id)
        return None if job is None or not self._sees(job.origin) else as_answered(job.result)

    def _from(self, origin: Origin | None) -> Origin:
        """Return the origin that holds: the one that is named, or else the caller's."""
        origin = origin or self._origin
        if origin is None:
            raise InvalidPayload(
                "origin", ["outside a tool it has to be given; a handler has context.job.origin"]
            )
        return origin

    def _sees(self, origin: Origin) -> bool:
        """Whether what came from `origin` may be told; outside a tool a plugin sees everything."""
        return self._origin is None or origin.is_seen_by(self._origin.owner)


def with_own_key(job: NewJob, origin: Origin) -> NewJob:
    """Return the job with a key that no job of another kind or owner has."""
    if job.dedup_key is None:
        return job
    return job._replace(dedup_key=f"{job.kind}:{origin.owner}:{job.dedup_key}")
