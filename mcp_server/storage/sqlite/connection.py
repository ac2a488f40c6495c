"""Connections: one hop to the connection's thread per transaction, and SQLite's errors mapped.

A transaction is one plain function that gets a `Transaction`; it runs from `BEGIN IMMEDIATE` to
`COMMIT` on the writer's own thread. It is shielded: a caller that is cancelled while it waits does
not leave half a transaction behind.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Generic, Literal, Self, TypeVar

import aiosqlite
import anyio

from mcp_server.errors import StorageBusy, StorageError, StorageOutdated
from mcp_server.storage.sqlite.opened import OpenedFile

T = TypeVar("T")

PACKAGE = "mcp_server.storage.sqlite"

BUSY_TIMEOUT_S = 5.0
"""How long a statement waits for another process's write lock: per connection, not per file."""

WAL_PAUSE_S = 0.02
"""How soon a new file is tried again that another process is setting up."""

GROUP_MAX = 100
"""Members of one transaction, so that none waits for long, nor a reader for the log to shrink."""

Synchronous = Literal["FULL", "NORMAL"]

MESSAGES = {
    sqlite3.SQLITE_FULL: "the disk is full: make room on it",
    sqlite3.SQLITE_READONLY: "its file, or the folder it lies in, is read-only: make both writable",
    sqlite3.SQLITE_CORRUPT: "its file is damaged: put back a copy, or move it away",
    sqlite3.SQLITE_NOTADB: "its file is not a database: move it away",
    sqlite3.SQLITE_CANTOPEN: "its file cannot be opened: see what it is, whether its folder is "
    "read-only, and who may open it",
    sqlite3.SQLITE_IOERR: "the disk reports an error: see whether it is full or failing",
    sqlite3.SQLITE_PERM: "its file may not be opened: see who may",
    sqlite3.SQLITE_BUSY: "another process is writing to the database",
    sqlite3.SQLITE_LOCKED: "another process is writing to the database",
    sqlite3.SQLITE_NOMEM: "there is no memory left: end what takes it",
    sqlite3.SQLITE_INTERRUPT: "a statement was interrupted",
}
"""What SQLite's primary result codes mean to a person: none is the fault of what is stored."""

DRIVER_ERRORS = (sqlite3.Error, MemoryError)
"""What the driver raises: where SQLite finds no memory it is not one of its own errors."""

LASTING = frozenset(
    {
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_IOERR,
    }
)
"""What a connection may not get over although the file was mended: it has to be opened anew."""


class Transaction:
    """The statements of one transaction, by the name of their file in `sql/`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, name: str, /, **values: object) -> int:
        """Execute a statement; return how many rows it changed."""
        return self._connection.execute(query(name), values).rowcount

    def many(self, name: str, rows: Iterable[Mapping[str, object]], /) -> int:
        """Execute a statement once for each of `rows`; return how many rows it changed in all."""
        return self._connection.executemany(query(name), rows).rowcount

    def insert(self, name: str, /, **values: object) -> int:
        """Execute an INSERT; return the new row's id."""
        row_id = self._connection.execute(query(name), values).lastrowid
        assert row_id is not None, f"{name} inserted nothing"
        return row_id

    def one(self, name: str, /, **values: object) -> sqlite3.Row | None:
        """Execute a statement; return its first row."""
        return self._connection.execute(query(name), values).fetchone()

    def all(self, name: str, /, **values: object) -> list[sqlite3.Row]:
        """Execute a statement; return its rows."""
        return self._connection.execute(query(name), values).fetchall()

    def attempt(
        self, step: Callable[[], T | None], *, failed: Callable[[T | None], bool]
    ) -> T | None:
        """Run `step` in a savepoint; undo what it did if `failed` says so of its result."""
        self._connection.execute("SAVEPOINT step")
        try:
            result = step()
        except BaseException:
            if self._connection.in_transaction:  # a full disk takes the savepoint with it
                self._connection.execute("ROLLBACK TO step")
                self._connection.execute("RELEASE step")
            raise
        if failed(result):
            self._connection.execute("ROLLBACK TO step")
        self._connection.execute("RELEASE step")
        return result

    def trial(self, step: Callable[[], T]) -> T | Exception:
        """Run `step` in a savepoint; what it raises undoes it, and is returned.

        Raises:
            sqlite3.Error, MemoryError: the machine's trouble (a full disk, an I/O error), which is
                no fault of this step; the transaction may be gone.
        """
        self._connection.execute("SAVEPOINT trial")
        result: T | Exception
        try:
            result = step()
        except Exception as error:
            if not self._connection.in_transaction or _result_code(error) in MESSAGES:
                raise
            self._connection.execute("ROLLBACK TO trial")
            result = error
        self._connection.execute("RELEASE trial")
        return result


class Member(Generic[T]):
    """One caller's part of a group, and what became of it."""

    def __init__(self, function: Callable[[Transaction], T]) -> None:
        self._function = function
        self._result: list[T] = []
        self._changed = False
        self.error: Exception | None = None
        self.committed = anyio.Event()

    def run(self, connection: sqlite3.Connection) -> None:
        """Do this part; what it raises is raised."""
        before = connection.total_changes
        self.error = None
        self._result = [self._function(Transaction(connection))]
        self._changed = connection.total_changes != before

    def outcome(self) -> tuple[T, bool]:
        """Return the result and whether anything was changed, or raise what stood in the way."""
        if isinstance(self.error, DRIVER_ERRORS):
            raise storage_error(self.error) from self.error
        if self.error is not None:
            raise self.error
        return self._result[0], self._changed


