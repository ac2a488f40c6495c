"""The composition root: the only module that knows every part.

A server opens its workspace when it can, and is given the reason on every call while it cannot. A
worker opens the same parts, less the ones that face a client.
"""

from __future__ import annotations

import io
import logging
import os
import random
import signal
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, TextIO, cast

import anyio
import anyio.abc
import anyio.to_thread
import structlog

from mcp_server.clock import Clock, SystemClock, new_id
from mcp_server.config import Workspace, find_workspace
from mcp_server.content.files import PageFiles
from mcp_server.content.model import ModelChoice, abilities
from mcp_server.content.service import ContentService
from mcp_server.content.standing import StandingReader
from mcp_server.content.submitting import Submitter
from mcp_server.content.workspace import SiteLoader
from mcp_server.errors import ServerError, Unavailable
from mcp_server.interfaces.services import Services
from mcp_server.jobs.attempt import AttemptRunner
from mcp_server.jobs.batch import BatchLimits, BatchService
from mcp_server.jobs.host import (
    DetachedWorker,
    EmbeddedWorker,
    StartWorker,
    StopMark,
    WorkerKeeper,
    WorkerLock,
    work_in_turns,
)
from mcp_server.jobs.maintenance import Maintenance, MaintenanceSettings
from mcp_server.jobs.registry import Registry, discover
from mcp_server.jobs.store import Host
from mcp_server.jobs.worker import Worker, WorkerSettings
from mcp_server.plugin import Workbench
from mcp_server.progress.monitor import ProgressMonitor
from mcp_server.storage.sqlite.content import ContentEffects, SqliteEntityStore
from mcp_server.storage.sqlite.database import Database
from mcp_server.storage.sqlite.jobs import SqliteJobStore

HANDLERS = "handlers"
"""The package whose modules are the job kinds that Pressroom brings."""

LOCK_WAIT_S = 3.0
"""How long a new worker waits for the lock: its holder may be looking whether it is free."""

WELL_KNOWN_KEYS = {"key:anthropic": "ANTHROPIC_API_KEY", "key:openai": "OPENAI_API_KEY"}
"""Keys worth announcing even where another model is configured: an older round may need them."""

Mode = Literal["embedded", "detached"]

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """An open workspace, as servers and workers have it."""

    workspace: Workspace
    store: SqliteJobStore
    entities: SqliteEntityStore
    registry: Registry
    files: PageFiles
    model: ModelChoice
    abilities: frozenset[str]
    clock: Clock
    lock: WorkerLock

    def host(self, role: Literal["server", "worker"], mode: Mode | None = None) -> Host:
        """Return how this process announces itself."""
        settings = self.workspace.settings
        details = {"mode": mode, "concurrency": settings.concurrency} if mode else {}
        return Host(
            id=new_id("h", self.clock),
            role=role,
            pid=os.getpid(),
            version=version("pressroom"),
            abilities=self.abilities,
            details=details,
        )


@asynccontextmanager
async def open_parts(workspace: Workspace, clock: Clock) -> AsyncGenerator[Parts]:
    """Open the workspace's database and what works on it.

    Raises:
        Unavailable: a newer Pressroom wrote the database, or the state folder cannot be written.
        StorageError: the database cannot be opened.
        ConfigError: a setting cannot be used.
    """
    settings = workspace.settings
    workspace.create_state_dir()
    model = ModelChoice(name=settings.model or "composer", url=settings.model_url)
    keys = await anyio.to_thread.run_sync(abilities, os.environ, model)
    keys |= {ability for ability, name in WELL_KNOWN_KEYS.items() if os.environ.get(name)}
    registry = Registry(payload_bytes_max=settings.payload_bytes_max)
    for handler in discover(HANDLERS):
        registry.register(handler)
    async with Database.open(workspace.database, synchronous=settings.synchronous) as database:
        yield Parts(
            workspace=workspace,
            store=SqliteJobStore(database, ContentEffects(), partial(new_id, "j", clock)),
            entities=SqliteEntityStore(database),
            registry=registry,
            files=PageFiles(workspace.root, workspace.content_dir),
            model=model,
            abilities=keys,
            clock=clock,
            lock=WorkerLock(workspace.worker_lock),
        )


# The server


