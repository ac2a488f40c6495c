"""A server: its workspace opened when it can be, its clients over stdio or HTTP."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import anyio
import anyio.abc
import anyio.to_thread
import structlog

from mcp_server.app.parts import Parts, load_plugins, open_parts
from mcp_server.app.process import log_to_stderr, settle_memory
from mcp_server.app.services import health_of, services_of
from mcp_server.app.shutdown import UntilTold, run_until_told
from mcp_server.app.worker import work
from mcp_server.clock import Clock, SystemClock
from mcp_server.config import Workspace, find_workspace
from mcp_server.errors import ServerError
from mcp_server.interfaces.services import Services
from mcp_server.jobs.host.health import Health, WorkerMode
from mcp_server.jobs.host.keeper import WorkerKeeper
from mcp_server.jobs.host.start import DetachedWorker, EmbeddedWorker
from mcp_server.jobs.host.stop_mark import StopMark
from mcp_server.jobs.job import Origin
from mcp_server.plugin.loading import Plugins
from mcp_server.progress.stream import Events, EventStream
from mcp_server.storage.sqlite.file.place import unsafe_place

HANG_UP_S = 1.0
"""How long we may take to end after a client hung up, on Windows: it waits little longer there and
then kills us; elsewhere it sends a signal first. Jobs given back in time do not count as lost."""

logger = structlog.get_logger(__name__)


class Application:
    """A server's workspace: opened at the start or, where that fails, by a later call."""

    def __init__(
        self,
        explicit: Path | None,
        *,
        default_mode: WorkerMode,
        clock: Clock | None = None,
        plugins: Plugins | None = None,
        opened: Callable[[], None] | None = None,
        stopping: anyio.Event | None = None,
        find: Callable[[], Workspace] | None = None,
    ) -> None:
        self._find = find or (lambda: find_workspace(explicit, os.environ, Path.cwd()))
        self._stopping = stopping or anyio.Event()
        self._plugins, self._opened = plugins, opened
        self._default_mode: WorkerMode = default_mode
        self._clock = clock or SystemClock()
        self._opening = anyio.Lock()
        self._tasks: anyio.abc.TaskGroup | None = None
        self._services: Services | None = None
        self._embedded: EmbeddedWorker | None = None

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Application]:
        """Run the server's background tasks: the feeds of plugins' sinks, and a worker's keeper.

        An embedded worker claims nothing more once `stopping` is set or the block ends. Its running
        jobs then have their grace time before the database is closed, unless the task that runs
        the server is cancelled.
        """
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            tasks.start_soon(self._open_early)
            try:
                yield self
                await self._stop()
            finally:
                tasks.cancel_scope.cancel()

    async def services(self) -> Services:
        """Return the workspace's services.

        Raises:
            Unavailable, ConfigError, StorageError: it cannot be opened; the next call tries again.
        """
        # Calls that come while the workspace is being opened wait, so that it is opened once.
        async with self._opening:
            if self._services is None:
                assert self._tasks is not None, "services are asked for while running"
                self._services = await self._tasks.start(self._serve)
            assert self._services is not None
            return self._services

    async def _stop(self) -> None:
        # An end that no signal asked for: the client hung up.
        hung_up = not self._stopping.is_set()
        self._stopping.set()
        if self._embedded is not None:
            with anyio.move_on_after(HANG_UP_S if hung_up and sys.platform == "win32" else None):
                await self._embedded.ended()

    async def _open_early(self) -> None:
        """Open before the first call, so that interrupted batches go on at once."""
        try:
            await self.services()
        except ServerError as error:
            logger.warning("the workspace cannot be opened yet", reason=str(error))
        if self._opened is not None:
            self._opened()

    async def _serve(self, *, task_status: anyio.abc.TaskStatus[Services]) -> None:
        workspace = await anyio.to_thread.run_sync(self._find)
        for warning in workspace.warnings:
            logger.warning("a variable is not ours", why=warning)
        if why := await anyio.to_thread.run_sync(unsafe_place, workspace.database):
            advice = "name a folder on a disk of this machine in PRESSROOM_STATE_DIR"
            logger.warning("the database may be damaged", why=why, advice=advice)
        async with open_parts(workspace, self._clock, self._plugins) as parts:
            events = Events(parts.hub, self._clock)
            keeper, health = self._keeper(parts)
            async with anyio.create_task_group() as tasks:
                for sink in parts.plugins.sinks:
                    await tasks.start(events.feed, sink)
                tasks.start_soon(keeper.run)
                task_status.started(services_of(parts, events, health))

    def _keeper(self, parts: Parts) -> tuple[WorkerKeeper, Health]:
        settings = parts.workspace.settings
        mode = _mode(settings.worker, self._default_mode)
        if mode == "detached":
            start = DetachedWorker(_worker_command(parts.workspace), parts.state_folder, parts.lock)
        else:
            run = partial(work, parts, mode, self._stopping)
            start = self._embedded = EmbeddedWorker(parts.lock, run, self._stopping)
        mark = StopMark(parts.state_folder)
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
        return keeper, health_of(parts, mode, mark, start)


