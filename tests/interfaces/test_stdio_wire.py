"""The pipe to a client: nothing but the protocol, and an end when the client is gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import PATIENCE_S

SERVER = """
from mcp_server.interfaces.mcp.stdio import claim_stdout, serve_stdio

claim_stdout()

import logging, os, subprocess, sys, warnings

print("printed before the imports")
subprocess.run(["echo", "said by a child"])

import anyio
from mcp_server.interfaces.mcp.server import build_server
from mcp_server.jobs.job import Origin


class Noisy:
    async def services(self):
        print("printed by a tool", flush=True)
        os.write(1, b"written to the descriptor\\n")
        warnings.warn("a warning")
        logging.getLogger("x").error("a log line")
        subprocess.run(["cat"], timeout=5)  # ends at once: a child has no stdin of ours
        raise RuntimeError("/a/secret/path")


origin = Origin(owner="local", interface="mcp-stdio")
anyio.run(serve_stdio, build_server(Noisy(), version="0.0.0", origin=origin))
print("printed at the end")
"""
"""A server whose tools crash, and that talks all the time."""

INITIALIZE = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The server as a file."""
    path = tmp_path / "server.py"
    path.write_text(SERVER)
    return path


@pytest.fixture
def server(script: Path) -> Iterator[subprocess.Popen[str]]:
    """The server as a process of ours."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, script], stdin=pipe, stdout=pipe, stderr=pipe, text=True
    ) as process:
        yield process
        process.kill()


def send(write: Callable[[str], object], **message: Any) -> None:
    """Write one message."""
    write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")


def test_only_the_protocol_is_on_stdout_and_the_client_hanging_up_ends_it(
    server: subprocess.Popen[str],
) -> None:
    """Prints, warnings, children, log lines and a crashing tool all go to stderr."""
    assert server.stdin is not None
    send(server.stdin.write, id=1, method="initialize", params=INITIALIZE)
    send(server.stdin.write, method="notifications/initialized")
    call: dict[str, Any] = {"name": "generate-all", "arguments": {}}
    send(server.stdin.write, id=2, method="tools/call", params=call)
    server.stdin.flush()
    assert server.stdout is not None
    first, second = (json.loads(server.stdout.readline()) for _ in range(2))
    rest, errors = server.communicate(timeout=PATIENCE_S)
    assert (first["id"], second["id"]) == (1, 2)
    assert second["result"]["isError"] is True
    assert "secret" not in json.dumps(second)
    assert rest == ""
    assert server.returncode == 0
    for words in ("before the imports", "by a child", "by a tool", "a log line", "at the end"):
        assert words in errors


@pytest.mark.skipif(sys.platform == "win32", reason="Windows gives no new parent")
def test_the_server_ends_with_its_parent_though_somebody_holds_the_pipe(script: Path) -> None:
    """A client that was killed may leave the pipe open in another child of its own."""
    read_end, client_end = os.pipe()
    answers, write_end = os.pipe()
    code = (
        f"import subprocess, sys; subprocess.Popen([sys.executable, {str(script)!r}], "
        f"stdin={read_end}, stdout={write_end}, stderr=subprocess.DEVNULL).wait()"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], pass_fds=[read_end, write_end])
    os.close(write_end)
    with os.fdopen(answers, "rb") as stdout:
        send(
            lambda text: os.write(client_end, text.encode()),
            id=1,
            method="initialize",
            params=INITIALIZE,
        )
        assert json.loads(stdout.readline())["id"] == 1
        parent.kill()
        parent.wait()
        assert stdout.read() == b""
    os.close(client_end)
    os.close(read_end)
