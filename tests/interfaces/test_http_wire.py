"""Whoever reaches the port, with or without the token: what odd bytes do to a real server."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.harness import small_site
from tests.sockets import exchange, head, status_of
from tests.wire import http_server

TOKEN = "sk-long-and-secret"
BEARER = f"Authorization: Bearer {TOKEN}"
JSON = ("Content-Type: application/json", "Accept: application/json, text/event-stream")
MODERN = ("MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: status")
ROUTES = (
    "POST /mcp",
    "GET /mcp",
    "DELETE /mcp",
    "OPTIONS /mcp",
    "GET /events",
    "GET /batches/b_1/events",
    "GET /jobs/j_1/events",
    "GET /metrics",
    "GET /nowhere",
    "GET /health/",
)
BAD_HOSTS = (
    "",
    "localhost:evil.com",
    "localhost:80:80",
    "localhost:",
    "localhost:0",
    "localhost:65536",
    "user@localhost",
    "localhost:80@evil.com",
    "localhost/",
    "[::1",
    "[::1]x",
    "localhost\xff",
)
FOREIGN_HOSTS = ("evil.com", "localhost.", "localhost.evil.com", "127.0.0.1.evil.com:80", "127.1")
FOREIGN_ORIGINS = (
    "",
    "null",
    "https://evil.com",
    "http://localhost:@evil.com",
    "http://localhost:evil.com",
    "http://localhost:80:80",
    "http://localhost.evil.com",
    "http://localhost/",
    "http://localhost\xff",
    "https://localhost",
)

Server = tuple[subprocess.Popen[bytes], str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on this machine, without a token; its log holds no traceback in the end."""
    root = small_site(tmp_path_factory.mktemp("wire") / "site", {"menu": 3})
    with http_server(root) as running:
        yield running
        assert status_of(exchange(running[1], head())) == 200
    assert "Traceback" not in (root.parent / f"{root.name}.http.stderr").read_text()


@pytest.fixture(scope="module")
def url(server: Server) -> str:
    """Its address."""
    return server[1]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a token; its log holds no traceback in the end."""
    root = small_site(tmp_path_factory.mktemp("guarded") / "site", {"menu": 3})
    with http_server(root, PRESSROOM_TOKEN=TOKEN) as running:
        yield running
        assert status_of(exchange(running[1], head())) == 200
    assert "Traceback" not in (root.parent / f"{root.name}.http.stderr").read_text()


def posted(body: bytes, *headers: str) -> bytes:
    """Return a request with a body."""
    return head("POST /mcp", *JSON, f"Content-Length: {len(body)}", *headers) + body


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_is_for_exact_hosts_only(url: str, route: str) -> None:
    """A name that begins like ours is another's; what names no host is refused as such."""
    for host in BAD_HOSTS:
        assert status_of(exchange(url, head(route, host=host))) == 400, host
    for host in FOREIGN_HOSTS:
        assert status_of(exchange(url, head(route, host=host))) == 421, host
    assert status_of(exchange(url, head(route, host=None))) == 400
    for second in ("Host: evil.com", "Host: 127.0.0.1", "hOsT: localhost"):
        assert status_of(exchange(url, head(route, second))) == 400, second


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_is_for_exact_origins_only(url: str, route: str) -> None:
    """The page of somebody else is not let in by an address that looks like ours."""
    for origin in FOREIGN_ORIGINS:
        assert status_of(exchange(url, head(route, f"Origin: {origin}"))) == 403, origin
    two = ("Origin: http://localhost", "Origin: https://evil.com")
    assert status_of(exchange(url, head(route, *two))) == 400
    assert status_of(exchange(url, head(route, *reversed(two)))) == 400


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "[::1]:8765", "[0:0:0:0:0:0:0:1]"])
@pytest.mark.parametrize("origin", ["http://localhost:3000", "HTTP://[::1]", "http://127.0.0.1:80"])
def test_this_machine_may_be_spelled_in_every_way_that_means_it(
    url: str, host: str, origin: str
) -> None:
    """On every route, the protocol's own check included."""
    for route in ("GET /metrics", "GET /mcp"):
        answer = exchange(url, head(route, f"Origin: {origin}", host=host))
        # The latter lacks a session, which is found out behind that check.
        assert status_of(answer) in {200, 400}, answer


@pytest.mark.parametrize("name", [" status ", "\tstatus\t \t", "=?base64?c3RhdHVz?= "])
def test_blanks_around_a_header_are_no_part_of_it(url: str, name: str) -> None:
    """As RFC 9110 has it: it names the same tool as the body."""
    meta: dict[str, object] = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params: dict[str, object] = {"name": "status", "arguments": {}, "_meta": meta}
    call: dict[str, object] = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    named = [*MODERN[:-1], f"Mcp-Name:{name}"]
    assert status_of(exchange(url, posted(json.dumps(call).encode(), *named))) == 200


