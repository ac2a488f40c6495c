"""The tables of a schema."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import cast

import psycopg
from psycopg import sql

from mcp_server.errors import StorageError
from mcp_server.storage.moving.ends import Row
from mcp_server.storage.moving.shapes import Shape, Type
from mcp_server.storage.postgres.errors import is_machines, storage_error
from mcp_server.storage.postgres.rows import PostgresRow
from mcp_server.storage.postgres.transaction import PostgresTransaction
from mcp_server.storage.postgres.unread import MOVES

TYPES: dict[Type, str] = {"INTEGER": "int8", "REAL": "float8", "TEXT": "text", "BLOB": "bytea"}


def take_time(connection: psycopg.Connection[PostgresRow], lock_s: float) -> None:
    """Let the transaction take as long as it needs: nobody ends it, once it has the lock."""
    connection.execute(
        sql.SQL(
            "SET LOCAL lock_timeout = {}; SET LOCAL statement_timeout = 0;"
            "SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL application_name = {}"
        ).format(sql.Literal(f"{lock_s}s"), sql.Literal(MOVES))
    )


class SharedEnd:
    """An `End`: the schema's, in a transaction whose search path is the schema."""

    def __init__(self, connection: psycopg.Connection[PostgresRow], schema: str) -> None:
        self._connection, self._schema = connection, schema
        self.transaction = PostgresTransaction(connection)

    def count(self, shape: Shape) -> int:
        asked = f'SELECT count(*) FROM "{shape.name}" WHERE {shape.table.rows}'
        row = self._connection.execute(asked.encode()).fetchone()
        return 0 if row is None else row[0]

    def rows(self, shape: Shape) -> Iterator[Row]:
        told = f"COPY ({shape.select}) TO STDOUT (FORMAT BINARY)".encode()
        with (
            _naming(shape),
            self._connection.cursor() as cursor,
            cursor.copy(told) as copy,
        ):
            copy.set_types(_types(shape))
            for row in copy.rows():
                yield cast("Row", tuple(row))

    def fill(self, shape: Shape, rows: Iterable[Row]) -> None:
        told = f'COPY "{shape.name}" ({shape.names}) FROM STDIN (FORMAT BINARY)'.encode()
        with _naming(shape):
            # What its triggers would note is copied, too.
            self._execute('ALTER TABLE "{}" DISABLE TRIGGER USER', shape)
            self._execute(f'DELETE FROM "{{}}" WHERE {shape.table.rows}', shape)
            with self._connection.cursor() as cursor, cursor.copy(told) as copy:
                copy.set_types(_types(shape))
                for row in rows:
                    copy.write_row(row)
            self._execute('ALTER TABLE "{}" ENABLE TRIGGER USER', shape)
            self._execute('ANALYZE "{}"', shape)  # or the first statements would be planned blindly

    def newest(self, shape: Shape) -> int:
        if (sequence := self._sequence(shape)) is None:
            return 0
        asked = f"SELECT last_value, is_called FROM {sequence}"
        row = self._connection.execute(asked.encode()).fetchone()
        assert row is not None
        return row[0] if row[1] else row[0] - 1

    def number_after(self, shape: Shape, newest: int) -> None:
        if newest and (sequence := self._sequence(shape)) is not None:
            self._connection.execute("SELECT setval(%s, %s)", [sequence, newest])

    def _sequence(self, shape: Shape) -> str | None:
        """Return the name of what numbers the rows, as statements have it; `None`: nothing does."""
        row = self._connection.execute(
            "SELECT pg_get_serial_sequence(format('%%I.%%I', %s::text, %s::text), %s)",
            [self._schema, shape.name, shape.key[0]],
        ).fetchone()
        return None if row is None else row[0]

    def _execute(self, statement: str, shape: Shape) -> None:
        self._connection.execute(statement.format(shape.name).encode())


def _types(shape: Shape) -> list[str]:
    return [TYPES[type] for type in shape.columns.values()]


@contextmanager
def _naming(shape: Shape) -> Generator[None]:
    """Say of which table it is that the server refuses something.

    Raises:
        StorageError: it does.
    """
    try:
        yield
    except psycopg.Error as error:
        if is_machines(error):
            raise storage_error(error) from error
        where = (error.diag.context or "").partition("\n")[0]
        said = error.diag.message_primary or str(error)
        raise StorageError(f"PostgreSQL refuses the table {shape.name}: {said} {where}") from error
