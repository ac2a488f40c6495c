"""Clients that are slow, silent or too many: how long each is waited for, on real sockets.

Deadlines are short here. Where time must pass, a silent connection that is let go tells it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import anyio
import anyio.lowlevel
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from mcp_server.interfaces.http.protocol import ConnectionBounds
from tests.sockets import connected, listening, rest, status_of
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.anyio

SHORT = ConnectionBounds(connections_max=300, head_s=0.2, body_s=0.2, write_s=0.2, linger_s=0.2)
LONG = ConnectionBounds(connections_max=8, head_s=60, body_s=60, write_s=60, linger_s=60)
GET = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
POST = b"POST /echo HTTP/1.1\r\nHost: a\r\n"


async def _health(_: Request) -> Response:
    return PlainTextResponse("ok")


async def _echo(request: Request) -> Response:
    return Response(await request.body())


class Talk:
    """An application with a stream that goes on until `finish` is set, and one without end."""

    def __init__(self) -> None:
        self.finish = anyio.Event()
        self.left = anyio.Event()
        self.app = Starlette(
            routes=[
                Route("/health", _health),
                Route("/echo", _echo, methods=["POST"]),
                Route("/stream", self._stream, methods=["GET", "POST"]),
                Route("/flood", self._flood),
            ]
        )

    async def _stream(self, _: Request) -> Response:
        async def lines() -> AsyncIterator[str]:
            yield "begun\n"
            await self.finish.wait()
            yield "done\n"

        return StreamingResponse(lines())

    async def _flood(self, _: Request) -> Response:
        async def lines() -> AsyncIterator[bytes]:
            try:
                while True:
                    await anyio.lowlevel.checkpoint()
                    yield b"x" * 65_536
            finally:
                self.left.set()

        return StreamingResponse(lines())


@asynccontextmanager
async def talking(bounds: ConnectionBounds = SHORT) -> AsyncGenerator[tuple[str, Talk]]:
    """Serve that application; what has not happened after ten seconds will not."""
    talk = Talk()
    with anyio.fail_after(PATIENCE_S):
        async with listening(talk.app, bounds) as url:
            yield url, talk


async def all_said(url: str, sending: bytes) -> bytes:
    """Send something and return what is answered until the server closes."""
    async with connected(url, sending=sending) as stream:
        return await rest(stream)


async def served(url: str) -> bool:
    """Whether another client is answered."""
    return status_of(await all_said(url, LAST)) == 200


async def time_passes(url: str) -> None:
    """Wait for as long as the server waits for a client."""
    assert await all_said(url, b"") == b""


async def test_a_client_that_says_nothing_is_let_go() -> None:
    """Without a word: it may be a browser that opened a connection for later."""
    async with talking() as (url, _):
        assert await all_said(url, b"") == b""


@pytest.mark.parametrize(
    "sent", [b"G", b"GET /health HTTP/1.1\r\nHost: a\r\nX: y", GET + b"GET /hea"]
)
async def test_a_client_that_never_finishes_its_headers_is_let_go(sent: bytes) -> None:
    """On a new connection, and on one that has been answered before."""
    async with talking() as (url, _):
        assert status_of(
            (await all_said(url, sent)).rpartition(b"HTTP/1.1")[2].join([b"HTTP/1.1", b""])
        ) in {408, None}


async def test_a_client_that_drips_its_headers_is_let_go() -> None:
    """The deadline is for all of them: a byte in between moves nothing."""
    async with talking() as (url, _), connected(url, sending=GET[:-2] + b"X: ") as stream:

        async def drip() -> None:
            while True:
                await stream.send(b"y")
                await anyio.lowlevel.checkpoint()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(drip)
            assert status_of(await rest(stream)) in {408, 431}
            tasks.cancel_scope.cancel()


@pytest.mark.parametrize(
    "sent",
    [
        POST + b"Content-Length: 10\r\n\r\nabc",
        POST + b"Content-Length: 10\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y",
    ],
)
async def test_a_client_that_never_finishes_its_body_is_let_go(sent: bytes) -> None:
    """Whatever it said of its length."""
    async with talking() as (url, _):
        assert status_of(await all_said(url, sent)) == 408


async def test_a_body_that_nobody_reads_ends_with_the_connection() -> None:
    """The answer was given before; it is not followed by another."""
    async with talking() as (url, _):
        said = await all_said(url, GET.replace(b"\r\n\r\n", b"\r\nContent-Length: 9\r\n\r\nabc"))
    assert status_of(said) == 200
    assert said.count(b"HTTP/1.1") == 1


async def test_a_stream_to_a_client_that_owes_its_body_ends() -> None:
    """Nothing is said within what was begun."""
    async with talking() as (url, _):
        said = await all_said(
            url, b"POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"
        )
    assert status_of(said) == 200
    assert b"begun" in said
    assert said.count(b"HTTP/1.1") == 1


async def test_two_hundred_slow_clients_are_let_go_and_others_are_served() -> None:
    """All the time."""
    async with talking(replace(SHORT, head_s=1.0)) as (url, _), AsyncExitStack() as slow:
        streams = [
            await slow.enter_async_context(connected(url, sending=GET[: number % len(GET)]))
            for number in range(200)
        ]
        assert await served(url)
        async with anyio.create_task_group() as tasks:
            for stream in streams:
                tasks.start_soon(rest, stream)
            assert await served(url)
        assert await served(url)


async def test_a_long_answer_is_not_cut_off() -> None:
    """Deadlines are for the client: what takes long because of us is not its fault."""
    async with (
        talking() as (url, talk),
        connected(url, sending=LAST.replace(b"health", b"stream")) as stream,
    ):
        said = await stream.receive()
        for _ in range(3):
            await time_passes(url)
        talk.finish.set()
        said += await rest(stream)
    assert said.rstrip().endswith(b"0")
    assert b"begun" in said
    assert b"done" in said


async def test_a_kept_connection_may_rest_between_requests() -> None:
    """Longer than a head may take."""
    async with talking() as (url, _), connected(url, sending=GET) as stream:
        assert status_of(await stream.receive()) == 200
        await time_passes(url)
        await time_passes(url)
        await stream.send(LAST)
        assert status_of(await rest(stream)) == 200


async def test_a_client_that_reads_nothing_is_let_go() -> None:
    """What is sent to it is made no further, and the connection is cut."""
    async with (
        talking() as (url, talk),
        connected(url, sending=GET.replace(b"health", b"flood")),
    ):
        await talk.left.wait()
        assert await served(url)


async def test_who_reads_nothing_makes_room() -> None:
    """Before its time is over: it is the client that is waited for."""
    async with talking(LONG) as (url, _), AsyncExitStack() as clients:
        for _ in range(8):
            flood = GET.replace(b"health", b"flood")
            deaf = await clients.enter_async_context(connected(url, sending=flood))
            await deaf.receive()
        await until(lambda: served(url))  # once there is more than the system takes


async def test_what_follows_the_last_request_of_a_client_is_dropped() -> None:
    """It said that it would be the last: there are clients that end it with an empty line."""
    async with (
        talking() as (url, talk),
        connected(url, sending=LAST.replace(b"health", b"stream")) as stream,
    ):
        said = await stream.receive()
        await stream.send(b"\r\n")
        await time_passes(url)
        talk.finish.set()
        assert b"done" in said + await rest(stream)


async def test_whoever_waits_longest_makes_room() -> None:
    """Of those that wait for their client; who is being answered stays."""
    async with talking(LONG) as (url, talk), AsyncExitStack() as clients:
        answered = await clients.enter_async_context(
            connected(url, sending=LAST.replace(b"health", b"stream"))
        )
        assert status_of(await answered.receive()) == 200
        silent = [await clients.enter_async_context(connected(url)) for _ in range(20)]
        for stream in silent[:13]:
            assert await rest(stream) == b""
        assert await served(url)
        talk.finish.set()
        assert b"done" in await rest(answered)
        await silent[-1].send(LAST)
        assert status_of(await rest(silent[-1])) == 200


async def test_who_owes_the_rest_of_a_body_makes_room_too() -> None:
    """Slow bodies keep nobody out, however long each may take."""
    async with talking(LONG) as (url, _), AsyncExitStack() as clients:
        slow = POST + b"Content-Length: 9\r\n\r\nabc"
        streams = [
            await clients.enter_async_context(connected(url, sending=slow)) for _ in range(20)
        ]
        assert await served(url)
        for stream in streams[:13]:
            assert await rest(stream) == b""
        await streams[-1].send(b"defghi")
        assert (await streams[-1].receive()).endswith(b"abcdefghi")


async def test_connections_that_are_all_being_answered_are_not_joined_by_another() -> None:
    """It is closed at once, and the others go on."""
    async with talking(LONG) as (url, talk), AsyncExitStack() as clients:
        asking = LAST.replace(b"health", b"stream")
        streams = [
            await clients.enter_async_context(connected(url, sending=asking)) for _ in range(8)
        ]
        for stream in streams:
            assert status_of(await stream.receive()) == 200
        assert await all_said(url, LAST) == b""
        talk.finish.set()
        for stream in streams:
            assert b"done" in await rest(stream)
        assert await served(url)


async def test_requests_that_are_sent_ahead_are_answered_in_order() -> None:
    """A few: that is how a connection may be used."""
    async with talking() as (url, _):
        said = await all_said(url, GET * 20 + LAST)
    assert said.count(b"HTTP/1.1 200") == 21


async def test_who_sends_too_much_ahead_of_an_answer_is_let_go() -> None:
    """It would be kept in memory for as long as the answer takes."""
    async with talking() as (url, _):
        said = await all_said(url, GET.replace(b"health", b"stream") + GET * 2_000)
        assert said.count(b"HTTP/1.1") <= 1
        assert await served(url)


@pytest.mark.parametrize("late", [b"0\r\n\r\n", b"zz\r\n", b"\0" * 99])
async def test_what_comes_within_an_answer_cannot_break_it(late: bytes) -> None:
    """Neither the rest of a body nor nonsense in its place brings a second answer."""
    head = LAST.replace(b"GET /health", b"POST /stream").replace(
        b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    async with talking() as (url, talk), connected(url, sending=head) as stream:
        said = await stream.receive()
        await stream.send(late)
        await time_passes(url)
        talk.finish.set()
        said += await rest(stream)
    assert said.count(b"HTTP/1.1") == 1
    assert status_of(said) == 200


async def test_the_end_of_the_server_waits_for_no_slow_client() -> None:
    """Whatever it has begun."""
    talk = Talk()
    beginnings = (b"", GET[:9], GET, POST + b"Content-Length: 9\r\n\r\nabc", b"\0")
    async with AsyncExitStack() as clients:
        with anyio.fail_after(PATIENCE_S):
            async with listening(talk.app, LONG) as url:
                for beginning in beginnings:
                    await clients.enter_async_context(connected(url, sending=beginning))
                assert await served(url)
