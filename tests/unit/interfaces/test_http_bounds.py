"""How much one client may take of a server that others use: on real sockets, with small bounds."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import anyio.abc
import anyio.lowlevel
import httpx
import pytest

from mcp_server.errors import Unavailable
from mcp_server.interfaces.http.app import build_http_app, http_origin
from mcp_server.interfaces.http.bounds import (
    BODIES_BYTES_MAX,
    BODY_BYTES_MAX,
    BODY_VALUES_MAX,
    CallBounds,
)
from mcp_server.interfaces.http.protocol import ConnectionBounds
from mcp_server.interfaces.mcp.server import build_server
from mcp_server.interfaces.services import Services, ServicesProvider
from mcp_server.progress.event import ProgressEvent
from tests.sockets import connected, listening, status_of
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.anyio

ABOUT = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}
INITIALIZE = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": ABOUT}
ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
SMALL = CallBounds(requests_max=3, sessions_max=3, session_unused_s=0)
POST = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: SIZE\r\n\r\n"
SESSION = "Mcp-Session-Id"


class NoWorkspace:
    """A server that was started outside any workspace."""

    async def services(self) -> Services:
        """Raise what a user is told then."""
        raise Unavailable("There is no workspace here.")


class Slow:
    """A server whose workspace takes for ever to open."""

    async def services(self) -> Services:
        """Return never."""
        await anyio.sleep_forever()
        raise AssertionError


async def silence(_: str | None) -> AsyncIterator[ProgressEvent]:
    """Nothing ever happens."""

    async def nothing() -> AsyncIterator[ProgressEvent]:
        await anyio.sleep_forever()
        for never in ():
            yield never

    return nothing()


@asynccontextmanager
async def served(
    bounds: CallBounds = SMALL, provider: ServicesProvider | None = None
) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of the running server."""
    server = build_server(provider or NoWorkspace(), version="0.0.0", origin=http_origin(None))
    app = build_http_app(server, host="127.0.0.1", events=silence, bounds=bounds)
    with anyio.fail_after(PATIENCE_S):
        async with (
            listening(app, ConnectionBounds(linger_s=1)) as url,
            httpx.AsyncClient(base_url=url.removesuffix("/mcp"), headers=ACCEPT) as client,
        ):
            yield client


async def opened(client: httpx.AsyncClient) -> str | None:
    """Open a session; return its id, or `None` if there are too many."""
    reply = await client.post("/mcp", json=INITIALIZE)
    if reply.status_code == 503:
        assert int(reply.headers["Retry-After"]) >= 0
        return None
    assert reply.status_code == 200, reply.text
    return reply.headers[SESSION]


async def lives(client: httpx.AsyncClient, session: str | None) -> bool:
    """Whether a session is still there; asking uses it."""
    ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
    reply = await client.post("/mcp", json=ping, headers={SESSION: session or "none"})
    assert reply.status_code in {200, 404}
    return reply.status_code == 200


async def test_the_session_that_was_unused_longest_makes_room() -> None:
    """Used, not opened: a client that is at work keeps its own."""
    async with served() as client:
        first, second, third = [await opened(client) for _ in range(3)]
        assert await lives(client, first)
        fourth = await opened(client)
        assert [await lives(client, each) for each in (first, second, third, fourth)] == [
            True,
            False,
            True,
            True,
        ]


async def test_a_session_with_an_open_stream_makes_no_room() -> None:
    """One that is left alone does; without any, the new client is asked to come back."""
    async with served(replace(SMALL, requests_max=10)) as client, AsyncExitStack() as streams:
        first, second, third = [await opened(client) for _ in range(3)]
        await listen(client, first, streams)
        await listen(client, second, streams)
        fourth = await opened(client)
        assert not await lives(client, third)
        async with AsyncExitStack() as another:
            await listen(client, fourth, another)
            assert await opened(client) is None
        fifth = await until(lambda: opened(client))  # that somebody has left is soon noticed
        assert await lives(client, first) and await lives(client, second)
        assert await lives(client, fifth) and not await lives(client, fourth)


async def test_a_session_that_was_used_a_moment_ago_makes_no_room() -> None:
    """Its client thinks. New ones find room later, when it has gone or has rested."""
    async with served(replace(SMALL, session_unused_s=3600)) as client:
        first, second, third = [await opened(client) for _ in range(3)]
        assert await opened(client) is None
        gone = await client.delete("/mcp", headers={SESSION: second or ""})
        assert gone.status_code == 200
        assert await opened(client) is not None
        assert await lives(client, first) and await lives(client, third)


