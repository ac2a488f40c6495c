"""The product's connections and database, over a hop to a thread that takes simulated time.

The SQL is real and so is the group commit; each simulated process has connections of its own to one
database in memory. Before, between and after its statements a hop may be refused, be slow, or be
the last thing its process does.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

from mcp_server.storage.sqlite.file.connection import BUSY_TIMEOUT_S, Connection
from mcp_server.storage.sqlite.file.migrate import migrate

T = TypeVar("T")

BUSY_PAUSE_S = 0.1
"""SQLite asks for a lock again at least so often: it may be freed sooner than was thought."""

WITNESS = """
CREATE TEMP TABLE moves (
    what TEXT, id INTEGER, name TEXT, old TEXT, new TEXT, old_attempt TEXT, attempt TEXT,
    code TEXT, batch INTEGER, subject TEXT, change INTEGER, kind TEXT
);
CREATE TEMP TRIGGER job_came AFTER INSERT ON main.jobs BEGIN
    INSERT INTO moves VALUES ('job', new.id, new.job_id, NULL, new.state, NULL, new.attempt_id,
        new.code, new.batch, new.subject, NULL, new.kind);
END;
CREATE TEMP TRIGGER job_moved AFTER UPDATE ON main.jobs
WHEN old.state <> new.state OR old.attempt_id IS NOT new.attempt_id BEGIN
    INSERT INTO moves VALUES ('job', new.id, new.job_id, old.state, new.state, old.attempt_id,
        new.attempt_id, new.code, new.batch, new.subject, NULL, new.kind);
END;
CREATE TEMP TRIGGER job_went AFTER DELETE ON main.jobs BEGIN
    INSERT INTO moves VALUES ('job', old.id, old.job_id, old.state, NULL, old.attempt_id, NULL,
        old.code, old.batch, old.subject, NULL, old.kind);
END;
CREATE TEMP TRIGGER file_came AFTER INSERT ON main.page_versions BEGIN
    INSERT INTO moves (what, name, attempt) VALUES ('file', new.page, new.before);
END;
CREATE TEMP TRIGGER round_came AFTER INSERT ON main.rounds BEGIN
    INSERT INTO moves
    SELECT 'batch', new.batch, batch_id,
        (
            SELECT state FROM main.rounds AS last
            WHERE last.batch = new.batch AND last.number = new.number - 1
        ),
        new.state, NULL, NULL, NULL, new.number, new.submit_key, new.change, NULL
    FROM main.batches WHERE id = new.batch;
END;
CREATE TEMP TRIGGER round_moved
AFTER UPDATE OF state, reason, total, completed, skipped, failed, cancelled, change
ON main.rounds BEGIN
    INSERT INTO moves
    SELECT 'batch', new.batch, batch_id, old.state, new.state, NULL, NULL,
        NULL, new.number, new.submit_key, new.change, NULL
    FROM main.batches WHERE id = new.batch;
END;
"""
"""What a transaction did to jobs and batches, row by row, and undone with it where it is."""


class Refusal:
    """Makes a transaction fail at its n-th statement, as SQLite would."""

    def __init__(self, statements: int, code: int, *, takes_all: bool) -> None:
        self._left, self._code, self._takes_all = statements, code, takes_all
        self._reads = False

    def __call__(self, connection: sqlite3.Connection, statement: str) -> None:
        """Raise, when it is time; rolling back is never refused, nor is the end of a read."""
        if statement.startswith("BEGIN") and statement != "BEGIN IMMEDIATE":
            self._reads = True
        if statement.startswith("ROLLBACK") or (self._reads and statement == "COMMIT"):
            return
        self._left -= 1
        if self._left != 0:
            return
        takes_all = (self._takes_all and not self._reads) or statement.startswith(
            ("SAVEPOINT", "RELEASE")
        )
        if takes_all and connection.in_transaction:
            connection.execute("ROLLBACK")
        raise refused(self._code)


def refused(code: int) -> sqlite3.OperationalError:
    """Return an error as the driver raises it."""
    error = sqlite3.OperationalError(f"simulated: {code}")
    error.sqlite_errorcode = code
    return error


class WatchedConnection(sqlite3.Connection):
    """A connection that can be told to fail, and knows what its transactions did."""

    refusal: Refusal | None = None

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if self.refusal is not None:
            self.refusal(self, sql)
        return super().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Any, /) -> sqlite3.Cursor:
        if self.refusal is not None:
            self.refusal(self, sql)
        return super().executemany(sql, parameters)

    def take_moves(self) -> Sequence[sqlite3.Row]:
        """Return what was committed since the last time."""
        moves = super().execute("SELECT * FROM moves").fetchall()
        if moves:
            super().execute("DELETE FROM moves")
        return moves


def create(uri: str) -> sqlite3.Connection:
    """Make an empty database of this version's schema; it lives as long as it is open."""
    connection = open_memory(uri, sqlite3.Connection)
    _empty().backup(connection)
    return connection