class Application:
    """A server's side of a workspace: opened on first use, again and again until it can be."""

    def __init__(
        self, explicit: Path | None, *, default_mode: Mode, clock: Clock | None = None
    ) -> None:
        self._explicit = explicit
        self._default_mode: Mode = default_mode
        self._clock = clock or SystemClock()
        self._opening = anyio.Lock()
        self._tasks: anyio.abc.TaskGroup | None = None
        self._services: Services | None = None

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Application]:
        """Run what belongs to the server in the background: progress, and care for a worker."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            tasks.start_soon(self._open_early)
            try:
                yield self
            finally:
                tasks.cancel_scope.cancel()

    async def services(self) -> Services:
        """Return the workspace's services.

        Raises:
            Unavailable, ConfigError, StorageError: it cannot be opened; the next call tries again.
        """
        async with self._opening:
            if self._services is None:
                assert self._tasks is not None, "services are asked for while running"
                self._services = await self._tasks.start(self._serve)
            assert self._services is not None
            return self._services

    async def _open_early(self) -> None:
        """Open before the first call, so that interrupted batches go on at once."""
        try:
            await self.services()
        except ServerError as error:
            logger.warning("the workspace cannot be opened yet", reason=str(error))

    async def _serve(self, *, task_status: anyio.abc.TaskStatus[Services]) -> None:
        workspace = await anyio.to_thread.run_sync(
            find_workspace, self._explicit, os.environ, Path.cwd()
        )
        async with open_parts(workspace, self._clock) as parts:
            monitor = ProgressMonitor(
                parts.store, self._clock, buffer=workspace.settings.subscriber_buffer
            )
            keeper, health = self._keeper(parts)
            async with anyio.create_task_group() as tasks:
                await tasks.start(monitor.run)
                tasks.start_soon(keeper.run)
                task_status.started(_services(parts, monitor, health))

    def _keeper(self, parts: Parts) -> tuple[WorkerKeeper, Health]:
        settings = parts.workspace.settings
        mode = _mode(settings.worker, self._default_mode)
        if mode == "detached":
            start = DetachedWorker(
                _worker_command(parts.workspace), parts.workspace.worker_log, parts.lock
            )
        else:
            start = EmbeddedWorker(parts.lock, partial(_work, parts, mode))
        mark = StopMark(parts.workspace.state_dir)
        keeper = WorkerKeeper(
            parts.store,
            parts.lock,
            self._clock,
            parts.host("server"),
            start,
            mark,
            kinds=parts.registry.kinds,
            heartbeat_s=settings.heartbeat_s,
            alive_s=settings.lease_s,
        )
        return keeper, Health(parts, mode, mark, start)


def _mode(setting: Literal["auto", "embedded", "detached"], default: Mode) -> Mode:
    """Return where the worker runs."""
    if sys.platform == "win32":
        return "embedded"  # a job object would end a detached worker together with its host
    return default if setting == "auto" else setting


def _services(parts: Parts, monitor: ProgressMonitor, health: Health) -> Services:
    settings, clock = parts.workspace.settings, parts.clock
    batches = BatchService(
        parts.store,
        parts.registry,
        clock,
        partial(new_id, "j", clock),
        BatchLimits(jobs_max=settings.batch_jobs_max),
    )
    content = ContentService(
        StandingReader(SiteLoader(parts.workspace), parts.entities, parts.files, clock),
        parts.entities,
        batches,
        Submitter(batches, partial(new_id, "b", clock)),
        parts.files,
        parts.model,
        max_retries=settings.max_retries,
    )
    return Services(
        content=content,
        batches=batches,
        monitor=monitor,
        worker_health=health,
        worker_mode=health.mode,
    )


class Health:
    """Whether a worker lives, and how far behind the queue is (lesson L8)."""

    def __init__(
        self, parts: Parts, mode: Mode, mark: StopMark, start: StartWorker | None = None
    ) -> None:
        self.mode: Mode = mode
        self._parts, self._mark, self._start = parts, mark, start

    async def __call__(self) -> Mapping[str, Any]:
        """Return the facts, in wire names; a pid only while that worker lives."""
        parts = self._parts
        now = parts.clock.now()
        stats = await parts.store.stats(now=now)
        facts: dict[str, Any] = {"mode": self.mode, "alive": parts.lock.is_held()}
        workers = [h for h in await parts.store.hosts(seen_after=0) if h.role == "worker"]
        if facts["alive"] and workers:
            worker = workers[0]
            facts |= {"pid": worker.pid, "version": worker.version, **worker.details}
        if stats.oldest_due_s is not None:
            facts["oldestDueSeconds"] = round(stats.oldest_due_s, 1)
        if stats.last_claim_at is not None:
            facts["lastClaimSeconds"] = round(now - stats.last_claim_at, 1)
        return facts | {"message": self._message(facts)}

    def _message(self, facts: Mapping[str, Any]) -> str:
        if facts["alive"]:
            where = f"process {facts['pid']}" if "pid" in facts else "starting"
            return f"A worker is running ({facts['mode']}, {where})."
        if self._mark.is_set:
            return "The worker was stopped; the next call that queues work starts it again."
        if "oldestDueSeconds" in facts:
            if isinstance(self._start, DetachedWorker) and self._start.exit_code is not None:
                log = self._parts.workspace.worker_log
                return (
                    f"No worker is running: it ended with code {self._start.exit_code}; "
                    f"{log.parent.name}/{log.name} says why. It is tried again."
                )
            return f"No worker is running; one is being started ({self.mode})."
        return "No worker is running, and none is needed; the next job starts one."


def serve_stdio(workspace: Path | None) -> None:
    """Serve one client over stdin and stdout until it hangs up."""
    from mcp_server.interfaces.mcp.server import build_server  # noqa: PLC0415 - half a second
    from mcp_server.interfaces.mcp.stdio import serve_stdio  # noqa: PLC0415
    from mcp_server.jobs.job import Origin  # noqa: PLC0415

    log_to_stderr()

    async def serve() -> None:
        async with Application(workspace, default_mode="detached").running() as application:
            origin = Origin(owner="local", interface="mcp-stdio")
            await serve_stdio(
                build_server(application, version=version("pressroom"), origin=origin)
            )

    anyio.run(serve)


def serve_http(
    workspace: Path | None,
    *,
    host: str,
    port: int,
    token: str | None,
    allowed_hosts: Sequence[str],
    allowed_origins: Sequence[str],
) -> None:
    """Serve clients over HTTP until interrupted.

    Raises:
        ConfigError: the address is open to others, and token or allowed hosts are missing; or the
            port is taken.
    """
    from mcp_server.interfaces import http  # noqa: PLC0415 - half a second
    from mcp_server.interfaces.mcp.server import build_server  # noqa: PLC0415

    log_to_stderr()
    http.check_bind(host, token, allowed_hosts)

    async def serve() -> None:
        async with Application(workspace, default_mode="embedded").running() as application:
            server = build_server(
                application, version=version("pressroom"), origin=http.http_origin(token)
            )
            app = http.build_http_app(
                server,
                host=host,
                token=token,
                allowed_hosts=allowed_hosts,
                allowed_origins=allowed_origins,
            )
            await http.serve_http(app, host, port)

    anyio.run(serve)


# The worker


def run_worker(workspace: Path | None, *, detached: bool) -> None:
    """Work a workspace: `detached` until there is no work, otherwise until interrupted.

    Raises:
        Unavailable: there is no workspace, it is broken, or another worker has it.
    """
    log_to_stderr()

    async def work() -> None:
        found = await anyio.to_thread.run_sync(find_workspace, workspace, os.environ, Path.cwd())
        mark = StopMark(found.state_dir)
        async with open_parts(found, SystemClock()) as parts:
            if not detached:
                mark.clear()  # somebody wants it now

            async def turn() -> bool:
                if not found.settings.several_workers and not await _acquired(parts.lock):
                    if detached:
                        return False  # another was faster, which is all that is asked for
                    raise Unavailable(
                        "Another worker works this workspace; `pressroom stop` ends it."
                    )
                try:
                    if await mark.holds(parts.store, now=parts.clock.now()):
                        logger.info("stopped by hand while it was starting")
                        return False
                    return await _work(parts, "detached", leaves=detached, listens=True)
                finally:
                    parts.lock.release()

            await work_in_turns(turn, parts.store, parts.clock)

    anyio.run(work)


def stop_worker(workspace: Path | None) -> str:
    """Ask the workspace's worker to stop, wait for its end, and say what came of it."""

    async def stop() -> str:
        found = await anyio.to_thread.run_sync(find_workspace, workspace, os.environ, Path.cwd())
        async with open_parts(found, SystemClock()) as parts:
            mark = StopMark(found.state_dir)
            patience_s = found.settings.heartbeat_s + found.settings.grace_s + 1
            change, now = await parts.store.last_change(), parts.clock.now()
            mark.set(change, until=now + patience_s)
            ended = await _drained(parts, patience_s)
            mark.set(await parts.store.last_change())
            if ended is None:
                return "No worker was running. None is started until work is queued again."
            if not ended:
                return "The worker was asked to stop and is finishing what it runs."
            return "The worker has stopped. What is queued waits until work is queued again."

    return anyio.run(stop)


