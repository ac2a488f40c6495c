"""Numbered forward migrations. Before each, the file is copied beside itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from importlib import resources
from pathlib import Path

from mcp_server.errors import Unavailable
from mcp_server.storage.sqlite.connection import Synchronous, open_file
from mcp_server.storage.sqlite.errors import storage_error
from mcp_server.storage.sqlite.transaction import PACKAGE


def migrate(
    path: Path,
    *,
    synchronous: Synchronous = "FULL",
    migrations: Mapping[int, str] | None = None,
) -> int:
    """Bring the file to this version's schema, creating it if need be; return the schema's number.

    Safe to run in several processes at once. Before a migration of a file that holds something,
    it is copied to `NAME.before-N`.

    Raises:
        Unavailable: a newer Pressroom wrote the file.
        StorageError: it cannot be opened or written.
    """
    migrations = migrations or _migrations()
    with closing(open_file(path, synchronous=synchronous)) as connection:
        try:
            holds_something = _version(connection) > 0
            for number, script in migrations.items():
                _apply(connection, path, number, script, copied=holds_something)
            version = _version(connection)
        except sqlite3.Error as error:
            raise storage_error(error) from error
    if version > max(migrations):
        raise Unavailable(
            f"The database {path.name} was written by a newer Pressroom (schema {version}, this "
            f"one knows {max(migrations)}). Nothing was changed. Upgrade Pressroom to open it."
        )
    return version


def newest_schema() -> int:
    """Return the number of the schema that this version knows."""
    return max(_migrations())


def _apply(
    connection: sqlite3.Connection, path: Path, number: int, script: str, *, copied: bool
) -> None:
    if _version(connection) >= number:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _version(connection) < number:  # another process may have been faster
            if copied:
                _copy(path, path.with_name(f"{path.name}.before-{number}"))
            for statement in _statements(script):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _copy(path: Path, target: Path) -> None:
    """Copy what is committed; the caller holds the write lock, so that nobody migrates meanwhile.

    Through a connection of its own: SQLite does not copy from within a write transaction.
    """
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)


def _version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def _migrations() -> dict[int, str]:
    folder = resources.files(PACKAGE).joinpath("migrations")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return {int(f.name.split("_")[0]): f.read_text("utf-8") for f in files}


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    assert not statement.strip(), "a migration ends in half a statement"
