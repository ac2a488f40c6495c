"""Bounds on sessions of the protocol before 2026-07-28, and on calls whose client has left."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import anyio
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mcp_server.interfaces.http.bounds import CallBounds, busy, receiving_first, values_in

OPENING_BYTES_MAX = 16 * 1024
OPENING_VALUES_MAX = 1_000
"""Bounds on what a client says of itself when it opens a session (name, abilities, icon), since the
library keeps that as long as the session."""
ABANDONED_S = 60
"""How long an abandoned call is assumed to go on: longer than any wait."""

SESSION_HEADER = "mcp-session-id"
VERSION_HEADER = "mcp-protocol-version"


@dataclass(slots=True)
class _Session:
    """A session: how many of its requests are open, and since when none is."""

    requests: int = 0
    unused_since: float = field(default_factory=anyio.current_time)


class _Call:
    """Listens in on one request of a session: whether its client leaves, or ends the session."""

    def __init__(self, method: str, receive: Receive, send: Send) -> None:
        self._method, self._receive, self._send = method, receive, send
        self._answered = self._left = False
        self.ended_session = False

    @property
    def abandoned(self) -> bool:
        """Whether the client left a call before it was answered. The library still completes it."""
        return self._left and self._method == "POST"

    async def receive(self) -> Message:
        """Receive the next message; note if the client leaves."""
        message = await self._receive()
        self._left |= message["type"] == "http.disconnect" and not self._answered
        return message

    async def send(self, message: Message) -> None:
        """Send a message; note if it ends the session or completes the answer."""
        if message["type"] == "http.response.start":
            deleted = self._method == "DELETE" and message["status"] < 400
            self.ended_session = deleted or message["status"] == 404
        elif not message.get("more_body", False):
            self._answered = True
        await self._send(message)


class SessionBounds:
    """Bounds the sessions that clients of the older protocol have open at `path`.

    If there are too many, the one that was unused longest is ended to make room. If even that one
    was used a moment ago, or all have an open call or stream, the new client is asked to come back
    later. The library's session manager has a bound, too, but can only refuse: new clients would be
    locked out until sessions time out.
    """

    def __init__(self, app: ASGIApp, *, path: str, bounds: CallBounds) -> None:
        self._app, self._path, self._bounds = app, path, bounds
        # In the order of last use: a session that is released goes to the end (`_release`).
        self._sessions: dict[str, _Session] = {}
        self._opening = 0
        self._abandoned: deque[tuple[float, str]] = deque()  # until when each counts, and whose
        self._abandoned_of: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; answer 503 if it would open one session too many."""
        if scope["type"] != "http" or scope["path"] != self._path:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if headers.get(VERSION_HEADER, "") not in {"", *HANDSHAKE_PROTOCOL_VERSIONS}:
            await self._app(scope, receive, send)  # newer protocols have no sessions
        elif (id := headers.get(SESSION_HEADER)) is not None:
            await self._go_on(id, scope, receive, send)
        else:
            await self._open(scope, receive, send)

    async def _go_on(self, id: str, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST" and self._abandons_too_many(id):
            await busy("calls that nobody waits for", ABANDONED_S)(scope, receive, send)
            return
        call = _Call(scope["method"], receive, send)
        with self._used(id):
            await self._app(scope, call.receive, call.send)
        if call.ended_session:
            self._sessions.pop(id, None)
        if call.abandoned:
            self._abandoned.append((anyio.current_time() + ABANDONED_S, id))
            self._abandoned_of[id] += 1

    def _abandons_too_many(self, id: str) -> bool:
        """Whether there are too many abandoned calls, and this session has its share of them.

        A client that abandons none is never held up by others that do.
        """
        while self._abandoned and self._abandoned[0][0] < anyio.current_time():
            _, whose = self._abandoned.popleft()
            self._abandoned_of[whose] -= 1
            if not self._abandoned_of[whose]:
                del self._abandoned_of[whose]
        most, own = self._bounds.abandoned_max, self._abandoned_of[id]
        return len(self._abandoned) >= most and own * len(self._abandoned_of) >= most

    async def _open(self, scope: Scope, receive: Receive, send: Send) -> None:
        body: bytes = (await receive()).get("body", b"")  # all of it, as `RequestBounds` read it
        if len(body) > OPENING_BYTES_MAX or values_in(body) > OPENING_VALUES_MAX:
            text = "A client says too much about itself."
            await PlainTextResponse(text, 413)(scope, receive, send)
            return
        opened: list[str] = []

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                opened.extend(Headers(raw=message["headers"]).getlist(SESSION_HEADER))
                self._sessions.update((id, _Session(requests=1)) for id in opened)
            await send(message)

        self._opening += 1  # sessions being opened at the same time count, too
        try:
            if await self._make_room(scope):
                await self._app(scope, receiving_first(body, receive), note)
            else:
                await busy("sessions", self._bounds.session_unused_s)(scope, receive, send)
        finally:
            self._opening -= 1
            for id in opened:
                self._release(id)

    async def _make_room(self, scope: Scope) -> bool:
        if len(self._sessions) + self._opening <= self._bounds.sessions_max:  # this one included
            return True
        unused = ((id, each) for id, each in self._sessions.items() if not each.requests)
        id, oldest = next(unused, ("", None))
        now, must_rest_s = anyio.current_time(), self._bounds.session_unused_s
        if oldest is None or now - oldest.unused_since < must_rest_s:
            return False
        del self._sessions[id]  # before the wait, in which another client may look for room
        await self._end(id, scope)
        return True

    async def _end(self, id: str, scope: Scope) -> None:
        """End a session with the request that its client would send; the library then frees it."""
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


async def _nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _unheard(_: Message) -> None:
    return
