"""One connection, which is made again where it was lost. Everything here blocks.

A write holds the lock of its workspace from its beginning to its end (`pg_advisory_xact_lock`): so
what a step has read stays true until it commits, as on SQLite, and change numbers are committed in
their order. The transaction of a process that stands still is undone after `STILL_S`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn, TypeVar

import psycopg
import structlog
from psycopg import sql

from mcp_server.errors import StorageOutdated
from mcp_server.storage.postgres.connecting import connect
from mcp_server.storage.postgres.errors import GONE, CommitUndone, CommitUnknown
from mcp_server.storage.postgres.history import (
    HISTORY,
    TIMELINE,
    AnotherHistory,
    begin_history,
    server_of,
)
from mcp_server.storage.postgres.rows import PostgresRow
from mcp_server.storage.postgres.transaction import OPEN, PostgresTransaction
from mcp_server.storage.postgres.unread import end_unread

T = TypeVar("T")

Connect = Callable[..., "psycopg.Connection[PostgresRow]"]
"""Makes a connection, as `connect` does."""

STILL_S = 10
"""How long a transaction may stand still, as its process does: then the server undoes it. To write
down the rows of the largest batch takes a few seconds."""
LOCK_S = STILL_S + 5
"""How long a write waits for those of other processes."""
ASK_S = STILL_S + 5.0
"""How long it is asked what became of a commit whose answer was lost. One that never reached the
server is undone there after `STILL_S`: only then can it say so."""
ASK_AGAIN_S = 0.1
NOISE_S = 0.05
"""Differences between clocks that are left alone, such as the time that a message takes."""
NOW = "SELECT CAST(extract(epoch FROM clock_timestamp()) AS double precision)"
COMMIT_OF = f"""
SELECT
    pg_xact_status(%s::xid8) AS status,
    CASE WHEN NOT pg_is_in_recovery() THEN {TIMELINE} END AS timeline
