"""The composition root: the only module that knows every part.

A server opens its workspace when it can, and is given the reason on every call while it cannot. A
worker opens the same parts, less the ones that face a client.
"""

from __future__ import annotations

import gc
import io
import logging
import os
import random
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
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
from mcp_server.interfaces.cli.runners import Waited
from mcp_server.interfaces.services import Services
from mcp_server.jobs.attempt import AttemptRunner
from mcp_server.jobs.batch import BatchLimits, BatchService
from mcp_server.jobs.health import Health, Mode
from mcp_server.jobs.host import (
    DetachedWorker,
    EmbeddedWorker,
    StartWorker,
    StopMark,
    WorkerKeeper,
    WorkerLock,
    WorkerProcess,
    work_in_turns,
)
from mcp_server.jobs.job import BatchState, Job
from mcp_server.jobs.maintenance import Maintenance, MaintenanceSettings
from mcp_server.jobs.queue import JobQueue
from mcp_server.jobs.registry import Registry, discover
from mcp_server.jobs.store import Host, JobStore
from mcp_server.jobs.telemetry import AttemptFigures, AttemptWatch
from mcp_server.jobs.worker import Worker, WorkerSettings
from mcp_server.plugin import Workbench
from mcp_server.plugin.context import Jobs
from mcp_server.plugin.loading import Plugins
from mcp_server.progress.monitor import ProgressMonitor
from mcp_server.progress.words import batch_name, progress_line
from mcp_server.storage.sqlite.content import ContentEffects, SqliteEntityStore
from mcp_server.storage.sqlite.database import Database
from mcp_server.storage.sqlite.jobs import SqliteJobStore
from mcp_server.storage.sqlite.place import unsafe_place

HANDLERS = "handlers"
"""The package whose modules are the job kinds that Pressroom brings."""

LOCK_WAIT_S = 3.0
"""How long a new worker waits for the lock: its holder may be looking whether it is free."""

WELL_KNOWN_KEYS = {"key:anthropic": "ANTHROPIC_API_KEY", "key:openai": "OPENAI_API_KEY"}
"""Keys worth announcing even where another model is configured: an older round may need them."""

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """An open workspace, as servers and workers have it."""

    workspace: Workspace
    store: SqliteJobStore
    entities: SqliteEntityStore
    registry: Registry
    plugins: Plugins
    jobs: Jobs
    files: PageFiles
    model: ModelChoice
    abilities: frozenset[str]
    clock: Clock
    lock: WorkerLock
    figures: AttemptFigures = field(default_factory=AttemptFigures)
    """Of the attempts that this process runs."""

    def host(self, role: Literal["server", "worker"], mode: Mode | None = None) -> Host:
        """Return how this process announces itself."""
        settings = self.workspace.settings
        details: dict[str, Any] = {"kinds": sorted(self.registry.kinds)}
        if mode:
            details |= {"mode": mode, "concurrency": settings.concurrency}
        return Host(
            id=new_id("h", self.clock),
            role=role,
            pid=os.getpid(),
            version=version("pressroom"),
            abilities=self.abilities,
            details=details,
        )


def load_plugins() -> Plugins:
    """Return the kinds of this process: Pressroom's own, and those of the plugins installed."""
    plugins = Plugins(Registry(discover(HANDLERS)))
    plugins.load()
    return plugins


