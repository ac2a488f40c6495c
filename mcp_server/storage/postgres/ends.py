"""What a transaction begins and ends with: what is sent for it, and what is answered."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, cast

from psycopg import Connection, Cursor, Error

from mcp_server.errors import StorageOutdated
from mcp_server.storage.postgres.history import IS_ANOTHER, AnotherHistory
from mcp_server.storage.postgres.rows import PostgresRow
from mcp_server.storage.postgres.transaction import PostgresTransaction

SCHEMA = "SELECT max(number) AS number FROM migrations"
STATE = f"""
SELECT
    (SELECT max(number) FROM migrations) AS number,
    value AS change,
    CASE WHEN NOT pg_is_in_recovery()
        THEN EXISTS (SELECT 1 FROM counters WHERE {IS_ANOTHER})
    END AS another
FROM counters WHERE name = 'change'
"""
COUNT = """
UPDATE counters SET value = value + 1 WHERE name = 'commits'
RETURNING CAST(extract(epoch FROM clock_timestamp()) AS double precision) AS at
"""
SIGN = """
INSERT INTO writers (id, number, at)
VALUES (%(id)s, %(number)s, extract(epoch FROM clock_timestamp()))
ON CONFLICT (id) DO UPDATE SET number = excluded.number, at = excluded.at
"""
CHANGE = "UPDATE counters SET value = %(change)s WHERE name = 'change'"


class Beginning:
    """What was sent to begin a transaction, and what was answered."""

    def __init__(self, number: int | None) -> None:
        """`number`: that of the newest migration that the workspace's tables must have."""
        self._number = number
        self._asked: Cursor[PostgresRow] | None = None
        self._answer: PostgresRow | None = None

    def send(self, connection: Connection[PostgresRow], *statements: str) -> None:
        """Begin a transaction."""
        for statement in statements:
            connection.execute(cast("Any", statement), prepare=True)

    def ask(
        self, connection: Connection[PostgresRow], statement: str, values: Sequence[Any] = ()
    ) -> None:
        """Ask for the schema's number; a write for more, which may change what it does."""
        self._asked = connection.execute(cast("Any", statement), values or None, prepare=True)

    def check(self) -> int:
        """Make sure that the transaction may go on; return the last change number, to a write.

        Raises:
            StorageOutdated: a newer Pressroom has changed the tables.
            AnotherHistory: another server has taken over.
        """
        found = self._row["number"]
        if self._number is not None and found != self._number:
            raise StorageOutdated(found or 0, self._number)
        if self.has_another_history:
            raise AnotherHistory("another database server has taken over")
        return self._row["change"] if "change" in self._row.places else 0

    @property
    def has_another_history(self) -> bool:
        """Whether another server has taken over since the rows were last written."""
        return "another" in self._row.places and self._row["another"] is True

    def explain(self, error: BaseException) -> None:
        """Check, where that may be why a statement was refused."""
        answered = self._answer is not None or (self._asked and self._asked.pgresult)
        if isinstance(error, Error) and answered:
            self.check()

    @property
    def _row(self) -> PostgresRow:
        if self._answer is None:
            assert self._asked is not None, "it was begun"
            self._answer = self._asked.fetchone()
        assert self._answer is not None, "there is one row"
        return self._answer


class Ending:
    """What was sent to commit a transaction, and to tell others."""

    def __init__(self, writer: str, number: int) -> None:
        """`writer` signs the transaction with a number that it gives to no other."""
        self._signed = {"id": writer, "number": number}
        self.is_signed = False
        """Whether it was, as it changed something: only then its commit may have been sent."""
        self._answer: Cursor[PostgresRow] | None = None
        self._asked = 0.0
        self._commit: Cursor[PostgresRow] | None = None

    def send(
        self,
        connection: Connection[PostgresRow],
        transaction: PostgresTransaction,
        tell: str,
    ) -> None:
        """Commit; if something was changed, count that, and tell others once it is there.

        They are told in a transaction of its own: those that tell wait for each other in their
        commits, of all workspaces of the database, and that one has nothing to write to the disk.
        """
        changed = transaction.changed
        if changed:
            self._count(connection, transaction)
        self._commit = connection.execute("COMMIT", prepare=False)
        if changed:
            connection.execute(cast("Any", tell), prepare=True)

    def _count(self, connection: Connection[PostgresRow], transaction: PostgresTransaction) -> None:
        if transaction.change is not None:
            connection.execute(CHANGE, {"change": transaction.change}, prepare=True)
        self._asked = time.time()
        self._answer = connection.execute(COUNT, prepare=True)
        connection.execute(SIGN, self._signed, prepare=True)
        self.is_signed = True

    @property
    def is_committed(self) -> bool:
        """Whether the server has answered so."""
        return self._commit is not None and self._commit.statusmessage == "COMMIT"

    def clock(self) -> tuple[float, float, float] | None:
        """Return what the server's clock said, and between when by this machine's."""
        row = None if self._answer is None else self._answer.fetchone()
        return None if row is None else (row["at"], self._asked, time.time())
