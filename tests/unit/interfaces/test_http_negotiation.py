"""In which form a call is answered: as the client says that it accepts."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from mcp_server.interfaces.http.negotiation import accepted
from tests.unit.interfaces.test_http import INITIALIZE, served

pytestmark = pytest.mark.anyio

META: dict[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
MODERN = {"MCP-Protocol-Version": "2026-07-28"}


def modern(method: str) -> dict[str, object]:
    """A request of the newer protocol."""
    return {"jsonrpc": "2.0", "id": 7, "method": method, "params": {"_meta": META}}


async def post(
    client: httpx.AsyncClient, body: object, accept: str | None, **headers: str
) -> httpx.Response:
    """Send a request with this Accept header, or with none."""
    if accept is None:
        del client.headers["accept"]
    else:
        client.headers["accept"] = accept
    request = client.build_request("POST", "/mcp", json=body, headers=headers)
    return await client.send(request)


def only_event(text: str) -> dict[str, object]:
    """Return the one message of a stream."""
    (data,) = [line for line in text.splitlines() if line.startswith("data: {")]
    return json.loads(data.removeprefix("data: "))


@pytest.mark.parametrize(
    ("header", "json_and_stream"),
    [
        (None, (True, True)),
        ("  ", (True, True)),
        ("*/*", (True, True)),
        ("application/json", (True, False)),
        ("Application/*;q=0.5", (True, False)),
        ("text/event-stream", (False, True)),
        ("text/event-stream;q=1.0, application/json;q=0", (False, True)),
        ("application/json; q=0.000, */*", (True, True)),
        ("text/html, image/png", (False, False)),
        (";q=,,", (False, False)),
    ],
)
def test_what_a_header_accepts(header: str | None, json_and_stream: tuple[bool, bool]) -> None:
    """No header accepts anything; `q=0` takes back, and nonsense accepts nothing."""
    assert accepted(header) == json_and_stream


@pytest.mark.parametrize("accept", ["application/json", "application/*, text/html"])
async def test_who_accepts_only_json_gets_json(accept: str) -> None:
    """Of both protocols; an older one's session goes with it."""
    async with served() as client:
        older = await post(client, INITIALIZE, accept)
        newer = await post(
            client, modern("server/discover"), accept, **MODERN, **{"Mcp-Method": "server/discover"}
        )
    for reply, id in ((older, 1), (newer, 7)):
        assert reply.status_code == 200
        assert reply.headers["content-type"] == "application/json"
        assert int(reply.headers["content-length"]) == len(reply.content)
        assert reply.json()["id"] == id
        assert "serverInfo" in reply.text
    assert older.headers["mcp-session-id"]


async def test_who_accepts_only_streams_gets_a_stream() -> None:
    """Of both protocols."""
    async with served() as client:
        older = await post(client, INITIALIZE, "text/event-stream")
        method = {"Mcp-Method": "server/discover"}
        newer = await post(
            client, modern("server/discover"), "text/event-stream", **MODERN, **method
        )
    for reply, id in ((older, 1), (newer, 7)):
        assert reply.status_code == 200
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert only_event(reply.text)["id"] == id


@pytest.mark.parametrize("accept", [None, "*/*"])
async def test_who_does_not_say_gets_what_the_library_prefers(accept: str | None) -> None:
    """As RFC 9110 has it: no header means that anything is accepted."""
    async with served() as client:
        older = await post(client, INITIALIZE, accept)
    assert older.status_code == 200
    assert only_event(older.text)["id"] == 1


async def test_what_can_only_be_refused_is_refused() -> None:
    """Neither form is accepted, or a stream is asked for as JSON."""
    async with served() as client:
        assert (await post(client, INITIALIZE, "text/html")).status_code == 406
        listen = {"Mcp-Method": "subscriptions/listen"}
        body = modern("subscriptions/listen")
        reply = await post(client, body, "application/json", **MODERN, **listen)
        assert reply.status_code == 406
        client.headers["accept"] = "application/json"
        assert (await client.get("/mcp")).status_code in {400, 406}


async def test_an_error_of_http_keeps_its_form() -> None:
    """Whatever is accepted: its status says enough."""
    async with served() as client:
        for accept in ("application/json", "text/event-stream"):
            reply = await post(client, INITIALIZE, accept, **{"Mcp-Session-Id": "unknown"})
            assert reply.status_code == 404
            assert reply.headers["content-type"] == "application/json"
            assert reply.json()["error"]


@pytest.mark.parametrize("path", ["/mcp/", "/mcp//"])
async def test_the_path_may_end_in_a_slash(path: str) -> None:
    """No redirect: behind a proxy that ends TLS it would lead to http://."""
    async with served() as client:
        reply = await client.post(path, json=INITIALIZE)
        assert reply.status_code == 200
        session = {"Mcp-Session-Id": reply.headers["mcp-session-id"]}
        assert (await client.delete("/mcp/", headers=session)).status_code == 200
        assert (await client.get("/nowhere/")).status_code == 404