@asynccontextmanager
async def open_parts(
    workspace: Workspace, clock: Clock, plugins: Plugins | None = None
) -> AsyncGenerator[Parts]:
    """Open the workspace's database and what works on it; without `plugins`, our own kinds only.

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
    plugins = plugins or Plugins(Registry(discover(HANDLERS)))
    registry = plugins.registry.bounded(settings.payload_bytes_max, limits=settings.limits)
    async with Database.open(workspace.database, synchronous=settings.synchronous) as database:
        new_job_id = partial(new_id, "j", clock)
        store = SqliteJobStore(database, ContentEffects(), new_job_id)
        limits = BatchLimits(jobs_max=settings.batch_jobs_max)
        jobs = Jobs(
            store=store,
            queue=JobQueue(store, registry, clock, new_job_id),
            batches=BatchService(store, registry, clock, new_job_id, limits),
            new_batch_id=partial(new_id, "b", clock),
        )
        plugins.connect(jobs)
        yield Parts(
            workspace=workspace,
            store=store,
            entities=SqliteEntityStore(database),
            registry=registry,
            plugins=plugins,
            jobs=jobs,
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
        self,
        explicit: Path | None,
        *,
        default_mode: Mode,
        clock: Clock | None = None,
        plugins: Plugins | None = None,
        opened: Callable[[], None] | None = None,
    ) -> None:
        self._explicit = explicit
        self._plugins, self._opened = plugins, opened
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
        if self._opened is not None:
            self._opened()

    async def _serve(self, *, task_status: anyio.abc.TaskStatus[Services]) -> None:
        workspace = await anyio.to_thread.run_sync(
            find_workspace, self._explicit, os.environ, Path.cwd()
        )
        if why := await anyio.to_thread.run_sync(unsafe_place, workspace.database):
            advice = "name a folder on a disk of this machine in PRESSROOM_STATE_DIR"
            logger.warning("the database may be damaged", why=why, advice=advice)
        async with open_parts(workspace, self._clock, self._plugins) as parts:
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
        return keeper, _health(parts, mode, mark, start)


def _mode(setting: Literal["auto", "embedded", "detached"], default: Mode) -> Mode:
    """Return where the worker runs."""
    if sys.platform == "win32":
        return "embedded"  # a job object would end a detached worker together with its host
    return default if setting == "auto" else setting


def _health(parts: Parts, mode: Mode, mark: StopMark, start: StartWorker | None = None) -> Health:
    log = parts.workspace.worker_log
    return Health(
        parts.store,
        parts.lock,
        parts.clock,
        mode,
        mark,
        start,
        log=f"{log.parent.name}/{log.name}",
        figures=parts.figures,
    )


def _services(parts: Parts, monitor: ProgressMonitor, health: Health) -> Services:
    settings, clock = parts.workspace.settings, parts.clock
    batches = parts.jobs.batches
    content = ContentService(
        StandingReader(SiteLoader(parts.workspace), parts.entities, parts.files, clock),
        parts.entities,
        batches,
        Submitter(batches, parts.jobs.new_batch_id),
        parts.files,
        parts.model,
        max_retries=settings.max_retries,
    )
    return Services(
        content=content,
        batches=batches,
        queue=parts.jobs.queue,
        plugins=parts.plugins,
        monitor=monitor,
        worker_health=health,
        worker_mode=health.mode,
    )


def serve_stdio(workspace: Path | None) -> None:
    """Serve one client over stdin and stdout until it hangs up."""
    from mcp_server.interfaces.mcp.server import build_server  # noqa: PLC0415 - half a second
    from mcp_server.interfaces.mcp.stdio import serve_stdio  # noqa: PLC0415
    from mcp_server.jobs.job import Origin  # noqa: PLC0415

    log_to_stderr()
    plugins = load_plugins()

    async def serve() -> None:
        origin = Origin(owner="local", interface="mcp-stdio")
        application = Application(
            workspace, default_mode="detached", plugins=plugins, opened=settle_memory
        )
        async with application.running():
            await serve_stdio(
                build_server(
                    application, version=version("pressroom"), origin=origin, plugins=plugins
                )
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
    from mcp_server.interfaces import http, metrics  # noqa: PLC0415 - half a second
    from mcp_server.interfaces.mcp.server import build_server  # noqa: PLC0415

    log_to_stderr()
    http.check_bind(host, token, allowed_hosts)
    plugins = load_plugins()

    async def serve() -> None:
        application = Application(
            workspace, default_mode="embedded", plugins=plugins, opened=settle_memory
        )
        async with application.running():
            server = build_server(
                application,
                version=version("pressroom"),
                origin=http.http_origin(token),
                plugins=plugins,
            )
            app = http.build_http_app(
                server,
                host=host,
                metrics=lambda accept: metrics.scrape(
                    application, accept=accept, now=SystemClock().now()
                ),
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
    plugins = load_plugins()

    async def work() -> None:
        found = await anyio.to_thread.run_sync(find_workspace, workspace, os.environ, Path.cwd())
        mark = StopMark(found.state_dir)
        async with open_parts(found, SystemClock(), plugins) as parts:
            settle_memory()
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

    log_to_stderr()
    plugins = load_plugins()

    async def read() -> Mapping[str, Any]:
        found = await anyio.to_thread.run_sync(find_workspace, workspace, os.environ, Path.cwd())
        async with open_parts(found, SystemClock(), plugins) as parts:
            monitor = ProgressMonitor(parts.store, parts.clock)
            health = _health(parts, "detached", StopMark(found.state_dir))
            services = _services(parts, monitor, health)
            return await read_status(services, batch_id, owner="local", clock=parts.clock)

    return anyio.run(read)


def wait(workspace: Path | None, batch_id: str | None, *, timeout_s: float) -> Waited:
    """Wait for one batch, or until nothing waits or runs; for at most `timeout_s`.

    Raises:
        NotFound: there is no such batch.
        Unavailable: there is no workspace, or it is broken.
    """
    log_to_stderr()
    owner = "local"

    async def look() -> Waited:
        found = await anyio.to_thread.run_sync(find_workspace, workspace, os.environ, Path.cwd())
        async with open_parts(found, SystemClock()) as parts:
            batches, health = (
                parts.jobs.batches,
                _health(parts, "detached", StopMark(found.state_dir)),
            )
            try:
                if batch_id is None:
                    await batches.wait_idle(owner=owner, timeout_s=timeout_s)
                    return Waited(done=True, message="Nothing waits, and nothing runs.")
                batch = await batches.wait(batch_id, owner=owner, timeout_s=timeout_s)
            except TimeoutError as error:
                said = (await health())["message"]
                return Waited(done=False, message=f"{error}. {said}")
            line = progress_line(batch)
            return Waited(
                done=batch.state is BatchState.COMPLETED,
                message=f"{batch_name(batch.kind)} {batch.id} is {batch.state}: {line}.",
            )

    return anyio.run(look)


def job(workspace: Path | None, job_id: str) -> Job:
    """Return one job, whoever asked for it, as it is stored.

    Raises:
        NotFound: there is no such job, or it was pruned.
        Unavailable: there is no workspace, or it is broken.
    """

    async def read() -> Job:
        found = await anyio.to_thread.run_sync(find_workspace, workspace, os.environ, Path.cwd())
        async with open_parts(found, SystemClock()) as parts:
            return await parts.jobs.queue.get(job_id)

    return anyio.run(read)


def doctor(workspace: Path | None) -> Sequence[Mapping[str, str]]:
    """Look a workspace over; return what was found: `check`, `level`, `message`, `advice`."""
    from mcp_server.doctor import examine_workspace  # noqa: PLC0415 - only here

    log_to_stderr()
    plugins = load_plugins()

    async def look() -> Sequence[Mapping[str, str]]:
        findings = await examine_workspace(
            workspace,
            environ=os.environ,
            cwd=Path.cwd(),
            clock=SystemClock(),
            plugin_problems=plugins.problems,
            kinds=plugins.registry.kinds,
        )
        return [asdict(finding) for finding in findings]

    return anyio.run(look)


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
        model=parts.model,
        present_site=SiteLoader(parts.workspace).load,
    )
    worker = Worker(
        parts.store,
        parts.registry,
        AttemptRunner(
            parts.registry,
            clock,
            bench.context,
            time_limit_s=settings.time_limit_s,
            random=random.random,
            watch=AttemptWatch(parts.figures),
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
        open_store=partial(_open_store, parts),
        process=WorkerProcess() if mode == "detached" else None,
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


@asynccontextmanager
async def _open_store(parts: Parts) -> AsyncGenerator[JobStore]:
    """Open the queue once more, for a thread that sees to a worker that cannot."""
    settings = parts.workspace.settings
    async with Database.open(
        parts.workspace.database, synchronous=settings.synchronous
    ) as database:
        yield SqliteJobStore(database, ContentEffects(), partial(new_id, "j", parts.clock))


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


def settle_memory() -> None:
    """Let what a process has imported by now be part of it for good.

    A full collection walks all of it otherwise, and stops the event loop for 40 to 80 ms.
    """
    gc.freeze()


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
