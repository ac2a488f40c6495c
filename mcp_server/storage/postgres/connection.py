"""One connection, which is made again where it was lost. Everything here blocks.

A write holds the lock of its workspace from its beginning to its end (`pg_advisory_xact_lock`): so
what a step has read stays true until it commits, as on SQLite, and change numbers are committed in
their order. The transaction of a process that stands still is undone after `STILL_S`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from typing import Any, TypeVar, cast
from uuid import uuid4

import psycopg
import structlog
from psycopg import sql

from mcp_server.storage.postgres.connecting import connect
from mcp_server.storage.postgres.ends import SCHEMA, STATE, Beginning, Ending
from mcp_server.storage.postgres.errors import GONE, CommitUndone, CommitUnknown
from mcp_server.storage.postgres.history import (
    AnotherHistory,
    begin_history,
    server_of,
)
from mcp_server.storage.postgres.pipeline import sent_together
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
SIGNED = "SELECT EXISTS (SELECT 1 FROM writers WHERE id = %s AND number = %s) AS signed"

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
        self._id, self._number_given = uuid4().hex, 0
        self._server: int | None = None
        common = sql.SQL("SELECT set_config('search_path', {}, true), {}").format(
            sql.Literal(sql.Identifier(schema).as_string()),
            sql.SQL(", ").join(
                sql.SQL("set_config({}, {}, true)").format(sql.Literal(name), sql.Literal(value))
                for name, value in _bounds()
            ),
        )
        lock = sql.SQL("SELECT pg_advisory_xact_lock(hashtextextended({}, 0))").format(
            sql.Literal(self._channel)
        )
        # Another level, by the server's settings, would look before it has the lock.
        self._begin_write = (
            "BEGIN ISOLATION LEVEL READ COMMITTED",
            common.as_string(),
            lock.as_string(),
        )
        # Who waits here for a migration sees what it has done: a snapshot is taken only after that,
        # by the first SELECT.
        known = sql.SQL("LOCK TABLE {}.migrations IN ACCESS SHARE MODE").format(
            sql.Identifier(schema)
        )
        self._begin_read = (
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            f"SET LOCAL lock_timeout = '{LOCK_S}s'",
            known.as_string(),
            common.as_string(),
        )
        tell = sql.SQL("SELECT pg_notify({}, '')").format(sql.Literal(self._channel))
        self._tell = tell.as_string()

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
                self._set_clock(row[0], asked, time.time())
            self._server = server_of(made)
        except psycopg.Error:
            made.close()
            raise
        self._connection = made
        return made

    def write(self, step: Callable[[PostgresTransaction], T], *, waits: bool = False) -> T:
        """Run `step` in one transaction; if it changed anything, others are told.

        Statements are sent together where nobody needs their answers. `waits`: each is waited for,
        so that one that is refused can be undone by itself.

        Raises:
            CommitUnknown: the connection was lost in the commit, and nobody can say what became
                of it.
            CommitUndone: it was lost there, and nothing was done.
            AnotherHistory: nothing was done yet, as another server has taken over.
            psycopg.Error: nothing was done.
        """
        connection = self.connected()
        self._number_given += 1
        beginning, ending = Beginning(self._number), Ending(self._id, self._number_given)
        result: list[T] = []
        try:
            with nullcontext() if waits else sent_together(connection) as pipeline:
                beginning.send(connection, *self._begin_write)
                beginning.ask(connection, STATE, [self._server])
                transaction = PostgresTransaction(connection, pipeline, beginning.check)
                result.append(step(transaction))
                ending.send(connection, transaction, self._tell)
        except BaseException as error:
            if not (lost := connection.closed):
                _undo(connection)
            if ending.is_committed and isinstance(error, psycopg.Error):
                logger.info("nobody was told of a commit")
                return result[0]
            if not lost:
                self._explain(connection, beginning, error)
                raise
            if not ending.is_signed or not isinstance(error, psycopg.OperationalError):
                raise
            if not self._committed():
                raise CommitUndone("the connection was lost in a commit, and undone") from None
            logger.info("a commit was made whose answer was lost")
        else:
            if (clock := ending.clock()) is not None:
                self._set_clock(*clock)
        return result[0]

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
        beginning = Beginning(self._number)
        try:
            with sent_together(connection) as pipeline:
                beginning.send(connection, *self._begin_read)
                beginning.ask(connection, SCHEMA)
                result = step(PostgresTransaction(connection, pipeline, beginning.check))
                connection.execute("COMMIT", prepare=False)
        except BaseException as error:
            if not connection.closed:
                _undo(connection)
                beginning.explain(error)
            raise
        return result

    def free(self) -> bool:
        """End whoever keeps the lock of the workspace unread; whether there was anybody."""
        with suppress(psycopg.Error):
            return end_unread(self.connected(), self._channel, STILL_S)
        return False

    def tell(self) -> None:
        """Wake whoever listens, this process too."""
        with suppress(psycopg.Error):
            self.connected().execute(cast("Any", self._tell))

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()

    def _set_clock(self, at: float, asked: float, heard: float) -> None:
        """Note what the server's clock said between `asked` and `heard`, if that is news.

        After a slow answer, it is known to half of the time that this took.
        """
        ahead = at - (asked + heard) / 2
        if abs(ahead - self.ahead_s) > max(NOISE_S, heard - asked):
            self.ahead_s = ahead

    def _explain(
        self,
        connection: psycopg.Connection[PostgresRow],
        beginning: Beginning,
        error: BaseException,
    ) -> None:
        """See to what may be why a transaction failed; what it is instead is raised."""
        if isinstance(error, AnotherHistory):
            again = Beginning(self._number)
            again.send(connection, *self._begin_write)
            again.ask(connection, STATE, [self._server])
            if again.has_another_history:  # no other process has seen to it
                begin_history(connection, self._server)
                logger.warning("another database server has taken over; what it had not is lost")
            connection.execute("COMMIT")
        elif isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
            connection.close()  # it stays so, where a new one may find the server writable
        else:
            beginning.explain(error)

    def _committed(self) -> bool:
        """Return whether the last transaction was committed: then its signature is there.

        It is looked for with the workspace's lock, which that transaction has until it is over. A
        server that has taken over has the commit, or lacks all of it; and after a crash the number
        that PostgreSQL gave it may be that of another one, which is why it is not asked by that.

        Raises:
            CommitUnknown: the server cannot be asked.
        """
        until = time.monotonic() + ASK_S
        while time.monotonic() < until:
            with suppress(psycopg.DatabaseError):
                return self._signed()
            time.sleep(ASK_AGAIN_S)
        raise CommitUnknown(
            "the connection to the database server was lost in the middle of a commit"
        )

    def _signed(self) -> bool:
        connection = self.connected()
        try:
            for statement in self._begin_write:
                connection.execute(cast("Any", statement))
            row = connection.execute(SIGNED, [self._id, self._number_given]).fetchone()
        finally:
            if not connection.closed:
                connection.execute("ROLLBACK")
        assert row is not None, "there is always one"
        return row["signed"]


def _undo(connection: psycopg.Connection[PostgresRow]) -> None:
    if connection.info.transaction_status in OPEN:
        with suppress(psycopg.Error):  # it is lost then, and with it what it had not committed
            connection.execute("ROLLBACK", prepare=False)
    else:  # of what came behind the commit the driver may take for prepared what was passed by
        connection.close()


def bounds() -> sql.Composed:
    """Return what bounds a transaction: how long it may wait for others, and stand still."""
    return sql.SQL("; ").join(
        sql.SQL("SET LOCAL {} = {}").format(sql.Identifier(name), sql.Literal(value))
        for name, value in _bounds()
    )


def _bounds() -> Sequence[tuple[str, str]]:
    return [
        ("lock_timeout", f"{LOCK_S}s"),
        ("idle_in_transaction_session_timeout", f"{STILL_S}s"),
    ]


def channel_of(schema: str) -> str:
    """Return the channel on which commits to a workspace are told, which names its lock too."""
    return f"pressroom {schema}"
