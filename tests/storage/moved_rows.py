"""Every row of both kinds of database, read with plain drivers, past all our own code."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
from psycopg import sql

from mcp_server.storage.moving.tables import INDEX_OF_WORDS, OF_EACH_DATABASE

Rows = dict[str, list[tuple[object, ...]]]
"""By table, in the order of all their columns."""

LEFT_OUT = INDEX_OF_WORDS | OF_EACH_DATABASE | {"sqlite_sequence"}


def rows_of_file(path: Path) -> Rows:
    """Return what a file holds."""
    with closing(sqlite3.connect(path)) as file:
        asked = "SELECT name FROM sqlite_schema WHERE type = 'table'"
        names = {name for (name,) in file.execute(asked)} - LEFT_OUT
        return {
            name: _ordered(file.execute(f'SELECT * FROM "{name}"').fetchall()) for name in names
        }


def rows_of_schema(address: str, schema: str, like: Path) -> Rows:
    """Return what a schema holds, its columns in the order that they have in a file."""
    with closing(sqlite3.connect(like)) as file, psycopg.connect(address) as connection:
        asked = "SELECT tablename FROM pg_tables WHERE schemaname = %s"
        names = {name for (name,) in connection.execute(asked, [schema])} - LEFT_OUT
        found: Rows = {}
        for name in names:
            of_table = file.execute("SELECT name FROM pragma_table_info(?)", [name])
            columns = [sql.Identifier(column) for (column,) in of_table]
            statement = sql.SQL("SELECT {} FROM {}").format(
                sql.SQL(", ").join(columns), sql.Identifier(schema, name)
            )
            rows = connection.execute(statement).fetchall()
            found[name] = _ordered(
                [row for row in rows if row[0] not in {"commits", "history", "server"}]
            )
        return found


def columns_of_schema(address: str, schema: str) -> dict[str, set[str]]:
    """Return the tables of a schema, and the columns of each."""
    asked = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = %s"
    found: dict[str, set[str]] = {}
    with psycopg.connect(address) as connection:
        for table, column in connection.execute(asked, [schema]):
            found.setdefault(table, set()).add(column)
    return found


def schemas_of(address: str, beginning: str) -> set[str]:
    """Return the names of the schemas that begin so."""
    with psycopg.connect(address) as connection:
        asked = "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)"
        return {name for (name,) in connection.execute(asked, [beginning])}


def drop_schemas(address: str, beginning: str) -> None:
    """Drop them, one by one: a server has room for so many locks in one transaction."""
    with psycopg.connect(address, autocommit=True) as connection:
        for name in schemas_of(address, beginning):
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))


def _ordered(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return sorted(rows, key=repr)
