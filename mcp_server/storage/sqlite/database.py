"""One file, as one process has it open, and how it learns that another process wrote to it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread
import structlog

from mcp_server.errors import StorageError, Unavailable
from mcp_server.storage.sqlite.connection import (
    Connection,
    Synchronous,
    Transaction,
    connect,
    outlives_mending,
)
from mcp_server.storage.sqlite.log_file import LogFile
from mcp_server.storage.sqlite.migrate import migrate

T = TypeVar("T")

POLL_S = 0.1
"""How often other processes' commits are looked for while somebody waits for a change."""

logger = structlog.get_logger(__name__)


class Database:
    """One file, as one process has it open: a writer, a reader, and an eye on other processes."""

    def __init__(
        self,
        writer: Connection,
        reader: Connection,
        log: LogFile | None = None,
        prepare: Callable[[], object] | None = None,
    ) -> None:
        self._writer, self._reader, self._prepare = writer, reader, prepare
        self._log = log
        self._reopening = anyio.Lock()
        self._unopened: str | None = None
        """Why it could not be opened again, the last time that this was tried."""
        self._changed = anyio.Event()
        self._version = 0
        self._seen: int | None = None
        self._polls: list[float] = []
        self._watched = False
        self._trouble: str | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls, path: Path, *, synchronous: Synchronous = "FULL"
    ) -> AsyncGenerator[Database]:
        """Open the file, migrated to this version's schema.

        Raises:
            Unavailable: a newer Pressroom wrote it.
            StorageError: it cannot be opened or written.
        """
        prepare = partial(migrate, path, synchronous=synchronous)
        schema = await anyio.to_thread.run_sync(prepare)
        async with (
            connect(path, synchronous=synchronous, schema=schema) as writer,
            connect(path, synchronous=synchronous, schema=schema) as reader,
        ):
            database = cls(writer, reader, LogFile(path), prepare)
            database._seen = await database._data_version()
            yield database

    async def write(self, function: Callable[[Transaction], T]) -> T:
        """Run one write transaction; if it changed anything, wake who waits for a change."""
        return (await self.write_step(function))[0]

    async def write_step(self, function: Callable[[Transaction], T]) -> tuple[T, int]:
        """Run one write transaction; return also the version that has it and all before it.

        What was noticed while it ran may have been committed after it: it is not in that version.
        """
        before = self._version
        try:
            result, changed = await self._writer.write(function)
        except StorageError as error:
            self._trouble = error.shown or self._trouble
            await self._reopen_after(error)
            raise
        if changed:  # or a worker that claims nothing would wake itself to claim again
            self._trouble = None
            self._notice()
        return result, before + changed

    async def read(self, function: Callable[[Transaction], T]) -> T:
        """Run one read transaction on a snapshot."""
        try:
            return await self._reader.read(function)
        except StorageError as error:
            await self._reopen_after(error)
            raise

    async def _reopen_after(self, error: StorageError) -> None:
        """Open the file anew where that may help: it was made writable, or a copy was put back.

        What was refused stays refused; what comes next finds the file of now.
        """
        if self._prepare is None or not outlives_mending(error) or self._reopening.locked():
            return
        async with self._reopening:
            try:
                await self._writer.reopen(self._prepare)
                await self._reader.reopen(self._prepare)
            except (StorageError, Unavailable) as again:
                if self._unopened != str(again):  # once, not with every read
                    self._unopened = str(again)
                    logger.warning("the database cannot be opened again", reason=str(again))
                return
        self._seen = None
        self._notice()

    @property
    def version(self) -> int:
        """How many commits were noticed so far."""
        return self._version

    @property
    def trouble(self) -> str | None:
        """Why nothing could be written of late, in words; `None` once something was."""
        return self._trouble

    async def wait_for_change(
        self, timeout_s: float, *, since: int, poll_s: float = POLL_S
    ) -> bool:
        """Wait until `version` is past `since`; False: the time ran out first."""
        if self._polls and poll_s < min(self._polls):
            self._wake()  # whoever looks for all is to look as often as this one wants
        self._polls.append(poll_s)
        try:
            with anyio.move_on_after(timeout_s):
                while self._version <= since:
                    if self._watched:
                        await self._changed.wait()
                    else:
                        await self._watch(since)
        finally:
            self._polls.remove(poll_s)
        return self._version > since

    async def _watch(self, since: int) -> None:
        """Wait and look outside, on behalf of all who wait; when leaving, let another do so."""
        self._watched = True
        try:
            while self._version <= since:
                with anyio.move_on_after(min(self._polls)):
                    await self._changed.wait()
                    continue
                await self._look_outside()
        finally:
            self._watched = False
            self._wake()

    async def _look_outside(self) -> None:
        """Notice another process's commit. The writer's own commits do not show on itself.

        As long as the log's file stays as it is nobody has committed, and nothing need be asked.
        """
        if self._log is not None and self._log.is_quiet():
            return
        try:
            seen = await self._data_version()
        except StorageError as error:
            await self._reopen_after(error)
            return  # nobody is woken by it; whoever reads or writes next is told
        if seen != self._seen:
            self._seen = seen
            self._notice()

    async def _data_version(self) -> int:
        return await self._writer.hop(lambda c: c.execute("PRAGMA data_version").fetchone()[0])

    def _notice(self) -> None:
        self._version += 1
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
