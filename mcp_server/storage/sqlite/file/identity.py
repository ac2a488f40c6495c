"""Whether a database file is ours: a plain file, made here, with nothing in it but our schema.

SQLite opens its files by name, and follows links: so they are looked at before each opening.
"""

from __future__ import annotations

import errno
import os
import re
import sqlite3
import stat
from collections.abc import Mapping
from contextlib import closing, suppress
from functools import lru_cache
from pathlib import Path

from mcp_server.errors import StorageError, Unavailable
from mcp_server.folder import PRIVATE, Folder, NotPlain
from mcp_server.storage.sqlite.file.functions import add_functions

BESIDE = ("", "-wal", "-shm", "-journal")
"""Endings of the names of the database file and of the files that SQLite puts beside it."""

TRUST = "If you put it there, run `pressroom trust` in the workspace's folder, in a terminal."

Objects = frozenset[tuple[str, str, str]]
"""Type, name and definition of each table, index, view and trigger."""


def check_plain(path: Path) -> None:
    """Return if SQLite's files are plain files, or not there yet.

    Raises:
        StorageError: one is a link or something else.
    """
    for end in BESIDE:
        name = f"{path.name}{end}"
        try:
            mode = path.with_name(name).lstat().st_mode
        except OSError:
            continue  # there is none, or SQLite says what is wrong
        if stat.S_ISLNK(mode) or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            what = "a symbolic link" if stat.S_ISLNK(mode) else "not a plain file"
            why = f"{name} is {what}: put the file itself there, or remove it"
            error = StorageError(why, shown=why)
            raise error from NotPlain(errno.ELOOP, what, os.fspath(path))


def make_private(path: Path) -> None:
    """Create the file, empty and private, if it is not there: SQLite's own could be read by others.

    A file that is there is not opened. On POSIX, closing any descriptor of a file drops all locks
    that the process has on it, so SQLite's locks would be gone; the next connection to close would
    then take itself for the last one, and remove the log.
    """
    with suppress(OSError), Folder(path.parent).opened() as folder:  # or SQLite says what is wrong
        folder.open(path.name, "xb", permissions=PRIVATE).close()


def is_new(connection: sqlite3.Connection) -> bool:
    """Whether nothing was ever stored in the file."""
    return connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0


def sign(connection: sqlite3.Connection, mark: str) -> None:
    """Make the file one that belongs to the folder with this mark."""
    connection.execute("DELETE FROM identity")
    connection.execute("INSERT INTO identity VALUES (?)", (mark,))


def signature(connection: sqlite3.Connection) -> str | None:
    """Return the mark that the file carries, `None` where it has none, or several."""
    has_one = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'identity'"
    if not connection.execute(has_one).fetchone()[0]:
        return None
    found = connection.execute("SELECT mark FROM identity").fetchall()
    return found[0][0] if len(found) == 1 else None


def check_identity(connection: sqlite3.Connection, name: str, mark: str | None) -> None:
    """Return if the file belongs to the folder with this mark, or need not (`None`).

    Raises:
        Unavailable: it was made elsewhere, or before files had a mark.
    """
    if mark is None:
        return
    if signature(connection) != mark:
        raise Unavailable(
            f"The database {name} was not made in this state folder, and nothing of it is used. "
            f"{TRUST}"
        )


def check_objects(
    connection: sqlite3.Connection, name: str, migrations: Mapping[int, str], version: int
) -> None:
    """Return if the file holds our tables, indexes and triggers, as they are at this version.

    Raises:
        Unavailable: it holds others, which could change what we store or read.
    """
    if strange := strangers(connection, migrations, version):
        kinds = ", ".join(sorted({type for type, _, _ in strange}))
        raise Unavailable(
            f"The database {name} holds what Pressroom did not put there ({len(strange)}: {kinds}) "
            "and is not used: `pressroom doctor` names it. Remove it with the sqlite3 command, or "
            "put back a copy."
        )


def strangers(
    connection: sqlite3.Connection, migrations: Mapping[int, str], version: int
) -> Objects:
    """Return the objects that are not ours at this version of the schema, or are altered."""
    scripts = tuple(script for number, script in migrations.items() if number <= version)
    return _objects(connection) - _expected(scripts)


@lru_cache(maxsize=8)
def _expected(scripts: tuple[str, ...]) -> Objects:
    # Run on an empty database, so that both sides of the comparison are texts as SQLite keeps them.
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        add_functions(connection)
        for script in scripts:
            connection.executescript(script)
        return _objects(connection)


def _objects(connection: sqlite3.Connection) -> Objects:
    rows = connection.execute("SELECT type, name, sql FROM sqlite_schema").fetchall()
    return frozenset((row[0], row[1], _bare(row[2] or "")) for row in rows if not _is_own(*row))


def _is_own(type: str, name: str, sql: str | None) -> bool:
    """Whether SQLite made the object itself. A trigger never is, whatever name it was given."""
    if type == "index":
        return sql is None and name.startswith("sqlite_autoindex_")
    return type == "table" and re.fullmatch(r"sqlite_(?:sequence|stat\d)", name) is not None


def _bare(sql: str) -> str:
    """A definition without its comments and line ends, which may change without a migration."""
    return " ".join(re.sub(r"--[^\n]*", "", sql).split())
