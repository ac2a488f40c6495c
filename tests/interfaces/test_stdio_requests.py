"""Every request on the pipe has an answer, whatever it is and however soon its sender leaves."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_server.interfaces.mcp.messages import LINE_BYTES_MAX
from tests.harness import Era, small_site
from tests.wire import CLIENT_INFO, ERAS, Pipe, pipe

SLOW: dict[str, Any] = {"composer_delay_s": 5, "worker_idle_s": 0.5}
"""Nothing is drafted while a test looks on."""


@pytest.fixture(scope="module", params=ERAS)
def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pipe]:
    """One server for all: what is refused leaves the conversation as it was."""
    root = small_site(tmp_path_factory.mktemp("requests") / "site", {"menu": 2}, **SLOW)
    with pipe(root, request.param) as opened:
        opened.begin()
        yield opened


def send(client: Pipe, text: bytes) -> None:
    """Write bytes as they are."""
    assert client.process.stdin is not None
    with os.fdopen(os.dup(client.process.stdin.fileno()), "wb") as raw:
        raw.write(text)


def next_message(client: Pipe) -> dict[str, Any]:
    """Read the next message; nothing comes before the answer to what was sent last."""
    message = client.read()
    assert message is not None
    return message


def call(id: object, params: object) -> bytes:
    """A call of a tool, as it should not be."""
    message = {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}
    return json.dumps(message).encode() + b"\n"


@pytest.mark.parametrize(
    ("text", "id", "code"),
    [
        (call("a", 0), "a", -32600),
        (call("a", "x"), "a", -32600),
        (call("a", []), "a", -32600),
        (call("a", None), "a", -32602),
        (call(1.5, {}), None, -32600),
        (call(True, {}), None, -32600),
        (call(None, {}), None, -32600),
        (call("a", {"name": "status"}).replace(b'"jsonrpc": "2.0", ', b""), "a", -32600),
        (call("a", {}).replace(b'"tools/call"', b"5"), "a", -32600),
        (call("a", {"x": 0}).replace(b"0}", b"1" * 5000 + b"}"), "a", -32600),
        (call("a", {"x": 0}).replace(b"0}", b"[" * 500 + b"]" * 500 + b"}"), "a", -32600),
        (b'{"jsonrpc":"2.0","id":"a",\n', None, -32700),
        (b"[" * 100_000 + b"\n", None, -32700),
        (call("a", {"x": "?"}).replace(b"?", b"\xff"), "a", -32600),
        (b"[" + call("a", {}).strip() + b"]\n", None, -32600),
        (b'"' + b"x" * LINE_BYTES_MAX + b'"\n', None, -32600),
    ],
    ids=lambda value: repr(value)[:60] if isinstance(value, bytes) else None,
)
def test_what_is_no_request_is_answered_at_once(
    client: Pipe, text: bytes, id: object, code: int
) -> None:
    """With its id where that can be read; and the conversation goes on."""
    send(client, text)
    answer = next_message(client)
    assert (answer["id"], answer["error"]["code"]) == (id, code)
    assert client.call("status")["structuredContent"]["message"]


def test_an_endless_line_is_refused_before_it_ends(client: Pipe) -> None:
    """What follows of it is dropped."""
    send(client, b"x" * (LINE_BYTES_MAX + 1))
    assert next_message(client)["error"]["code"] == -32600
    send(client, b"x" * LINE_BYTES_MAX + b"\n")
    assert client.call("status")["structuredContent"]["message"]


@pytest.mark.parametrize("era", ERAS)
def test_a_mark_before_the_first_message_and_returns_behind_all_are_read_over(
    tmp_path: Path, era: Era
) -> None:
    """As a parent on Windows writes them, with empty lines between."""
    with pipe(small_site(tmp_path / "site", {"menu": 1}, **SLOW), era) as client:
        send(client, b"\xef\xbb\xbf")
        client.begin()
        send(client, b"\r\n\r\n")
        assert client.call("status")["structuredContent"]["message"]


# JSON-RPC batches


def shake_hands(client: Pipe, version: str) -> None:
    """Open a conversation of this revision."""
    asked = {"protocolVersion": version, "capabilities": {}, "clientInfo": CLIENT_INFO}
    answer = client.answer(client.request("initialize", **asked))
    assert answer["result"]["protocolVersion"] == version
    client.send({"method": "notifications/initialized"})


def requests(*members: dict[str, Any]) -> bytes:
    """A batch."""
    return json.dumps([{"jsonrpc": "2.0", **member} for member in members]).encode() + b"\n"


STATUS: dict[str, Any] = {"name": "status", "arguments": {}}


@pytest.fixture(scope="module")
def batching(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipe]:
    """A client of the revision that has batches."""
    root = small_site(tmp_path_factory.mktemp("batching") / "site", {"menu": 2}, **SLOW)
    with pipe(root, "legacy") as client:
        shake_hands(client, "2025-03-26")
        yield client


def answers(client: Pipe) -> dict[object, dict[str, Any]]:
    """Read one line of answers; return them by id."""
    assert client.process.stdout is not None
    line = client.process.stdout.readline()
    assert line.startswith("[")
    found: list[dict[str, Any]] = json.loads(line)
    return {answer["id"]: answer for answer in found}


def test_a_batch_is_answered_in_one_line(batching: Pipe) -> None:
    """What is no request in it, too."""
    ping = {"id": "ping", "method": "ping"}
    called: dict[str, Any] = {"id": 7, "method": "tools/call", "params": STATUS}
    send(batching, requests(ping, {"method": "notifications/x"}, called, {"id": 8, "method": 5}))
    found = answers(batching)
    assert set(found) == {"ping", 7, 8}
    assert found["ping"]["result"] == {}
    assert found[7]["result"]["structuredContent"]["message"]
    assert found[8]["error"]["code"] == -32600


def test_a_handshake_is_no_part_of_a_batch(batching: Pipe) -> None:
    """The revision says so."""
    send(batching, requests({"id": 1, "method": "initialize"}))
    assert answers(batching)[1]["error"]["code"] == -32600


def test_a_batch_of_notifications_has_no_answer(batching: Pipe) -> None:
    """The next line is that of the next call."""
    send(batching, requests({"method": "notifications/x"}, {"method": "notifications/y"}))
    assert batching.call("status")["structuredContent"]["message"]


def test_a_batch_is_answered_though_one_of_its_calls_is_cancelled(batching: Pipe) -> None:
    """A cancelled call has no answer, and the others do not wait for it."""
    batch_id = batching.call("generate-all")["structuredContent"]["batchId"]
    waits = {"name": "status", "arguments": {"batchId": batch_id, "waitSeconds": 45}}
    send(
        batching,
        requests(
            {"id": "waits", "method": "tools/call", "params": waits},
            {"id": "asks", "method": "tools/call", "params": STATUS},
        ),
    )
    batching.send({"method": "notifications/cancelled", "params": {"requestId": "waits"}})
    assert set(answers(batching)) == {"asks"}


# The end


@pytest.mark.parametrize("era", ERAS)
def test_what_was_asked_is_answered_though_its_client_hangs_up(tmp_path: Path, era: Era) -> None:
    """As a script does that writes its calls and closes the pipe."""
    with pipe(small_site(tmp_path / "site", {"menu": 2}, **SLOW), era) as client:
        client.begin()
        queued = client.call("generate-all")["structuredContent"]
        asked = client.call_soon("review")
        waits = client.call_soon("status", batchId=queued["batchId"], waitSeconds=45)
        assert client.hang_up() == 0
    found = {message["id"]: message for message in client.messages if "id" in message}
    assert found[asked]["result"]["structuredContent"]["counts"]
    (seen,) = found[waits]["result"]["structuredContent"]["operations"]
    assert seen["status"] in {"pending", "processing"}, "the wait ended with its client"
