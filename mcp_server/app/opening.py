"""An open workspace, as a server keeps it: its services, and a keeper that sees to a worker."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import anyio
import anyio.to_thread
import structlog

from mcp_server.app.parts import EMBED_AFTER_S, Parts, open_parts, warn_of_place
from mcp_server.app.services import health_of, services_of
from mcp_server.app.worker import work
from mcp_server.clock import Clock
from mcp_server.config import Workspace, find_workspace
from mcp_server.errors import ServerError
from mcp_server.interfaces.services import Services
from mcp_server.jobs.host.health import WorkerMode
from mcp_server.jobs.host.keeper import WorkerKeeper
from mcp_server.jobs.host.start import DetachedWorker, EmbeddedWorker, StartWorker
from mcp_server.jobs.host.stop_mark import StopMark
from mcp_server.meaning.embedder import embed_what_is_missing
from mcp_server.plugin.loading import Plugins
from mcp_server.progress.stream import Events

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How a server opens its workspace."""

    find: Callable[[], Workspace]
    default_mode: WorkerMode
    clock: Clock
    plugins: Plugins | None
    stopping: anyio.Event

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[tuple[Services, EmbeddedWorker | None]]:
        """Yield the workspace's services, and its worker if that runs in this process.

        Raises:
            Unavailable, ConfigError, StorageError: it cannot be opened.
        """
        workspace = await anyio.to_thread.run_sync(self.find)
        for warning in workspace.warnings:
            logger.warning("a variable is not ours", why=warning)
        await warn_of_place(workspace)
        async with open_parts(workspace, self.clock, self.plugins) as parts:
            events = Events(parts.hub, parts.clock)
            mode = mode_of(parts.workspace.settings.worker, self.default_mode)
            mark = StopMark(parts.state_folder)
            start = self._start(parts, mode)
            health = health_of(parts, mode, mark, start)
            async with anyio.create_task_group() as tasks:
                for sink in parts.plugins.sinks:
                    await tasks.start(events.feed, sink)
                tasks.start_soon(_keeper(parts, start, mark).run)
                if parts.workspace.settings.embedder != "off":
                    tasks.start_soon(_embed_what_is_missing, parts)
                embedded = start if isinstance(start, EmbeddedWorker) else None
                yield services_of(parts, events, health), embedded

    def _start(self, parts: Parts, mode: WorkerMode) -> DetachedWorker | EmbeddedWorker:
        if mode == "detached":
            return _detached(parts, stays=True)
        run = partial(work, parts, mode, self.stopping)
        return EmbeddedWorker(parts.lock, run, self.stopping)


async def start_worker(parts: Parts) -> None:
    """Start a worker in a process of its own, if there is work and no worker; wait for nothing.

    It is for who ends at once, and so starts no other meanwhile. What was saved is embedded a
    little later: nobody would be there by then to start one.
    """
    keeper = _keeper(parts, _detached(parts, stays=False), StopMark(parts.state_folder))
    try:
        await keeper.tick(horizon_s=2 * EMBED_AFTER_S)
    except (ServerError, OSError) as error:
        logger.warning("cannot start a worker", reason=str(error))


def _detached(parts: Parts, *, stays: bool) -> DetachedWorker:
    return DetachedWorker(
        _worker_command(parts.workspace),
        parts.state_folder,
        parts.lock,
        several=parts.workspace.settings.shares_work,
        stays=stays,
    )


def _keeper(parts: Parts, start: StartWorker, mark: StopMark) -> WorkerKeeper:
    settings = parts.workspace.settings
    return WorkerKeeper(
        parts.store,
        parts.lock,
        parts.clock,
        parts.host("server"),
        start,
        mark,
        kinds=parts.runs.kinds,
        heartbeat_s=settings.heartbeat_s,
        alive_s=settings.lease_s,
        several=settings.shares_work,
    )


async def _embed_what_is_missing(parts: Parts) -> None:
    """Queue texts that search does not know as it should: no worker would start to find out (L35).

    Not after a stop by hand: what is queued then would undo it.
    """
    setting = parts.workspace.settings.embedder
    try:
        if not await StopMark(parts.state_folder).holds(parts.store, now=parts.clock.now()):
            await embed_what_is_missing(
                parts.meaning, parts.jobs.queue, parts.embedder, setting=setting
            )
    except ServerError as error:
        logger.warning("cannot look for texts to embed", reason=str(error))


def found(explicit: Path | None) -> Workspace:
    """Return the workspace that is named, or that this process was started in.

    Raises:
        Unavailable, ConfigError: there is none, or its settings are wrong.
    """
    return find_workspace(explicit, os.environ, Path.cwd())


def cannot_be_opened(error: ServerError) -> None:
    """Log why a workspace is not open yet."""
    logger.warning("the workspace cannot be opened yet", reason=str(error))


def mode_of(setting: Literal["auto", "embedded", "detached"], default: WorkerMode) -> WorkerMode:
    """Return where the worker runs."""
    if sys.platform == "win32":
        return "embedded"  # a job object would end a detached worker together with its host
    return default if setting == "auto" else setting


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
