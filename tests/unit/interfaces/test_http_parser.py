"""What is taken for a request, byte by byte; and what is refused before it is read as lines."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

import h11
import pytest

from mcp_server.interfaces.http.parser import (
    CHUNK_BYTES_MIN,
    CHUNKS_MAX,
    HEAD_BYTES_MAX,
    HEADERS_MAX,
    BoundedParser,
)

HEAD = b"POST /mcp HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
TOO_LARGE = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
BAD = HTTPStatus.BAD_REQUEST
BLANKS = b" " * 16_000


def read(parser: BoundedParser) -> Iterator[h11.Event]:
    """Yield the events that are there."""
    while not isinstance(event := parser.next_event(), type):
        yield event


def parse(data: bytes, step: int) -> tuple[list[object], HTTPStatus | None]:
    """Feed a parser in pieces of `step` bytes; return the events, and why it stopped."""
    parser = BoundedParser(h11.SERVER, HEAD_BYTES_MAX)
    events: list[object] = []
    for start in range(0, len(data), step):
        parser.receive_data(data[start : start + step])
        events += read(parser)
    return events, parser.refused


@pytest.mark.parametrize("step", [3, 70, 16_384])
@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"\r\n",
        HEAD + b"A: " + b"x" * 12_000 + b"\r\n\r\n",
        HEAD + b"A: b\r\n" * (HEADERS_MAX - 1) + b"\r\n",
        HEAD + b"A: \xff\xfe caf\xc3\xa9\t(x)\r\n\r\n",
        HEAD + b"Content-Length: 5\r\n\r\n\0\r\r\n\n",
        CHUNKED + b"5\r\n\0\r\r\n\n\r\n005;a=b\r\nabcde\r\n0\r\n\r\n",
        CHUNKED + b"0\r\nA: b\r\nC: d\r\n\r\n",
        CHUNKED + b"1\r\nx\r\n" * CHUNKS_MAX + b"0\r\n\r\n",
        CHUNKED + (b"100\r\n" + b"x" * CHUNK_BYTES_MIN + b"\r\n") * 200 + b"0\r\n\r\n",
    ],
)
def test_requests_of_ordinary_clients_are_read(data: bytes, step: int) -> None:
    """However they are cut; a body may hold what a line may not."""
    events, refused = parse(data, step)
    assert refused is None
    assert isinstance(events[0], h11.Request)
    assert isinstance(events[-1], h11.EndOfMessage)


def test_it_does_not_matter_where_a_request_is_cut() -> None:
    """Between a length and its chunk, say, or before what follows the last one."""
    data = (
        b"200;a=b\r\n"
        + b"x" * 512
        + b"\r\n5\r\n\r\n0\r\n\r\n0\r\nA: "
        + b"y" * 99
        + b"\r\nB: c\r\n\r\n"
    )
    for cut in range(len(data)):
        parser = BoundedParser(h11.SERVER, HEAD_BYTES_MAX)
        events: list[object] = []
        for piece in (CHUNKED, data[:cut], data[cut:]):
            if piece:  # none would be the end
                parser.receive_data(piece)
            events += read(parser)
        assert parser.refused is None, cut
        assert isinstance(events[-1], h11.EndOfMessage), cut


@pytest.mark.parametrize("step", [7, 16_384])
@pytest.mark.parametrize(
    ("data", "status"),
    [
        (HEAD + b"A: " + b"x" * 20_000, TOO_LARGE),
        (HEAD + b"A: " + b"x" * 20_000 + b"\r\n\r\n", TOO_LARGE),
        (b"GET /" + b"x" * 20_000, TOO_LARGE),
        (HEAD + b"A: b\r\n" * HEADERS_MAX + b"\r\n", TOO_LARGE),
        (HEAD + b"a:\n" * 5_000 + b"\n", TOO_LARGE),
        (HEAD + b"A: b\r\n" + b" x\r\n" * HEADERS_MAX + b"\r\n", TOO_LARGE),
        (HEAD + b"A: a\0b\r\n\r\n", BAD),
        (HEAD + b"A: a\x0bb\r\n\r\n", BAD),
        (HEAD + b"A: a\rb\r\n\r\n", BAD),
        (HEAD + b"Host: evil.com\r\n\r\n", BAD),
        (b"GET / HTTP/1.1\r\n\r\n", BAD),
        (b"GET /\r\n\r\n", BAD),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", HTTPStatus.HTTP_VERSION_NOT_SUPPORTED),
        (b"GET http://evil.com/mcp HTTP/1.1\r\nHost: localhost\r\n\r\n", BAD),
        (b"CONNECT evil.com:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", BAD),
        (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", BAD),
        (b"GET /\xc3\xa9 HTTP/1.1\r\nHost: localhost\r\n\r\n", BAD),
        (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", BAD),
    ],
)
def test_other_heads_are_refused(data: bytes, status: HTTPStatus, step: int) -> None:
    """As soon as they are too long, and else when they are complete."""
    assert parse(data, step) == ([], status)


@pytest.mark.parametrize("step", [7, 16_384])
@pytest.mark.parametrize(
    ("data", "status"),
    [
        (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", BAD),
        (HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", BAD),
        (HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", BAD),
        (HEAD + b"Content-Length: 5, 6\r\n\r\nabcdef", BAD),
        (HEAD + b"Content-Length: +5\r\n\r\nabcde", BAD),
        (HEAD + b"Content-Length: 0x5\r\n\r\nabcde", BAD),
        (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", HTTPStatus.NOT_IMPLEMENTED),
        (HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n", HTTPStatus.NOT_IMPLEMENTED),
        (HEAD + b"Transfer-Encoding : chunked\r\n\r\n", BAD),
        (HEAD.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n", BAD),
    ],
)
def test_a_body_whose_end_two_readers_might_see_elsewhere_is_refused(
    data: bytes, status: HTTPStatus, step: int
) -> None:
    """What follows it would be a request to one of them, and a part of the body to the other."""
    assert parse(data, step) == ([], status)


@pytest.mark.parametrize("step", [7, 16_384])
@pytest.mark.parametrize(
    "data",
    [
        CHUNKED + b"zz\r\n",
        CHUNKED + b"-1\r\n",
        CHUNKED + b"5\r\nabcdefg\r\n",
        CHUNKED + b"5;" + b"x" * 100 + b"\r\nabcde\r\n",
        CHUNKED + b"1\r\nx\r\n" * (CHUNKS_MAX + 1),
        CHUNKED + b"0\r\nA: a\0b\r\n\r\n",
    ],
)
def test_a_body_in_odd_chunks_is_refused(data: bytes, step: int) -> None:
    """Thousands of tiny ones too: each costs far more to read than to send."""
    events, refused = parse(data, step)
    assert refused == BAD
    assert not any(isinstance(event, h11.EndOfMessage) for event in events)


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"A:" + BLANKS + b"\0\r\n\r\n",
        HEAD + b"A:" + BLANKS + b"\rx\r\n\r\n",
        CHUNKED + b"1;" + BLANKS + b"\n\r\nx\r\n",
        CHUNKED + b"0\r\nA:" + BLANKS + b"\x0b\r\n\r\n",
        CHUNKED + b"5\r\nabcde\r\n00\r\nA:" + BLANKS + b"\x0b\r\n\r\n",
        CHUNKED + b"0 \t\r\nA:" + BLANKS + b"\x0b\r\n\r\n",
    ],
)
@pytest.mark.parametrize("cut", [0, len(HEAD), len(CHUNKED), len(CHUNKED) + 3, len(CHUNKED) + 5])
def test_lines_that_would_stop_the_server_for_seconds_are_not_read(data: bytes, cut: int) -> None:
    """h11's patterns never see them: each would take seconds to find that it does not match."""
    parser = BoundedParser(h11.SERVER, HEAD_BYTES_MAX)
    for piece in filter(None, (data[:cut], data[cut:])):
        parser.receive_data(piece)
        assert not any(isinstance(event, h11.EndOfMessage) for event in read(parser))
    assert parser.refused == BAD
    assert bytes(BLANKS) in parser.trailing_data[0]


