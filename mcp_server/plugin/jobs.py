"""What plugins may do with the queue: hand in jobs and batches, see them, wait for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar, overload

from pydantic import BaseModel

from mcp_server.errors import InvalidPayload, InvalidTransition, NotFound
from mcp_server.jobs.handler import Handler
from mcp_server.jobs.job import Batch, Dedup, Job, JobState, NewJob, Origin, Priority
from mcp_server.jobs.records import NewBatch
from mcp_server.plugin.status import BatchStatus, JobStatus, batch_status, job_status
from mcp_server.progress.verbs import VERBS, WORDS, Words

if TYPE_CHECKING:  # a handler's own process imports this, and has no use for them
    from mcp_server.jobs.batch import BatchService
    from mcp_server.jobs.queue import JobQueue
    from mcp_server.jobs.store import JobStore

P = TypeVar("P", bound=BaseModel)

ACTIVE_MAX = 200
WORDS_LENGTH_MAX = 100
"""Of each of a plugin's words for its batches: they are parts of sentences."""
ERRORS_MAX = 10
"""Of a batch: how many of its failures are told in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """The queue of an open workspace."""

    store: JobStore
    queue: JobQueue
    batches: BatchService
    new_batch_id: Callable[[], str]


class PluginJobs:
    """The jobs and batches of a plugin.

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
        return await self._jobs().queue.enqueue(_with_own_key(job, origin), origin=origin)

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

    # Batches

    async def enqueue_batch(
        self,
        name: str,
        jobs: Sequence[NewJob],
        *,
        words: Words | None = None,
        origin: Origin | None = None,
    ) -> str:
        """Queue jobs (`handler.job(payload)`) as one batch, and return its id.

        `name`, of printable characters, is what kind of batch it is, and what it is called where
        there are no `words`. These are stored with it: whoever speaks of the batch, with or without
        the plugin, uses them. Stored in one transaction, or not at all. Jobs whose `dedup_key` is
        held are left out; if that is all of them, the holder's batch is returned.

        Raises:
            UnknownKind, InvalidPayload, LimitExceeded: a job cannot be queued, or there is none.
            InvalidTransition: all of them are queued already, though not in a batch of the origin.
        """
        if problems := _problems(name, jobs, words):
            raise InvalidPayload(f"batch {name!a}", problems)
        origin, found = self._from(origin), self._jobs()
        prepared = found.batches.prepare([_with_own_key(job, origin) for job in jobs])
        submission = await found.batches.submit(
            NewBatch(
                id=found.new_batch_id(),
                kind=name,
                origin=origin,
                jobs=prepared,
                details={} if words is None else {WORDS: asdict(words)},
            )
        )
        holders = [batch for batch in submission.held.values() if batch is not None]
        if submission.batch is None and not holders:
            raise InvalidTransition(
                f"the jobs of {name}", state="queued already", action="queue", advice="Wait."
            )
        return (submission.batch or holders[0]).id

    async def get_batch_status(self, batch_id: str) -> BatchStatus | None:
        """Return where a batch stands, now or at its end; `None` if there is none, or another's."""
        batch = await self._jobs().store.batch(batch_id, running=True)
        if batch is None or not self._sees(batch.origin):
            return None
        return await self._batch_status(batch)

    async def get_active_batches(self, *, origin: Origin | None = None) -> Sequence[BatchStatus]:
        """Return the unfinished batches of the origin, newest first."""
        owner = self._from(origin).owner
        found = await self._jobs().batches.list(owner=owner, active=True, limit=ACTIVE_MAX)
        return [await self._batch_status(batch) for batch in found]

    async def wait_for_batch(self, batch_id: str, *, timeout_s: float = 60.0) -> BatchStatus:
        """Return a batch once its round has ended (`paused` is no end).

        Raises:
            NotFound: there is none with this id.
            TimeoutError: it has not ended in time; names what is outstanding.
        """
        batch = await self._jobs().store.batch(batch_id)
        if batch is None or not self._sees(batch.origin):
            raise NotFound("batch", batch_id)
        owner = batch.origin.owner
        ended = await self._jobs().batches.wait(batch_id, owner=owner, timeout_s=timeout_s)
        return await self._batch_status(ended)

    async def wait_for_idle(self, *, timeout_s: float = 60.0, origin: Origin | None = None) -> None:
        """Return once none of the origin's batches, nor jobs outside any, waits or runs.

        What is paused does not count.

        Raises:
            TimeoutError: some still do; names them.
        """
        owner = self._from(origin).owner
        await self._jobs().batches.wait_idle(owner=owner, timeout_s=timeout_s)

    async def _batch_status(self, batch: Batch) -> BatchStatus:
        failed: Sequence[Job] = ()
        if batch.failed:
            states = (JobState.FAILED,)
            failed = await self._jobs().store.jobs(batch.id, states=states, limit=ERRORS_MAX)
        return batch_status(batch, failed)

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
        return self._origin is None or self._origin.owner == origin.owner


def _problems(name: str, jobs: Sequence[NewJob], words: Words | None) -> list[str]:
    """Return why this cannot be a batch."""
    problems: list[str] = []
    if name in VERBS:
        problems.append("that name is Pressroom's own; take another")
    if not name.isprintable():
        problems.append("a name has printable characters only")
    if not jobs:
        problems.append("it has no jobs")
    for which, text in ({} if words is None else asdict(words)).items():
        if not _can_be_said(text) or (which in {"name", "past"} and not text):
            problems.append(
                f"{which} of its words: {WORDS_LENGTH_MAX} printable characters at most"
            )
    return problems


def _can_be_said(text: object) -> bool:
    return isinstance(text, str) and text.isprintable() and len(text) <= WORDS_LENGTH_MAX


def _with_own_key(job: NewJob, origin: Origin) -> NewJob:
    """Return the job with a key that no job of another kind or owner has."""
    if job.dedup_key is None:
        return job
    return job._replace(dedup_key=f"{job.kind}:{origin.owner}:{job.dedup_key}")
