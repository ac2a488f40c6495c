"""The driver, made to fail: SQLite's connections, of which the n-th statement goes wrong.

Nothing of ours is replaced. What goes wrong is what SQLite may do to any statement: refuse it and
keep the transaction, or refuse it and take the whole transaction with it (a full disk, an I/O
error, an interruption). A COMMIT that took effect is never refused: SQLite rolls back first.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_server.storage.sqlite.file.connection import Connection
from mcp_server.storage.sqlite.file.database import Database
from mcp_server.storage.sqlite.file.wal import LogFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What goes wrong with a statement."""

    codes: Sequence[int] = ()
    """Result codes of SQLite, in turn. Without any, SQLite itself interrupts what it does."""
    ends: bool = False
    """Whether it takes the transaction with it."""
    after: bool = False
    """Whether the statement is carried out, and only its rows are lost."""
    statements: float = 1
    """How many in a row it hits."""


STAYS = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_LOCKED)
ENDS = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_NOMEM)

TROUBLES = {
    "refused": Trouble(codes=STAYS),
    "refused with the transaction": Trouble(codes=ENDS, ends=True),
    "done, but its rows are lost": Trouble(codes=(sqlite3.SQLITE_IOERR,), after=True),
    "refused, and what undoes it as well": Trouble(codes=STAYS, statements=2),
    "the disk is gone": Trouble(codes=(sqlite3.SQLITE_IOERR,), ends=True, statements=math.inf),
    "interrupted in the middle": Trouble(),
}
"""By what a person would say of it."""

INSTRUCTIONS = 100
"""SQLite may be interrupted after so many of its instructions within one statement, and again."""

WITHOUT_ROWS = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


class Faults:
    """Which of the next statements goes wrong, and how; shared by several connections."""

    def __init__(self) -> None:
        self._trouble: Trouble | None = None
        self._at = 0
        self.seen = 0
        """Statements since it was armed, or places where SQLite may be interrupted."""
        self.met = False
        """Whether any of them was hit."""

    def arm(self, trouble: Trouble, at: int) -> None:
        """Let the `at`-th statement, or place, from now on go wrong."""
        self._trouble, self._at, self.seen, self.met = trouble, at, 0, False

    def disarm(self) -> None:
        """Let all go well."""
        self._trouble = None

    def next(self) -> Trouble | None:
        """Return what goes wrong with the statement that comes now."""
        if self.interrupts or not self._hits():
            return None
        return self._trouble

    @property
    def interrupts(self) -> bool:
        """Whether it is SQLite that goes wrong, in the middle of a statement."""
        return self._trouble is not None and not self._trouble.codes

    def interrupt(self) -> bool:
        """Say to SQLite whether it is to stop here."""
        return self._hits()

    def _hits(self) -> bool:
        self.seen += 1
        if self._trouble is None or not 0 <= self.seen - self._at < self._trouble.statements:
            return False
        self.met = True
        return True


class FailingConnection(sqlite3.Connection):
    """A connection as the driver's, which fails where it is told to."""

    faults = Faults()

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Execute a statement, or fail."""
        trouble = self._next(sql)
        if trouble is None:
            return super().execute(sql, parameters)
        if trouble.after and not sql.startswith(WITHOUT_ROWS):
            super().execute(sql, parameters).fetchall()
        raise self._failure(trouble, sql)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        """Execute a statement several times, or fail."""
        trouble = self._next(sql)
        if trouble is None:
            return super().executemany(sql, parameters)
        if trouble.after:
            super().executemany(sql, parameters)
        raise self._failure(trouble, sql)

    def _next(self, sql: str) -> Trouble | None:
        # An interrupted COMMIT may have been done all the same; nothing of ours interrupts SQLite.
        interrupts = self.faults.interrupts and not sql.startswith(WITHOUT_ROWS)
        self.set_progress_handler(self.faults.interrupt if interrupts else None, INSTRUCTIONS)
        return self.faults.next()

    def _failure(self, trouble: Trouble, sql: str) -> Exception:
        if trouble.ends and self.in_transaction:
            super().execute("ROLLBACK")
        code = trouble.codes[self.faults.seen % len(trouble.codes)]
        if sql.startswith("BEGIN IMMEDIATE") and not trouble.ends:
            code = sqlite3.SQLITE_BUSY
        return an_error(code)


def an_error(code: int) -> Exception:
    """Make an error as the driver raises it for this result code of SQLite."""
    if code == sqlite3.SQLITE_NOMEM:
        return MemoryError()
    kind = sqlite3.DatabaseError if code == sqlite3.SQLITE_CORRUPT else sqlite3.OperationalError
    error = kind("words of the driver")
    error.sqlite_errorcode = code
    return error


@asynccontextmanager
async def failing_database(path: Path, faults: Faults) -> AsyncGenerator[Database]:
    """Open a file that is there, through connections that fail where `faults` says so."""

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, factory=FailingConnection
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = OFF")  # nobody pulls the plug here
        connection.faults = faults
        return connection

    async with Connection(connect) as writer, Connection(connect) as reader:
        yield Database(writer, reader, LogFile(path))