@pytest.mark.parametrize("route", ROUTES)
def test_the_token_is_asked_for_once_and_of_every_route(guarded: Server, route: str) -> None:
    """Two of them are none, even if one is right."""
    url = guarded[1]
    assert status_of(exchange(url, head(route))) == 401
    assert status_of(exchange(url, head(route, "Authorization: Bearer x"))) == 401
    for pair in ((BEARER, BEARER), (BEARER, "Authorization: Bearer x")):
        assert status_of(exchange(url, head(route, *pair))) == 400
        assert status_of(exchange(url, head(route, *reversed(pair)))) == 400
    assert status_of(exchange(url, head("GET /metrics", BEARER))) == 200


@pytest.mark.parametrize(
    "host", ["evil.com", "localhost:evil.com", "a b", "\xff", "", "x" * 9_000, "user:@x"]
)
def test_health_is_open_to_every_host_and_every_nonsense(url: str, host: str) -> None:
    """Whoever watches us may know us by another name."""
    assert status_of(exchange(url, head(host=host))) == 200
    assert status_of(exchange(url, head("POST /health", host=host))) == 405
    assert status_of(exchange(url, b"GET /health HTTP/1.0\r\n\r\n")) == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET http://evil.com/mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400),
        (b"GET http://127.0.0.1/mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400),
        (b"CONNECT evil.com:443 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400),
        (b"OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"GET /\0 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400),
        (b"GET /\xc3\xa9 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"a" * 99, 400),
        (b"\r\n\r\n", 400),
        (head("GET //evil.com/mcp"), 404),
        (head("GET //evil.com/mcp/"), 404),
        (head("GET /../mcp"), 404),
        (head("GET /%2e%2e/mcp"), 404),
        (head("GET /mcp%00"), 404),
        (head("GET /%ff%fe"), 404),
        (head("GET /batches/%00/events"), 404),
        (head("GET /batches/%ed%a0%80/events"), 404),
        (head("GET /batches/%2f%2e%2e/events"), 404),
        (head(f"GET /batches/{'a' * 12_000}/events"), 404),
        (head("FOO /events"), 405),
        (head("FOO /mcp"), 405),
        (head("TRACE /mcp"), 405),
        (head(f"{'A' * 9_000} /metrics"), 405),
        (head("GET /metrics", "X: a\0b"), 400),
        (head("GET /metrics", "X: caf\xe9 \xff"), 200),
        (head("GET /metrics", "Accept: application/openmetrics-text; version=" + "9" * 6_000), 200),
        (head("GET /metrics", "Accept: application/openmetrics-text; version=\x01"), 400),
        (head("GET /metrics", "Accept: text/plain; version=x\xff; escaping=;=,,;"), 200),
        (head("GET /metrics", "Connection: Upgrade", "Upgrade: websocket"), 200),
        (head("GET /metrics", "Upgrade: h2c", "X-Forwarded-For: [::1%],,\xff"), 200),
        (head("GET /mcp", "Mcp-Session-Id: \xff"), 404),
        (head("GET /mcp", "Mcp-Session-Id: " + "x" * 9_000), 404),
        (posted(b"{}", "MCP-Protocol-Version: \xff\x7f"), 400),
    ],
)
def test_odd_requests_are_answered_with_what_is_wrong(url: str, sent: bytes, status: int) -> None:
    """No traceback, no 500."""
    answer = exchange(url, sent)
    assert status_of(answer) == status, answer[:300]
    assert b"Traceback" not in answer


@pytest.mark.parametrize(
    "framing",
    [
        ("Content-Length: 4", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 4"),
        ("Content-Length: 4", "Content-Length: 5"),
        ("Content-Length: 4, 5",),
        ("Content-Length: +4",),
        ("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding:\x0bchunked",),
        ("Transfer-Encoding : chunked",),
    ],
)
def test_a_request_cannot_be_smuggled_in_the_body_of_another(
    url: str, framing: tuple[str, ...]
) -> None:
    """Where a proxy before us could see another end, there is one answer and no second request."""
    start = head("POST /mcp", *JSON, *framing).replace(b"Connection: close\r\n", b"")
    answer = exchange(url, start + b"0\r\n\r\n" + head("GET /metrics"))
    assert status_of(answer) in {400, 501}
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("era", [(), MODERN])
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1_000_000,
        b'{"a":' * 160_000,
        b"[" * 40_000 + b"]" * 40_000,
        b"9" * 1_000_000,
        b"-" + b"9" * 5_000,
        b'{"jsonrpc":"2.0","method":"x","id":' + b"9" * 5_000 + b"}",
        b'{"jsonrpc":"2.0","method":"x","id":1e' + b"9" * 5_000 + b"}",
        b'{"jsonrpc":"2.0","method":"x","id":NaN}',
        b'{"jsonrpc":"2.0","method":"\\ud83d","id":"\\ud83d"}',
        b'{"jsonrpc":"2.0","method":"\xff"}',
        '{"jsonrpc":"2.0"}'.encode("utf-16"),
    ],
)
def test_json_that_is_deep_or_huge_or_none_is_refused(
    url: str, body: bytes, era: tuple[str, ...]
) -> None:
    """In both eras; what a call holds may be deep, and then it is the tool's to refuse."""
    answer = exchange(url, posted(body, *era))
    assert status_of(answer) in {400, 413}, answer[:300]


