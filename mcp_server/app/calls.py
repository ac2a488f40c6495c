"""A tool called from the terminal: the workspace is opened for it, and followed if asked for."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from mcp_server.app.commands import EVERYBODY
from mcp_server.app.opening import Opening, mode_of, start_worker
from mcp_server.app.parts import load_plugins, open_parts
from mcp_server.app.process import log_to_stderr
from mcp_server.app.services import health_of, services_of
from mcp_server.clock import SystemClock
from mcp_server.config import Workspace, find_workspace
from mcp_server.interfaces.cli.follow import follow_one
from mcp_server.interfaces.cli.presence import Watched
from mcp_server.interfaces.cli.runners import Board, Called
from mcp_server.interfaces.mcp.answers import sentences
from mcp_server.interfaces.mcp.answers.batch import view_of
from mcp_server.interfaces.mcp.answers.queued import followed_reply
from mcp_server.interfaces.mcp.answers.replies import QueueReply, Reply
from mcp_server.interfaces.mcp.call import OpenCall, Waits
from mcp_server.interfaces.mcp.tools.caller import Caller
from mcp_server.interfaces.mcp.tools.catalogue import TOOLS
from mcp_server.interfaces.services import Services
from mcp_server.jobs.host.stop_mark import StopMark
from mcp_server.jobs.job import Origin
from mcp_server.plugin.loading import Plugins
from mcp_server.progress.stream import Events

AT_TERMINAL = Origin(owner="local", interface="cli")
"""Who asks at a terminal: the same user as over stdio."""

GOES_ON = "Work goes on when this command has ended."
NEEDS_A_WORKER = "A server, or `pressroom worker`, does it."
"""What becomes of the work, where this is no chat that somebody closes."""

STARTED_S = 10.0
"""How long to stay until a worker is seen that was started for this call. It does not need us: it
is only to tell whether it came up."""


def call(
    workspace: Path | None,
    tool: str,
    arguments: Mapping[str, Any],
    *,
    board: Board | None,
    answered: Callable[[Mapping[str, Any]], None],
) -> Called:
    """Call a tool, hand its answer to `answered`, and see that a worker does what it queued.

    With a `board` the batch is shown there until it is over; the answer returned is as of then.

    Raises:
        CallerError: the arguments do not fit, or the call cannot be carried out.
        Unavailable: there is no workspace, or it is broken.
    """
    log_to_stderr(logging.WARNING)  # what else there is to say, the answer says
    asked = _Call(tool, arguments, board, answered)
    return anyio.run(_carried_out, workspace, load_plugins(), asked)


@dataclass(frozen=True, slots=True)
class _Call:
    """What was asked for at the terminal."""

    tool: str
    arguments: Mapping[str, Any]
    board: Board | None
    answered: Callable[[Mapping[str, Any]], None]

    @property
    def queues(self) -> bool:
        """Whether it may leave something to be done by a worker."""
        found = next(tool for tool in TOOLS if tool.name == self.tool)
        return issubclass(found.reply, QueueReply) and not self.arguments.get("dryRun")

    @property
    def saves(self) -> bool:
        """Whether it saves a text at once, which a worker is then to make known to search."""
        return self.tool == "edit" and not self.arguments.get("dryRun")


async def _carried_out(workspace: Path | None, plugins: Plugins, asked: _Call) -> Called:
    found = await anyio.to_thread.run_sync(find_workspace, workspace, os.environ, Path.cwd())
    async with _opened(found, plugins, asked) as services:
        reply = await _reply(services, asked)
        facts = await _facts(services, reply)
        asked.answered(facts)
        if not isinstance(reply, QueueReply) or reply.batch_id is None:
            return Called(answer=facts)
        if asked.board is not None:
            return Called(answer=await _followed(services, reply, reply.batch_id, asked.board))
        await _worker_seen(services)
        return Called(answer=facts, worker=(await services.worker_health())["message"])
    raise AssertionError("it returns above")


@asynccontextmanager
async def _opened(found: Workspace, plugins: Plugins, asked: _Call) -> AsyncGenerator[Services]:
    """Open the workspace; as a server does, if a worker is to be started from here."""
    clock = SystemClock()
    outlives = mode_of(found.settings.worker, "detached") == "detached"
    if not asked.queues or not (outlives or asked.board is not None):
        async with open_parts(found, clock, plugins) as parts:
            mode = "detached" if outlives else "embedded"
            health = health_of(parts, mode, StopMark(parts.state_folder))
            yield services_of(parts, Events(parts.hub, parts.clock), health)
            if outlives and asked.saves:
                await start_worker(parts)
        return
    stopping = anyio.Event()
    opening = Opening(
        find=lambda: found,
        default_mode="detached",
        clock=clock,
        plugins=plugins,
        stopping=stopping,
    )
    async with anyio.create_task_group() as tasks, opening.opened() as (services, embedded):
        yield services
        stopping.set()
        if embedded is not None:
            await embedded.ended()
        tasks.cancel_scope.cancel()


async def _reply(services: Services, asked: _Call) -> Reply:
    origin = await _origin(services, asked.arguments)
    caller = Caller(provider=_Opened(services), origin=origin, clock=SystemClock())
    tool = next(tool for tool in TOOLS if tool.name == asked.tool)(caller)
    return await tool.call(dict(asked.arguments), OpenCall(None, Waits()))


@dataclass(frozen=True, slots=True)
class _Opened:
    """Hands out the services of a workspace that is open already."""

    found: Services

    async def services(self) -> Services:
        return self.found


async def _origin(services: Services, arguments: Mapping[str, Any]) -> Origin:
    """Return who asks. Who names a batch or a job at the terminal acts for its owner.

    Raises:
        NotFound: there is none of that id.
    """
    if batch_id := arguments.get("batchId"):
        batch = await services.batches.get(batch_id, owner=EVERYBODY)
        return AT_TERMINAL._replace(owner=batch.origin.owner)
    if job_id := arguments.get("jobId"):
        job = await services.batches.job(job_id, owner=EVERYBODY)
        return AT_TERMINAL._replace(owner=job.origin.owner)
    return AT_TERMINAL


async def _facts(services: Services, reply: Reply) -> Mapping[str, Any]:
    """Return an answer's facts, with its sentence as it is true at a terminal."""
    notice = await anyio.to_thread.run_sync(services.notice)
    goes_on = GOES_ON if services.worker_mode == "detached" else NEEDS_A_WORKER
    message = reply.message.replace(sentences.GOES_ON, goes_on)
    return {**reply.facts(), "message": f"{notice} {message}" if notice else message}


async def _worker_seen(services: Services) -> None:
    """Return once a worker lives, or none came up in time."""
    with anyio.move_on_after(STARTED_S):
        while not (await services.worker_health())["alive"]:
            await anyio.sleep(0.05)


async def _followed(
    services: Services, reply: QueueReply, batch_id: str, board: Board
) -> Mapping[str, Any]:
    """Show the batch until it is over; return the answer as of then."""
    health, batches = services.worker_health, services.batches
    watched = Watched(board, health, batches, owner=EVERYBODY)

    async def watch() -> None:
        await _worker_seen(services)  # until then nobody has to be told that there is none
        await watched.look()
        await watched.watch()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        await follow_one(services.events, batch_id, watched, owner=EVERYBODY)
        tasks.cancel_scope.cancel()
    batch = await batches.get(batch_id, owner=EVERYBODY)
    seen = await view_of(services, batch, health=await health(), now=services.clock.now())
    return await _facts(services, followed_reply(reply, seen))