def test_nothing_is_read_after_what_was_refused() -> None:
    """Whoever smuggles something behind it has sent it for nothing."""
    parser = BoundedParser(h11.SERVER, HEAD_BYTES_MAX)
    parser.receive_data(b"GET / HTTP/9.9\r\n\r\n" + HEAD + b"\r\n")
    assert parser.next_event() is h11.PAUSED
    parser.receive_data(HEAD + b"\r\n")
    assert parser.next_event() is h11.PAUSED


@pytest.mark.parametrize(("length", "pieces"), [(b"5", 1), (None, 2)])
def test_the_head_of_an_answer_goes_with_its_body_unless_it_is_a_stream(
    length: bytes | None, pieces: int
) -> None:
    """One piece, one packet; when the first event of a stream comes nobody knows."""
    parser = BoundedParser(h11.SERVER, HEAD_BYTES_MAX)
    parser.receive_data(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert len(list(read(parser))) == 2
    headers = [] if length is None else [(b"content-length", length)]
    answer = (
        h11.Response(status_code=200, headers=headers),
        h11.Data(data=b"hello"),
        h11.EndOfMessage(),
    )
    sent = [parser.send(event) or b"" for event in answer]
    assert b"hello" in sent[1]
    assert sum(bool(piece) for piece in sent[:2]) == pieces
    assert b"".join(sent).startswith(b"HTTP/1.1 200")
    assert (b"HTTP/1.1" in sent[1]) == (length is not None)


def test_an_answer_without_a_body_has_its_head_all_the_same() -> None:
    """As HEAD is answered: with a length, and nothing of that length."""
    parser = BoundedParser(h11.SERVER, HEAD_BYTES_MAX)
    parser.receive_data(b"HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert len(list(read(parser))) == 2
    head = h11.Response(status_code=200, headers=[(b"content-length", b"5")])
    sent = [parser.send(event) or b"" for event in (head, h11.EndOfMessage())]
    assert b"".join(sent).startswith(b"HTTP/1.1 200")
