"""A server: its workspace opened when it can be, its clients over stdio or HTTP."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.abc
import anyio.to_thread

from mcp_server.app.installation import check_handlers, has_plugins
from mcp_server.app.process import (
    log_of_libraries_to_stderr,
    log_to_stderr,
    own_log_to_stderr,
    settle_memory,
)
from mcp_server.app.shutdown import UntilTold, run_until_told
from mcp_server.clock import Clock, SystemClock
from mcp_server.errors import ServerError

if TYPE_CHECKING:
    from mcp_server.app.opening import Opening
    from mcp_server.config import Workspace
    from mcp_server.interfaces.services import Services
    from mcp_server.jobs.host.health import WorkerMode
    from mcp_server.jobs.host.start import EmbeddedWorker
    from mcp_server.plugin.loading import Plugins
    from mcp_server.progress.stream import EventStream

HANG_UP_S = 1.0
"""How long we may take to end after a client hung up, on Windows: it waits little longer there and
then kills us; elsewhere it sends a signal first. Jobs given back in time do not count as lost."""

EARLY_S = 2.0
"""How long the opening leaves the processor to the first answers: a client that has not asked for
the tools by then is not waiting for them."""


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
        listed: anyio.Event | None = None,
        loading: Callable[[], None] | None = None,
    ) -> None:
        """`listed`: set when a client has its list of tools, which it waits for; opening is not.

        `loading` is called before what opens a workspace is imported.
        """
        self._explicit, self._find = explicit, find
        self._listed, self._loading = listed, loading
        self._stopping = stopping or anyio.Event()
        self._plugins, self._opened = plugins, opened
        self._default_mode: WorkerMode = default_mode
        self._clock: Clock = clock or SystemClock()
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
        if self._listed is not None:
            with anyio.move_on_after(EARLY_S):
                await self._listed.wait()
        try:
            await self.services()
        except ServerError as error:
            from mcp_server.app.opening import cannot_be_opened  # noqa: PLC0415 - it is there by now

            cannot_be_opened(error)
        if self._opened is not None:
            self._opened()

    async def _serve(self, *, task_status: anyio.abc.TaskStatus[Services]) -> None:
        opening = await anyio.to_thread.run_sync(self._prepared)
        async with opening.opened() as (services, self._embedded):
            task_status.started(services)
            await anyio.sleep_forever()

    def _prepared(self) -> Opening:
        if self._loading is not None:
            self._loading()
        from mcp_server.app.opening import Opening, found  # noqa: PLC0415 - most of what there is

        return Opening(
            find=self._find or partial(found, self._explicit),
            default_mode=self._default_mode,
            clock=self._clock,
            plugins=self._plugins,
            stopping=self._stopping,
        )


def serve_stdio(workspace: Path | None) -> None:
    """Serve one client over stdin and stdout until it hangs up, or we are told to end.

    A client waits for the list of our tools before it does anything else. What is not needed for
    that is loaded, and the workspace opened, once it has the list.

    Raises:
        ConfigError: a kind that our tools queue has no handler.
    """
    from mcp_server.interfaces.mcp.listing import listed_tools  # noqa: PLC0415 - half a second
    from mcp_server.interfaces.mcp.server import build_server  # noqa: PLC0415 - the same
    from mcp_server.interfaces.mcp.stdio import serve_stdio  # noqa: PLC0415
    from mcp_server.jobs.job import Origin  # noqa: PLC0415

    log_of_libraries_to_stderr()
    check_handlers()
    plugins = _plugins() if has_plugins() else None

    async def serve(stopping: anyio.Event) -> None:
        listed = anyio.Event()
        application = Application(
            workspace,
            default_mode="detached",
            plugins=plugins,
            opened=settle_memory,
            stopping=stopping,
            listed=listed,
            loading=own_log_to_stderr,
        )
        async with application.running():
            server = build_server(
                application,
                version=version("pressroom"),
                origin=Origin(owner="local", interface="mcp-stdio"),
                plugins=plugins,
                listed=listed_tools() if plugins is None else None,
            )
            await serve_stdio(server, stopping=stopping, listed=listed)

    run_until_told(serve)


def _plugins() -> Plugins:
    """Return the plugins that are installed, whose tools are in the list."""
    from mcp_server.app.parts import load_plugins  # noqa: PLC0415 - most of what there is

    own_log_to_stderr()  # whatever fails is logged
    return load_plugins()


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
    from mcp_server.app.parts import load_plugins  # noqa: PLC0415
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
