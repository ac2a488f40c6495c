"""How much is answered at once over HTTP: requests, their bodies, and sessions.

Whoever may not call was refused before. What is bounded here is what one client may take of a
server that others use too: one that runs wild, or that never says goodbye.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import anyio
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_server.interfaces.http_protocol import connections_max

BODY_BYTES_MAX = 1024 * 1024
"""Of a request: the longest instructions and a thousand section ids fit ten times over."""
BODIES_BYTES_MAX = 32 * BODY_BYTES_MAX
"""Of all requests that are being answered, as they came; parsed they take several times that."""
SMALL_BODY_BYTES = 16 * 1024
"""Enough for nearly every call, and accepted even while large bodies have used the rest up."""
BODY_VALUES_MAX = 50_000
"""Commas, colons and opening brackets of a body: parsed, each may stand for a hundred bytes, and a
megabyte of them for thirty. The longest instructions have a few thousand."""
OPENING_BYTES_MAX = 16 * 1024
OPENING_VALUES_MAX = 1_000
"""What a client says of itself is kept as long as its session: a name, what it can, an icon."""
ABANDONED_S = 60
"""How long a call counts that goes on without its client: longer than any wait."""

SESSION_HEADER = "mcp-session-id"
VERSION_HEADER = "mcp-protocol-version"


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
        else:
            body = bytearray()
            try:
                refusal = await self._read(body, scope, receive)
                if refusal is None and self._requests >= self._bounds.requests_max:
                    refusal = _busy("requests")
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
            await self._app(scope, _receiving_first(body, receive), send)
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
                return _busy("large requests")
            more = message.get("more_body", False)
        return _too_large() if _values(body) > BODY_VALUES_MAX else None


@dataclass(slots=True)
class _Session:
    """What is known of a session: how many requests are open, or since when there were none."""

    requests: int = 0
    unused_since: float = field(default_factory=anyio.current_time)


class _Call:
    """What passes between a client and the library in one request of a session."""

    def __init__(self, method: str, receive: Receive, send: Send) -> None:
        self._method, self._receive, self._send = method, receive, send
        self._answered = self._left = False
        self.ended_session = False

    @property
    def abandoned(self) -> bool:
        """Whether the client has left a call before its answer: the call goes on without it."""
        return self._left and self._method == "POST"

    async def receive(self) -> Message:
        """Note when the client leaves."""
        message = await self._receive()
        self._left |= message["type"] == "http.disconnect" and not self._answered
        return message

    async def send(self, message: Message) -> None:
        """Note what the answer says of the session, and when it is complete."""
        if message["type"] == "http.response.start":
            deleted = self._method == "DELETE" and message["status"] < 400
            self.ended_session = deleted or message["status"] == 404
        elif not message.get("more_body", False):
            self._answered = True
        await self._send(message)


class SessionBounds:
    """Bounds the sessions that clients of the older protocol have open at `path`.

    When there are too many, the one that was unused longest makes room. One with an open call or
    stream does not, nor one that was used a moment ago: the new client is asked to come back then.
    The session manager's own bound knows only refusal, for as long as its sessions may be idle.
    """

    def __init__(self, app: ASGIApp, *, path: str, bounds: CallBounds) -> None:
        self._app, self._path, self._bounds = app, path, bounds
        self._sessions: dict[str, _Session] = {}  # the one unused longest first
        self._opening = 0
        self._abandoned: deque[float] = deque()  # until when each counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 503 where it would open one session too many."""
        if scope["type"] != "http" or scope["path"] != self._path:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if (id := headers.get(SESSION_HEADER)) is not None:
            await self._go_on(id, scope, receive, send)
        elif headers.get(VERSION_HEADER, "") in {"", *HANDSHAKE_PROTOCOL_VERSIONS}:
            await self._open(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _go_on(self, id: str, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST" and self._many_abandoned():
            await _busy("calls that nobody waits for", ABANDONED_S)(scope, receive, send)
            return
        call = _Call(scope["method"], receive, send)
        with self._used(id):
            await self._app(scope, call.receive, call.send)
        if call.ended_session:
            self._sessions.pop(id, None)
        if call.abandoned:
            self._abandoned.append(anyio.current_time() + ABANDONED_S)

    def _many_abandoned(self) -> bool:
        while self._abandoned and self._abandoned[0] < anyio.current_time():
            self._abandoned.popleft()
        return len(self._abandoned) >= self._bounds.abandoned_max

    async def _open(self, scope: Scope, receive: Receive, send: Send) -> None:
        opened: list[str] = []
        first = await receive()
        body: bytes = first.get("body", b"")
        if len(body) > OPENING_BYTES_MAX or _values(body) > OPENING_VALUES_MAX:
            text = "A client says too much about itself."
            await PlainTextResponse(text, 413)(scope, receive, send)
            return

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                opened.extend(Headers(raw=message["headers"]).getlist(SESSION_HEADER))
                self._sessions.update((id, _Session(requests=1)) for id in opened)
            await send(message)

        self._opening += 1
        try:
            if await self._make_room(scope):
                await self._app(scope, _receiving_first(body, receive), note)
            else:
                await _busy("sessions", self._bounds.session_unused_s)(scope, receive, send)
        finally:
            self._opening -= 1
            for id in opened:
                self._release(id)

    async def _make_room(self, scope: Scope) -> bool:
        if len(self._sessions) + self._opening <= self._bounds.sessions_max:
            return True
        unused = ((id, each) for id, each in self._sessions.items() if not each.requests)
        id, oldest = next(unused, ("", None))
        now, must_rest_s = anyio.current_time(), self._bounds.session_unused_s
        if oldest is None or now - oldest.unused_since < must_rest_s:
            return False
        del self._sessions[id]
        await self._end(id, scope)
        return True

    async def _end(self, id: str, scope: Scope) -> None:
        """End a session as its client would have: that way the library forgets all of it."""
        host = [(name, value) for name, value in scope["headers"] if name == b"host"]
        headers = [*host, (SESSION_HEADER.encode(), id.encode())]
        await self._app({**scope, "method": "DELETE", "headers": headers}, _nothing, _unheard)

    @contextmanager
    def _used(self, id: str) -> Generator[None]:
        if (session := self._sessions.get(id)) is None:  # not ours, or ended
            yield
            return
        session.requests += 1
        try:
            yield
        finally:
            self._release(id)

    def _release(self, id: str) -> None:
        if (session := self._sessions.pop(id, None)) is not None:
            session.requests -= 1
            session.unused_since = anyio.current_time()
            self._sessions[id] = session


def _values(body: bytes | bytearray) -> int:
    return sum(map(body.count, b",:[{"))


def _receiving_first(body: bytes, receive: Receive) -> Receive:
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_next() -> Message:
        return first.pop() if first else await receive()

    return receive_next


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _unheard(_: Message) -> None:
    return


def _too_large() -> Response:
    text = f"A request has at most {BODY_BYTES_MAX} bytes, and {BODY_VALUES_MAX} values."
    return PlainTextResponse(text, 413)


def _busy(what: str, retry_s: float = 1) -> Response:
    headers = {"Retry-After": f"{retry_s:.0f}"}
    return PlainTextResponse(f"Too many {what} at once; try again.", 503, headers=headers)
