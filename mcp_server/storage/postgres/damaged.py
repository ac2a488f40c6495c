"""Naming the rows of a workspace that nobody could have written as they are. It blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

import psycopg
from psycopg import sql

from mcp_server.storage.postgres.connecting import connect
from mcp_server.storage.postgres.errors import DAMAGES, storage_error
from mcp_server.storage.postgres.rows import PostgresRow
from mcp_server.storage.sql.documents import DOCUMENTS, NAMED_MAX, NAMES
from mcp_server.storage.sql.packing import unpacked

AT_ONCE = 100
"""How many packed texts are fetched together."""
COLUMNS = """
SELECT columns.table_name, column_name, data_type FROM information_schema.columns
JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = %s AND table_type = 'BASE TABLE' ORDER BY columns.table_name, ordinal_position
"""
WHOLE = "SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off"
"""So that a table is read to count its rows, and not an index of it."""


def damaged_rows(address: str, schema: str) -> Sequence[str]:
    """Read every table, document and whatever is packed; name those that cannot be read.

    All else the server keeps to what its column takes. Of a table that it cannot read itself, it is
    only said that it is so.

    Raises:
        StorageError: the server cannot be reached, or refuses.
    """
    try:
        with closing(connect(address)) as connection, connection.transaction():
            columns: dict[str, dict[str, str]] = {}
            for table, column, type in connection.execute(COLUMNS, [schema]):
                columns.setdefault(table, {})[column] = type
            connection.execute(WHOLE)
            return [
                found
                for table, types in columns.items()
                for found in _of_table(connection, schema, table, types)
            ]
    except psycopg.Error as error:
        raise storage_error(error) from error


def _of_table(
    connection: psycopg.Connection[PostgresRow], schema: str, table: str, types: Mapping[str, str]
) -> Sequence[str]:
    where = sql.Identifier(schema, table)
    name = next((each for each in NAMES if each in types), None)
    try:
        with connection.transaction():
            connection.execute(sql.SQL("SELECT count(*) FROM {}").format(where))
            return [
                f"{column} of {which} in {table}"
                for column, type in types.items()
                if name is not None
                for which in _damaged(connection, where, name, column, type)
            ]
    except DAMAGES as error:
        return [f"the table {table}: {storage_error(error)}"]


def _damaged(
    connection: psycopg.Connection[PostgresRow],
    table: sql.Identifier,
    name: str,
    column: str,
    type: str,
) -> Iterator[object]:
    """Yield which rows of a table have something else in a column than was ever written there."""
    if type == "bytea" and column != "vector":
        yield from _packed(connection, table, name, column)
        return
    if column == "vector":
        unfit = sql.SQL("length({0}) % 4 <> 0")
    elif type == "text" and column in DOCUMENTS:
        unfit = sql.SQL("{0} IS NOT JSON")
    else:
        return
    asked = sql.SQL("SELECT {} FROM {} WHERE {} LIMIT {}").format(
        sql.Identifier(name),
        table,
        unfit.format(sql.Identifier(column)),
        sql.Literal(NAMED_MAX),
    )
    yield from (row[0] for row in connection.execute(asked).fetchall())


def _packed(
    connection: psycopg.Connection[PostgresRow], table: sql.Identifier, name: str, column: str
) -> Iterator[object]:
    asked = sql.SQL("SELECT {}, {} FROM {}").format(
        sql.Identifier(name), sql.Identifier(column), table
    )
    left = NAMED_MAX
    with connection.cursor("packed") as cursor:
        cursor.itersize = AT_ONCE
        for which, data in cursor.execute(asked):
            if data is not None and unpacked(data) is None:
                yield which
                left -= 1
                if not left:
                    return
