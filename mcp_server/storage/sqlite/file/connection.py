"""Connections: one hop to the connection's thread per transaction.

A transaction is one plain function that gets a `Transaction`; it runs from `BEGIN IMMEDIATE` to
`COMMIT` on the writer's own thread. It is shielded: a caller that is cancelled while it waits does
not leave half a transaction behind.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Self, TypeVar

import aiosqlite
import anyio

from mcp_server.errors import StorageBusy
from mcp_server.storage.sqlite.file.commits import Changes
from mcp_server.storage.sqlite.file.errors import DRIVER_ERRORS, storage_error
from mcp_server.storage.sqlite.file.group_commit import GroupCommit, Written, anything, begin
from mcp_server.storage.sqlite.file.identity import check_plain
from mcp_server.storage.sqlite.file.opened_file import OpenedFile
from mcp_server.storage.sqlite.file.transaction import Transaction

T = TypeVar("T")

BUSY_TIMEOUT_S = 5.0
"""How long a statement waits for another process's write lock: per connection, not per file."""

WAL_PAUSE_S = 0.02
"""How soon a new file is tried again that another process is setting up."""

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
        """What was committed here; and what others did, if somebody takes note of it."""
        self._group = GroupCommit(self.hop, self.changes, self._check_schema)

    async def __aenter__(self) -> Self:
        with anyio.CancelScope(shield=True):  # its thread must not outlive a caller who left
            await super().__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        with anyio.CancelScope(shield=True):
            await self._group.aclose()  # callers are gone; what they asked for is not
            await self.close()

    async def hop(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run `function` on the connection's thread, to its end, whatever happens to the caller.

        Raises:
            StorageError: SQLite refused; `StorageBusy` where trying again may help.
        """
        with anyio.CancelScope(shield=True):
            return await self._mapped(lambda: function(self._checked()))
        raise AssertionError("a shielded scope is not left early")

    async def reopen(self, prepare: Callable[[], object]) -> None:
        """Open the file of this name anew, once `prepare` has made it ready for us.

        Raises:
            StorageError: it cannot be opened; everything stays as it was.
        """

        def anew() -> None:
            if self._file is not None:
                self._file.check_next()
            prepare()
            before, self._connection = self._conn, self._connector()
            before.close()

        with anyio.CancelScope(shield=True):
            await self._mapped(anew)

    def _checked(self) -> sqlite3.Connection:
        if self._file is not None:
            self._file.check()
        return self._conn

    async def _mapped(self, function: Callable[[], T]) -> T:
        try:
            # aiosqlite's own methods hop once per statement; this one, which they are made of, is
            # not typed.
            return await self._execute(function)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        except DRIVER_ERRORS as error:
            raise storage_error(error) from error

    async def write(self, function: Callable[[Transaction], T]) -> Written[T]:
        """Run `function` in the next transaction; return its result once that is on the disk.

        All that waits when the writer comes round shares one transaction, in the order of arrival;
        one that raises is undone alone. `function` may be run again where another one raised, or
        the transaction as a whole failed.
        """
        return await self._group.write(function)

    async def read(self, function: Callable[[Transaction], T]) -> T:
        """Run `function` on one snapshot of the database."""

        def transaction(connection: sqlite3.Connection) -> T:
            begin(connection, "BEGIN")
            try:
                self._check_schema(connection)
                return function(Transaction(connection))
            finally:
                if connection.in_transaction:  # or what went wrong would be told as something else
                    connection.execute("COMMIT")

        return await self.hop(transaction)


def connect(
    path: Path, *, synchronous: Synchronous = "FULL", schema: int | None = None
) -> Connection:
    """Return a connection to enter as a context manager.

    It refuses to work on another schema than `schema`, or that of when it was opened.
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
    """
    check_plain(path)
    try:
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
    """Close a connection that nobody else has yet; the error alone would hold its file open."""
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _set_up(connection: sqlite3.Connection, synchronous: Synchronous) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_S * 1000)}")
    connection.execute("PRAGMA trusted_schema = OFF")  # a file may hold what we did not write
    _switch_to_wal(connection)
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("PRAGMA foreign_keys = ON")
    if sys.platform == "darwin":
        connection.execute("PRAGMA fullfsync = ON")


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Set the journal mode; of a new file it is changed under a lock that SQLite does not wait for.

    Several servers may open a new workspace at once.
    """
    for left in reversed(range(round(BUSY_TIMEOUT_S / WAL_PAUSE_S))):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not left or not isinstance(storage_error(error), StorageBusy):
                raise
            time.sleep(WAL_PAUSE_S)  # in the connection's own thread
        else:
            return