async def test_sessions_that_are_refused_or_unknown_leave_nothing_behind() -> None:
    """Neither requests that open none, nor made-up ids, use up the room."""
    async with served(replace(SMALL, session_unused_s=3600)) as client:
        for number in range(5):
            assert (await client.post("/mcp", content=b"{")).status_code == 400
            assert (await client.get("/mcp")).status_code == 400
            assert not await lives(client, f"made-up-{number}")
        assert [await opened(client) is not None for _ in range(4)] == [True, True, True, False]


async def test_more_requests_than_may_be_answered_at_once_are_refused() -> None:
    """With the advice to try again; whoever asks for our health is answered."""
    async with served() as client:
        async with AsyncExitStack() as streams:
            for _ in range(3):
                stream = await streams.enter_async_context(client.stream("GET", "/events"))
                assert stream.status_code == 200
            refused = await client.post("/mcp", json=INITIALIZE)
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
            assert (await client.get("/health")).status_code == 200
        await until(lambda: opened(client))  # that they have left is soon noticed


@pytest.mark.parametrize("path", ["/mcp", "/events", "/nowhere", "/batches/b_1/events"])
@pytest.mark.parametrize(
    "body",
    [
        b" " * (BODY_BYTES_MAX + 1),
        b"[" + b"{}," * BODY_VALUES_MAX + b"{}]",
        b"[" + b"1," * BODY_VALUES_MAX + b"1]",
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_large_is_refused_everywhere(
    path: str, body: bytes, chunked: bool
) -> None:
    """In bytes, or in values, of which a megabyte makes thirty; also where no body is read."""

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    async with served() as client:
        content = pieces() if chunked else body
        reply = await client.request("GET", path, content=content)
        assert reply.status_code == 413
        assert (await client.get("/health")).status_code == 200


async def test_small_requests_are_read_while_large_ones_use_the_room_up() -> None:
    """Somebody who sends many large bodies slowly keeps nobody else from calling."""
    size = BODY_BYTES_MAX
    most = POST.replace(b"SIZE", str(size).encode()) + b" " * (size - 1)
    room = BODIES_BYTES_MAX // size
    async with served(CallBounds(requests_max=60)) as client, AsyncExitStack() as clients:
        statuses: list[int | None] = []

        async def hear(stream: anyio.abc.SocketStream) -> None:
            statuses.append(status_of(await stream.receive()))

        async with anyio.create_task_group() as tasks:
            for _ in range(room + 5):
                stream = await clients.enter_async_context(connected(str(client.base_url)))
                tasks.start_soon(stream.send, most)
                tasks.start_soon(hear, stream)
            await until(lambda: len(statuses) >= 5)
            assert statuses == [503] * 5
            assert await opened(client) is not None
            tasks.cancel_scope.cancel()


async def test_who_leaves_calls_again_and_again_holds_up_only_himself() -> None:
    """What he left goes on; the clients that wait for their answers are served."""
    async with served(CallBounds(abandoned_max=3), Slow()) as client:
        leaver, other = await opened(client), await opened(client)
        assert leaver is not None and other is not None
        for _ in range(3):
            async with client.stream("POST", "/mcp", **called(leaver, "tools/call")) as answer:
                assert answer.status_code == 200  # which comes before the answer itself

        async def is_refused(session: str) -> bool:
            asked = await client.post("/mcp", **called(session, "ping"))
            assert asked.status_code in {200, 503}
            return asked.status_code == 503

        while not await is_refused(leaver):  # the server has not noticed all of it yet
            await anyio.lowlevel.checkpoint()
        assert not await is_refused(other)
        third = await opened(client)
        assert third is not None and not await is_refused(third)


def called(session: str, method: str) -> dict[str, Any]:
    """Return a request of a session: its headers and body."""
    params: dict[str, Any] = {"name": "status", "arguments": {}} if method == "tools/call" else {}
    body = {"jsonrpc": "2.0", "id": 2, "method": method, "params": params}
    return {"headers": {SESSION: session}, "json": body}


async def listen(client: httpx.AsyncClient, session: str | None, streams: AsyncExitStack) -> None:
    """Open the stream of a session."""
    headers = {SESSION: session or ""}
    stream = await streams.enter_async_context(client.stream("GET", "/mcp", headers=headers))
    assert stream.status_code == 200
