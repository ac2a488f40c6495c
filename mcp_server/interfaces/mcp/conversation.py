"""One client's messages, in and out: every request has one answer, also when its client leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import ServerMessageMetadata, SessionMessage
from mcp_types import (
    INVALID_REQUEST,
    JSONRPCError,
    JSONRPCRequest,
    JSONRPCResponse,
    RequestId,
)
from pydantic import BaseModel

from mcp_server.interfaces.mcp.messages import Batched, Found, Refusal, read_line
from mcp_server.interfaces.mcp.server import PressroomServer

LEAVING_S = 2.0
"""How long calls may go on after their client has hung up: clients kill a server that takes longer.
What was queued goes on all the same; what ends in time is answered, to a script for example."""
BATCHES_IN = "2025-03-26"
"""The only revision of the protocol in which a client may send JSON-RPC batches."""
NO_BATCHES = f"Batches are of protocol {BATCHES_IN} only: send one message a line."
NO_HANDSHAKE = "initialize is no part of a batch."

Write = Callable[[bytes], Awaitable[None]]
Inbox = MemoryObjectSendStream[SessionMessage | Exception]


@dataclass(slots=True)
class Together:
    """The answers to one JSON-RPC batch, which go out as one line."""

    missing: int
    answers: list[bytes] = field(default_factory=list[bytes])


class Conversation:
    """Stands between a pipe and the server: knows which requests are open."""

    def __init__(self, write: Write, listed: anyio.Event) -> None:
        """`listed` is set when the list of tools has been written."""
        self._write, self._writing = write, anyio.Lock()
        self._listed = listed
        self._open: dict[RequestId, list[Together | None]] = {}
        """By id, as a careless client may use one twice at a time."""
        self._quiet = anyio.Event()
        self._methods: dict[RequestId, str] = {}
        """Of those open requests whose answers say something to us."""
        self._version: str | None = None

    async def hold(self, server: PressroomServer, lines: AsyncIterator[bytes]) -> None:
        """Serve until `lines` end, and `LEAVING_S` longer if requests are open then."""
        inbox, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        write, outbox = anyio.create_memory_object_stream[SessionMessage](0)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._receive, lines, inbox, server.waits.end)
            tasks.start_soon(self._send, outbox)
            await server.run(read, write, server.create_initialization_options())

    async def _receive(
        self, lines: AsyncIterator[bytes], inbox: Inbox, end_waits: Callable[[], None]
    ) -> None:
        with suppress(anyio.BrokenResourceError):  # the server has ended: nobody reads on
            async with inbox:
                async for line in lines:
                    await self._take_line(line, inbox)
                end_waits()
                await self._until_quiet()

    async def _until_quiet(self) -> None:
        """Wait until nothing is open: at the end of its messages, the library drops its answers."""
        self._quiet = anyio.Event()
        if self._open:
            with anyio.move_on_after(LEAVING_S):
                await self._quiet.wait()

    async def _take_line(self, line: bytes, inbox: Inbox) -> None:
        match read_line(line):
            case None:
                pass
            case Batched(members) if self._version == BATCHES_IN:
                await self._take_batch([_batchable(member) for member in members], inbox)
            case Batched():
                await self._put(Refusal(None, INVALID_REQUEST, NO_BATCHES).error())
            case found:
                await self._take(found, inbox, None)

    async def _take_batch(self, members: list[Found], inbox: Inbox) -> None:
        missing = sum(isinstance(member, JSONRPCRequest | Refusal) for member in members)
        together = Together(missing)
        for member in members:
            await self._take(member, inbox, together)

    async def _take(self, found: Found, inbox: Inbox, together: Together | None) -> None:
        if isinstance(found, Refusal):
            await self._answer(found.error(), together)
            return
        metadata = None
        if isinstance(found, JSONRPCRequest):
            self._open.setdefault(found.id, []).append(together)
            unanswered = partial(self._settle, found.id, None)
            metadata = ServerMessageMetadata(on_request_unanswered=unanswered)
            if found.method in {"initialize", "tools/list"}:
                self._methods[found.id] = found.method
        await inbox.send(SessionMessage(found, metadata))

    async def _send(self, outbox: MemoryObjectReceiveStream[SessionMessage]) -> None:
        async with outbox:
            async for item in outbox:
                match item.message:
                    case (JSONRPCResponse(id=id) | JSONRPCError(id=id)) as answer if (
                        id in self._open
                    ):
                        method = self._methods.pop(id, None)
                        if method == "initialize" and isinstance(answer, JSONRPCResponse):
                            self._version = answer.result.get("protocolVersion")
                        await self._settle(id, answer)
                        if method == "tools/list":
                            self._listed.set()
                    case message:
                        await self._put(message)

    async def _settle(self, id: RequestId, answer: BaseModel | None) -> None:
        """End a request: with its answer, or without one if its client has cancelled it."""
        together = self._open[id].pop(0)
        if not self._open[id]:
            del self._open[id]
        await self._answer(answer, together)
        if not self._open:
            self._quiet.set()

    async def _answer(self, answer: BaseModel | None, together: Together | None) -> None:
        if together is None:
            if answer is not None:
                await self._put(answer)
            return
        together.missing -= 1
        if answer is not None:
            together.answers.append(_json(answer))
        if not together.missing and together.answers:
            await self._put_line(b"[%b]" % b",".join(together.answers))

    async def _put(self, message: BaseModel) -> None:
        await self._put_line(_json(message))

    async def _put_line(self, line: bytes) -> None:
        # A client that does not read any more has left, or is about to: the end of stdin tells.
        with suppress(OSError):
            async with self._writing:
                await self._write(line + b"\n")


def _batchable(member: Found) -> Found:
    if isinstance(member, JSONRPCRequest) and member.method == "initialize":
        return Refusal(member.id, INVALID_REQUEST, NO_HANDSHAKE)
    return member


def _json(message: BaseModel) -> bytes:
    return message.model_dump_json(by_alias=True, exclude_unset=True).encode()
