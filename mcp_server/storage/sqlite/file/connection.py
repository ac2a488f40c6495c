"""Connections: one hop to the connection's thread per transaction.

A transaction is one plain function that gets a `Transaction`; it runs from `BEGIN IMMEDIATE` to
`COMMIT` on the writer's own thread. It is shielded: a caller that is cancelled while it waits does
not leave half a transaction behind.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import aiosqlite
import anyio
import structlog

from mcp_server.errors import StorageBusy, Unavailable
from mcp_server.storage.sql.commits import Changes
from mcp_server.storage.sql.group_commit import GroupCommit, Member, Written
from mcp_server.storage.sql.group_read import GroupRead
from mcp_server.storage.sql.transaction import Transaction
from mcp_server.storage.sqlite.file.errors import DRIVER_ERRORS, storage_error
from mcp_server.storage.sqlite.file.group import anything, begin, commit
from mcp_server.storage.sqlite.file.identity import check_plain
from mcp_server.storage.sqlite.file.leave import leave
from mcp_server.storage.sqlite.file.opened_file import OpenedFile
from mcp_server.storage.sqlite.file.platform import ELSEWHERE, check_sqlite
from mcp_server.storage.sqlite.file.transaction import SqliteTransaction, spells_out

T = TypeVar("T")

logger = structlog.get_logger(__name__)

BUSY_TIMEOUT_S = 5.0
"""How long a statement waits for another process's write lock. SQLite keeps this with the
connection, not in the file, so each connection sets it."""

LOG_BYTES_MAX = 16 * 1024 * 1024
"""What is left of the log once all of it is in the database file: beside a reader that reads for
long, or in one large transaction, it grows without bound, and would stay that large."""

WAL_PAUSE_S = 0.02
"""How soon the switch to WAL is tried again while another process sets up the new file."""

LOG_IN_USE = "its log was taken away, and another program still writes or reads it: call again"
NO_WAL = "The database can have no write-ahead log where it lies"

Synchronous = Literal["FULL", "NORMAL"]


class Connection(aiosqlite.Connection):
    """An aiosqlite connection that runs a whole function on its thread in one hop."""

    def __init__(
        self, connector: Callable[[], sqlite3.Connection], file: OpenedFile | None = None
    ) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._file = file
        self._check_schema = anything if file is None else file.check_schema
        self.changes = Changes()
        """Commits made through this connection, and others' once `Database.look` notes them."""
        self._check_locked = anything if file is None else file.check_locked
        self._group = GroupCommit(self._commit_group, self.changes)
        self._reads = GroupRead(self._read)

    async def __aenter__(self) -> Self:
        with anyio.CancelScope(shield=True):  # its thread must not outlive a caller who left
            await super().__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        with anyio.CancelScope(shield=True):
            await self._group.aclose()  # writes of callers who were cancelled still commit
            await self._mapped(self._end)
            await self.close()

    async def hop(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run `function` on the connection's thread, to its end even if the caller is cancelled.

        Raises:
            StorageError: SQLite refused; `StorageBusy` where trying again may help.
        """
        with anyio.CancelScope(shield=True):
            return await self._mapped(lambda: function(self._checked()))
        raise AssertionError("a shielded scope is not left early")

    async def reopen(self, prepare: Callable[[], object]) -> None:
        """Open the file of this name anew, after `prepare` has brought it to our schema.

        Raises:
            StorageError: it cannot be opened; everything stays as it was.
        """

        def anew() -> None:
            if self._file is not None:
                self._file.check_next()
            prepare()
            # The new one is opened before the old one is closed: if that fails, the old one stays.
            before, self._connection = self._conn, self._connector()
            before.close()

        with anyio.CancelScope(shield=True):
            await self._mapped(anew)

    async def save_log(self) -> None:
        """Bring a log that has lost its name into the file, and what a writer adds to it now.

        Not where another log has the name: what is in that one may build upon what is in the file.

        Raises:
            StorageBusy: a writer, or a reader of what was before, took longer than anybody waits.
        """

        def save() -> None:
            if self._file is not None and self._file.has_another_log():
                logger.warning("a log was replaced: what only the one before held is lost")
                return
            with suppress(sqlite3.Error):
                # FULL waits for a writer: what it commits is acknowledged, and is nowhere else.
                row = self._conn.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
                if row["busy"]:
                    raise StorageBusy(LOG_IN_USE, shown=LOG_IN_USE)
                if row["log"] != row["checkpointed"]:
                    logger.warning("not all of a log that was taken away could be saved")

        with anyio.CancelScope(shield=True):
            await self._mapped(save)

    async def let_go(self) -> None:
        """Close the file; `reopen` opens it again. What is beside it stays as it is.

        For when the log has lost its name: SQLite would give a new connection of this process the
        old index, and an empty log to go with it.
        """

        def close() -> None:
            if self._file is None:
                self._conn.close()
                return
            leave(self._conn, self._file.path)
            self._file.forget()

        with anyio.CancelScope(shield=True):
            await self._mapped(close)

    def _end(self) -> None:
        """Leave the log that has our log's name to those who have filled it."""
        if self._file is not None:
            if self._file.has_another_log():
                leave(self._conn, self._file.path)
            self._file.forget()

    def _checked(self) -> sqlite3.Connection:
        if self._file is not None:
            self._file.check()
        return self._conn

    async def _mapped(self, function: Callable[[], T]) -> T:
        try:
            # aiosqlite's public methods hop to the thread once per statement. They are built on
            # `_execute`, which takes a whole function, but has no types.
            return await self._execute(function)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        except DRIVER_ERRORS as error:
            raise storage_error(error) from error

    async def write(self, function: Callable[[Transaction], T]) -> Written[T]:
        """Run `function` in the next transaction; return its result once that is on the disk.

        All calls that wait when the writer is free share one transaction, in the order of arrival.
        A call that raises is undone alone. `function` may run more than once: the transaction is
        repeated if another call in it raised, or if it failed as a whole.
        """
        return await self._group.write(function)

    async def read(self, function: Callable[[Transaction], T]) -> T:
        """Run `function` on one snapshot of the database; with others that are asked for now."""
        return await self._reads.read(function)

    async def _commit_group(self, group: Sequence[Member[Any]]) -> None:
        await self.hop(lambda connection: commit(connection, group, self._check_locked))

    async def _read(self, function: Callable[[Transaction], T]) -> T:
        def transaction(connection: sqlite3.Connection) -> T:
            begin(connection, "BEGIN")
            try:
                self._check_schema(connection)
                return function(SqliteTransaction(connection))
            except sqlite3.OperationalError as error:
                if not spells_out(connection, error):
                    raise
            finally:
                # After some errors SQLite has ended the transaction itself. A COMMIT would then
                # raise "no transaction is active", and hide the cause.
                if connection.in_transaction:
                    connection.execute("COMMIT")
            return transaction(connection)

        return await self.hop(transaction)


def connect(
    path: Path, *, synchronous: Synchronous = "FULL", schema: int | None = None
) -> Connection:
    """Return a connection to enter as a context manager.

    Each transaction is refused once the file's schema is not `schema` any more; without `schema`,
    the one that was found when the file was opened.
    """
    file = OpenedFile(path, schema)

    def connector() -> sqlite3.Connection:
        connection = open_file(path, synchronous=synchronous)
        with _closed_if_it_fails(connection):
            file.note(connection)
        return connection

    return Connection(connector, file)


def open_file(path: Path, *, synchronous: Synchronous = "FULL") -> sqlite3.Connection:
    """Open the file as this package wants it: WAL, our durability, waiting for other writers.

    Raises:
        StorageError: it cannot be opened, or is no plain file.
        Unavailable: this SQLite is too old, or can have no write-ahead log there.
    """
    check_sqlite()
    check_plain(path)
    try:
        # `isolation_level=None`: transactions are ours to begin; the driver would begin its own.
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        with _closed_if_it_fails(connection):
            _set_up(connection, synchronous)
    except sqlite3.Error as error:
        raise storage_error(error) from error
    return connection


@contextmanager
def _closed_if_it_fails(connection: sqlite3.Connection) -> Generator[None]:
    """Close a new connection if its set-up fails: the error's traceback would keep it open."""
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _set_up(connection: sqlite3.Connection, synchronous: Synchronous) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_S * 1000)}")
    # The file may hold a view or trigger that we did not write: it must not call unsafe functions.
    connection.execute("PRAGMA trusted_schema = OFF")
    if connection.execute("PRAGMA page_count").fetchone()[0] == 0:
        # Pages that are free again can be given back to the disk, a few at a time. It has to be
        # said before the first page is written.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    switch_to_wal(connection)
    connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES_MAX}")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("PRAGMA foreign_keys = ON")  # off by default, and set per connection
    # A plain fsync on macOS leaves the data in the drive's own cache, which a power cut loses.
    if sys.platform == "darwin":
        connection.execute("PRAGMA fullfsync = ON")


def switch_to_wal(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL, trying again for as long as any other statement waits for a lock.

    Switching a new file takes a lock for which SQLite does not wait, whatever `busy_timeout` says,
    and several servers may open a new workspace at once.

    Raises:
        Unavailable: it stays in another mode, without an error: shared memory is not to be had.
    """
    for left in reversed(range(round(BUSY_TIMEOUT_S / WAL_PAUSE_S))):
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if not left or not isinstance(storage_error(error), StorageBusy):
                raise
            time.sleep(WAL_PAUSE_S)  # in the connection's own thread
        else:
            if mode != "wal":
                raise Unavailable(f"{NO_WAL} ({mode!r} instead). {ELSEWHERE}.")
            return
