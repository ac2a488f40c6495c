"""A real MCP client that starts a server and talks to it: calls, waits and answers."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TextIO, cast

from mcp_server.errors import ServerError
from mcp_server.excerpt import on_one_line
from mcp_server.folder import neutral_folder
from mcp_server.interfaces.cli.terminal import Move

if TYPE_CHECKING:
    from mcp import Client

WAIT_S = 20
"""How long one `status` call waits; progress arrives meanwhile."""

LINE_LENGTH = 300
"""How much of an error text is shown."""

TRACEBACK_FRAME = " \n|+-^~"
"""The characters that frame the lines of a traceback of grouped errors."""

ENDED = frozenset({"completed", "failed", "cancelled", "paused"})
"""Statuses in which it is no use to wait any longer."""

Json = Mapping[str, Any]
"""What a tool answers."""


class CallFailed(ServerError):
    """A tool answered with an error, or the server is gone; the message says which."""


class Conversation:
    """A client's calls. Every answer is the structured content of a tool's result."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def protocol_version(self) -> str:
        """The version of the protocol that both sides agreed on."""
        return self._client.protocol_version

    async def call(self, tool: str, arguments: Json, *, move: Move | None = None) -> Json:
        """Return what `tool` answers; its progress moves the bar.

        Raises:
            CallFailed: it answered with an error.
        """

        async def report(progress: float, total: float | None, message: str | None) -> None:
            if move is not None:
                move(progress, total, message)

        result = await self._client.call_tool(
            tool, dict(arguments), progress_callback=report if move is not None else None
        )
        if result.is_error or result.structured_content is None:
            said = " ".join(block.text for block in result.content if block.type == "text")
            line = on_one_line(said, LINE_LENGTH)
            raise CallFailed(f"{tool}: {line or 'no answer that can be read'}")
        return result.structured_content

    async def follow(
        self,
        batch_id: str,
        *,
        move: Move,
        until: Callable[[Json], bool] | None = None,
        wait_s: float = WAIT_S,
    ) -> Json:
        """Ask for a batch's status until it ends or `until` is true; return the last answer.

        `until` is asked after every `wait_s`.
        """
        while True:
            arguments = {"batchId": batch_id, "waitSeconds": wait_s}
            answer = await self.call("status", arguments, move=move)
            if has_ended(answer) or (until is not None and until(answer)):
                return answer

    async def pages_of(self, tool: str, arguments: Json) -> list[Json]:
        """Return all rows of an answer that comes in pages."""
        answer = await self.call(tool, arguments)
        rows = list(answer["sections"])
        while (cursor := answer.get("nextCursor")) is not None:
            answer = await self.call(tool, {**arguments, "cursor": cursor})
            rows += answer["sections"]
        return rows


def has_ended(answer: Json) -> bool:
    """Whether the batch in a `status` answer has ended, or is paused."""
    return answer["operations"][0]["status"] in ENDED


def finished(answer: Json) -> tuple[int, int]:
    """Return how many sections of the batch have ended, and how many there are."""
    done, _, total = str(answer["operations"][0]["progress"]).partition("/")
    return int(done), int(total)


@asynccontextmanager
async def conversation(
    command: list[str], environment: Mapping[str, str]
) -> AsyncGenerator[Conversation]:
    """Start a server as clients do, talk to it over its pipes, and end it.

    Raises:
        CallFailed: the server did not start or hung up; with the last line that it logged.
    """
    from mcp import (  # noqa: PLC0415 - half a second, and only the demo is a client
        Client,
        MCPError,
        StdioServerParameters,
        stdio_client,
    )

    program, *arguments = command
    server = StdioServerParameters(
        command=program, args=arguments, env=dict(environment), cwd=neutral_folder()
    )
    gone: ExceptionGroup[Exception] | None = None
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as file:
        log = cast("TextIO", file)  # on Windows something that only behaves as one
        try:
            async with Client(stdio_client(server, errlog=log)) as client:
                yield Conversation(client)
        except* (MCPError, OSError) as group:
            gone = group  # raised below: from in here, it would be wrapped in a group
        if gone is not None:
            raise CallFailed(f"the server is gone ({_first(gone)}). {_last_line(log)}") from gone


def _first(group: BaseExceptionGroup[Exception]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _last_line(log: TextIO) -> str:
    log.seek(0)
    lines = [words for line in log if (words := line.strip(TRACEBACK_FRAME))]
    return f"It said: {lines[-1]}" if lines else "It said nothing."
