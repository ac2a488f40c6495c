"""The statements of a transaction: a plain function gets them, and runs them on one connection."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar, cast

from psycopg import Connection, Cursor, Error, Pipeline
from psycopg.pq import TransactionStatus

from mcp_server.storage.postgres.errors import is_machines
from mcp_server.storage.postgres.rows import PostgresRow
from mcp_server.storage.postgres.values import bound, in_parts, size_of
from mcp_server.storage.sql.transaction import Asked, Row, statements_of

T = TypeVar("T")

PACKAGE = "mcp_server.storage.postgres"
_COMMENT = re.compile(r"^\s*--.*\n", re.MULTILINE)
_VALUE = re.compile(r"(?<![:\w]):([a-z_]+)")
_HINT = re.compile(r"\s+INDEXED BY \w+|\bCROSS (?=JOIN)")
_SAME = re.compile(r"\bIS (NOT )?(?=[:(])")
KEPT_MAX = 1_000_000
"""How many characters and bytes are kept to be sent together: of more, the driver moves all that is
left each time when it has sent a piece, which takes longer than to wait."""
OPEN = {TransactionStatus.INTRANS, TransactionStatus.INERROR}
"""What a connection says of itself in a transaction, be it one that can only be undone."""


class PostgresTransaction:
    """The statements of one transaction, by the name of their file.

    Those whose answers nobody reads are not waited for, if it is `pipelined`: they are sent with
    the next whose answer is read. If one is refused, that is raised there, or in the commit, and
    nothing can be kept of the transaction.
    """

    def __init__(
        self,
        connection: Connection[PostgresRow],
        pipeline: Pipeline | None = None,
        begun: Callable[[], int] | None = None,
    ) -> None:
        """`begun` checks what was answered to the BEGIN; it returns the last change number."""
        if pipeline is None and begun is not None:
            begun()
        self._connection, self._pipeline, self._begun = connection, pipeline, begun
        self.asked = set[str]()
        """All statements so far, by name, of whichever step."""
        self._names: set[str] = set()
        self._unread: list[Cursor[PostgresRow]] = []
        self._kept = 0
        self._changed = False
        self._change: int | None = None
        self._gave = False

    @property
    def changed(self) -> bool:
        """Whether a statement has changed anything; set it to find out about those that come."""
        if not self._changed and self._unread:
            self._wait()
        return self._changed

    @changed.setter
    def changed(self, changed: bool) -> None:
        self._unread.clear()  # what they have changed is known, or does not matter any more
        self._changed = changed

    @property
    def change(self) -> int | None:
        """The last change number, if one was given out that is not written down yet."""
        return self._change if self._gave else None

    def run(self, name: str, /, **values: object) -> None:
        """Execute a statement."""
        self._names.add(name)
        self._left(self._executed(name, values))

    def count(self, name: str, /, **values: object) -> int:
        """Execute a statement; return how many rows it changed."""
        return self._counted(self._executed(name, values))

    def many(self, name: str, rows: Iterable[Mapping[str, object]], /) -> None:
        """Execute a statement once for each of `rows`.

        Where there is a `NAME_many`, that does all at once: it gets the rows as JSON.
        """
        for cursor in self._executed_many(name, rows):
            self._left(cursor)

    def count_many(self, name: str, rows: Iterable[Mapping[str, object]], /) -> int:
        """Do the same; return how many rows it changed in all."""
        return sum(map(self._counted, self._executed_many(name, rows)))

    def insert(self, name: str, /, **values: object) -> int:
        """Execute an INSERT; return the new row's id."""
        cursor = self._executed(name, values, then=" RETURNING id")
        row = cursor.fetchone()
        self._read(cursor)
        assert row is not None, f"{name} inserted nothing"
        return row["id"]

    def one(self, name: str, /, **values: object) -> Row | None:
        """Execute a statement; return its first row."""
        cursor = self._executed(name, values)
        row = cursor.fetchone()
        self._read(cursor)
        return row

    def all(self, name: str, /, **values: object) -> list[Row]:
        """Execute a statement; return its rows."""
        return self.together([(name, values)])[0]

    def together(self, asked: Iterable[Asked], /) -> list[list[Row]]:
        """Execute statements that need nothing of each other; return the rows of each."""
        cursors = [self._executed(name, values) for name, values in asked]
        if not cursors:
            return []  # nothing is waited for
        rows = [cast("list[Row]", cursor.fetchall()) for cursor in cursors]
        self._read(*cursors)
        return rows

    def ran(self, name: str, /) -> bool:
        """Whether this statement was executed in this transaction, by `run`."""
        return name in self._names

    def next_change(self) -> int:
        """Return the number of the next change. It is written down when all is committed."""
        if self._pipeline is None:
            row = self.one("next_change")
            assert row is not None
            return row[0]
        self._check()
        assert self._change is not None
        self._changed, self._gave, self._change = True, True, self._change + 1
        return self._change

    def kept_unless(
        self, step: Callable[[], T | None], *, failed: Callable[[T | None], bool]
    ) -> T | None:
        """Run `step` in a savepoint; undo what it did if `failed` says so of its result."""
        go_back = self._savepoint("step")
        try:
            result = step()
        except BaseException as error:
            if self._may_go_back(error):
                go_back()
            raise
        if failed(result):
            go_back()
        else:
            self._control("RELEASE step", prepare=False)
        return result

    def trial(self, step: Callable[[], T]) -> T | Exception:
        """Run `step` in a savepoint; what it raises undoes it, and is returned.

        Raises:
            psycopg.Error: the server's trouble, which is no fault of this step; the transaction is
                gone, or is to be run again.
        """
        go_back = self._savepoint("trial")
        try:
            result: T | Exception = step()
        except Exception as error:
            if not self._may_go_back(error) or is_machines(error):
                raise
            go_back()
            return error
        self._control("RELEASE trial", prepare=False)
        return result

    def _savepoint(self, name: str) -> Callable[[], None]:
        """Begin a savepoint; return what undoes all that came after it."""
        self._control(f"SAVEPOINT {name}")
        changed, change, before = self._changed, self._change, tuple(self._unread)

        def go_back() -> None:
            self._control(f"ROLLBACK TO {name}", prepare=False)
            self._wait()  # the driver forgets what is prepared, and tells the server with the next
            self._control(f"RELEASE {name}", prepare=False)
            self._changed = changed or any(map(_has_changed, before))
            self._unread = [cursor for cursor in self._unread if cursor in before]
            if change is not None:
                self._change = change

        return go_back

    def _may_go_back(self, error: BaseException) -> bool:
        """Whether what raised this can be undone by itself."""
        if self._pipeline is not None:
            # What came after a statement that was refused was sent already, and is lost with it.
            return not self._connection.closed and not isinstance(error, Error)
        return self._connection.info.transaction_status in OPEN

    def _control(self, statement: str, *, prepare: bool = True) -> None:
        # Each always one way: what it once sent unprepared, and prepares later on, the driver takes
        # for prepared also after an error.
        self._connection.execute(cast("Any", statement), prepare=prepare)

    def _executed(
        self, name: str, values: Mapping[str, object], *, then: str = ""
    ) -> Cursor[PostgresRow]:
        # At once: what it prepares later on, the driver takes for prepared also after an error.
        self.asked.add(name)
        taken = bound(values)
        cursor = self._connection.execute(query(name) + then, taken, prepare=True)
        self._keep(size_of(taken))
        return cursor

    def _executed_many(
        self, name: str, rows: Iterable[Mapping[str, object]]
    ) -> Iterator[Cursor[PostgresRow]]:
        taken = [bound(row) for row in rows]
        if (at_once := f"{name}_many") in statements_of(PACKAGE):
            yield self._executed(at_once, {"rows": json.dumps(taken)})
            return
        self.asked.add(name)
        for part in in_parts(taken, KEPT_MAX):
            cursor = self._connection.cursor()
            cursor.executemany(query(name), part)
            self._keep(sum(map(size_of, part)))
            yield cursor

    def _keep(self, size: int) -> None:
        """Note how much is kept to be sent together; send it where that is too much."""
        self._kept += size
        if self._kept > KEPT_MAX:
            self._wait()

    def _left(self, cursor: Cursor[PostgresRow]) -> None:
        self._unread.append(cursor)
        if self._pipeline is None:
            self._settle()

    def _counted(self, cursor: Cursor[PostgresRow]) -> int:
        self._wait()
        self._read(cursor)
        return max(cursor.rowcount, 0)

    def _read(self, *cursors: Cursor[PostgresRow]) -> None:
        self._unread.extend(cursors)
        self._settle()

    def _settle(self) -> None:
        """Note what was changed by statements whose answers have come: all of them."""
        self._changed = self._changed or any(map(_has_changed, self._unread))
        self._unread.clear()
        self._kept = 0
        self._check()

    def _wait(self) -> None:
        if self._pipeline is not None:
            self._pipeline.sync()
        self._settle()

    def _check(self) -> None:
        if self._change is None and self._pipeline is not None and self._begun is not None:
            self._change = self._begun()


def _has_changed(cursor: Cursor[PostgresRow]) -> bool:
    return cursor.rowcount > 0 and not (cursor.statusmessage or "").startswith("SELECT")


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
