"""What is taken for a request: h11 reads it, within bounds, and less is let pass.

h11 compares each line with a pattern, which for some lines takes time that grows with the square of
their length: 16 kB of blanks before a control character stop the whole server for seconds. So
nothing is read as a line that was not looked at first.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal

import h11

HEAD_BYTES_MAX = 16 * 1024
"""Of a request line and its headers: a token, a few ids and a browser's cookies need a quarter."""
HEADERS_MAX = 100
"""Each costs a hundred bytes and 10 µs of ours, however short it is; browsers send two dozen."""
CHUNK_LINE_BYTES_MAX = 64
"""A length in hexadecimal digits; hardly anybody writes anything behind it."""
CHUNKS_MAX = 100
CHUNK_BYTES_MIN = 256
"""A body may come in so many small chunks, and in more if they are this large on average: each
costs 25 µs, and those that clients write have kilobytes."""

_IN_LINES = bytes({*b"\t\n\r", *range(0x20, 0x7F), *range(0x80, 0x100)})
"""What a line may hold: no control character but the tabulator, and what ends it."""


class BoundedParser(h11.Connection):
    """h11's parser. It says once what is wrong, and reads nothing after that."""

    refused: HTTPStatus | None = None
    in_body = False
    """Whether the head of a request has been read, and its body not to the end."""
    _chunks = _bytes = 0
    _lines: Literal["length", "trailers"] | None = None
    """Which lines come next in a body in chunks; none while the bytes of a chunk do."""

    def next_event(self) -> type[h11.NEED_DATA | h11.PAUSED] | h11.Event:
        """Return the next event; `PAUSED` for good once there was something wrong."""
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

    def _wrong_ahead(self) -> HTTPStatus | None:
        """Return why the lines that come next are refused unread."""
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
        """Follow where in a request we are."""
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
    """Return why a head is refused that begins like this, or the lines after a body in chunks."""
    ends = [end for blank in (b"\n\r\n", b"\n\n") if (end := ahead.find(blank)) >= 0]
    lines = ahead[: min(ends) + 1] if ends else ahead
    if len(lines) > HEAD_BYTES_MAX or lines.count(b"\n") > HEADERS_MAX + 1:
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    bare = lines.count(b"\r") - lines.count(b"\r\n") - lines.endswith(b"\r")
    return HTTPStatus.BAD_REQUEST if bare or lines.translate(None, _IN_LINES) else None


def _wrong_head(request: h11.Request) -> HTTPStatus | None:
    """Return why a head is refused that h11 lets pass."""
    if request.http_version not in {b"1.0", b"1.1"}:
        return HTTPStatus.HTTP_VERSION_NOT_SUPPORTED
    if not request.target.startswith(b"/"):  # a proxy's business, and another host's name
        return HTTPStatus.BAD_REQUEST
    names = {name for name, _ in request.headers}
    if b"transfer-encoding" in names and (
        b"content-length" in names or request.http_version == b"1.0"
    ):  # a proxy before us may have found another end of it
        return HTTPStatus.BAD_REQUEST
    return None