def _anything(_: sqlite3.Connection) -> None:
    """Have nothing against a transaction."""


def commit(
    connection: sqlite3.Connection,
    group: Sequence[Member[Any]],
    check: Callable[[sqlite3.Connection], None] = _anything,
) -> None:
    """Commit the group as one transaction; where that fails as a whole, each member alone.

    Where another process holds the lock nobody is tried again: all have waited for it already.
    What `check` raises at the start of a transaction is raised, and nothing is done.
    """
    try:
        _commit_together(connection, group, check)
    except DRIVER_ERRORS as error:
        if len(group) == 1 or isinstance(storage_error(error), StorageBusy):
            for member in group:
                member.error = error
            return
        for member in group:
            commit(connection, [member], check)


def _commit_together(
    connection: sqlite3.Connection,
    group: Sequence[Member[Any]],
    check: Callable[[sqlite3.Connection], None],
) -> None:
    _begin(connection, "BEGIN IMMEDIATE")
    try:
        check(connection)
        for member in group:
            _run_alone(connection, member)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _begin(connection: sqlite3.Connection, how: str) -> None:
    if connection.in_transaction:  # the last one could not even be rolled back
        connection.execute("ROLLBACK")
    connection.execute(how)


def _run_alone(connection: sqlite3.Connection, member: Member[Any]) -> None:
    """Run a member in a savepoint; what it raises undoes it and nobody else.

    Raises:
        sqlite3.Error: the whole transaction is gone (a full disk, an I/O error).
    """
    connection.execute("SAVEPOINT member")
    try:
        member.run(connection)
    except Exception as error:  # whatever it is, it is that caller's: `Member.outcome` raises it
        if not connection.in_transaction:
            raise
        connection.execute("ROLLBACK TO member")
        member.error = error
    connection.execute("RELEASE member")


class Connection(aiosqlite.Connection):
    """An aiosqlite connection that runs a whole function on its thread in one hop."""

    def __init__(
        self, connector: Callable[[], sqlite3.Connection], file: OpenedFile | None = None
    ) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._file = file
        self._check_schema = _anything if file is None else file.check_schema
        self._waiting: deque[Member[Any]] = deque()
        self._committer: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        with anyio.CancelScope(shield=True):  # its thread must not outlive a caller who left
            await super().__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        with anyio.CancelScope(shield=True):
            if self._committer is not None:  # callers are gone; what they asked for is not
                await self._committer
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

    async def write(self, function: Callable[[Transaction], T]) -> tuple[T, bool]:
        """Run `function` in the next transaction; return its result once that is on the disk.

        All that waits when the writer comes round shares one transaction, each in a savepoint of
        its own, in the order of arrival: one that raises is undone alone. Return also whether it
        changed anything. `function` may be run again where the transaction as a whole failed.
        """
        member = Member(function)
        self._waiting.append(member)
        if self._committer is None:
            self._committer = asyncio.create_task(self._commit_waiting())
        with anyio.CancelScope(shield=True):
            await member.committed.wait()
        return member.outcome()

    async def _commit_waiting(self) -> None:
        """Commit group after group, in a task that no caller's cancellation reaches."""
        try:
            while self._waiting:
                group = [self._waiting.popleft() for _ in range(min(GROUP_MAX, len(self._waiting)))]
                await self._commit(group)
        finally:
            self._committer = None

    async def _commit(self, group: Sequence[Member[Any]]) -> None:
        try:
            await self._mapped(lambda: commit(self._checked(), group, self._check_schema))
        except (StorageError, ValueError) as error:  # of a closed connection: each caller is told
            for member in group:
                member.error = error
        for member in group:
            member.committed.set()

    async def read(self, function: Callable[[Transaction], T]) -> T:
        """Run `function` on one snapshot of the database."""

        def transaction(connection: sqlite3.Connection) -> T:
            _begin(connection, "BEGIN")
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
        file.note(connection)
        return connection

    return Connection(connector, file)


def open_file(path: Path, *, synchronous: Synchronous = "FULL") -> sqlite3.Connection:
    """Open the file as this package wants it: WAL, our durability, waiting for other writers.

    Raises:
        StorageError: it cannot be opened.
    """
    try:
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_S * 1000)}")
        _switch_to_wal(connection)
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        if sys.platform == "darwin":
            connection.execute("PRAGMA fullfsync = ON")
    except sqlite3.Error as error:
        raise storage_error(error) from error
    return connection


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


def storage_error(error: sqlite3.Error | MemoryError) -> StorageError:
    """Return what a driver's error means to the rest of the package."""
    code = _result_code(error)
    kind = StorageBusy if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) else StorageError
    meaning = MESSAGES.get(code)
    return kind(meaning or "the database refused a statement", shown=meaning or "")


def _result_code(error: Exception) -> int:
    """Return SQLite's primary result code of an error; 0 where there is none."""
    if isinstance(error, MemoryError):
        return sqlite3.SQLITE_NOMEM
    code = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else 0


def outlives_mending(error: StorageError) -> bool:
    """Whether an open connection goes on meeting this error although the file was mended."""
    code = getattr(error.__cause__, "sqlite_errorcode", 0)
    outdated = isinstance(error, StorageOutdated)  # until a copy of before is put back
    return outdated or isinstance(error.__cause__, OSError) or code & 0xFF in LASTING


@cache
def query(name: str) -> str:
    """Return the statement in `sql/NAME.sql`."""
    return resources.files(PACKAGE).joinpath("sql", f"{name}.sql").read_text("utf-8")
