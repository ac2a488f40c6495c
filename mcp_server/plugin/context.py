"""What plugins are given: kinds and tools to add, jobs and batches to queue, see and wait for."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, overload

from pydantic import BaseModel

from mcp_server.errors import (
    ConfigError,
    InvalidPayload,
    InvalidTransition,
    NotFound,
    Unavailable,
)
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.handler import Handler
from mcp_server.jobs.job import (
    Batch,
    Dedup,
    Job,
    JobState,
    NewJob,
    Origin,
    Priority,
)
from mcp_server.jobs.queue import JobQueue
from mcp_server.jobs.records import NewBatch
from mcp_server.jobs.registry import Registry
from mcp_server.jobs.store import JobStore
from mcp_server.plugin.status import BatchStatus, JobStatus, batch_status, job_status
from mcp_server.progress.event import EventSink
from mcp_server.progress.verbs import VERBS

P = TypeVar("P", bound=BaseModel)

TOOL_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
"""What every client takes as a name, once hyphens are underscores."""
ACTIVE_MAX = 200
ERRORS_MAX = 10
"""Of a batch: how many of its failures are told in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginTool(Generic[P]):
    """An MCP tool that a plugin brings: what is said of it, and what it runs."""

    plugin: str
    name: str
    title: str
    description: str
    arguments: type[P]
    run: Callable[[P, PluginContext], Awaitable[str]]
    destructive: bool
    idempotent: bool
    open_world: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """The queue of an open workspace."""

    store: JobStore
    queue: JobQueue
    batches: BatchService
    new_batch_id: Callable[[], str]


@dataclass(slots=True)
class Additions:
    """What plugins work on: the kinds of this process, its tools, and its workspace once open."""

    registry: Registry
    tools: dict[str, PluginTool[Any]] = field(default_factory=dict[str, PluginTool[Any]])
    sinks: list[EventSink] = field(default_factory=list[EventSink])
    jobs: Jobs | None = None