"""

logger = structlog.get_logger(__name__)


class Opened:
    """A connection to the schema of one workspace."""

    def __init__(
        self,
        address: str,
        schema: str,
        *,
        number: int | None = None,
        prepared: bool = True,
        by: Connect | None = None,
    ) -> None:
        """`number`: that of the newest migration that the workspace's tables must have."""
        self._address, self._number, self._prepared = address, number, prepared
        self._connect = by or connect
        self._channel = channel_of(schema)
        self.ahead_s = 0.0
        """By how much the server's clock is ahead of this machine's."""
        self._connection: psycopg.Connection[PostgresRow] | None = None
        self._server = ""
        common = sql.SQL("SET LOCAL search_path TO {};{};").format(sql.Identifier(schema), bounds())
        lock = sql.SQL("SELECT pg_advisory_xact_lock(hashtextextended({}, 0))").format(
            sql.Literal(channel_of(schema))
        )
        newest = sql.SQL("SELECT max(number) FROM migrations")
        # Another level, by the server's settings, would look before it has the lock.
        self._begin_write = sql.SQL("BEGIN ISOLATION LEVEL READ COMMITTED;{}{};{}").format(
            common, lock, newest
        )
        # Who waits here for a migration sees what it has done: a snapshot is taken only after that.
        self._begin_read = sql.SQL(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;{}"
            "LOCK TABLE migrations IN ACCESS SHARE MODE;{}"
        ).format(common, newest)
        self._tell = sql.SQL(
            "UPDATE counters SET value = value + 1 WHERE name = 'commits'"
            " RETURNING pg_current_xact_id()::text AS id, pg_notify({}, ''),"
            " CAST(extract(epoch FROM clock_timestamp()) AS double precision) AS at,"
            " {} AS timeline, {} AS history,"
            " (SELECT value FROM counters WHERE name = 'history') AS noted"
        ).format(sql.Literal(channel_of(schema)), sql.SQL(TIMELINE), sql.SQL(HISTORY))

    @property
    def backend(self) -> int | None:
        """The server's process for this connection; `None` where there is none."""
        return None if self._connection is None else self._connection.info.backend_pid

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._connection is not None and not self._connection.closed

    def connected(self) -> psycopg.Connection[PostgresRow]:
        """Return the connection, made anew if it was lost."""
        connection = self._connection
        if connection is not None and not connection.closed:
            if connection.info.transaction_status in OPEN:  # the ROLLBACK before failed
                connection.execute("ROLLBACK")
            return connection
        asked = time.time()
        made = self._connect(self._address, prepared=self._prepared)
        try:
            row = made.execute(NOW).fetchone()
            if row is not None:
                self._set_clock(row[0], asked)
            self._server = server_of(made)
        except psycopg.Error:
            made.close()
            raise
        self._connection = made
        return made

    def write(self, step: Callable[[PostgresTransaction], T]) -> T:
        """Run `step` in one transaction; if it changed anything, others are told.

        Raises:
            CommitUnknown: the connection was lost in the commit, and nobody can say what became
                of it.
            CommitUndone: it was lost there, and nothing was done.
            AnotherHistory: nothing was done yet, as another server has taken over.
            psycopg.Error: nothing was done.
        """
        connection = self.connected()
        try:
            self._check(connection.execute(self._begin_write))
            transaction = PostgresTransaction(connection)
            result = step(transaction)
            row = self._told(connection) if transaction.changed else None
            if row is not None and row["noted"] not in {None, row["history"]}:
                self._begin_history(connection)
        except BaseException as error:
            if connection.info.transaction_status in OPEN:
                connection.execute("ROLLBACK")
            if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
                connection.close()  # it stays so, where a new one may find the server writable
            raise
        try:
            connection.execute("COMMIT")
        except psycopg.OperationalError:
            if not connection.closed or row is None:
                raise
            if not self._committed(row):
                raise CommitUndone("the connection was lost in a commit, and undone") from None
            logger.info("a commit was made whose answer was lost")
        return result

    def read(self, step: Callable[[PostgresTransaction], T]) -> T:
        """Run `step` on one snapshot; once more where the connection was lost meanwhile."""
        try:
            return self._read(step)
        except GONE:
            if self.is_connected:
                raise
        return self._read(step)

    def _read(self, step: Callable[[PostgresTransaction], T]) -> T:
        connection = self.connected()
        begun = connection.execute(self._begin_read)
        try:
            self._check(begun)
            return step(PostgresTransaction(connection))
        finally:
            if not connection.closed:
                connection.execute("ROLLBACK")

    def free(self) -> bool:
        """End whoever keeps the lock of the workspace unread; whether there was anybody."""
        with suppress(psycopg.Error):
            return end_unread(self.connected(), self._channel, STILL_S)
        return False

    def tell(self) -> None:
        """Wake whoever listens, this process too."""
        with suppress(psycopg.Error):
            self.connected().execute("SELECT pg_notify(%s, '')", [self._channel])

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()

    def _check(self, begun: psycopg.Cursor[PostgresRow]) -> None:
        """Make sure that no newer Pressroom has changed the tables; it is asked with the BEGIN."""
        while begun.nextset():
            pass
        row = begun.fetchone()
        found = 0 if row is None else row[0]
        if self._number is not None and found != self._number:
            raise StorageOutdated(found, self._number)

    def _told(self, connection: psycopg.Connection[PostgresRow]) -> PostgresRow | None:
        asked = time.time()
        row = connection.execute(self._tell, [self._server]).fetchone()
        if row is not None:
            self._set_clock(row["at"], asked)
        return row

    def _begin_history(self, connection: psycopg.Connection[PostgresRow]) -> NoReturn:
        connection.execute("ROLLBACK")
        self._check(connection.execute(self._begin_write))
        begin_history(connection, self._server)
        connection.execute("COMMIT")
        logger.warning("another database server has taken over; what it had not is lost")
        raise AnotherHistory("another database server has taken over")

    def _set_clock(self, at: float, asked: float) -> None:
        """Note what the server's clock said between `asked` and now, if that is news.

        After a slow answer, it is known to half of the time that this took.
        """
        heard = time.time()
        ahead = at - (asked + heard) / 2
        if abs(ahead - self.ahead_s) > max(NOISE_S, heard - asked):
            self.ahead_s = ahead

    def _committed(self, told: PostgresRow) -> bool:
        """Return what became of a transaction, by what the server remembers of it.

        Raises:
            CommitUnknown: it cannot be asked, or has forgotten; or another server has taken over,
                where the number may be that of another transaction.
        """
        server, until = self._server, time.monotonic() + ASK_S
        while time.monotonic() < until:
            try:
                row = self.connected().execute(COMMIT_OF, [told["id"]]).fetchone()
            except psycopg.DatabaseError:
                row = None
            if row is not None and row["timeline"] is not None:
                if (self._server, row["timeline"]) != (server, told["timeline"]):
                    raise CommitUnknown(
                        "another database server took over in the middle of a commit, and nobody "
                        "knows whether it has it"
                    )
                if row["status"] in {"committed", "aborted"}:
                    return row["status"] == "committed"
            time.sleep(ASK_AGAIN_S)
        raise CommitUnknown(
            "the connection to the database server was lost in the middle of a commit"
        )


def bounds() -> sql.Composed:
    """Return what bounds a transaction: how long it may wait for others, and stand still."""
    return sql.SQL(
        "SET LOCAL lock_timeout = {}; SET LOCAL idle_in_transaction_session_timeout = {}"
    ).format(sql.Literal(f"{LOCK_S}s"), sql.Literal(f"{STILL_S}s"))


def channel_of(schema: str) -> str:
    """Return the channel on which commits to a workspace are told, which names its lock too."""
    return f"pressroom {schema}"
