"""The server as its users start it: a process of its own, over stdio or over HTTP.

Nothing is shared with the test but the workspace on disk and the wire.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import Implementation

from tests import databases
from tests.harness import Desk, Era
from tests.waiting import PATIENCE_S, wait_until

ERAS: tuple[Era, ...] = ("legacy", "auto")

Transport = Literal["stdio", "http"]

BOTH: tuple[tuple[Transport, Era], ...] = (
    ("stdio", "legacy"),
    ("stdio", "auto"),
    ("http", "legacy"),
    ("http", "auto"),
)
"""Every way in which a client reaches us."""

REPOSITORY = Path(__file__).parents[1]
LISTENING = re.compile(r"url=(http://\S+)")


def command(*arguments: str) -> list[str]:
    """Return the command line of `pressroom` with these arguments."""
    return [sys.executable, "-P", "-m", "mcp_server", *arguments]


def own_module(name: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """Return command line and environment that run a module of the tests, from any folder.

    With `-P`, or that folder's modules would be taken for ours.
    """
    line = [sys.executable, "-P", "-m", name, *arguments]
    return line, environment(PYTHONPATH=str(REPOSITORY))


def environment(**more: str) -> dict[str, str]:
    """Return this process's environment less what would set up Pressroom, and with `more`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PRESSROOM_")}
    return kept | more


# Clients of the SDK


@asynccontextmanager
async def over_stdio(
    root: Path,
    *,
    era: Era = "auto",
    named: bool = True,
    client_name: str = "test",
    **variables: str,
) -> AsyncGenerator[Desk]:
    """Start a server on `root` as a client does, and talk to it over its pipes.

    `named`: the workspace is given by `--workspace`; otherwise `root` is only where it starts.
    """
    parameters = StdioServerParameters(
        command=sys.executable,
        args=command("serve", *(("--workspace", str(root)) if named else ()))[1:],
        env=environment(**variables),
        cwd=root,
    )
    with (root.parent / f"{root.name}.stderr").open("a") as errors:
        transport = stdio_client(parameters, errlog=errors)
        async with Client(transport, mode=era, client_info=_named(client_name)) as client:
            yield Desk(client, root, progress=[])


@asynccontextmanager
async def over_http(
    url: str, root: Path, *, era: Era = "auto", token: str | None = None
) -> AsyncGenerator[Desk]:
    """Talk to the server at `url`."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=PATIENCE_S) as http,
        Client(streamable_http_client(url, http_client=http), mode=era) as client,
    ):
        yield Desk(client, root, progress=[])


def _named(name: str) -> Implementation:
    return Implementation(name=name, version="1")


@contextmanager
def serving(root: Path, *arguments: str, **variables: str) -> Generator[str]:
    """Run `pressroom serve --http` on a free port; yield the address of its endpoint."""
    with http_server(root, *arguments, **variables) as (_, address):
        yield address


@contextmanager
def http_server(
    root: Path, *arguments: str, **variables: str
) -> Generator[tuple[subprocess.Popen[bytes], str]]:
    """Do the same, and yield the process too."""
    log = root.parent / f"{root.name}.http.stderr"
    line = command("serve", "--http", "--port", "0", "--workspace", str(root), *arguments)
    with (
        log.open("w+") as errors,
        subprocess.Popen(
            line, stdout=subprocess.DEVNULL, stderr=errors, env=environment(**variables)
        ) as process,
    ):
        try:
            wait_until(lambda: _address(log) is not None or process.poll() is not None)
            address = _address(log)
            assert address is not None, log.read_text()
            yield process, address
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
            process.kill()


def _address(log: Path) -> str | None:
    found = LISTENING.search(log.read_text())
    return found[1] if found else None


# A client without any help


PROTOCOL = "io.modelcontextprotocol/"
CLIENT_INFO = {"name": "raw", "version": "1"}
MODERN = {
    f"{PROTOCOL}protocolVersion": "2026-07-28",
    f"{PROTOCOL}clientInfo": CLIENT_INFO,
    f"{PROTOCOL}clientCapabilities": {},
}
"""What every request of the newer era carries instead of a handshake."""


@dataclass
class Pipe:
    """A client that writes and reads lines, and keeps every line it was sent.

    A call's progress token is `p` and its id.
    """

    process: subprocess.Popen[str]
    era: Era
    lines: list[str] = field(default_factory=list[str])
    _next_id: int = 0

    def begin(self) -> dict[str, Any]:
        """Open the conversation; return the server's first answer."""
        if self.era != "legacy":
            return self.answer(self.request("server/discover"))
        asked = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": CLIENT_INFO}
        answer = self.answer(self.request("initialize", **asked))
        self.send({"method": "notifications/initialized"})
        return answer

    def call(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """Call a tool, read until its answer, and return its result."""
        return self.answer(self.call_soon(tool, **arguments))["result"]

    def call_soon(self, tool: str, /, **arguments: Any) -> int:
        """Call a tool and return the call's id; its answer is not waited for."""
        return self.request("tools/call", name=tool, arguments=arguments)

    def request(self, method: str, /, **params: Any) -> int:
        """Send a request and return its id."""
        self._next_id += 1
        meta = {"progressToken": f"p{self._next_id}", **self.quiet_meta()}
        self.send({"id": self._next_id, "method": method, "params": {**params, "_meta": meta}})
        return self._next_id

    def quiet_meta(self) -> dict[str, Any]:
        """Return what every request must carry, without a token."""
        return dict(MODERN) if self.era != "legacy" else {}

    def send(self, message: Mapping[str, Any]) -> None:
        """Write one message."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.process.stdin.flush()

    def answer(self, id: int) -> dict[str, Any]:
        """Read until the answer to a request."""
        while True:
            message = self.read()
            assert message is not None, "the server hung up"
            if message.get("id") == id and "method" not in message:
                return message

    def read(self) -> dict[str, Any] | None:
        """Read one message; `None` at the end."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            return None
        self.lines.append(line)
        return json.loads(line)

    def hang_up(self) -> int:
        """Close our end, read the rest, and return the server's exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        while self.read() is not None:
            pass
        return self.process.wait(PATIENCE_S)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Everything the server has said so far."""
        return [json.loads(line) for line in self.lines]


@contextmanager
def pipe(root: Path, era: Era, **variables: str) -> Generator[Pipe]:
    """Start a server on `root` with our own two ends of its pipes."""
    log = root.parent / f"{root.name}.stderr"
    ends = subprocess.PIPE
    with (
        log.open("a") as errors,
        subprocess.Popen(
            command("serve", "--workspace", str(root)),
            stdin=ends,
            stdout=ends,
            stderr=errors,
            text=True,
            encoding="utf-8",
            env=environment(**variables),
        ) as process,
    ):
        try:
            yield Pipe(process, era)
        finally:
            process.kill()


# The database, looked at from outside


def query(root: Path, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Return what is stored in the workspace at this moment."""
    if databases.address() is not None:
        return databases.rows(root, sql, *values)
    with closing(sqlite3.connect(root / ".pressroom" / "pressroom.db", timeout=10)) as database:
        return database.execute(sql, values).fetchall()


def alter(root: Path, sql: str, *values: object) -> None:
    """Change what is stored behind everybody's back."""
    if databases.address() is not None:
        databases.rows(root, sql, *values)
        return
    with closing(sqlite3.connect(root / ".pressroom" / "pressroom.db", timeout=10)) as database:
        database.execute(sql, values)
        database.commit()


def revisions(root: Path) -> int:
    """Return how many versions of texts are stored."""
    return query(root, "SELECT count(*) FROM revisions")[0][0]