def test_a_deep_value_in_a_call_stops_nothing(url: str) -> None:
    """As deep as either parser lets it be."""
    meta: dict[str, object] = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    for depth in (50, 150, 190, 250, 400, 900):
        deep = "DEEP"
        params = {"name": "status", "arguments": {"batchId": deep}, "_meta": {**meta, "x": deep}}
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        body = json.dumps(call).replace('"DEEP"', "[" * depth + "]" * depth).encode()
        answer = exchange(url, posted(body, *MODERN))
        assert status_of(answer) in {200, 400}, answer[:300]
        assert b"Traceback" not in answer


@pytest.mark.parametrize(
    "endless",
    [
        b"GET /health HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 1_000_000,
        b"GET /health HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 200_000,
        b"GET /health HTTP/1.1\r\nHost: a\r\n" + b"X:\n" * 200_000,
        b"GET /health HTTP/1.1\r\nHost: a\r\nX: y\r\n" + b" z\r\n" * 200_000,
        b"GET /" + b"a" * 1_000_000,
        b"A" * 1_000_000,
    ],
)
@pytest.mark.parametrize("times", [1, 20])
def test_headers_without_end_are_refused(guarded: Server, endless: bytes, times: int) -> None:
    """As soon as they are longer than any client's."""
    url = guarded[1]
    answer = exchange(url, *[endless] * times)
    assert status_of(answer) in {431, None}  # None: it was cut off while it went on sending
    if times == 1:
        assert status_of(answer) == 431
    assert status_of(exchange(url, head())) == 200


def test_a_chunked_body_without_end_is_refused(url: str) -> None:
    """After a megabyte of it."""
    start = head("POST /mcp", *JSON, "Transfer-Encoding: chunked")
    answer = exchange(url, start, *[b"10000\r\n" + b" " * 65_536 + b"\r\n"] * 40)
    assert status_of(answer) in {413, None}


@pytest.mark.parametrize("length", [1024 * 1024 + 1, 10**15, 10**19])
def test_a_length_that_is_too_large_is_refused_unread(url: str, length: int) -> None:
    """Whether it is true or not."""
    answer = exchange(url, head("POST /mcp", *JSON, f"Content-Length: {length}") + b"{}")
    assert status_of(answer) == 413


def test_a_thousand_silent_connections_keep_nobody_out(guarded: Server) -> None:
    """The oldest of them make room; the server holds no more than it has places for."""
    process, url = guarded
    address = urlsplit(url)
    with ExitStack() as clients:
        for number in range(1_000):
            silent = socket.create_connection((address.hostname, address.port), 20)
            clients.enter_context(silent)
            if number % 100 == 0:
                assert status_of(exchange(url, head())) == 200
        assert status_of(exchange(url, head("GET /metrics", BEARER))) == 200
        if sys.platform == "linux":
            assert len(list(Path(f"/proc/{process.pid}/fd").iterdir())) < 700


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_a_process_that_may_open_few_files_keeps_some_for_its_work(tmp_path: Path) -> None:
    """As on a Mac: connections never take the descriptors that the database needs."""
    import resource

    root = small_site(tmp_path / "site", {"menu": 3})
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    with ExitStack() as clients:
        try:
            _, url = clients.enter_context(http_server(root))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        address = urlsplit(url)
        for _ in range(600):
            silent = socket.create_connection((address.hostname, address.port), 20)
            clients.enter_context(silent)
        assert status_of(exchange(url, head())) == 200
        assert status_of(exchange(url, head("GET /batches/b_1/events"))) == 404
    log = (root.parent / f"{root.name}.http.stderr").read_text()
    assert "Too many open files" not in log
    assert "Traceback" not in log


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of a process from /proc")
def test_floods_are_not_kept_in_memory(guarded: Server) -> None:
    """Endless headers, requests sent far ahead, bodies for nobody: a few kB for each of them."""
    process, url = guarded
    address = urlsplit(url)
    assert status_of(exchange(url, head("GET /metrics", BEARER))) == 200
    request = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n"
    floods = (
        b"GET /health HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 1_000_000,
        request * 15_000,
        request.replace(b"\r\n\r\n", f"\r\n{BEARER}\r\n\r\n".encode()) * 10_000,
        request.replace(b"h: 0", b"h: 1000000") + b" " * 900_000,
        b"GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + b" " * 900_000,
    )
    before = _resident_mb(process)
    with ExitStack() as clients:
        for flood in floods * 8:
            client = socket.create_connection((address.hostname, address.port), 0.2)
            clients.enter_context(client)
            try:
                client.sendall(flood)
            except OSError:
                continue  # it takes no more
        assert status_of(exchange(url, head())) == 200
        assert _resident_mb(process) - before < 25


def _resident_mb(process: subprocess.Popen[bytes]) -> float:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024