def status(workspace: Path | None, batch_id: str | None) -> Mapping[str, Any]:
    """Return what the `status` tool answers.

    Raises:
        NotFound: there is no such batch.
        Unavailable: there is no workspace, or it is broken.
    """
    from mcp_server.interfaces.mcp.status import read_status  # noqa: PLC0415 - only here

    async def read() -> Mapping[str, Any]:
        found = await anyio.to_thread.run_sync(find_workspace, workspace, os.environ, Path.cwd())
        async with open_parts(found, SystemClock()) as parts:
            monitor = ProgressMonitor(parts.store, parts.clock)
            health = Health(parts, "detached", StopMark(found.state_dir))
            services = _services(parts, monitor, health)
            return await read_status(services, batch_id, owner="local", clock=parts.clock)

    return anyio.run(read)


async def _work(parts: Parts, mode: Mode, *, leaves: bool = False, listens: bool = False) -> bool:
    """Run a worker in this process; return whether it left because nothing was to do.

    The caller holds the lock.
    """
    settings, clock = parts.workspace.settings, parts.clock
    bench = Workbench(
        parts.store,
        parts.entities,
        parts.files,
        clock,
        composer_delay_s=settings.composer_delay_s,
    )
    worker = Worker(
        parts.store,
        parts.registry,
        AttemptRunner(
            parts.store,
            parts.registry,
            clock,
            bench.context,
            time_limit_s=settings.time_limit_s,
            random=random.random,
        ),
        Maintenance(
            parts.store,
            clock,
            MaintenanceSettings(
                sweep_max=settings.sweep_max,
                crashes_max=settings.crashes_max,
                prune_after_s=settings.prune_after_h * 3600,
            ),
        ),
        clock,
        parts.host("worker", mode),
        WorkerSettings(
            concurrency=settings.concurrency,
            claim_max=settings.claim_max,
            lease_s=settings.lease_s,
            heartbeat_s=settings.heartbeat_s,
            grace_s=settings.grace_s,
            idle_s=settings.worker_idle_s if leaves else None,
            alone=not settings.several_workers,
        ),
        partial(new_id, "a", clock),
    )
    try:
        async with anyio.create_task_group() as tasks:
            if listens:
                tasks.start_soon(_stop_on_signal, worker)
            await worker.run()
            tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True), anyio.move_on_after(2):
            await bench.aclose()
    return not worker.stopped


