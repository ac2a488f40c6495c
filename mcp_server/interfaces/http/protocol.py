"""HTTP connections with bounds on their number, on their waits and on what is kept of them.

uvicorn has no such bounds: it waits for ever for the first byte, for the rest of a head or a body,
and for a client to read, and accepts any number of connections. Here, what a client sends is read
in small pieces, and a client that breaks a rule is told so and disconnected.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.server import ServerState

from mcp_server.interfaces.http.parser import HEAD_BYTES_MAX, BoundedParser

CONNECTIONS_MAX = 512
"""A few hundred clients, each with a call and a stream; a connection is at most 50 kB of ours."""
READ_BYTES = 16 * 1024
"""Read from a connection at a time. asyncio would read 256 KiB, and h11 would keep them."""
AHEAD_BYTES_MAX = READ_BYTES
"""Kept of what a client sends before the last request is answered. Hardly any client does that."""
SILENT_S = 60
"""After how much silence the system probes a connection: a peer that lost its network sends no
end."""


def connections_max() -> int:
    """Return how many connections there may be: at most half of the files a process may open."""
    return min(CONNECTIONS_MAX, _descriptors() // 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionBounds:
    """How many connections there are at once, and how long each waits for its client."""

    connections_max: int = field(default_factory=connections_max)
    """When it is reached, the connection that has waited longest for its client makes room."""
    head_s: float = 10
    """From connecting, or from the first byte of a later request, to the end of its headers."""
    body_s: float = 30
    """Enough for a megabyte at 300 kbit/s, which is slower than mobile networks are."""
    write_s: float = 30
    """How long more than a few dozen kB that we have sent may stay unread."""
    linger_s: float = 5
    """How long a client may go on sending after an early answer. Cut off at once, it could lose the
    answer."""


class Connections:
    """The open connections of one server, and those that wait for their client, longest first."""

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._open: set[BoundedProtocol] = set()
        self._waiting: dict[BoundedProtocol, None] = {}

    def admit(self, connection: BoundedProtocol) -> bool:
        """Add a connection, aborting the longest waiting one if need be; False if all are busy."""
        if len(self._open) >= self._maximum:
            oldest = next(iter(self._waiting), None)
            if oldest is None:
                return False
            self.forget(oldest)  # now, as `connection_lost` is only called in a later turn
            oldest.transport.abort()
        self._open.add(connection)
        self._waiting[connection] = None
        return True

    def note(self, connection: BoundedProtocol, *, waiting: bool) -> None:
        """Note whether a connection waits for its client, or its client for us."""
        if not waiting:
            self._waiting.pop(connection, None)
        elif connection in self._open:
            self._waiting.setdefault(connection, None)  # one that waits already keeps its place

    def forget(self, connection: BoundedProtocol) -> None:
        """Remove a connection."""
        self._open.discard(connection)
        self._waiting.pop(connection, None)


def bounded_protocol(bounds: ConnectionBounds) -> type[asyncio.Protocol]:
    """Return the factory of one server's connection protocols, for `uvicorn.Config`."""
    connections = Connections(bounds.connections_max)
    factory = partial(BoundedProtocol, bounds=bounds, connections=connections)
    return cast("type[asyncio.Protocol]", factory)  # uvicorn only calls it


