"""The MCP server: all tools behind one boundary, which lets no traceback, path or secret out."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Sequence
from typing import Any, cast

import anyio
import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.server.stdio import stdio_server
from mcp_types import CallToolResult, TextContent

from mcp_server.clock import Clock, SystemClock
from mcp_server.content.workspace.loader import SiteProblems
from mcp_server.errors import (
    CallerError,
    ConfigError,
    NotFound,
    ServerError,
    StorageBusy,
    StorageError,
)
from mcp_server.interfaces.mcp.answers.marks import Marks
from mcp_server.interfaces.mcp.answers.replies import Reply
from mcp_server.interfaces.mcp.tools.caller import Caller
from mcp_server.interfaces.mcp.tools.catalogue import INSTRUCTIONS, catalogue
from mcp_server.interfaces.mcp.tools.plugin import PluginToolEntry
from mcp_server.interfaces.mcp.tools.tool import Tool
from mcp_server.interfaces.services import ServicesProvider
from mcp_server.jobs.job import Origin
from mcp_server.plugin.loading import Plugins
from mcp_server.redaction import redacted, secrets_of

logger = logging.getLogger(__name__)

PLAIN_NAME_CLIENTS = ("cursor",)
"""Parts of the names of clients whose tool names may only have letters, digits and `_`."""


def build_server(
    provider: ServicesProvider,
    *,
    version: str,
    origin: Origin,
    clock: Clock | None = None,
    plugins: Plugins | None = None,
) -> PressroomServer:
    """Return the server, for any transport; `origin` is the origin of every call."""
    clock = clock or SystemClock()
    caller = Caller(provider=provider, origin=origin, clock=clock)
    entries: list[Tool[Any] | PluginToolEntry] = [*catalogue(caller)]
    for tool in plugins.tools if plugins is not None else ():
        assert plugins is not None
        entry = PluginToolEntry(tool=tool, plugins=plugins, caller=caller)
        if _offered(entry, entries, plugins):
            entries.append(entry)
    return PressroomServer(entries, provider, version=version, clock=clock)


def _offered(
    entry: PluginToolEntry, entries: Sequence[Tool[Any] | PluginToolEntry], plugins: Plugins
) -> bool:
    """Whether a plugin's tool can be listed. If not, the reason is noted with the plugins."""
    if plain_name(entry.name) in {plain_name(other.name) for other in entries}:
        plugins.refuse_tool(entry.tool, "there is a tool of that name already.")
        return False
    try:
        entry.listed()
    except Exception as error:  # whatever a plugin's arguments are: the server starts without it
        logger.exception("the arguments of the plugin tool %r have no schema", entry.name)
        reason = f"its arguments have no JSON schema ({type(error).__name__})."
        plugins.refuse_tool(entry.tool, reason)
        return False
    return True


class PressroomServer(MCPServer[Any]):
    """The protocol library's server, with our boundary around the tools."""

    def __init__(
        self,
        entries: Sequence[Tool[Any] | PluginToolEntry],
        provider: ServicesProvider,
        *,
        version: str,
        clock: Clock,
    ) -> None:
        self._provider, self._clock = provider, clock
        self._entries = {entry.name: entry for entry in entries}
        self._names = {plain_name(name): name for name in self._entries}
        super().__init__(
            name="pressroom",
            title="Pressroom",
            instructions=INSTRUCTIONS,
            version=version,
            tools=[entry.listed() for entry in entries],
            middleware=[list_plain_names],
        )

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult:
        """Run a tool; any error becomes a tool error with a text of ours."""
        try:
            entry = self._entry(self._names.get(plain_name(name), name))
            reply = await entry.call(arguments, context or Context(mcp_server=self))
            return _beginning_with(await self._notice(), _answer(reply))
        except (CallerError, ConfigError) as error:  # `ConfigError`: the first call reads settings
            return _beginning_with(await self._notice(), _refusal(error, Marks(self._clock)))
        except StorageError as error:
            logger.exception("tool %r: the database refused", name)
            return _error(_code(error), _storage_sentence(error))
        except OSError as error:  # too many open files, say: no mistake of ours
            logger.exception("tool %r: the system refused", name)
            return _error("system_error", SYSTEM_ERROR.format(why=error.strerror or "no reason"))
        except Exception:  # the tool boundary: nothing unexpected reaches a client as it is
            logger.exception("tool %r failed unexpectedly", name)
            return _error("internal_error", INTERNAL_ERROR)

    async def _notice(self) -> str | None:
        """Return what every answer has to begin with; nothing if the workspace cannot be opened."""
        try:
            services = await self._provider.services()
        except (ServerError, OSError):
            return None
        return await anyio.to_thread.run_sync(services.notice)

    async def serve(self, source: anyio.AsyncFile[str], sink: anyio.AsyncFile[str]) -> None:
        """Serve one client, one message per line, until it disconnects."""
        server = self._lowlevel_server
        async with stdio_server(source, sink) as (read, write):
            await server.run(read, write, server.create_initialization_options())

    def _entry(self, name: str) -> Tool[Any] | PluginToolEntry:
        entry = self._entries.get(name)
        if entry is None:
            known = f"The tools are: {', '.join(self._entries)}."
            raise NotFound("tool", name, known=self._entries, hint=known)
        return entry


