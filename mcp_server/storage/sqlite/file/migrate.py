"""Numbered forward migrations. Before each, the file is copied beside itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from importlib import resources
from pathlib import Path

from mcp_server.errors import Unavailable
from mcp_server.storage.sqlite.file.connection import Synchronous, open_file
from mcp_server.storage.sqlite.file.errors import DRIVER_ERRORS, storage_error
from mcp_server.storage.sqlite.file.functions import add_functions
from mcp_server.storage.sqlite.file.identity import (
    check_identity,
    check_objects,
    check_plain,
    is_new,
    make_private,
    sign,
    strangers,
)
from mcp_server.storage.sqlite.file.opened_file import schema_of
from mcp_server.storage.sqlite.file.platform import check_sqlite
from mcp_server.storage.sqlite.file.transaction import PACKAGE

ANEW_BYTES_MAX = 64 * 1024 * 1024
"""The largest file that is written anew when it is migrated: it takes a second or two, and as much
room on the disk again."""

FILE_SIZE = """
SELECT page_count, page_size, auto_vacuum
FROM pragma_page_count, pragma_page_size, pragma_auto_vacuum
"""


def migrate(
    path: Path,
    *,
    synchronous: Synchronous = "FULL",
    migrations: Mapping[int, str] | None = None,
    mark: str | None = None,
) -> int:
    """Bring the file to this version's schema, creating it if need be; return the schema's number.

    Safe to run in several processes at once. Before a migration of a file that holds something,
    it is copied to `NAME.before-N`. A file that is made here is signed with `mark`; one that was
    there must carry it, unless `mark` is `None`.

    Raises:
        Unavailable: a newer Pressroom wrote the file, it was made elsewhere, it holds tables,
            triggers or the like that are not ours, or this SQLite is too old.
        StorageError: it cannot be opened or written.
    """
    ours = _migrations()
    scripts = migrations or ours
    check_sqlite()  # before the first trace of a file
    make_private(path)
    with closing(open_file(path, synchronous=synchronous)) as connection:
        try:
            add_functions(connection)
            if is_new(connection):
                _create(connection, scripts, mark)
            if (version := schema_of(connection)) > max(scripts):
                raise Unavailable(
                    f"The database {path.name} was written by a newer Pressroom (schema {version}, "
                    f"this one knows {max(scripts)}). Nothing was changed. Upgrade Pressroom to "
                    "open it."
                )
            check_identity(connection, path.name, mark)
            if scripts == ours:
                check_objects(connection, path.name, ours, version)
            for number, script in scripts.items():
                _apply(connection, path, number, script)
            if version < max(scripts):
                _let_shrink(connection)
            return schema_of(connection)
        except sqlite3.Error as error:
            raise storage_error(error) from error


def adopt(path: Path, mark: str) -> None:
    """Bring a file that was made elsewhere to this version's schema, and sign it with `mark`.

    Raises:
        Unavailable, StorageError: as `migrate`.
    """
    migrate(path)
    with closing(open_file(path)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            sign(connection, mark)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise storage_error(error) from error


def newest_schema() -> int:
    """Return the number of the schema that this version knows."""
    return max(_migrations())


def strange_objects(connection: sqlite3.Connection) -> Sequence[str]:
    """Return what the file holds that is not ours, such as `trigger planted`."""
    found = strangers(connection, _migrations(), schema_of(connection))
    return sorted(f"{type} {name}" for type, name, _ in found)


def _create(connection: sqlite3.Connection, scripts: Mapping[int, str], mark: str | None) -> None:
    """Make the whole schema in one transaction: a half-made file would pass for a strange one."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        if is_new(connection):  # another process may have been faster
            for script in scripts.values():
                for statement in _statements(script):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {max(scripts)}")
            if mark is not None:
                sign(connection, mark)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _apply(connection: sqlite3.Connection, path: Path, number: int, script: str) -> None:
    if schema_of(connection) >= number:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        if schema_of(connection) < number:  # another process may have been faster
            _copy(path, path.with_name(f"{path.name}.before-{number}"))
            for statement in _statements(script):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _let_shrink(connection: sqlite3.Connection) -> None:
    """Let the file give free pages back to the disk, if it is small: it is written anew for that.

    Files are made so by now. One that is larger, or that cannot be written anew (no room, a damaged
    page), stays as it is: `pressroom doctor` says what it costs.
    """
    [(pages, size, mode)] = connection.execute(FILE_SIZE).fetchall()
    if mode == 0 and pages * size <= ANEW_BYTES_MAX:
        with suppress(*DRIVER_ERRORS):
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("VACUUM")


def _copy(path: Path, target: Path) -> None:
    """Copy what is committed; the caller holds the write lock, so that nobody migrates meanwhile.

    Through a connection of its own: SQLite does not copy from within a write transaction.
    """
    check_plain(target)
    make_private(target)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)


def _migrations() -> dict[int, str]:
    folder = resources.files(PACKAGE).joinpath("file", "migrations")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return {int(f.name.split("_")[0]): f.read_text("utf-8") for f in files}


def _statements(script: str) -> Iterator[str]:
    # One by one, as `executescript` would first commit the transaction that is to hold them all.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    assert not statement.strip(), "a migration ends in half a statement"