class BoundedProtocol(H11Protocol, asyncio.BufferedProtocol):
    """HTTP/1.1 with one deadline at a time: for a head, a body, or the client's leaving.

    A `BufferedProtocol`, as only that kind decides how many bytes asyncio reads at a time.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        bounds: ConnectionBounds,
        connections: Connections,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn = self._parser = BoundedParser(h11.SERVER, HEAD_BYTES_MAX)
        self._bounds, self._admitted = bounds, connections
        self._buffer = bytearray()
        self._awaited: object = None
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._leaving = False

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept a connection if there is room, and begin to wait for its first request."""
        super().connection_made(cast("asyncio.Transport", transport))
        connected: socket.socket = transport.get_extra_info("socket")
        _send_at_once(connected)
        _ask_when_silent(connected)
        if self._admitted.admit(self):
            self._watch()
        else:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Release everything the connection held."""
        self._admitted.forget(self)
        self._wait_no_longer()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)
        self.resume_writing()

    def get_buffer(self, sizehint: int) -> bytearray:
        """Return a buffer for the next bytes: a small one, however many have come."""
        self._buffer = bytearray(min(sizehint, READ_BYTES) if sizehint > 0 else READ_BYTES)
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Process those bytes; drop them if the client is being disconnected, or had finished."""
        data, self._buffer = bytes(self._buffer[:nbytes]), bytearray()
        over = self._leaving or self.conn.their_state is h11.MUST_CLOSE
        if not (over or self.transport.is_closing()):
            self.data_received(data)

    def pause_writing(self) -> None:
        """Begin to wait for the client to read what was sent."""
        super().pause_writing()
        self._unread = self.loop.call_later(self._bounds.write_s, self.transport.abort)
        self._watch()

    def resume_writing(self) -> None:
        """Stop waiting: the client has read."""
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        super().resume_writing()
        self._watch()

    # What uvicorn calls

    def handle_events(self) -> None:
        """Process what has come, or refuse it."""
        super().handle_events()
        if self._parser.refused is not None:
            self._refuse(self._parser.refused)
        elif len(self._ahead) > AHEAD_BYTES_MAX:
            self._refuse(HTTPStatus.TOO_MANY_REQUESTS)
        else:
            self._watch()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request, or for the rest of this one."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._expect(self._bounds.linger_s, self.transport.abort)
        else:
            self._watch()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that was kept open and not used."""
        super().timeout_keep_alive_handler()
        self._expect(self._bounds.linger_s, self.transport.abort)

    def shutdown(self) -> None:
        """Close connections that wait for their client at once, the others after their answer."""
        if self._leaving:
            self.transport.abort()
        elif self._parser.in_body:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
            self.transport.close()
        else:
            super().shutdown()

    def _should_upgrade(self) -> bool:
        """Refuse upgrades silently: uvicorn would log a warning for each."""
        return False

    # Deadlines

    def _watch(self) -> None:
        """Set the deadline for what the connection waits for now, if that has changed."""
        if self._leaving:
            return
        request, state = self._request, self.conn.their_state
        answered = request is None or request.response_complete
        begun = request is None or bool(self._ahead)
        unread = self._unread is not None
        self._admitted.note(self, waiting=answered or unread or self._parser.in_body)
        # The same wait keeps its deadline: a client that sends byte by byte does not extend it.
        if (awaited := (state, request, answered, begun)) == self._awaited:
            return
        self._awaited = awaited
        self._wait_no_longer()
        if state is h11.SEND_BODY:
            self._expect(self._bounds.linger_s if answered else self._bounds.body_s, self._late)
        elif state is h11.IDLE and begun:  # else it is kept open unused, which uvicorn ends
            self._expect(self._bounds.head_s, self._late)

    def _late(self) -> None:
        began = self._parser.in_body or bool(self._ahead)
        self._refuse(HTTPStatus.REQUEST_TIMEOUT if began else None)

    @property
    def _request(self) -> RequestResponseCycle | None:
        """The request that was read last, `None` before the first."""
        return cast("RequestResponseCycle | None", self.cycle)

    @property
    def _ahead(self) -> bytes:
        """Bytes that have come and cannot be used yet: half a head, or requests sent ahead."""
        return self.conn.trailing_data[0]

    def _expect(self, seconds: float, otherwise: Callable[[], None]) -> None:
        self._wait_no_longer()
        self._deadline = self.loop.call_later(seconds, otherwise)

    def _wait_no_longer(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    # The end

    def _refuse(self, status: HTTPStatus | None) -> None:
        """Disconnect the client; say why, unless an answer to it has begun already."""
        if self._leaving or self.transport.is_closing():
            return
        self._leaving = True
        self._admitted.note(self, waiting=True)
        self._wait_no_longer()
        self._unset_keepalive_if_required()
        request, answering = self._request, False
        if request is not None and not request.response_complete:
            answering = request.response_started
            request.disconnected = True  # tells the application, which is about to answer
            request.message_event.set()
        elif self._parser.in_body:
            answering = True
        self._expect(self._bounds.linger_s, self.transport.abort)
        if status is None or answering:  # a second answer within the first would be garbage
            self.transport.close()
            return
        self.transport.write(_refusal(status))
        with suppress(OSError):  # it may have left by now
            self.transport.write_eof()
        # Read on and drop it: closing with unread bytes resets the connection, and the client could
        # lose the answer.
        self.flow.resume_reading()


def _refusal(status: HTTPStatus) -> bytes:
    text = f"{status.phrase}.\n"
    lines = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        "content-type: text/plain; charset=utf-8",
        f"content-length: {len(text)}",
        "connection: close",
    )
    return ("\r\n".join(lines) + f"\r\n\r\n{text}").encode("ascii")


def _send_at_once(connected: socket.socket) -> None:
    """Have the system send the end of each answer although its head is not acknowledged yet.

    Clients acknowledge 40 ms late, and each answer would wait for that. asyncio sets this by itself
    for sockets that name their protocol, which those that a listener accepts need not do.
    """
    with suppress(OSError):  # the peer is gone already
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _ask_when_silent(connected: socket.socket) -> None:
    """Have the system probe a silent peer, and end the connection if there is no answer."""
    with suppress(OSError):  # the peer is gone already, or the system lacks one of these options
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (("TCP_KEEPIDLE", SILENT_S), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
            if hasattr(socket, name):
                connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _descriptors() -> int:
    """Return how many files and sockets this process may have open."""
    if sys.platform == "win32":
        return sys.maxsize
    import resource  # noqa: PLC0415 - there is none on Windows

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft
