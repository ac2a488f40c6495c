"""The statements of a transaction: a plain function gets them, and runs them on one connection."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from functools import cache
from typing import Any, TypeVar, cast

from psycopg import Connection, Cursor
from psycopg.pq import TransactionStatus

from mcp_server.errors import InvalidPayload
from mcp_server.storage.postgres.errors import is_machines
from mcp_server.storage.postgres.rows import PostgresRow
from mcp_server.storage.sql.transaction import Row, statements_of

T = TypeVar("T")

PACKAGE = "mcp_server.storage.postgres"
_COMMENT = re.compile(r"^\s*--.*\n", re.MULTILINE)
_VALUE = re.compile(r"(?<![:\w]):([a-z_]+)")
_HINT = re.compile(r"\s+INDEXED BY \w+|\bCROSS (?=JOIN)")
_SAME = re.compile(r"\bIS (NOT )?(?=[:(])")
OPEN = {TransactionStatus.INTRANS, TransactionStatus.INERROR}
"""What a connection says of itself in a transaction, be it one that can only be undone."""


class PostgresTransaction:
    """The statements of one transaction, by the name of their file."""

    def __init__(self, connection: Connection[PostgresRow]) -> None:
        self._connection = connection
        self.changed = False
        """Whether a statement has changed anything."""

    def run(self, name: str, /, **values: object) -> int:
        """Execute a statement; return how many rows it changed."""
        return self._noted(self._connection.execute(query(name), _bound(values)))

    def many(self, name: str, rows: Iterable[Mapping[str, object]], /) -> int:
        """Execute a statement once for each of `rows`; return how many rows it changed in all.

        Where there is a `NAME_many`, that does all at once: it gets the rows as JSON.
        """
        if (at_once := f"{name}_many") in statements_of(PACKAGE):
            return self.run(at_once, rows=json.dumps([_bound(row) for row in rows]))
        with self._connection.cursor() as cursor:
            cursor.executemany(query(name), [_bound(row) for row in rows])
            return self._noted(cursor)

    def insert(self, name: str, /, **values: object) -> int:
        """Execute an INSERT; return the new row's id."""
        cursor = self._connection.execute(query(name) + " RETURNING id", _bound(values))
        self._noted(cursor)
        row = cursor.fetchone()
        assert row is not None, f"{name} inserted nothing"
        return row["id"]

    def one(self, name: str, /, **values: object) -> Row | None:
        """Execute a statement; return its first row."""
        cursor = self._connection.execute(query(name), _bound(values))
        self._noted(cursor)
        return cursor.fetchone()

    def all(self, name: str, /, **values: object) -> list[Row]:
        """Execute a statement; return its rows."""
        cursor = self._connection.execute(query(name), _bound(values))
        self._noted(cursor)
        return cast("list[Row]", cursor.fetchall())

    def kept_unless(
        self, step: Callable[[], T | None], *, failed: Callable[[T | None], bool]
    ) -> T | None:
        """Run `step` in a savepoint; undo what it did if `failed` says so of its result."""
        self._connection.execute("SAVEPOINT step")
        try:
            result = step()
        except BaseException:
            if self.is_open:
                self._connection.execute("ROLLBACK TO step; RELEASE step")
            raise
        self._connection.execute(
            "ROLLBACK TO step; RELEASE step" if failed(result) else "RELEASE step"
        )
        return result

    def trial(self, step: Callable[[], T]) -> T | Exception:
        """Run `step` in a savepoint; what it raises undoes it, and is returned.

        Raises:
            psycopg.Error: the server's trouble, which is no fault of this step; the transaction is
                gone, or is to be run again.
        """
        self._connection.execute("SAVEPOINT trial")
        try:
            result: T | Exception = step()
        except Exception as error:
            if not self.is_open or is_machines(error):
                raise
            self._connection.execute("ROLLBACK TO trial; RELEASE trial")
            return error
        self._connection.execute("RELEASE trial")
        return result

    @property
    def is_open(self) -> bool:
        """Whether the transaction is still there, be it only to be undone."""
        return self._connection.info.transaction_status in OPEN

    def _noted(self, cursor: Cursor[PostgresRow]) -> int:
        rows = max(cursor.rowcount, 0)
        if rows and not (cursor.statusmessage or "").startswith("SELECT"):
            self.changed = True
        return rows


def _bound(values: Mapping[str, object]) -> dict[str, object]:
    """Return values as columns take them: truths as 0 or 1, enumerations by their words.

    Raises:
        InvalidPayload: a text has a NUL.
    """
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: object) -> object:
    if isinstance(value, bool):
        return int(value)
    value = value.value if isinstance(value, Enum) else value
    if isinstance(value, str) and "\0" in value:
        raise InvalidPayload("text", ["it holds a NUL character, which PostgreSQL cannot keep"])
    return value


@cache
def query(name: str) -> Any:
    """Return the statement of this name, as this database and its driver write it.

    Of what is written for both databases, three things are put otherwise:
    `INDEXED BY jobs_key` and the `CROSS` of `CROSS JOIN … ON` go: they tell SQLite how to look;
    `IS :value`, `IS NOT :value` and `IS (SELECT …)` become `IS [NOT] DISTINCT FROM`;
    `:value` becomes `%(value)s`.
    """
    text = _COMMENT.sub("", statements_of(PACKAGE)[name].read_text("utf-8")).replace("%", "%%")
    text = _SAME.sub(_distinct, _HINT.sub("", text))
    return _VALUE.sub(r"%(\1)s", text)


def _distinct(same: re.Match[str]) -> str:
    return "IS DISTINCT FROM " if same[1] else "IS NOT DISTINCT FROM "
