"""A connection to PostgreSQL that is cut at a chosen moment: a proxy before the server's socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import anyio

COMMIT = b"COMMIT\0"
"""How a client asks for it that prepares no statements."""

When = Literal["before", "after"]


class Proxy:
    """Passes on what both sides say, until it is told to cut one connection."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._socket = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
        self._path = parts.path
        self._when: When | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self.cuts = 0
        self.turns = 0
        """How often a client spoke after it was answered: so often it has waited."""
        self.meanwhile: Callable[[], None] | None = None
        """What happens between a commit and the loss of its answer."""
        self.address = ""
        """By which the same database is reached through it."""

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Proxy]:
        """Listen, on a port of this machine."""
        server = await asyncio.start_server(self._begin, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        self.address = f"postgresql://postgres@127.0.0.1:{port}{self._path}?sslmode=disable"
        try:
            yield self
        finally:
            server.close()
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)
            await asyncio.sleep(0)  # transports are closed in the next turn

    def cut(self, when: When) -> None:
        """Cut the next connection that commits: before the server hears of it, or after it did."""
        self._when = when

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._serving.add(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with _aborted(writer), suppress(OSError):
            far_reader, far_writer = await asyncio.open_unix_connection(self._socket)
            is_cut, answered = False, True

            def to_server(data: bytes) -> bool:
                nonlocal is_cut, answered
                self.turns += answered
                answered = False
                when = self._when if COMMIT in data else None
                if when is not None:
                    self._when, is_cut = None, True
                    self.cuts += 1
                if when != "before":
                    far_writer.write(data)
                return when != "before"

            def to_client(data: bytes) -> bool:
                nonlocal answered
                answered = True
                if is_cut and self.meanwhile is not None:
                    self.meanwhile()
                if not is_cut:
                    writer.write(data)
                return not is_cut

            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(_pass_on, reader, to_server, tasks.cancel_scope)
                    tasks.start_soon(_pass_on, far_reader, to_client, tasks.cancel_scope)
            finally:
                far_writer.transport.abort()


@contextmanager
def _aborted(writer: asyncio.StreamWriter) -> Generator[None]:
    try:
        yield
    finally:
        writer.transport.abort()


async def _pass_on(
    source: asyncio.StreamReader,
    passed: Callable[[bytes], bool],
    both: anyio.CancelScope,
) -> None:
    """Pass on what comes, until there is no more or it is not to be passed on; end both ways."""
    with suppress(OSError):
        while (data := await source.read(65536)) and passed(data):
            pass
    both.cancel()