def open_writer(uri: str, random_bytes: Callable[[int], bytes]) -> WatchedConnection:
    """Open a simulated process's own connection, to write with."""
    connection = open_memory(uri, WatchedConnection)
    connection.executescript(WITNESS)
    connection.create_function("randomblob", 1, random_bytes)
    return connection


C = TypeVar("C", bound=sqlite3.Connection)


def open_memory(uri: str, factory: type[C]) -> C:
    """Open the database in memory."""
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, factory=factory)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


@cache
def _empty() -> sqlite3.Connection:
    """Return a database to copy, made by the product's own migrations."""
    made = sqlite3.connect(":memory:")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        migrate(path)
        with closing(sqlite3.connect(path)) as file:
            file.execute("PRAGMA journal_mode = DELETE")  # memory has no log beside it
            file.backup(made)
    return made


@dataclass(frozen=True, slots=True)
class Hop:
    """What happens to one trip to a connection's thread; times in seconds."""

    before_s: float = 0.0
    after_s: float = 0.0
    refusal: Refusal | None = None
    dies_before: bool = False
    dies_after: bool = False


class Machine(Protocol):
    """What a connection has to know of the simulated process that opened it."""

    @property
    def over(self) -> bool:
        """Whether the simulation has ended, and only tidies up."""
        ...

    def hop(self, *, writes: bool) -> Hop:
        """Draw what happens to the next trip."""
        ...

    def locked_s(self) -> float:
        """For how long somebody else still holds the write lock."""
        ...

    def die(self) -> None:
        """End without another word."""
        ...

    def committed(self, moves: Sequence[sqlite3.Row]) -> None:
        """Take note of what a transaction did."""
        ...


class SimulatedConnection(Connection):
    """A connection of the product's, whose thread is simulated."""

    def __init__(self, machine: Machine, raw: WatchedConnection, *, writes: bool) -> None:
        super().__init__(lambda: raw)
        self._connection = raw
        self._machine, self._raw, self._writes = machine, raw, writes
        self._thread_is_free = asyncio.Lock()

    def discard(self) -> None:
        """Close it without a thread."""
        self._connection = None
        self._raw.close()

    async def _execute(self, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        async with self._thread_is_free:
            if self._machine.over:
                raise refused(sqlite3.SQLITE_IOERR)
            hop = self._machine.hop(writes=self._writes)
            if hop.before_s:
                await asyncio.sleep(hop.before_s)
            if hop.dies_before:
                self._machine.die()
                await asyncio.sleep(0)
            if self._writes:
                await self._wait_for_lock()
            try:
                return self._run(fn, args, kwargs, hop)
            finally:
                if hop.dies_after:
                    self._machine.die()
                if hop.after_s or hop.dies_after:
                    await asyncio.sleep(hop.after_s)

    async def _wait_for_lock(self) -> None:
        waited_s = 0.0
        while (locked_s := self._machine.locked_s()) > 0:
            if waited_s >= BUSY_TIMEOUT_S:
                raise refused(sqlite3.SQLITE_BUSY)
            pause_s = min(locked_s, BUSY_TIMEOUT_S - waited_s, BUSY_PAUSE_S)
            waited_s += pause_s
            await asyncio.sleep(pause_s)

    def _run(self, fn: Callable[..., T], args: Any, kwargs: Any, hop: Hop) -> T:
        if self._machine.over:
            raise refused(sqlite3.SQLITE_IOERR)
        self._raw.refusal = hop.refusal
        try:
            return fn(*args, **kwargs)
        finally:
            self._raw.refusal = None
            assert not self._raw.in_transaction, "a transaction was left open"
            if self._writes and (moves := self._raw.take_moves()):
                self._machine.committed(moves)
