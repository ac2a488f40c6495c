"""The statements of a transaction: a plain function gets them, and runs them on one connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import TypeVar

import structlog

from mcp_server.storage.sql.transaction import Asked, Row, statements_of
from mcp_server.storage.sqlite.file.errors import MESSAGES, result_code

T = TypeVar("T")

PACKAGE = "mcp_server.storage.sqlite"

SPELLED_OUT = partial(str, encoding="utf-8", errors="backslashreplace")
"""Makes a text of any bytes: those that are no UTF-8 become escapes, such as `\\xff`. A document
that has such a byte is no JSON then, and found to be damaged; other text can still be shown."""

logger = structlog.get_logger(__name__)


class SqliteTransaction:
    """The statements of one transaction, by the name of their file below `sql/`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._names: set[str] = set()

    def run(self, name: str, /, **values: object) -> None:
        """Execute a statement."""
        self._names.add(name)
        self._connection.execute(query(name), values)

    def count(self, name: str, /, **values: object) -> int:
        """Execute a statement; return how many rows it changed."""
        return self._connection.execute(query(name), values).rowcount

    def many(self, name: str, rows: Iterable[Mapping[str, object]], /) -> None:
        """Execute a statement once for each of `rows`."""
        self._connection.executemany(query(name), rows)

    def count_many(self, name: str, rows: Iterable[Mapping[str, object]], /) -> int:
        """Execute a statement once for each of `rows`; return how many rows it changed in all."""
        return self._connection.executemany(query(name), rows).rowcount

    def insert(self, name: str, /, **values: object) -> int:
        """Execute an INSERT; return the new row's id."""
        row_id = self._connection.execute(query(name), values).lastrowid
        assert row_id is not None, f"{name} inserted nothing"
        return row_id

    def one(self, name: str, /, **values: object) -> Row | None:
        """Execute a statement; return its first row."""
        return self._connection.execute(query(name), values).fetchone()

    def all(self, name: str, /, **values: object) -> list[Row]:
        """Execute a statement; return its rows."""
        return self._connection.execute(query(name), values).fetchall()

    def together(self, asked: Iterable[Asked], /) -> list[list[Row]]:
        """Execute statements, one after the other; return the rows of each."""
        return [self._connection.execute(query(name), values).fetchall() for name, values in asked]

    def ran(self, name: str, /) -> bool:
        """Whether this statement was executed, by `run`."""
        return name in self._names

    def next_change(self) -> int:
        """Return the number of the next change."""
        return self._connection.execute(query("next_change")).fetchone()[0]

    def kept_unless(
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
        # After ROLLBACK TO the savepoint is still open; RELEASE ends it.
        self._connection.execute("RELEASE step")
        return result

    def trial(self, step: Callable[[], T]) -> T | Exception:
        """Run `step` in a savepoint; what it raises undoes it, and is returned.

        Raises:
            sqlite3.Error, MemoryError: the machine's trouble (a full disk, an I/O error), which is
                no fault of this step; the transaction may be gone. Or a text that is no UTF-8.
        """
        self._connection.execute("SAVEPOINT trial")
        result: T | Exception
        try:
            result = step()
        except Exception as error:
            if not self._connection.in_transaction or result_code(error) in MESSAGES:
                raise
            if is_undecodable(error):  # the transaction is run again: see `spells_out`
                raise
            self._connection.execute("ROLLBACK TO trial")
            result = error
        self._connection.execute("RELEASE trial")
        return result


def is_undecodable(error: Exception | None) -> bool:
    """Whether the driver has met a text that is no UTF-8. It has no code for that, only words."""
    return isinstance(error, sqlite3.OperationalError) and str(error).startswith("Could not decode")


def spells_out(connection: sqlite3.Connection, error: Exception | None) -> bool:
    """Whether a transaction is to be run again, as its texts will be `SPELLED_OUT` now.

    They are from the first bad byte on: it takes longer, and hardly any file has one.
    """
    if not is_undecodable(error) or connection.text_factory is SPELLED_OUT:
        return False
    logger.warning("a text in the database is no UTF-8: `pressroom doctor` says where")
    connection.text_factory = SPELLED_OUT
    return True


@cache
def query(name: str) -> str:
    """Return the statement of this name."""
    return statements_of(PACKAGE)[name].read_text("utf-8")
