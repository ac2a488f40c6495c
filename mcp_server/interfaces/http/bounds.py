"""How much is answered at once over HTTP: requests, and their bodies.

Whoever may not call was refused before. What is bounded here is what one client may take of a
server that others use too: one that runs wild, or that never says goodbye.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_server.interfaces.http.protocol import connections_max

BODY_BYTES_MAX = 1024 * 1024
"""Of a request: the longest instructions and a thousand section ids fit ten times over."""
BODIES_BYTES_MAX = 32 * BODY_BYTES_MAX
"""Of all requests that are being answered, as they came; parsed they take several times that."""
SMALL_BODY_BYTES = 16 * 1024
"""Enough for nearly every call, and accepted even while large bodies have used the rest up."""
BODY_VALUES_MAX = 50_000
"""Commas, colons and opening brackets of a body: parsed, each may stand for a hundred bytes, and a
megabyte of them for thirty. The longest instructions have a few thousand."""


def requests_max() -> int:
    """Return how many requests may be answered at once: always fewer than there are connections.

    So there is one left to ask for our health, however many streams are open.
    """
    return connections_max() * 3 // 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBounds:
    """How much is answered at once, and how long a session lasts that nobody uses."""

    requests_max: int = field(default_factory=requests_max)
    sessions_max: int = 500
    """Sessions of the protocol before 2026-07-28, which a client opens and may never close. Each
    holds 40 kB, twenty megabytes in all; hardly anybody has so many clients of one site."""
    session_idle_s: float = 30 * 60
    """After that long without a request or a stream a session ends; its client opens another."""
    session_unused_s: float = 60
    """After that long a session gives way to a new one when there are too many: longer than a
    model thinks between two calls, and short enough that clients that never say goodbye lock
    nobody out for long."""
    abandoned_max: int = 200
    """Calls in sessions whose clients have left. They go on, of 50 kB each: somebody who calls and
    leaves, again and again, would have thousands of them."""


class RequestBounds:
    """Bounds how many requests are answered at once, and how large they are.

    A body is read to its end before anything behind sees its request, and before it counts: a
    client that is slow takes nobody's place, and one that leaves half way has begun nothing.
    """

    def __init__(self, app: ASGIApp, *, bounds: CallBounds) -> None:
        self._app, self._bounds = app, bounds
        self._requests = self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its body, or answer 413 or 503."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = bytearray()
        try:
            refusal = await self._read(body, scope, receive)
            if refusal is None and self._requests >= self._bounds.requests_max:
                refusal = busy("requests")
            if refusal is None:
                await self._answer(bytes(body), scope, receive, send)
            else:
                await refusal(scope, receive, send)
        except ClientDisconnect:  # nobody is there to be answered
            return
        finally:
            self._held -= len(body)

    async def _answer(self, body: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        self._requests += 1
        try:
            await self._app(scope, receiving_first(body, receive), send)
        finally:
            self._requests -= 1

    async def _read(self, body: bytearray, scope: Scope, receive: Receive) -> Response | None:
        """Fill `body`; return what to answer if it is too much.

        Raises:
            ClientDisconnect: the client has left before the end.
        """
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdecimal() and int(declared) > BODY_BYTES_MAX:
            return _too_large()
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                raise ClientDisconnect
            piece: bytes = message.get("body", b"")
            body += piece
            self._held += len(piece)
            if len(body) > BODY_BYTES_MAX:
                return _too_large()
            if len(body) > SMALL_BODY_BYTES and self._held > BODIES_BYTES_MAX:
                return busy("large requests")
            more = message.get("more_body", False)
        return _too_large() if values_in(body) > BODY_VALUES_MAX else None


def values_in(body: bytes | bytearray) -> int:
    """Return about how many values there are, if it is JSON: at least as many as it has parts."""
    return sum(map(body.count, b",:[{"))


def receiving_first(body: bytes, receive: Receive) -> Receive:
    """Return what receives a body that has been read, and then what comes."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_next() -> Message:
        return first.pop() if first else await receive()

    return receive_next


def _too_large() -> Response:
    text = f"A request has at most {BODY_BYTES_MAX} bytes, and {BODY_VALUES_MAX} values."
    return PlainTextResponse(text, 413)


def busy(what: str, retry_s: float = 1) -> Response:
    """Return the answer to a client that may come back."""
    headers = {"Retry-After": f"{retry_s:.0f}"}
    return PlainTextResponse(f"Too many {what} at once; try again.", 503, headers=headers)
