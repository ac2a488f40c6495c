"""Connections with bounds: how long a client may take, how much of it is kept, how many there are.

uvicorn waits for ever for the first byte, for the rest of a head and of a body, and for a client
to read; it takes as many connections as come. What a client has sent is read in small pieces, and
whoever breaks a rule is told so and let go.
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
"""Taken from a connection at a time. asyncio would take 256 KiB, and h11 keep them."""
AHEAD_BYTES_MAX = READ_BYTES
"""Kept of what a client sends while it is being answered. Hardly any client does that."""
SILENT_S = 60
"""When a silent peer is asked whether it is there: one that lost its network says no goodbye."""


def connections_max() -> int:
    """Return how many connections there may be: as many as leave files for everything else."""
    return min(CONNECTIONS_MAX, _descriptors() // 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionBounds:
    """How many connections there are at once, and how long each waits for its client."""

    connections_max: int = field(default_factory=connections_max)
    """Of them, those that wait for their client make room for new ones, the longest first."""
    head_s: float = 10
    """From the first moment, or the first byte of a later request, to the end of its headers."""
    body_s: float = 30
    """For at most a megabyte: a line of 300 kbit/s is slower than what mobile networks offer."""
    write_s: float = 30
    """How long what we send may lie there unread, once that is more than a few dozen kB."""
    linger_s: float = 5
    """How long a client that was answered early may go on sending, before it is cut off. Cut at
    once, it would lose the answer."""


class Connections:
    """The connections of one server, and which of them wait for their client, the longest first."""

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._open: set[BoundedProtocol] = set()
        self._waiting: dict[BoundedProtocol, None] = {}

    def admit(self, connection: BoundedProtocol) -> bool:
        """Count a new connection; whether there was room, or one that waits could be let go."""
        if len(self._open) >= self._maximum:
            oldest = next(iter(self._waiting), None)
            if oldest is None:
                return False
            self.forget(oldest)
            oldest.transport.abort()
        self._open.add(connection)
        self._waiting[connection] = None
        return True

    def note(self, connection: BoundedProtocol, *, waiting: bool) -> None:
        """Say whether a connection waits for its client, or its client for us."""
        if not waiting:
            self._waiting.pop(connection, None)
        elif connection in self._open:
            self._waiting.setdefault(connection, None)

    def forget(self, connection: BoundedProtocol) -> None:
        """Count a connection no more."""
        self._open.discard(connection)
        self._waiting.pop(connection, None)


def bounded_protocol(bounds: ConnectionBounds) -> type[asyncio.Protocol]:
    """Return what makes the protocol of each connection of one server, for `uvicorn.Config`."""
    connections = Connections(bounds.connections_max)
    factory = partial(BoundedProtocol, bounds=bounds, connections=connections)
    return cast("type[asyncio.Protocol]", factory)  # uvicorn only calls it


class BoundedProtocol(H11Protocol, asyncio.BufferedProtocol):
    """HTTP/1.1 with one deadline at a time: for a head, for a body, or for the client to leave."""

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
        """Take a connection up if there is room, and begin to wait for its first request."""
        super().connection_made(cast("asyncio.Transport", transport))
        _ask_when_silent(transport.get_extra_info("socket"))
        if self._admitted.admit(self):
            self._watch()
        else:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give back what the connection held."""
        self._admitted.forget(self)
        self._wait_no_longer()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)
        self.resume_writing()

    def get_buffer(self, sizehint: int) -> bytearray:
        """Return where the next bytes go: a small place, whatever has come."""
        self._buffer = bytearray(min(sizehint, READ_BYTES) if sizehint > 0 else READ_BYTES)
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take those bytes, or drop them if the client is let go, or had said its last."""
        data, self._buffer = bytes(self._buffer[:nbytes]), bytearray()
        over = self._leaving or self.conn.their_state is h11.MUST_CLOSE
        if not (over or self.transport.is_closing()):
            self.data_received(data)

    def pause_writing(self) -> None:
        """Begin to wait for the client to read."""
        super().pause_writing()
        self._unread = self.loop.call_later(self._bounds.write_s, self.transport.abort)
        self._watch()

    def resume_writing(self) -> None:
        """Wait no more: it has read."""
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        super().resume_writing()
        self._watch()

    # What uvicorn calls

    def handle_events(self) -> None:
        """Go on with what has come, or refuse it."""
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
        """Close a connection that was kept and not used."""
        super().timeout_keep_alive_handler()
        self._expect(self._bounds.linger_s, self.transport.abort)

    def shutdown(self) -> None:
        """Close at once what waits for its client, and the others after their answer."""
        if self._leaving:
            self.transport.abort()
        elif self._parser.in_body:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
            self.transport.close()
        else:
            super().shutdown()

    def _should_upgrade(self) -> bool:
        """No other protocol is spoken here, and nobody need be warned of it."""
        return False

    # Deadlines

    def _watch(self) -> None:
        """See what the connection waits for now, and until when."""
        if self._leaving:
            return
        request, state = self._request, self.conn.their_state
        answered = request is None or request.response_complete
        begun = request is None or bool(self._ahead)
        unread = self._unread is not None
        self._admitted.note(self, waiting=answered or unread or self._parser.in_body)
        if (awaited := (state, request, answered, begun)) == self._awaited:
            return
        self._awaited = awaited
        self._wait_no_longer()
        if state is h11.SEND_BODY:
            self._expect(self._bounds.linger_s if answered else self._bounds.body_s, self._late)
        elif state is h11.IDLE and begun:  # kept and not used: that is uvicorn's to end
            self._expect(self._bounds.head_s, self._late)

    def _late(self) -> None:
        began = self._parser.in_body or bool(self._ahead)
        self._refuse(HTTPStatus.REQUEST_TIMEOUT if began else None)

    @property
    def _request(self) -> RequestResponseCycle | None:
        """The request that was read last."""
        return cast("RequestResponseCycle | None", self.cycle)

    @property
    def _ahead(self) -> bytes:
        """What has come and could not be used yet: half a head, or requests sent ahead."""
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
        """Let the client go, and say why where an answer to it has not begun."""
        if self._leaving or self.transport.is_closing():
            return
        self._leaving = True
        self._admitted.note(self, waiting=True)
        self._wait_no_longer()
        self._unset_keepalive_if_required()
        request, answering = self._request, False
        if request is not None and not request.response_complete:
            answering = request.response_started
            request.disconnected = True  # for whoever is about to answer it
            request.message_event.set()
        elif self._parser.in_body:
            answering = True
        self._expect(self._bounds.linger_s, self.transport.abort)
        if status is None or answering:
            self.transport.close()
            return
        self.transport.write(_refusal(status))
        with suppress(OSError):  # it may have left by now
            self.transport.write_eof()
        self.flow.resume_reading()  # what is dropped, lest the client lose the answer


def _refusal(status: HTTPStatus) -> bytes:
    text = f"{status.phrase}.\n"
    lines = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        "content-type: text/plain; charset=utf-8",
        f"content-length: {len(text)}",
        "connection: close",
    )
    return ("\r\n".join(lines) + f"\r\n\r\n{text}").encode("ascii")


def _ask_when_silent(connected: socket.socket) -> None:
    """Have the system ask a silent peer whether it is there, and end the connection if not."""
    with suppress(OSError):  # it is gone already, or the system does not know one of these
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
