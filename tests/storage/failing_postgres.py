"""The driver, made to fail: connections to PostgreSQL, of which the n-th statement goes wrong.

Nothing of ours is replaced, and each error is real: the server is asked to refuse something in the
statement's place, or the connection's socket is shut.
"""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self, cast

import psycopg
from psycopg.pq import PipelineStatus
from psycopg.sql import Composable

from mcp_server.storage.postgres.connecting import connect
from mcp_server.storage.postgres.database import PostgresDatabase
from mcp_server.storage.postgres.rows import PostgresRow
from tests.storage.failing import Faults
from tests.storage.postgres_server import server


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTrouble:
    """What goes wrong with a statement."""

    refused: str | None = None
    """The code with which the server refuses it; otherwise the connection is lost."""
    after: bool = False
    """Whether the statement is carried out before."""
    statements: float = 1
    """How many in a row it hits."""
    codes = (0,)
    """SQLite's; there is no interruption in the middle of one."""


SERVER_TROUBLES = {
    "refused": ServerTrouble(refused="53100"),
    "undone for the sake of another": ServerTrouble(refused="40P01"),
    "the connection is lost": ServerTrouble(),
    "the connection is lost once it was done": ServerTrouble(after=True),
    "the connection is lost, and the next": ServerTrouble(statements=2),
}
"""By what a person would say of it."""

NUMBERED = ("batches", "meanings", "page_versions", "revisions", "unembedded", "usage")
"""Tables whose rows the server numbers. What it gave out to what was undone stays given."""
RENUMBER = "SELECT " + ", ".join(
    f"(SELECT setval(pg_get_serial_sequence('{table}', 'id'), coalesce(max(id), 0) + 1, false)"
    f" FROM {table})"
    for table in NUMBERED
)


class FailingCursor(psycopg.Cursor[PostgresRow]):
    """A cursor as the driver's, which fails where it is told to.

    Of statements that are sent together, one that is refused says so when an answer is read.
    """

    faults: Faults

    def execute(self, query: Any, params: Any = None, **how: Any) -> Self:
        """Execute a statement, or fail."""
        text = query.as_string() if isinstance(query, Composable) else str(query)
        trouble = self._trouble(text)
        if trouble is None or trouble.after:
            super().execute(cast("Any", query), params, **how)
        if trouble is not None:
            self._fail(trouble, text)
        if text.startswith("SELECT pg_advisory_xact_lock"):  # a write has begun
            psycopg.Cursor(self.connection).execute(RENUMBER)
        return self

    def executemany(self, query: Any, params_seq: Iterable[Any], **how: Any) -> None:
        """Execute a statement several times, or fail."""
        trouble = self._trouble(str(query))
        if trouble is None or trouble.after:
            super().executemany(query, params_seq, **how)
        if trouble is not None:
            self._fail(trouble, str(query))

    def _trouble(self, text: str) -> ServerTrouble | None:
        trouble: Any = self.faults.next()
        if trouble is not None and trouble.refused and text.startswith("ROLLBACK"):
            return None  # no server refuses that
        return trouble

    def _fail(self, trouble: ServerTrouble, text: str) -> None:
        if trouble.refused is None:
            self._lose(once_done=trouble.after)
        elif text == "COMMIT":
            super().execute("ROLLBACK")
        refused = f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{trouble.refused}'; END $$"
        super().execute(refused.encode())
        assert self._together, "it was refused"

    @property
    def _together(self) -> bool:
        return self.connection.info.pipeline_status is not PipelineStatus.OFF

    def _lose(self, *, once_done: bool) -> None:
        if once_done and self._together:
            with self.connection.pipeline():  # it waits for all before
                pass
        with socket.socket(fileno=os.dup(self.connection.fileno())) as lost:
            lost.shutdown(socket.SHUT_RDWR)


@asynccontextmanager
async def failing_postgres(schema: str, faults: Faults) -> AsyncGenerator[PostgresDatabase]:
    """Open a schema through connections that fail where `faults` says so."""
    kind = type("Cursor", (FailingCursor,), {"faults": faults})

    def by(address: str, *, prepared: bool = True) -> psycopg.Connection[PostgresRow]:
        connection = connect(address, prepared=prepared)
        connection.cursor_factory = kind
        return connection

    async with PostgresDatabase.open(server(), schema, by=by) as database:
        yield database
