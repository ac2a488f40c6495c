"""h11's parser of requests with bounds, and stricter.

h11 matches each line against a pattern, and for some lines that takes time quadratic in their
length: 16 kB of blanks before a control character stop the whole server for seconds. So lines are
checked before h11 sees them.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal

import h11

HEAD_BYTES_MAX = 16 * 1024
"""Of a request line and its headers: a token, a few ids and a browser's cookies need a quarter."""
HEADERS_MAX = 100
"""Each costs us a hundred bytes and 10 µs, however short it is; browsers send two dozen."""
CHUNK_LINE_BYTES_MAX = 64
"""Of a chunk's length in hexadecimal digits; hardly anybody writes anything behind it."""
CHUNKS_MAX = 100
CHUNK_BYTES_MIN = 256
"""A body may come in up to `CHUNKS_MAX` chunks of any size, and in more if they have this size on
average: each costs 25 µs, and clients usually send kilobytes in one."""

_IN_LINES = bytes({*b"\t\n\r", *range(0x20, 0x7F), *range(0x80, 0x100)})
"""The bytes that a line may hold: no control character but the tab and the line end."""


class BoundedParser(h11.Connection):
    """h11's parser. After the first error, kept in `refused`, it reads nothing more."""

    refused: HTTPStatus | None = None
    in_body = False
    """Whether a request's head has been read, and its body not completely."""
    _chunks = _bytes = 0
    _head = b""
    """The head of an answer whose body is about to follow."""
    _lines: Literal["length", "trailers"] | None = None
    """Which lines come next in a chunked body; `None` inside a chunk."""

    def next_event(self) -> type[h11.NEED_DATA | h11.PAUSED] | h11.Event:
        """Return the next event; always `PAUSED` once something was wrong."""
        if self.refused is None:
            self.refused = self._wrong_ahead()
        if self.refused is not None:
            return h11.PAUSED
        try:
            event = super().next_event()
        except h11.RemoteProtocolError as error:
            self.refused = HTTPStatus(error.error_status_hint)
        else:
            self._note(event)
            if self.refused is None:
                return event
        return h11.PAUSED

    def send(  # pyright: ignore[reportIncompatibleMethodOverride] - h11's own is overloaded
        self, event: h11.Event
    ) -> bytes | None:
        """Return the bytes to send, the head of an answer together with the body that follows.

        Each piece costs a trip to the system and a packet. The head of a stream has no length, and
        is sent at once, as nobody knows when its first event comes.
        """
        sent = super().send(event)
        if isinstance(event, h11.Response) and sent is not None:
            if any(name == b"content-length" for name, _ in event.headers):
                self._head, sent = sent, b""
        elif sent is not None:
            sent, self._head = self._head + sent, b""
        return sent

    def _wrong_ahead(self) -> HTTPStatus | None:
        """Return why the next lines are refused before h11 reads them, `None` if they are not."""
        if self.their_state is h11.IDLE:
            return _wrong_lines(self.trailing_data[0])
        ahead = self.trailing_data[0]
        if self._lines == "length":
            length, complete, ahead = ahead.lstrip(b"\r\n").partition(b"\r\n")
            if len(length) > CHUNK_LINE_BYTES_MAX:
                return HTTPStatus.BAD_REQUEST
            if complete:
                last = not length.partition(b";")[0].strip(b" \t0")
                self._lines = "trailers" if last else None
        return _wrong_lines(ahead) if self._lines == "trailers" else None

    def _note(self, event: object) -> None:
        """Keep track of where in the request we are."""
        if isinstance(event, h11.Request):
            self.refused = _wrong_head(event)
            self.in_body = self.refused is None
            in_chunks = any(name == b"transfer-encoding" for name, _ in event.headers)
            self._lines = "length" if in_chunks else None
            self._chunks = self._bytes = 0
        elif isinstance(event, h11.Data):
            self._chunks += event.chunk_end
            self._bytes += len(event.data)
            self._lines = "length" if event.chunk_end else None
            if self._chunks > CHUNKS_MAX + self._bytes // CHUNK_BYTES_MIN:
                self.refused = HTTPStatus.BAD_REQUEST
        elif isinstance(event, h11.EndOfMessage):
            self.in_body, self._lines = False, None


def _wrong_lines(ahead: bytes) -> HTTPStatus | None:
    """Return why a head, or the trailers of a chunked body, are refused; they may be incomplete."""
    ends = [end for blank in (b"\n\r\n", b"\n\n") if (end := ahead.find(blank)) >= 0]
    lines = ahead[: min(ends) + 1] if ends else ahead
    if len(lines) > HEAD_BYTES_MAX or lines.count(b"\n") > HEADERS_MAX + 1:
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    # A last \r may yet be followed by its \n.
    bare = lines.count(b"\r") - lines.count(b"\r\n") - lines.endswith(b"\r")
    return HTTPStatus.BAD_REQUEST if bare or lines.translate(None, _IN_LINES) else None


def _wrong_head(request: h11.Request) -> HTTPStatus | None:
    """Return why a head is refused that h11 has accepted."""
    if request.http_version not in {b"1.0", b"1.1"}:
        return HTTPStatus.HTTP_VERSION_NOT_SUPPORTED
    # A full URL is meant for a proxy, and names a host beside the one in the Host header.
    if not request.target.startswith(b"/"):
        return HTTPStatus.BAD_REQUEST
    names = {name for name, _ in request.headers}
    # Request smuggling: a proxy before us may have seen the body end somewhere else.
    if b"transfer-encoding" in names and (
        b"content-length" in names or request.http_version == b"1.0"
    ):
        return HTTPStatus.BAD_REQUEST
    return None
