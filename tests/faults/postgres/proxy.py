"""A proxy between Pressroom and its database, which cuts connections and swallows what is said.

What it cuts ends with a reset, as by a firewall that has forgotten the connection: after so many
bytes of either side, or where the server says that a commit was made. While it is silent it holds
back all that is said, without an end of any connection, as a network does that lost a router.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Literal

COMMITTED = b"COMMIT\0"
"""How the server's answer to a COMMIT ends."""
RESET = struct.pack("ii", 1, 0)
"""To linger for no time: what is closed so is reset."""

Side = Literal["client", "server"]
Cut = int | Literal["commit"]
"""After how many bytes, or the answer to which statement."""


class Proxy:
    """Passes on what both sides say, until it is told otherwise. It has a thread of its own."""

    def __init__(self, socket_file: Path) -> None:
        self._far = str(socket_file)
        self._loop = asyncio.new_event_loop()
        self._open = asyncio.Event()
        self._cuts: dict[Side, Cut] = {}
        self._links: set[_Link] = set()
        self.port = 0
        self.made = 0
        """Cuts that were made."""

    @contextmanager
    def listening(self) -> Generator[Proxy]:
        """Pass on what comes to `port` of this machine."""
        thread = threading.Thread(target=self._loop.run_forever, name="proxy")
        thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    def cut(self, side: Side, at: Cut) -> None:
        """Cut the connection on which that side says what comes next."""
        self._loop.call_soon_threadsafe(self._cuts.__setitem__, side, at)

    def cut_all(self) -> None:
        """Cut all connections that there are."""
        self._loop.call_soon_threadsafe(self._reset_all)

    def fall_silent(self) -> None:
        """Hold back all that is said from now on, on new connections too."""
        self._loop.call_soon_threadsafe(self._open.clear)

    def speak(self, *, lost: bool) -> None:
        """Pass on again what is said; what was held back is passed on late, or `lost`."""
        if lost:
            self.cut_all()
        self._loop.call_soon_threadsafe(self._open.set)

    async def _listen(self) -> None:
        self._open.set()
        self._server = await asyncio.start_server(self._begin, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        self._server.close()
        tasks = [link.task for link in self._links]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # transports are closed in the next turn

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link(reader, writer)
        link.task = asyncio.ensure_future(self._serve(link))
        self._links.add(link)
        link.task.add_done_callback(lambda _: self._links.discard(link))

    async def _serve(self, link: _Link) -> None:
        with closing(link), suppress(OSError):
            await self._open.wait()
            far_reader, far_writer = await asyncio.open_unix_connection(self._far)
            try:
                ways = (
                    asyncio.ensure_future(self._pass_on("client", link, link.reader, far_writer)),
                    asyncio.ensure_future(self._pass_on("server", link, far_reader, link.writer)),
                )
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)
            finally:
                far_writer.transport.abort()

    async def _pass_on(
        self, side: Side, link: _Link, source: asyncio.StreamReader, target: asyncio.StreamWriter
    ) -> None:
        while data := await source.read(65536):
            await self._open.wait()
            if link.is_reset:  # meanwhile
                return
            passed = self._passed(side, data)
            target.write(data[:passed])
            if passed < len(data):
                link.reset()
                return
            await target.drain()

    def _passed(self, side: Side, data: bytes) -> int:
        """Return how much of it is passed on: all, or up to a cut."""
        at = self._cuts.get(side)
        if isinstance(at, int) and at >= len(data):
            self._cuts[side] = at - len(data)
        elif at is not None and (at != "commit" or COMMITTED in data):
            del self._cuts[side]
            self.made += 1
            return at if isinstance(at, int) else 0
        return len(data)

    def _reset_all(self) -> None:
        for link in self._links:
            link.reset()
            self.made += 1


class _Link:
    """A client's connection."""

    task: asyncio.Task[None]

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.is_reset = False

    def reset(self) -> None:
        """End it as if this machine had never heard of it."""
        self.is_reset = True
        its: socket.socket = self.writer.get_extra_info("socket")
        with suppress(OSError):  # closed already
            its.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.close()

    def close(self) -> None:
        """End it, if it has not ended."""
        self.writer.transport.abort()