async def _stop_on_signal(worker: Worker) -> None:
    if sys.platform == "win32":
        return  # an interrupt raises KeyboardInterrupt there, and nothing else arrives
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            worker.stop()


async def _acquired(lock: WorkerLock) -> bool:
    with anyio.move_on_after(LOCK_WAIT_S):
        while not lock.acquire():
            await anyio.sleep(0.05)
        return True
    return False


async def _drained(parts: Parts, patience_s: float) -> bool | None:
    """Ask every worker to stop; return whether all have, `None` where there was none."""
    if not await _works(parts):
        return None
    with anyio.move_on_after(patience_s):
        while await _works(parts):
            await anyio.sleep(0.1)
        return True
    return False


async def _works(parts: Parts) -> bool:
    """Ask whoever works to stop; whether anybody does.

    By the database alone: the number of a worker that died may be another program's by now.
    """
    workers = [h for h in await parts.store.hosts(seen_after=0) if h.role == "worker"]
    for worker in workers:
        if worker.wanted != "drain":
            await parts.store.ask(worker.id, "drain")
    if not parts.workspace.settings.several_workers:
        return parts.lock.is_held()
    alive_after = parts.clock.now() - parts.workspace.settings.lease_s
    return parts.lock.is_held() or any(worker.seen_at > alive_after for worker in workers)


def _worker_command(workspace: Workspace) -> list[str]:
    return [
        sys.executable,
        "-m",
        "mcp_server",
        "worker",
        "--detached",
        "--workspace",
        str(workspace.root),
    ]


class _Stderr(io.TextIOBase):
    """Where log lines go; one that cannot be written is lost, and stops nobody's work.

    The log of a worker lies on the disk that its database may just have filled.
    """

    def write(self, text: str, /) -> int:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


def log_to_stderr() -> None:
    """Send every log line to stderr, one line each: stdout belongs to the protocol."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, force=True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Stderr())),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
