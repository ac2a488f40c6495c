"""The boundary around all tools, which lets no traceback, path or secret out.

It imports all that the tools need, so that it is loaded after the first answers have gone.
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections.abc import Sequence
from typing import Any, cast

import anyio.to_thread
from mcp_types import CallToolResult, TextContent
from mcp_types import Tool as ListedTool

from mcp_server.content.workspace.loader import SiteProblems
from mcp_server.errors import (
    CallerError,
    ConfigError,
    NotFound,
    OtherText,
    ServerError,
    StorageBusy,
    StorageError,
    StorageUncertain,
)
from mcp_server.interfaces.mcp.answers.marks import Marks
from mcp_server.interfaces.mcp.answers.replies import Reply
from mcp_server.interfaces.mcp.call import OpenCall
from mcp_server.interfaces.mcp.identity import plain_name
from mcp_server.interfaces.mcp.tools.caller import Caller
from mcp_server.interfaces.mcp.tools.catalogue import catalogue
from mcp_server.interfaces.mcp.tools.plugin import PluginToolEntry
from mcp_server.interfaces.mcp.tools.tool import Tool
from mcp_server.plugin.loading import Plugins
from mcp_server.redaction import redacted, secrets_of

logger = logging.getLogger(__name__)

Entry = Tool[Any] | PluginToolEntry


def boundary_around(caller: Caller, plugins: Plugins | None) -> Boundary:
    """Return the boundary around our tools and those of `plugins`."""
    entries: list[Entry] = [*catalogue(caller)]
    for tool in plugins.tools if plugins is not None else ():
        assert plugins is not None
        entry = PluginToolEntry(tool=tool, plugins=plugins, caller=caller)
        if _offered(entry, entries, plugins):
            entries.append(entry)
    return Boundary(entries, caller)


def _offered(entry: PluginToolEntry, entries: Sequence[Entry], plugins: Plugins) -> bool:
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


class Boundary:
    """All tools of one server: how they are listed, and what becomes of a call."""

    def __init__(self, entries: Sequence[Entry], caller: Caller) -> None:
        self._caller = caller
        self._entries = {entry.name: entry for entry in entries}
        self._names = {plain_name(name): name for name in self._entries}
        self._nothing_until = 0.0

    def listed(self) -> list[ListedTool]:
        """Return the tools as clients are told of them."""
        return [entry.listed() for entry in self._entries.values()]

    async def call_tool(
        self, name: str, arguments: dict[str, Any], call: OpenCall
    ) -> CallToolResult:
        """Run a tool; any error becomes a tool error with a text of ours."""
        try:
            entry = self._entry(self._names.get(plain_name(name), name))
            reply = await entry.call(arguments, call)
            return _beginning_with(await self._notice(), _answer(reply))
        except (CallerError, ConfigError) as error:  # `ConfigError`: the first call reads settings
            return _beginning_with(await self._notice(), _refusal(error, Marks(self._caller.clock)))
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
        """Return what every answer has to begin with; nothing if the workspace cannot be opened.

        Where there was nothing, it is looked for again after `NOTICE_S`.
        """
        if time.monotonic() < self._nothing_until:
            return None
        try:
            services = await self._caller.provider.services()
        except (ServerError, OSError):
            return None
        notice = await anyio.to_thread.run_sync(services.notice)
        if notice is None:
            self._nothing_until = time.monotonic() + NOTICE_S
        return notice

    def _entry(self, name: str) -> Entry:
        entry = self._entries.get(name)
        if entry is None:
            known = f"The tools are: {', '.join(self._entries)}."
            raise NotFound("tool", name, known=self._entries, hint=known)
        return entry


NOTICE_S = 1.0
"""A notice tells of something that another process has done; to look costs as much as an answer."""

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
        case OtherText(words=words) if words:
            said = str(error)
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
    if isinstance(error, StorageUncertain):
        return f"It may have been written or not: {why}. See `status` before you call again."
    file = "" if error.shared else " (pressroom.db)"
    return f"The database{file} could not be read or written: {why}. Nothing was changed."
