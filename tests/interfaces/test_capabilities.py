"""What the server says of itself before anything is called: who it is, and what it has."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp_types import Implementation

from mcp_server.interfaces.http.app import http_origin
from mcp_server.interfaces.mcp.server import build_server
from mcp_server.jobs.job import Origin
from tests.interfaces.test_tool_schemas import NoWorkspace
from tests.wire import ERAS, PROTOCOL, Pipe, pipe

STDIO = Origin(owner="local", interface="mcp-stdio")


@pytest.fixture(scope="module", params=ERAS)
def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pipe]:
    """One server for all; its workspace does not matter."""
    root: Path = tmp_path_factory.mktemp("said") / "site"
    root.mkdir()
    with pipe(root, request.param) as opened:
        opened.begin()
        yield opened


def introduction(client: Pipe) -> dict[str, Any]:
    """The answer to the first request."""
    return client.messages[0]["result"]


def info(client: Pipe) -> dict[str, Any]:
    """What the server says of itself in it."""
    said = introduction(client)
    return said.get("serverInfo") or said["_meta"][f"{PROTOCOL}serverInfo"]


def error(client: Pipe, method: str, **params: Any) -> int | None:
    """The code of the error that a request is answered with."""
    return client.answer(client.request(method, **params)).get("error", {}).get("code")


def test_only_tools_and_prompts_are_declared_and_no_change_of_their_lists(client: Pipe) -> None:
    """Clients ask for what is declared, or open a stream and hear nothing."""
    assert introduction(client)["capabilities"] == {
        "prompts": {"listChanged": False},
        "tools": {"listChanged": False},
    }


def test_a_prompt_says_how_the_chat_writes_itself(client: Pipe) -> None:
    """For the whole site, or for one page; it is listed with what its argument means."""
    [listed] = client.answer(client.request("prompts/list"))["result"]["prompts"]
    assert listed["name"] == "write-with-this-chat"
    assert listed["title"] and listed["description"]
    [argument] = listed["arguments"]
    assert (argument["name"], argument["required"]) == ("page", False)
    assert argument["description"]
    for given, said in (({}, "the whole site"), ({"page": "menu"}, 'the page "menu"')):
        found = client.request("prompts/get", name=listed["name"], arguments=given)
        [message] = client.answer(found)["result"]["messages"]
        assert message["role"] == "user"
        assert all(f" {tool} " in message["content"]["text"] for tool in ("review", "promote"))
        assert said in message["content"]["text"]


@pytest.mark.parametrize(
    "asked",
    [
        {"name": "x"},
        {"name": "write-with-this-chat", "arguments": {"page": "a\nb"}},
        {"name": "write-with-this-chat", "arguments": {"sight": "x"}},
    ],
)
def test_a_prompt_that_is_none_or_does_not_fit_is_refused(
    client: Pipe, asked: dict[str, Any]
) -> None:
    """As a wrong parameter."""
    assert error(client, "prompts/get", **asked) == -32602


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("resources/list", {}),
        ("resources/templates/list", {}),
        ("resources/read", {"uri": "x://y"}),
        ("resources/subscribe", {"uri": "x://y"}),
        ("subscriptions/listen", {"notifications": {}}),
        ("logging/setLevel", {"level": "info"}),
        (
            "completion/complete",
            {"ref": {"type": "ref/prompt", "name": "x"}, "argument": {"name": "a", "value": ""}},
        ),
    ],
)
def test_what_is_not_declared_is_not_there(
    client: Pipe, method: str, params: dict[str, Any]
) -> None:
    """An empty list would say that there might be something."""
    assert error(client, method, **params) == -32601


def test_a_cursor_that_nobody_was_given_is_refused(client: Pipe) -> None:
    """The list has one page; answered with the same again, a client would page for ever."""
    assert error(client, "tools/list", cursor="2") == -32602
    assert error(client, "prompts/list", cursor="2") == -32602
    for none in ("", None):
        answer = client.answer(client.request("tools/list", cursor=none))
        assert "nextCursor" not in answer["result"]
        assert answer["result"]["tools"]


def test_the_icon_is_a_picture_that_needs_no_network(client: Pipe) -> None:
    """PNG, which every client has to show."""
    (icon,) = info(client)["icons"]
    assert (icon["mimeType"], icon["sizes"]) == ("image/png", ["32x32"])
    kind, data = icon["src"].split(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data, validate=True).startswith(b"\x89PNG\r\n")


def test_answers_do_not_repeat_the_icon(client: Pipe) -> None:
    """In the newer era each answer says whose it is."""
    result = client.answer(client.request("tools/list"))["result"]
    stamp = result.get("_meta", {}).get(f"{PROTOCOL}serverInfo", {})
    assert set(stamp) <= {"name", "title", "version"}


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ERAS)
async def test_instructions_name_the_tool_as_the_client_is_shown_it(mode: str) -> None:
    """A model calls what it has read."""
    for name, shown, hidden in (
        ("Cursor-vscode", "generate_all", "generate-all"),
        ("claude-ai", "generate-all", "generate_all"),
    ):
        server = build_server(NoWorkspace(), version="0", origin=STDIO)
        client = Client(server, mode=mode, client_info=Implementation(name=name, version="1"))
        async with client as connected:
            said = connected.instructions or ""
        assert shown in said
        assert hidden not in said


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("origin", "versions"),
    [(STDIO, ["2026-07-28"]), (http_origin(None), ["2026-07-28", "2025-11-25"])],
    ids=["stdio", "http"],
)
async def test_versions_are_those_that_the_same_connection_takes(
    origin: Origin, versions: list[str]
) -> None:
    """Over HTTP each request says its own; a pipe keeps to the first."""
    server = build_server(NoWorkspace(), version="0", origin=origin)
    async with Client(server, mode="auto") as client:
        found = client.session.discover_result
    assert found is not None
    assert found.supported_versions == versions
