"""Which file a connection has open: by now another file may have its name.

Somebody may put back a copy while we have the file open. Without this check we would go on writing
into a file that nobody can find any more, and SQLite might apply the old file's log to the new one.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

from mcp_server.errors import StorageError, StorageOutdated

GONE = "its file is not there any more: put it back"
REPLACED = "another file was put in its place: call again"
LOG_LEFT = (
    "another file was put in its place, beside the log of the one before: remove the two files "
    "whose names end in -wal and -shm"
)

Identity = tuple[int, int]


class OpenedFile:
    """The file that was found under a path when a connection was opened."""

    def __init__(self, path: Path, schema: int | None) -> None:
        self._path, self._log_path = os.fspath(path), f"{os.fspath(path)}-wal"
        self._file: Identity | None = None
        self._log: Identity | None = None
        self._schema = schema

    def note(self, connection: sqlite3.Connection) -> None:
        """Remember the file that is there now, and its schema unless a certain one is required."""
        self._file, self._log = _identity(self._path), _identity(self._log_path)
        if self._schema is None:
            self._schema = schema_of(connection)

    def check_schema(self, connection: sqlite3.Connection) -> None:
        """Make sure that nobody has changed the schema since; call it within a transaction.

        Raises:
            StorageOutdated: a newer Pressroom has.
        """
        assert self._schema is not None, "it was noted when the file was opened"
        if (found := schema_of(connection)) != self._schema:
            raise StorageOutdated(found, self._schema)

    def check(self) -> None:
        """Make sure that it is still the file of this name.

        Raises:
            StorageError: it was moved away, or replaced.
        """
        if (found := _identity(self._path)) != self._file:
            raise _moved(self._obstacle(found) or REPLACED)

    def check_next(self) -> None:
        """Make sure that the file of this name can be opened in place of ours.

        Raises:
            StorageError: there is none, or the log beside it belongs to the file we have open.
        """
        if (why := self._obstacle(_identity(self._path))) is not None:
            raise _moved(why)

    def _obstacle(self, found: Identity | None) -> str | None:
        if found is None:
            return GONE
        if found == self._file or self._log is None:
            return None
        return LOG_LEFT if _identity(self._log_path) == self._log else None


def schema_of(connection: sqlite3.Connection) -> int:
    """Return the number of the last migration that the file has had."""
    return connection.execute("PRAGMA user_version").fetchone()[0]


def _identity(path: str) -> Identity | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - before every transaction: no path is made for it
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _moved(why: str) -> StorageError:
    error = StorageError(why, shown=why)
    # With a cause of kind `OSError` the database is opened anew (`outlives_mending`).
    error.__cause__ = OSError(errno.ESTALE, os.strerror(errno.ESTALE))
    return error
