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

LOG_GONE = "the files beside it, -wal and -shm, were taken away while it was open: call again"
LOG_REPLACED = (
    "its log was replaced by another while it was open: end all that uses it, and remove the two "
    "files whose names end in -wal and -shm"
)

COMPANIONS = ("-wal", "-shm")
"""Endings of the names of the files that hold what is not in the database file yet, and an index of
that. Who opens the database without them makes new ones, and knows nothing of what we store."""

Identity = tuple[int, int]


class LogGone(StorageError):
    """The companions of an open file are gone; what they hold is known to open connections only."""


class OpenedFile:
    """The file that was found under a path when a connection was opened."""

    def __init__(self, path: Path, schema: int | None) -> None:
        self._path = os.fspath(path)
        self._beside = {end: f"{self._path}{end}" for end in COMPANIONS}
        self._file: Identity | None = None
        self._companions: dict[str, Identity | None] = {}
        self._schema = schema

    def note(self, connection: sqlite3.Connection) -> None:
        """Remember the file that is there now, and its schema unless a certain one is required."""
        schema = schema_of(connection)  # the first read, which makes the companions
        self._file = _identity(self._path)
        self._companions = {end: _identity(path) for end, path in self._beside.items()}
        if self._schema is None:
            self._schema = schema

    def forget(self) -> None:
        """Take no file of this name for ours: the connection was closed."""
        self._file, self._companions = None, {}

    def check_schema(self, connection: sqlite3.Connection) -> None:
        """Make sure that nobody has changed the schema since; call it within a transaction.

        Raises:
            StorageOutdated: a newer Pressroom has.
        """
        assert self._schema is not None, "it was noted when the file was opened"
        if (found := schema_of(connection)) != self._schema:
            raise StorageOutdated(found, self._schema)

    def check(self) -> None:
        """Make sure that it is still the file of this name, and has its companions.

        Raises:
            LogGone: a companion was taken away.
            StorageError: it was moved away, or it or its log was replaced.
        """
        if (found := _identity(self._path)) != self._file:
            raise _moved(self._obstacle(found) or REPLACED)
        for end, known in self._companions.items():
            beside = _identity(self._beside[end])
            if beside != known and known is not None:
                # What another log holds may not be ours to lose: somebody has to see to it.
                raise _moved(LOG_GONE, LogGone) if beside is None else _refused(LOG_REPLACED)

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
        log = self._companions.get("-wal")
        if found == self._file or log is None:
            return None
        return LOG_LEFT if _identity(self._beside["-wal"]) == log else None


def schema_of(connection: sqlite3.Connection) -> int:
    """Return the number of the last migration that the file has had."""
    return connection.execute("PRAGMA user_version").fetchone()[0]


def _identity(path: str) -> Identity | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - before every transaction: no path is made for it
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _refused(why: str) -> StorageError:
    return StorageError(why, shown=why)


def _moved(why: str, kind: type[StorageError] = StorageError) -> StorageError:
    error = kind(why, shown=why)
    # With a cause of kind `OSError` the database is opened anew (`outlives_mending`).
    error.__cause__ = OSError(errno.ESTALE, os.strerror(errno.ESTALE))
    return error