class PluginContext:
    """What a plugin may do.

    `register(context)` of a plugin adds kinds and tools, in the server and in the worker, and
    places where a server's progress goes. A tool is given a context of its own, in which the caller
    is the origin of all that it queues and sees; anywhere else (in a handler, say) the origin is
    named in the call.
    """

    def __init__(self, additions: Additions, plugin: str, origin: Origin | None = None) -> None:
        self._additions, self._plugin, self._origin = additions, plugin, origin

    # Kinds and tools

    @property
    def job_kinds(self) -> Sequence[str]:
        """The kinds that have a handler here, sorted."""
        return sorted(self._additions.registry.kinds)

    def register_job_handler(self, handler: Handler[Any]) -> None:
        """Add a kind of job.

        Raises:
            ConfigError: its name is taken.
        """
        self._additions.registry.register(handler)

    def unregister_job_handler(self, kind: str) -> None:
        """Take a kind away, to put another handler in its place: its jobs wait until there is one.

        Raises:
            UnknownKind: there is none.
        """
        self._additions.registry.unregister(kind)

    def register_tool(
        self,
        name: str,
        arguments: type[P],
        run: Callable[[P, PluginContext], Awaitable[str]],
        *,
        title: str,
        description: str,
        destructive: bool = False,
        idempotent: bool = False,
        open_world: bool = False,
    ) -> None:
        """Add an MCP tool: `run` queues something and returns the id of the job or batch.

        The fields of `arguments` are the tool's parameters, in camelCase; `waitSeconds` is added.
        What `run` raises on purpose (`InvalidPayload` and its like) is told to the caller.

        Raises:
            ConfigError: the name is taken, or none that all clients take.
        """
        if not TOOL_NAME.fullmatch(name):
            raise ConfigError(f"A tool cannot be called {name!r}: take a-z, 0-9, - and _.")
        if name in self._additions.tools:
            raise ConfigError(f"There is a tool {name!r} already: choose another name.")
        self._additions.tools[name] = PluginTool(
            plugin=self._plugin,
            name=name,
            title=title,
            description=description,
            arguments=arguments,
            run=run,
            destructive=destructive,
            idempotent=idempotent,
            open_world=open_world,
        )

    def on_progress(self, sink: EventSink) -> None:
        """Add a place where progress goes: `sink.emit` gets what becomes of every operation.

        Of each at most one event in half a second, the newest, and its end at once. In a server
        only, and in each that runs on the workspace; a worker has no sinks. What `emit` raises is
        logged and costs that one event. It runs in the server's loop: while it awaits, it keeps
        nobody waiting but itself; while it blocks, everybody.

        Raises:
            ConfigError: it is none (a class, or its `emit` no `async def`); or the server runs
                already.
        """
        _check_sink(sink)
        if self._additions.jobs is not None:
            raise ConfigError("Progress sinks are added while a plugin registers, not later.")
        self._additions.sinks.append(sink)

    # Jobs

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
        asker = self._asker(origin)
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
        return await self._jobs.queue.enqueue(_with_own_key(job, asker), origin=asker)

    async def get_job_status(self, job_id: str) -> JobStatus | None:
        """Return where a job stands; `None` if there is none, or it is another's, or forgotten."""
        job = await self._jobs.store.job(job_id)
        return None if job is None or not self._sees(job.origin) else job_status(job)

    async def wait_for_job(self, job_id: str, *, timeout_s: float = 60.0) -> JobStatus:
        """Return a job once it has ended, however it ended.

        Raises:
            NotFound: there is none with this id.
            TimeoutError: it has not ended in time; says in which state it is.
        """
        if await self.get_job_status(job_id) is None:
            raise NotFound("job", job_id)
        return job_status(await self._jobs.queue.wait(job_id, timeout_s=timeout_s))

    # Batches

    async def enqueue_batch(
        self, name: str, jobs: Sequence[NewJob], *, origin: Origin | None = None
    ) -> str:
        """Queue jobs (`handler.job(payload)`) as one batch, and return its id.

        `name`, of printable characters, is what `status` calls it. Stored in one transaction, or
        not at all. Jobs whose `dedup_key` is held are left out; if that is all of them, the
        holder's batch is returned.

        Raises:
            UnknownKind, InvalidPayload, LimitExceeded: a job cannot be queued, or there is none.
            InvalidTransition: all of them are queued already, though not in a batch of the origin.
        """
        if name in VERBS:
            raise InvalidPayload(f"batch {name}", ["that name is Pressroom's own; take another"])
        if not name.isprintable():
            raise InvalidPayload(f"batch {name!a}", ["a name has printable characters only"])
        if not jobs:
            raise InvalidPayload(f"batch {name}", ["it has no jobs"])
        asker, found = self._asker(origin), self._jobs
        prepared = found.batches.prepare([_with_own_key(job, asker) for job in jobs])
        submission = await found.batches.submit(
            NewBatch(id=found.new_batch_id(), kind=name, origin=asker, jobs=prepared)
        )
        holders = [batch for batch in submission.held.values() if batch is not None]
        if submission.batch is None and not holders:
            raise InvalidTransition(
                f"the jobs of {name}", state="queued already", action="queue", advice="Wait."
            )
        return (submission.batch or holders[0]).id

    async def get_batch_status(self, batch_id: str) -> BatchStatus | None:
        """Return where a batch stands, now or at its end; `None` if there is none, or another's."""
        batch = await self._jobs.store.batch(batch_id, running=True)
        if batch is None or not self._sees(batch.origin):
            return None
        return await self._batch_status(batch)

    async def get_active_batches(self, *, origin: Origin | None = None) -> Sequence[BatchStatus]:
        """Return the unfinished batches of the origin, newest first."""
        owner = self._asker(origin).owner
        found = await self._jobs.batches.list(owner=owner, active=True, limit=ACTIVE_MAX)
        return [await self._batch_status(batch) for batch in found]

    async def wait_for_batch(self, batch_id: str, *, timeout_s: float = 60.0) -> BatchStatus:
        """Return a batch once its round has ended (`paused` is no end).

        Raises:
            NotFound: there is none with this id.
            TimeoutError: it has not ended in time; names what is outstanding.
        """
        batch = await self._jobs.store.batch(batch_id)
        if batch is None or not self._sees(batch.origin):
            raise NotFound("batch", batch_id)
        owner = batch.origin.owner
        ended = await self._jobs.batches.wait(batch_id, owner=owner, timeout_s=timeout_s)
        return await self._batch_status(ended)

    async def wait_for_idle(self, *, timeout_s: float = 60.0, origin: Origin | None = None) -> None:
        """Return once none of the origin's batches, nor jobs outside any, waits or runs.

        What is paused does not count.

        Raises:
            TimeoutError: some still do; names them.
        """
        owner = self._asker(origin).owner
        await self._jobs.batches.wait_idle(owner=owner, timeout_s=timeout_s)

    async def _batch_status(self, batch: Batch) -> BatchStatus:
        failed: Sequence[Job] = ()
        if batch.failed:
            states = (JobState.FAILED,)
            failed = await self._jobs.store.jobs(batch.id, states=states, limit=ERRORS_MAX)
        return batch_status(batch, failed)

    @property
    def _jobs(self) -> Jobs:
        if self._additions.jobs is None:
            raise Unavailable(
                f"The plugin {self._plugin} asked for jobs before a workspace was open: queue them "
                "in a tool or a handler, not while it registers."
            )
        return self._additions.jobs

    def _asker(self, origin: Origin | None) -> Origin:
        asker = origin or self._origin
        if asker is None:
            raise InvalidPayload(
                "origin", ["outside a tool it has to be given; a handler has context.job.origin"]
            )
        return asker

    def _sees(self, origin: Origin) -> bool:
        """Whether what came from `origin` may be told; outside a tool a plugin sees everything."""
        return self._origin is None or self._origin.owner == origin.owner


def _check_sink(sink: EventSink) -> None:
    if isinstance(sink, type):
        raise ConfigError(f"{sink.__name__} is a class: a progress sink is an instance of one.")
    name = type(sink).__name__
    if not callable(getattr(sink, "emit", None)):
        raise ConfigError(f"{name} is no progress sink: it has no emit(event).")
    if not inspect.iscoroutinefunction(sink.emit):
        raise ConfigError(f"{name} is no progress sink: its emit(event) is no async def.")


def _with_own_key(job: NewJob, asker: Origin) -> NewJob:
    """Return the job with a key that no job of another kind or owner has."""
    if job.dedup_key is None:
        return job
    return job._replace(dedup_key=f"{job.kind}:{asker.owner}:{job.dedup_key}")
