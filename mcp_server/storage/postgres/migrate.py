"""Numbered forward migrations of a workspace's schema: one transaction, one process at a time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.errors import LockNotAvailable

from mcp_server.errors import Unavailable
from mcp_server.storage.postgres.connecting import connect
from mcp_server.storage.postgres.connection import STILL_S, bounds, channel_of
from mcp_server.storage.postgres.errors import storage_error
from mcp_server.storage.postgres.history import keep_history, server_of
from mcp_server.storage.postgres.moved import moved
from mcp_server.storage.postgres.rows import PostgresRow
from mcp_server.storage.postgres.transaction import PACKAGE
from mcp_server.storage.postgres.unread import end_unread

OLDEST = 16
"""The oldest major version that knows all of our SQL, such as IS JSON."""
_LONG_GONE = "at < extract(epoch FROM clock_timestamp()) - 30 * 86400"


def migrate(address: str, schema: str) -> int:
    """Bring the workspace to this version's tables, creating it if need be; return their number.

    Safe to run in several processes at once: one does it, the others wait, if not forever: who
    stands still meanwhile has it undone.

    Raises:
        Unavailable: a newer Pressroom wrote it, it was moved away, is not here as a whole yet, or
            the server is too old.
        StorageError: it cannot be reached or written.
    """
    try:
        with connect(address) as connection:
            if connection.info.server_version < OLDEST * 10_000:
                found = connection.info.server_version // 10_000
                raise Unavailable(
                    f"The database server is PostgreSQL {found}: Pressroom needs {OLDEST} or newer."
                )
            try:
                return _brought(connection, schema)
            except LockNotAvailable:
                if not end_unread(connection, channel_of(schema), STILL_S):
                    raise
                return _brought(connection, schema)
    except psycopg.Error as error:
        raise storage_error(error) from error


def _brought(connection: psycopg.Connection[PostgresRow], schema: str) -> int:
    with connection.transaction():
        connection.execute(bounds())
        return bring(connection, schema)


def bring(connection: psycopg.Connection[PostgresRow], schema: str) -> int:
    """Do so in the connection's transaction, which has the workspace's lock from then on.

    Raises:
        Unavailable: a newer Pressroom wrote it, it was moved away, is not here as a whole yet, or
            the database cannot keep every letter.
        psycopg.Error: the server refuses.
    """
    name = sql.Identifier(schema)
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [channel_of(schema)]
    )
    if (found := moved(connection, schema)) is not None:
        raise Unavailable(found.message)
    encoding = connection.execute("SELECT current_setting('server_encoding') AS name").fetchone()
    if encoding is not None and encoding["name"] != "UTF8":
        raise Unavailable(
            f"The database keeps texts as {encoding['name']}, which lacks most letters. Nothing "
            "was changed. Make one with ENCODING 'UTF8' TEMPLATE template0."
        )
    # Not IF NOT EXISTS: that asks for the right to make one, though it is there.
    if not _is_there(connection, "to_regnamespace(quote_ident(%s))", schema):
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
    connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(name))
    if not _is_there(connection, "to_regclass(quote_ident(%s) || '.migrations')", schema):
        connection.execute("CREATE TABLE migrations (number bigint PRIMARY KEY)")
    row = connection.execute("SELECT coalesce(max(number), 0) FROM migrations").fetchone()
    version = 0 if row is None else row[0]
    newest = max(migrations())
    if version > newest:
        raise Unavailable(
            f"The database was written by a newer Pressroom (schema {version}, this one "
            f"knows {newest}). Nothing was changed. Upgrade Pressroom to open it."
        )
    if version < newest:  # who reads keeps it from beginning, and then waits for its end
        connection.execute("LOCK TABLE migrations IN ACCESS EXCLUSIVE MODE")
    for number in range(version + 1, newest + 1):
        connection.execute(migrations()[number].encode())
        connection.execute("INSERT INTO migrations VALUES (%s)", [number])
    keep_history(connection, server_of(connection))
    if connection.execute(f"SELECT 1 FROM writers WHERE {_LONG_GONE} LIMIT 1").fetchone():
        connection.execute(f"DELETE FROM writers WHERE {_LONG_GONE}")
    return newest


def _is_there(
    connection: psycopg.Connection[PostgresRow], expression: LiteralString, schema: str
) -> bool:
    row = connection.execute(f"SELECT {expression} IS NOT NULL AS there", [schema]).fetchone()
    return row is not None and row["there"]


@cache
def migrations() -> Mapping[int, str]:
    """Return the scripts by their numbers."""
    folder = resources.files(PACKAGE).joinpath("migrations")
    found = {int(file.name.partition("_")[0]): file for file in folder.iterdir()}
    return {number: found[number].read_text("utf-8") for number in sorted(found)}
