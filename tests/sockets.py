"""A client of plain bytes: what it sends is no library's idea of HTTP."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial
from urllib.parse import urlsplit

import anyio
import anyio.abc
from starlette.applications import Starlette

from mcp_server.interfaces.http.app import serve_http
from mcp_server.interfaces.http.protocol import ConnectionBounds
from tests.waiting import PATIENCE_S


def exchange(url: str, *pieces: bytes) -> bytes:
    """Send bytes to the server at `url`; return all it says until it closes.

    Raises:
        TimeoutError: it has not closed, in time.
    """
    address = urlsplit(url)
    said = bytearray()
    with (
        socket.create_connection((address.hostname, address.port), PATIENCE_S) as connection,
        suppress(ConnectionError),  # it need not take all of it
    ):
        for piece in pieces:
            connection.sendall(piece)
        while received := connection.recv(65_536):
            said += received
    return bytes(said)


def status_of(answer: bytes) -> int | None:
    """Return the status of an answer; `None` if there is none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else None


def head(line: str = "GET /health", *headers: str, host: str | None = "127.0.0.1") -> bytes:
    """Return the head of a request after which the server closes."""
    hosts = () if host is None else (f"Host: {host}",)
    lines = (f"{line} HTTP/1.1", *hosts, "Connection: close", *headers)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@asynccontextmanager
async def listening(
    app: Starlette, bounds: ConnectionBounds, *, host: str = "127.0.0.1"
) -> AsyncGenerator[str]:
    """Serve `app` in this process, on a socket of its own; yield its address."""
    stopping = anyio.Event()
    async with anyio.create_task_group() as tasks:
        serve = partial(serve_http, app, host, 0, stopping=stopping, bounds=bounds)
        yield await tasks.start(serve)
        stopping.set()


@asynccontextmanager
async def connected(url: str, *, sending: bytes = b"") -> AsyncGenerator[anyio.abc.SocketStream]:
    """Connect to the server at `url`, and send something."""
    address = urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    async with await anyio.connect_tcp(address.hostname, address.port) as stream:
        await stream.send(sending)
        yield stream


async def rest(stream: anyio.abc.SocketStream) -> bytes:
    """Return what the server says until it closes."""
    said = bytearray()
    with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
        while True:
            said += await stream.receive()
    return bytes(said)
