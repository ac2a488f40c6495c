"""For the tests of a plugin: a real workspace, server and worker in the test's own process.

    async def test_words_are_counted(tmp_path: Path) -> None:
        async with workspace(tmp_path, plugins=[register]) as desk:
            queued = await desk.call("count-words", page="menu")
            await desk.finished()

Nothing is simulated: the files, the database, the worker and the protocol are those of a user.
The user's own settings do not count, nor do the variables `PRESSROOM_…` (but those of plugins),
and no model is asked: texts are written by the composer. It runs on asyncio (`@pytest.mark.anyio`
with that backend, say).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from mcp import Client
from pydantic import BaseModel

import mcp_server
from mcp_server.app import Application
from mcp_server.app.installation import HANDLERS
from mcp_server.config import SETTINGS_FILE, STATE_DIR_VARIABLE, Workspace, open_workspace
from mcp_server.content.workspace.starter import init_workspace
from mcp_server.errors import ConfigError
from mcp_server.interfaces.mcp.server import build_server
from mcp_server.jobs.handler import Handler
from mcp_server.jobs.job import Origin
from mcp_server.jobs.registry import Registry, discover
from mcp_server.plugin.context import PluginContext
from mcp_server.plugin.loading import Plugins, Register
from mcp_server.plugin.status import JobStatus

__all__ = ["Desk", "ToolRefused", "workspace"]

P = TypeVar("P", bound=BaseModel)

ORIGIN = Origin(owner="local", interface="test")


class ToolRefused(Exception):
    """A tool answered with an error; the text is what its caller is told."""


class Desk:
    """A client at work in a workspace, and what a plugin's tool is given that it calls."""

    def __init__(self, root: Path, context: PluginContext, client: Client) -> None:
        self._client = client
        self.root = root
        """The workspace's folder: `pressroom/site.yaml`, `content/` and the rest."""
        self.context = context
        """To queue jobs and batches with, and to see what became of them."""

    async def call(self, tool: str, /, **arguments: Any) -> Mapping[str, Any]:
        """Call a tool as a client does, its arguments in camelCase; return the facts it answers.

        Raises:
            ToolRefused: it answered with an error.
        """
        answer = await self._client.call_tool(tool, arguments)
        if answer.is_error or answer.structured_content is None:
            raise ToolRefused("\n".join(b.text for b in answer.content if b.type == "text"))
        return answer.structured_content

    async def run(self, handler: Handler[P], payload: P, *, timeout_s: float = 60.0) -> JobStatus:
        """Queue a job, and return how it ended.

        Raises:
            TimeoutError: it has not ended in time.
        """
        job_id = await self.context.enqueue_job(handler, payload)
        return await self.context.wait_for_job(job_id, timeout_s=timeout_s)

    async def finished(self, *, timeout_s: float = 60.0) -> None:
        """Return once nothing waits or runs, however it ended.

        Raises:
            TimeoutError: something still does; names it.
        """
        await self.context.wait_for_idle(timeout_s=timeout_s)


@asynccontextmanager
async def workspace(
    folder: Path,
    *,
    plugins: Sequence[Register] | Mapping[str, Register] = (),
    settings: str = "",
) -> AsyncGenerator[Desk]:
    """Open a workspace below `folder`, with the starter site in it, and work it.

    `plugins` are what entry points name, each called by its module, or as the mapping says. What
    `settings` says, in TOML, is the user's own word. Opened again, the workspace is as it was left.

    Raises:
        ConfigError: a plugin, one of its tools or its settings cannot be used; says why.
    """
    named = plugins if isinstance(plugins, Mapping) else {_name(each): each for each in plugins}
    loaded = Plugins(Registry(discover(HANDLERS)))
    for name, register in named.items():
        loaded.add(name, register)
    find = partial(_prepared, folder, settings)
    application = Application(None, default_mode="embedded", plugins=loaded, find=find)
    try:
        async with application.running():
            await application.services()
            version = mcp_server.__version__
            server = build_server(application, version=version, origin=ORIGIN, plugins=loaded)
            if loaded.problems:
                raise ConfigError("\n".join(loaded.problems))
            async with Client(server) as client:
                context = loaded.context(next(iter(named), "test"), ORIGIN)
                yield Desk(folder / "site", context, client)
    except BaseExceptionGroup as group:
        error = _only(group)
        raise error from error.__cause__


def _prepared(folder: Path, settings: str) -> Workspace:
    root, user_file = folder / "site", folder / "user.toml"
    if not (root / SETTINGS_FILE).exists():
        init_workspace(root)
    user_file.write_text(settings, "utf-8")
    environ = {STATE_DIR_VARIABLE: str(folder / "state")}
    return open_workspace(root, environ, user_file=user_file)


def _name(register: Register) -> str:
    return register.__module__.rpartition(".")[2]


def _only(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return what a test raised, without the groups in which the server's tasks put it."""
    if len(group.exceptions) > 1:
        return group
    error = next(iter(group.exceptions))
    if isinstance(error, BaseExceptionGroup):
        return _only(cast("BaseExceptionGroup[BaseException]", error))
    return error
