"""Bounds on the requests that are answered at once over HTTP, and on their bodies.

Callers without permission were refused before. These bounds keep one permitted client, which runs
wild or never closes anything, from taking the server from the others.
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
"""Of all requests being answered, counted unparsed; parsed they take several times as much."""
SMALL_BODY_BYTES = 16 * 1024
"""Enough for nearly every call; accepted even when large bodies have used `BODIES_BYTES_MAX` up."""
BODY_VALUES_MAX = 50_000
"""Commas, colons and opening brackets in a body. Parsed, each may take a hundred bytes, and a body
of a megabyte thirty megabytes. The longest instructions have a few thousand."""


def requests_max() -> int:
    """Return how many requests may be answered at once: fewer than there may be connections.

    So `/health` can still be asked, however many streams are open.
    """
    return connections_max() * 3 // 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBounds:
    """How much is answered at once, and how long an unused session lasts."""

    requests_max: int = field(default_factory=requests_max)
    sessions_max: int = 500
    """Sessions of the protocol before 2026-07-28, which a client opens and may never close. Each
    holds 40 kB, twenty megabytes in all; hardly anybody has so many clients of one site."""
    session_idle_s: float = 30 * 60
    """A session without a request or stream ends after this time; its client opens another."""
    session_unused_s: float = 60
    """When there are too many sessions, one unused for this long may be ended for a new one. It is
    longer than a model thinks between two calls, and short enough that clients which never close
    their sessions lock nobody out for long."""
    abandoned_max: int = 200
    """Calls whose clients have left, which go on and take 50 kB each. Without a bound, a client
    that calls and leaves again and again could have thousands of them. When it is reached, the
    sessions with an equal share of it or more are asked to come back later."""


class RequestBounds:
    """Bounds how many requests are answered at once, and how large they are.

    A body is read to its end before the request counts and is passed on. So a slow client takes
    nobody's place, and one that leaves half-way has started nothing.
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
        """Read the body into `body`; return the refusal if it is too much.

        Raises:
            ClientDisconnect: the client has left before the end.
        """
        # A length that is declared is refused before it is sent. It may be missing, so the pieces
        # are counted as well.
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
    """Return an upper estimate of the number of values in a JSON text, without parsing it."""
    return sum(map(body.count, b",:[{"))


def receiving_first(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives a body that was already read, then whatever comes next."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_next() -> Message:
        return first.pop() if first else await receive()

    return receive_next


def _too_large() -> Response:
    text = f"A request has at most {BODY_BYTES_MAX} bytes, and {BODY_VALUES_MAX} values."
    return PlainTextResponse(text, 413)


def busy(what: str, retry_s: float = 1) -> Response:
    """Return the 503 that asks a client to try again after `retry_s`."""
    headers = {"Retry-After": f"{retry_s:.0f}"}
    return PlainTextResponse(f"Too many {what} at once; try again.", 503, headers=headers)
