"""Secrets stay where their user put them: no answer, log, file, metric or trace holds one."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urljoin

import pytest

from mcp_server.config import Settings, SettingsProblems, open_workspace
from tests.faults.processes import end_workers, processes
from tests.harness import Desk, small_site, trusted
from tests.interfaces.test_traces import SITE_CUSTOMIZE
from tests.promises.moves import TOOL
from tests.waiting import PATIENCE_S
from tests.wire import command, environment, http_server, over_http

pytestmark = pytest.mark.anyio

TOKEN, KEY, OTHER_KEY = "tok-3e1f0c9d7b5a4826", "mk-9b2d4f6a8c0e1357", "sk-ant-5a7c9e1f3b2d4068"
PASSWORD = "pw-0f2e4d6c8b1a3957"
SECRETS = (TOKEN, KEY, OTHER_KEY, PASSWORD)
VARIABLES = {
    "PRESSROOM_TOKEN": TOKEN,
    "PRESSROOM_MODEL_KEY": KEY,
    "ANTHROPIC_API_KEY": OTHER_KEY,
    "OPENAI_API_KEY": OTHER_KEY,
}


class Echo:
    """A model server that says what it was sent, wherever it can."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        echo = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                key = self.headers.get("authorization", "none")
                echo.keys.append(key)
                refuses = "s1" in json.dumps(body["messages"])
                answer = echo.refusal(key) if refuses else echo.draft(key, body["model"])
                data = json.dumps(answer).encode()
                self.send_response(400 if refuses else 200)
                self.send_header("content-type", "application/json")
                self.send_header("x-request-id", key)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port

    def refusal(self, key: str) -> dict[str, Any]:
        """Return an error that repeats the key in each of its parts."""
        code = key.replace(" ", "_")
        message = f"Your key was {key}"
        return {"error": {"message": message, "code": code, "type": code, "param": key}}

    def draft(self, key: str, model: str) -> dict[str, Any]:
        """Return a text with the key in it."""
        said = json.dumps({"title": "Fresh", "text": f"The key is {key}."})
        call = {"id": key, "type": "function", "function": {"name": TOOL, "arguments": said}}
        message = {"role": "assistant", "content": key, "tool_calls": [call]}
        choice = {"index": 0, "finish_reason": "tool_calls", "message": message}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        head = {"id": key, "object": "chat.completion", "created": 1, "model": model}
        return {**head, "choices": [choice], "usage": usage}


@contextmanager
def echo_server() -> Generator[Echo]:
    """Run it."""
    echo = Echo()
    thread = Thread(target=echo.server.serve_forever)
    thread.start()
    try:
        yield echo
    finally:
        echo.server.shutdown()
        echo.server.server_close()
        thread.join()


async def everything_asked(chat: Desk, batch: str) -> list[str]:
    """Return what all the tools that read have to say, at full length."""
    asked: list[tuple[str, dict[str, Any]]] = [
        ("status", {}),
        ("status", {"batchId": batch, "detail": "full"}),
        ("review", {"diff": True}),
        ("promote", {"dryRun": True}),
    ]
    return [json.dumps(await chat.call(tool, **arguments)) for tool, arguments in asked]


def fetched(url: str, path: str) -> str:
    """Return what a route of the server answers, with the token."""
    request = urllib.request.Request(
        urljoin(url, path), headers={"Authorization": f"Bearer {TOKEN}"}
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        return answer.read().decode()


def printed(root: Path, *arguments: str) -> str:
    """Return what a command prints, on either stream."""
    line, variables = command(*arguments, "--workspace", str(root)), environment(**VARIABLES)
    done = subprocess.run(line, env=variables, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def on_disk(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield every file below a folder, databases, logs and spans included."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.name, path.read_bytes().decode("latin-1")


@pytest.mark.parametrize("mode", ["embedded", "detached"])
async def test_no_secret_is_answered_logged_or_stored(tmp_path: Path, mode: str) -> None:
    """Though the model's server repeats the key in each part of its answers, the text included."""
    (tmp_path / "python").mkdir()
    (tmp_path / "python" / "sitecustomize.py").write_text(SITE_CUSTOMIZE)
    with echo_server() as echo:
        url = f"http://127.0.0.1:{echo.port}/v1"
        root = small_site(
            tmp_path / "site", {"menu": 3}, model="m", model_url=url, max_retries=0, worker=mode
        )
        trusted(root)
        said: list[str] = []
        traced = {"PYTHONPATH": str(tmp_path / "python"), "SPANS": str(tmp_path / "spans")}
        with http_server(root, **VARIABLES, **traced) as (_, address):
            async with over_http(address, root, token=TOKEN) as chat:
                batch = (await chat.run("generate-all"))["batchId"]
                said += await everything_asked(chat, batch)
                said += [await chat.refused("status", batchId=KEY)]
            said += [fetched(address, path) for path in ("/metrics", f"/batches/{batch}/events")]
            running = [each.command for each in processes()]
        said += [printed(root, *line) for line in (("doctor",), ("status",), ("job", KEY))]
        end_workers(root)
    assert echo.keys == [f"Bearer {KEY}"] * len(echo.keys) and len(echo.keys) >= 3
    assert "model-rejected" in "".join(said) or "rejected" in "".join(said)
    assert (tmp_path / "spans").stat().st_size > 0
    for secret in SECRETS:
        assert not [text for text in said if secret in text]
        assert not [name for name, text in on_disk(tmp_path) if secret in text]
        assert not [line for line in running if secret in line]


async def test_a_password_in_an_address_is_kept_nowhere_and_sent_to_nobody(tmp_path: Path) -> None:
    """The batch pauses, and says where the key belongs."""
    with echo_server() as echo:
        url = f"http://user:{PASSWORD}@127.0.0.1:{echo.port}/v1"
        root = small_site(tmp_path / "site", {"menu": 1}, worker="embedded", model="m")
        variables = {**VARIABLES, "PRESSROOM_MODEL_URL": url}
        with http_server(root, **variables) as (_, address):
            async with over_http(address, root, token=TOKEN) as chat:
                answer = await chat.call("generate-all", waitSeconds=20)
                said = await everything_asked(chat, answer["batchId"])
        assert not echo.keys
    assert "put the key into PRESSROOM_MODEL_KEY" in json.dumps(answer)
    assert not [text for text in said if PASSWORD in text]
    assert not [name for name, text in on_disk(tmp_path) if PASSWORD in text]


@pytest.mark.parametrize("secret", [OTHER_KEY, f"http://user:{PASSWORD}@a.example/v1"])
@pytest.mark.parametrize("name", [*Settings.model_fields, "plugins", "api_key", OTHER_KEY])
def test_a_secret_in_the_place_of_a_setting_is_not_repeated(
    tmp_path: Path, name: str, secret: str
) -> None:
    """Nor is one under a name that is no setting."""
    for value in (f'"{secret}"', f'["{secret}"]', f'{{"{secret}" = "{secret}"}}', secret):
        (tmp_path / "pressroom.toml").write_text(f'"{name}" = {value}\n')
        try:
            said = repr(open_workspace(tmp_path, {}).warnings)
        except SettingsProblems as problems:
            said = str(problems)
        assert OTHER_KEY not in said and PASSWORD not in said
        if name == "api_key" and value == f'"{secret}"':
            assert "keys belong in the environment" in said