QUOTED_LENGTH = 4_000
"""Most characters quoted from a file: enough for some dozens of mistakes."""

ERROR_META = "pressroom/error"
"""Key in `_meta` under which a client finds an error's code, and the nearest names."""

INTERNAL_ERROR = (
    "Something went wrong inside the server; its log says what. What was queued before goes on: "
    "status shows it."
)

SYSTEM_ERROR = (
    "The operating system refused something that the server needs: {why}. Mend that, then call "
    "again. What was queued before goes on: status shows it."
)


async def list_plain_names(
    ctx: ServerRequestContext[Any, Any], call_next: CallNext
) -> HandlerResult:
    """List tools with `_` for hyphens to clients that would drop or rename them otherwise."""
    result = await call_next(ctx)
    if ctx.method != "tools/list" or not _wants_plain_names(ctx):
        return result
    listed = cast("dict[str, Any]", result)
    tools = cast("list[dict[str, Any]]", listed["tools"])
    renamed = [{**tool, "name": plain_name(tool["name"])} for tool in tools]
    return {**listed, "tools": renamed}


def plain_name(name: str) -> str:
    """Return a tool's name with `_` for hyphens; calls are accepted under both names."""
    return name.replace("-", "_")


def _wants_plain_names(ctx: ServerRequestContext[Any, Any]) -> bool:
    client = ctx.session.client_params
    name = client.client_info.name.lower() if client is not None else ""
    return any(part in name for part in PLAIN_NAME_CLIENTS)


def _answer(reply: Reply) -> CallToolResult:
    """Return the same facts twice: as structured content, and as text for clients without that."""
    text = TextContent(type="text", text=reply.text())
    return CallToolResult(content=[text], structured_content=reply.facts())


def _beginning_with(notice: str | None, result: CallToolResult) -> CallToolResult:
    """Put `notice` before the message: in the text, and in the structured content alike."""
    if notice is None:
        return result
    facts = cast("dict[str, Any] | None", result.structured_content)
    if facts is None:
        first = cast("TextContent", result.content[0])
        text = TextContent(type="text", text=f"{notice} {first.text}")
        return result.model_copy(update={"content": [text, *result.content[1:]]})
    # The text is made anew, as it has to be the same facts as the structured content.
    facts = {**facts, "message": f"{notice} {facts['message']}"}
    text = TextContent(type="text", text=json.dumps(facts, ensure_ascii=False))
    return CallToolResult(content=[text], structured_content=facts)


def _refusal(error: ServerError, marks: Marks) -> CallToolResult:
    nearest = list(error.nearest) if isinstance(error, NotFound) else []
    facts = {"nearest": nearest} if nearest else {}
    return _error(_code(error), _refusal_sentence(error, marks), **facts)


def _refusal_sentence(error: ServerError, marks: Marks) -> str:
    """Return the error's message; words that may come from a workspace's file go between marks."""
    match error:
        case SiteProblems():
            said, words = "The site cannot be used as it is written.", "\n".join(error.problems)
        case ConfigError():
            said, words = "The settings cannot be used as they are.", str(error)
        case _:
            return str(error)
    return f"{said}\n{marks.text(words, QUOTED_LENGTH)}\n{marks.meaning}"


def _error(code: str, message: str, **facts: Any) -> CallToolResult:
    """Return a tool error: the sentence for people and models, its code beside it.

    There is no structured content: clients check it against the tool's output schema even for an
    error, and would show a schema error instead of our sentence.
    """
    return CallToolResult(
        content=[TextContent(type="text", text=redacted(message, secrets_of(os.environ)))],
        is_error=True,
        _meta={ERROR_META: {"code": code, **facts}},
    )


def _code(error: Exception) -> str:
    """Return an error's code: `not_found` for `NotFound`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()


def _storage_sentence(error: StorageError) -> str:
    if isinstance(error, StorageBusy):
        return "The database is busy with another process. Nothing was changed: call again."
    why = error.shown or "the server's log says why"
    return f"The database (pressroom.db) could not be read or written: {why}. Nothing was changed."