def _mode(setting: Literal["auto", "embedded", "detached"], default: WorkerMode) -> WorkerMode:
    """Return where the worker runs."""
    if sys.platform == "win32":
        return "embedded"  # a job object would end a detached worker together with its host
    return default if setting == "auto" else setting


def serve_stdio(workspace: Path | None) -> None:
    """Serve one client over stdin and stdout until it hangs up, or we are told to end."""
    from mcp_server.interfaces.mcp.server import build_server  # noqa: PLC0415 - half a second
    from mcp_server.interfaces.mcp.stdio import serve_stdio  # noqa: PLC0415

    log_to_stderr()
    plugins = load_plugins()

    async def serve(stopping: anyio.Event) -> None:
        origin = Origin(owner="local", interface="mcp-stdio")
        application = Application(
            workspace,
            default_mode="detached",
            plugins=plugins,
            opened=settle_memory,
            stopping=stopping,
        )
        async with application.running():
            server = build_server(
                application, version=version("pressroom"), origin=origin, plugins=plugins
            )
            await serve_stdio(server, stopping=stopping)

    run_until_told(serve)


def serve_http(
    workspace: Path | None,
    *,
    host: str,
    port: int,
    token: str | None,
    allowed_hosts: Sequence[str],
    allowed_origins: Sequence[str],
) -> None:
    """Serve clients over HTTP until told to end.

    Raises:
        ConfigError: the address is open to others, and token or allowed hosts are missing; or the
            port is taken.
    """
    from mcp_server.interfaces.http import app as http  # noqa: PLC0415 - half a second
    from mcp_server.interfaces.http import health, metrics  # noqa: PLC0415 - with it
    from mcp_server.interfaces.mcp.server import build_server  # noqa: PLC0415

    log_to_stderr()
    http.check_bind(host, token, allowed_hosts)
    plugins = load_plugins()

    async def serve(stopping: anyio.Event) -> None:
        application = Application(
            workspace,
            default_mode="embedded",
            plugins=plugins,
            opened=settle_memory,
            stopping=stopping,
        )
        origin = http.http_origin(token)

        streams = UntilTold(stopping)

        async def events(id: str | None) -> EventStream:
            services = await application.services()
            return streams.add(await services.events.subscribe(origin.owner, only=id))

        async with application.running(), anyio.create_task_group() as tasks:
            tasks.start_soon(streams.run)
            server = build_server(
                application, version=version("pressroom"), origin=origin, plugins=plugins
            )
            app = http.build_http_app(
                server,
                host=host,
                metrics=lambda accept: metrics.scrape(
                    application, accept=accept, now=SystemClock().now()
                ),
                events=events,
                why_failing=partial(health.why_failing, application),
                token=token,
                allowed_hosts=allowed_hosts,
                allowed_origins=allowed_origins,
            )
            await http.serve_http(app, host, port, stopping=stopping)
            tasks.cancel_scope.cancel()

    run_until_told(serve)


def _worker_command(workspace: Workspace) -> list[str]:
    return [
        sys.executable,
        "-P",  # keeps the current folder off sys.path: modules in it could pass for ours
        "-m",
        "mcp_server",
        "worker",
        "--detached",
        "--workspace",
        str(workspace.root),
    ]
