"""One file, as one process has it open, and how it learns that another process wrote to it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread
import structlog

from mcp_server.clock import Clock
from mcp_server.errors import StorageError, Unavailable
from mcp_server.storage.sql.group_commit import Written
from mcp_server.storage.sql.transaction import Transaction
from mcp_server.storage.sqlite.file.connection import Connection, Synchronous, connect
from mcp_server.storage.sqlite.file.errors import outlives_mending
from mcp_server.storage.sqlite.file.migrate import migrate
from mcp_server.storage.sqlite.file.opened_file import LogGone
from mcp_server.storage.sqlite.file.wal import LogFile

T = TypeVar("T")

POLL_S = 0.1
"""How often other processes' commits are looked for while somebody waits for a change."""

logger = structlog.get_logger(__name__)


def no_mark() -> None:
    """Require no mark of the file: a caller who gives its path knows where it is from."""


class Database:
    """One file, as one process has it open: a writer, a reader, and an eye on other processes."""

    def __init__(
        self,
        writer: Connection,
        reader: Connection,
        log: LogFile | None = None,
        prepare: Callable[[], object] | None = None,
        *,
        poll_s: float = POLL_S,
    ) -> None:
        self._writer, self._reader, self._prepare = writer, reader, prepare
        self._log, self._poll_s = log, poll_s
        self._reopening = anyio.Lock()
        self._unopened: str | None = None
        """Why the last try to open it again failed; kept so that each reason is logged once."""
        self._changes = writer.changes
        self._seen: int | None = None
        self._trouble: str | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        path: Path,
        *,
        synchronous: Synchronous = "FULL",
        poll_s: float = POLL_S,
        mark: Callable[[], str | None] = no_mark,
    ) -> AsyncGenerator[Database]:
        """Open the file, migrated to this version's schema.

        Other processes' commits are looked for every `poll_s`, while somebody waits for one. `mark`
        is called at each opening, and returns the mark that the file must carry (see `migrate`).

        Raises:
            Unavailable: a newer Pressroom wrote it, or it is not ours.
            StorageError: it cannot be opened or written.
        """

        def prepare() -> int:
            return migrate(path, synchronous=synchronous, mark=mark())

        # In a thread, as a migration copies the whole file first.
        schema = await anyio.to_thread.run_sync(prepare)
        async with (
            connect(path, synchronous=synchronous, schema=schema) as writer,
            connect(path, synchronous=synchronous, schema=schema) as reader,
        ):
            database = cls(writer, reader, LogFile(path), prepare, poll_s=poll_s)
            database._seen = await database._data_version()
            yield database

    async def write(self, function: Callable[[Transaction], T]) -> T:
        """Run one write transaction; if it changed anything, wake those who wait for a change."""
        return (await self.write_step(function)).result

    async def write_step(self, function: Callable[[Transaction], T]) -> Written[T]:
        """Run one write transaction; return its result with the `version` it surely includes."""
        try:
            written = await self._writer.write(function)
        except StorageError as error:
            # Not every error has words for people; the last that had some stands.
            self._trouble = error.shown or self._trouble
            await self._reopen_after(error)
            raise
        # Only a change proves that the file can be written again: one without writes nothing.
        if written.changed:
            self._trouble = None
        return written

    async def read(self, function: Callable[[Transaction], T]) -> T:
        """Run one read transaction on a snapshot."""
        try:
            return await self._reader.read(function)
        except StorageError as error:
            await self._reopen_after(error)
            raise

    async def read_aside(self, function: Callable[[Transaction], T]) -> T:
        """Do the same on a connection of its own, for what takes long."""
        file = await self.read(lambda tx: tx.one("database_file"))
        assert file is not None
        async with connect(Path(file["file"])) as aside:
            return await aside.read(function)

    def clock(self, own: Clock) -> Clock:
        """Return the machine's own clock: nobody else has the file."""
        return own

    async def checkpoint(self) -> None:
        """Bring the log into the file, as far as no reader needs it; wait for nobody.

        Only then the file becomes shorter, where pages of it were given back.
        """
        await self._writer.hop(lambda c: c.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall())

    async def _reopen_after(self, error: StorageError) -> None:
        """Open the file anew where that may help: it was made writable, or a copy was put back.

        The call that failed still fails; the next one works on the file that is there now.
        """
        if self._prepare is None or not outlives_mending(error):
            return
        if self._reopening.locked():
            # That serves this caller, too, once it is done: nobody is told to call again before.
            async with self._reopening:
                return
        async with self._reopening:
            try:
                if isinstance(error, LogGone):
                    await self._writer.save_log()
                    await self._writer.let_go()
                    await self._reader.let_go()
                await self._writer.reopen(self._prepare)
                await self._reader.reopen(self._prepare)
            except (StorageError, Unavailable) as again:
                if self._unopened != str(again):  # once, not with every read
                    self._unopened = str(again)
                    logger.warning("the database cannot be opened again", reason=str(again))
                return
        # Its data_version says nothing beside that of the file before, and all may be different:
        # so the next look counts as news, and everybody looks again now.
        self._seen = None
        self._changes.note()

    @property
    def version(self) -> int:
        """How many commits were noticed so far."""
        return self._changes.version

    @property
    def trouble(self) -> str | None:
        """Why nothing could be written of late, in words; `None` once something was."""
        return self._trouble

    async def wait_for_change(
        self, timeout_s: float, *, since: int, poll_s: float | None = None
    ) -> bool:
        """Wait until `version` is past `since`; False: the time ran out first.

        Commits of other processes are looked for every `poll_s`; without it, as often as `open` was
        told.
        """
        poll_s = self._poll_s if poll_s is None else poll_s
        return await self._changes.wait(timeout_s, since=since, poll_s=poll_s, outside=self)

    def is_quiet(self) -> bool:
        """Whether nobody has committed for a while. False where that cannot be told."""
        return self._log is not None and self._log.is_quiet()

    async def look(self) -> None:
        """Notice another process's commit."""
        try:
            seen = await self._data_version()
        except StorageError as error:
            await self._reopen_after(error)
            return  # waiters sleep on; the next read or write meets the error and raises it
        if seen != self._seen:
            self._seen = seen
            self._changes.note()

    async def _data_version(self) -> int:
        # It changes with every commit but the connection's own. So it is asked on the writer: on
        # the reader, this process's commits would look like another's.
        return await self._writer.hop(lambda c: c.execute("PRAGMA data_version").fetchone()[0])
