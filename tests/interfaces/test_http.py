"""The HTTP server as a process: who reaches it, and what it says to everybody else."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest

from tests.harness import Era, small_site
from tests.waiting import PATIENCE_S, wait_until
from tests.wire import ERAS, MODERN, command, environment, over_http, serving

TOKEN = "sk-long-and-secret"

INITIALIZE = (
    '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",'
    '"capabilities":{},"clientInfo":{"name":"test","version":"1"}}}'
)
DISCOVER = (
    '{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{'
    '"io.modelcontextprotocol/protocolVersion":"2026-07-28",'
    '"io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"},'
    '"io.modelcontextprotocol/clientCapabilities":{}}}}'
)
FIRST: dict[Era, tuple[str, dict[str, str]]] = {
    "legacy": (INITIALIZE, {}),
    "auto": (
        DISCOVER,
        {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "server/discover"},
    ),
}
"""How a client of each era begins: the body, and headers of its own."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small site."""
    return small_site(tmp_path_factory.mktemp("http") / "site", {"menu": 3, "home": 2})


@pytest.fixture(scope="module")
def local(root: Path) -> Iterator[str]:
    """A server on this machine only."""
    with serving(root) as url:
        yield url


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that others could reach, with a token and its names."""
    root = small_site(tmp_path_factory.mktemp("guarded") / "site", {"menu": 3})
    names = ("--allowed-host", "127.0.0.1", "--allowed-origin", "https://press.example.org")
    with serving(root, "--host", "0.0.0.0", *names, PRESSROOM_TOKEN=TOKEN) as url:
        yield url.replace("0.0.0.0", "127.0.0.1")


def post(url: str, era: Era, body: str | bytes | None = None, **more: str) -> tuple[int, str, Any]:
    """Send a client's first request; return status, text and headers of the answer."""
    address = urlsplit(url)
    first, headers = FIRST[era]
    headers = {
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
        **headers,
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    with closing(HTTPConnection(address.netloc, timeout=PATIENCE_S)) as connection:
        connection.request("POST", address.path, body or first, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_the_main_job_over_http(local: str, root: Path, era: Era) -> None:
    """Draft, promote, take back; with the worker in the server's process."""
    async with over_http(local, root, era=era) as chat:
        drafted = await chat.call("generate-all", mode="new", waitSeconds=30)
        assert drafted["status"] == "completed"
        promoted = await chat.call("promote", waitSeconds=30)
        assert "content/home.md, content/menu.md" in promoted["message"]
        assert (root / "content" / "menu.md").exists()
        await chat.call("rollback", waitSeconds=30)
        assert not (root / "content" / "menu.md").exists()
        assert (await chat.call("status"))["worker"]["mode"] == "embedded"


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_a_chat_that_writes_over_http_is_known_by_its_name(
    local: str, root: Path, era: Era
) -> None:
    """And its client is offered the prompt that says how."""
    async with over_http(local, root, era=era) as chat:
        [prompt] = (await chat.client.list_prompts()).prompts
        said = await chat.client.get_prompt(prompt.name, {"page": "menu"})
        assert said.messages
        await chat.call("edit", section="menu/s1", text=f"written over {era}")
        [row] = (await chat.call("review", section="menu/s1"))["sections"]
        assert row["author"] == "chat (mcp)"


@pytest.mark.parametrize(
    ("arguments", "variables", "words"),
    [
        ((), {}, "a token is needed"),
        (("--allowed-host", "press.example.org"), {}, "a token is needed"),
        ((), {"PRESSROOM_TOKEN": TOKEN}, "without allowed hosts"),
    ],
)
def test_an_open_address_without_token_and_hosts_is_refused_before_listening(
    root: Path, arguments: tuple[str, ...], variables: dict[str, str], words: str
) -> None:
    """One line, exit code 2, and the port was never taken."""
    with socket.create_server(("0.0.0.0", 0)) as free:
        port = free.getsockname()[1]
        # The port is taken: a server that tried to listen would complain of that instead.
        line = command("serve", "--http", "--host", "0.0.0.0", "--port", str(port))
        done = subprocess.run(
            [*line, "--workspace", str(root), *arguments],
            env=environment(**variables),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    assert done.returncode == 2
    assert done.stdout == ""
    (said,) = done.stderr.splitlines()
    assert words in said
    assert "Refusing to listen on 0.0.0.0" in said
    assert TOKEN not in said


@pytest.mark.parametrize("era", ERAS)
def test_a_foreign_host_or_origin_is_refused(local: str, era: Era) -> None:
    """A page in the user's browser cannot reach the server by a name of its own."""
    assert post(local, era)[0] == 200
    assert post(local, era, Origin="http://localhost:3000")[0] == 200
    assert post(local, era, Host="evil.example")[0] == 421
    assert post(local, era, Host="127.0.0.1.evil.example:80")[0] == 421
    assert post(local, era, Origin="https://evil.example")[0] == 403
    assert post(local, era, Origin="null")[0] == 403


@pytest.mark.parametrize("era", ERAS)
def test_without_the_token_there_is_only_a_challenge(guarded: str, era: Era) -> None:
    """Whatever is sent instead of it; the answer repeats none of it."""
    for wrong in ("", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x"):
        status, text, headers = post(guarded, era, **({"Authorization": wrong} if wrong else {}))
        assert status == 401
        assert headers["WWW-Authenticate"].startswith("Bearer")
        assert TOKEN not in text
    assert post(guarded, era, Authorization=f"Bearer {TOKEN}")[0] == 200


@pytest.mark.parametrize("era", ERAS)
def test_the_token_opens_no_foreign_host_or_origin(guarded: str, era: Era) -> None:
    """On an open address too."""
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert post(guarded, era, **bearer, Host="evil.example")[0] == 421
    assert post(guarded, era, **bearer, Origin="https://evil.example")[0] == 403
    assert post(guarded, era, **bearer, Origin="https://press.example.org")[0] == 200


@pytest.mark.parametrize("era", ERAS)
def test_a_body_that_is_too_large_is_refused_and_the_server_goes_on(local: str, era: Era) -> None:
    """With a length that says so, and read to its end or not."""
    status, text, _ = post(local, era, b" " * (1024 * 1024 + 1))
    assert status == 413
    assert "Traceback" not in text
    assert post(local, era)[0] == 200


@pytest.mark.parametrize("era", ERAS)
def test_what_is_no_message_gets_an_error_and_no_traceback(local: str, era: Era) -> None:
    """Half a JSON, a list, half an emoji."""
    for body in ("{", "[]", '"text"', INITIALIZE.replace("test", "\\ud83d")):
        status, text, _ = post(local, era, body)
        assert 400 <= status < 500, text
        assert "Traceback" not in text
        assert "site-packages" not in text


def test_health_is_open_and_tells_no_more_than_it_must(guarded: str) -> None:
    """Something outside watches whether it lives."""
    assert health(guarded) == (200, b'{"status":"ok"}')


def test_health_fails_until_there_is_a_workspace(tmp_path: Path) -> None:
    """A server starts without one, and every call says what is missing; so does this."""
    (tmp_path / "site").mkdir()
    with serving(tmp_path / "site") as url:
        reason = b'{"status":"failing","reason":"the workspace cannot be opened"}'
        assert health(url) == (503, reason)
        small_site(tmp_path / "site", {"menu": 1})
        wait_until(lambda: health(url)[0] == 200)


def health(url: str) -> tuple[int, bytes]:
    """Return what `/health` says."""
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE_S)) as connection:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        return answer.status, answer.read()


@pytest.mark.parametrize("era", ERAS)
def test_a_client_that_accepts_only_json_gets_the_end_of_a_wait(local: str, era: Era) -> None:
    """The progress before it, which it asked for, has no place in that."""
    session: dict[str, str] = {}
    meta: dict[str, Any] = {"progressToken": "p"}
    if era == "legacy":
        session = {"Mcp-Session-Id": post(local, era)[2]["mcp-session-id"]}
    else:
        meta |= MODERN
        session = {"Mcp-Method": "tools/call", "Mcp-Name": "generate"}
    arguments = {"page": "home", "mode": "new", "waitSeconds": 30}
    params = {"name": "generate", "arguments": arguments, "_meta": meta}
    call = json.dumps({"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": params})
    status, text, headers = post(local, era, call, Accept="application/json", **session)
    assert (status, headers["Content-Type"]) == (200, "application/json")
    answer = json.loads(text)
    assert answer["id"] == 9
    assert answer["result"]["structuredContent"]["status"] == "completed"


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
async def test_a_wait_that_is_cut_off_and_a_client_that_leaves_stop_nothing(
    tmp_path: Path, era: Era
) -> None:
    """The batch belongs to the server, not to the call or the connection that asked for it."""
    root = small_site(tmp_path / "site", {"menu": 4}, composer_delay_s=2)
    with serving(root) as url:
        async with over_http(url, root, era=era) as chat:
            heard = anyio.Event()

            async def note(progress: float, total: float | None, message: str | None) -> None:
                heard.set()

            async def wait() -> None:
                arguments = {"waitSeconds": 45}
                await chat.client.call_tool("generate-all", arguments, progress_callback=note)

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(wait)
                await heard.wait()
                tasks.cancel_scope.cancel()
            (operation,) = (await chat.call("status"))["operations"]
            assert operation["status"] in {"pending", "processing"}
        async with over_http(url, root, era=era) as chat:
            seen = await chat.call("status", batchId=operation["batchId"], waitSeconds=30)
    assert seen["message"] == "4 of 4 drafted."
