"""Which file a connection has open: by now another file may have its name.

Somebody may put back a copy while we have the file open. Without this check we would go on writing
into a file that nobody can find any more, and SQLite might apply the old file's log to the new one.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
from pathlib import Path
from weakref import WeakSet

from mcp_server.errors import StorageError, StorageOutdated
from mcp_server.storage.sqlite.file.leave import CAN_LEAVE

GONE = "its file is not there any more: put it back"
REPLACED = "another file was put in its place: call again"
LOG_LEFT = (
    "another file was put in its place, beside the log of the one before: remove the two files "
    "whose names end in -wal and -shm"
)

LOG_GONE = "the files beside it, -wal and -shm, were taken away while it was open: call again"
LOG_REPLACED = (
    "its log was replaced by another while it was open: end all programs that use it, and start it "
    "again"
)
LOG_ANOTHER = "its log was replaced by that of another process: call again"

COMPANIONS = ("-wal", "-shm")
"""Endings of the names of the files that hold what is not in the database file yet, and an index of
that. Who opens the database without them makes new ones, and knows nothing of what we store."""

Identity = tuple[int, int]
Companions = dict[str, Identity | None]


class LogGone(StorageError):
    """The companions of an open file are gone, or others have their names.

    What they hold is known to open connections only.
    """


class OpenedFile:
    """The file that was found under a path when a connection was opened."""

    def __init__(self, path: Path, schema: int | None) -> None:
        self._path = os.fspath(path)
        self._beside = {end: f"{self._path}{end}" for end in COMPANIONS}
        self._file: Identity | None = None
        self._companions: Companions = {}
        self._schema = schema

    @property
    def path(self) -> str:
        """The path that it was opened by."""
        return self._path

    def note(self, connection: sqlite3.Connection) -> None:
        """Remember the file that is there now, and its schema unless a certain one is required.

        Raises:
            LogGone: this process has it open with a log that has lost its name.
        """
        schema = schema_of(connection)  # the first read, which makes the companions
        found, beside = _identity(self._path), self._found()
        if None in beside.values() or _strays(found, beside):
            raise _moved(LOG_GONE, LogGone)
        self._file, self._companions = found, beside
        with _opened_lock:
            _opened.add(self)
        if self._schema is None:
            self._schema = schema

    def forget(self) -> None:
        """Take no file of this name for ours: the connection was closed."""
        self._file, self._companions = None, {}

    def strays(self, found: Identity | None, beside: Companions) -> bool:
        """Whether it is this file that is open, with other companions than are beside it now."""
        return self._file is not None and found == self._file and beside != self._companions

    def check_schema(self, connection: sqlite3.Connection) -> None:
        """Make sure that nobody has changed the schema since; call it within a transaction.

        Raises:
            StorageOutdated: a newer Pressroom has.
        """
        assert self._schema is not None, "it was noted when the file was opened"
        if (found := schema_of(connection)) != self._schema:
            raise StorageOutdated(found, self._schema)

    def check_locked(self, connection: sqlite3.Connection) -> None:
        """Make sure of all of that; call it with the write lock held.

        Whoever brings a log that was taken away into the file waits for this lock first. So what is
        committed after this check is in the file, or in a log that others find.

        Raises:
            LogGone, StorageOutdated, StorageError: as `check` and `check_schema`.
        """
        self.check()
        self.check_schema(connection)

    def check(self) -> None:
        """Make sure that it is still the file of this name, and has its companions.

        Raises:
            LogGone: a companion was taken away, or both were replaced.
            StorageError: it was moved away, it was replaced, or one companion was.
        """
        if self._file is None:  # it was let go, and could not be opened again yet
            raise _moved(LOG_GONE)
        if (found := _identity(self._path)) != self._file:
            raise _moved(self._obstacle(found) or REPLACED)
        if (beside := self._found()) == self._companions:
            return
        if self._is_gone(beside):
            raise _moved(LOG_GONE, LogGone)
        if CAN_LEAVE and self.has_another_log():
            raise _moved(LOG_ANOTHER, LogGone)
        # What one companion holds is nothing without the other: somebody has to see to it.
        raise _refused(LOG_REPLACED)

    def has_another_log(self) -> bool:
        """Whether another log has the name of ours, with an index of its own."""
        beside = self._found()
        changed = [beside[end] not in (None, known) for end, known in self._companions.items()]
        return bool(changed) and all(changed)

    def _is_gone(self, beside: Companions) -> bool:
        """Whether a companion is gone, and what is left of them is ours or holds nothing."""
        log, known = beside["-wal"], self._companions["-wal"]
        if log is None:
            return True
        return beside["-shm"] is None and (log == known or _is_empty(self._beside["-wal"]))

    def _found(self) -> Companions:
        return {end: _identity(path) for end, path in self._beside.items()}

    def check_next(self) -> None:
        """Make sure that the file of this name can be opened in place of ours.

        Raises:
            StorageError: there is none, the log beside it belongs to the file we have open, or this
                process has it open with a log that has lost its name.
        """
        found = _identity(self._path)
        if (why := self._obstacle(found)) is not None:
            raise _moved(why)
        if _strays(found, self._found()):
            raise _moved(LOG_GONE)

    def _obstacle(self, found: Identity | None) -> str | None:
        if found is None:
            return GONE
        log = self._companions.get("-wal")
        if found == self._file or log is None:
            return None
        return LOG_LEFT if _identity(self._beside["-wal"]) == log else None


_opened: WeakSet[OpenedFile] = WeakSet()
_opened_lock = threading.Lock()
"""All that this process has open. SQLite gives every connection of a process the index that the
first one has, whatever lies beside the file by now, but opens the log by its name."""


def _strays(found: Identity | None, beside: Companions) -> bool:
    """Whether this process has this file open with other companions than are beside it now."""
    with _opened_lock:
        return any(opened.strays(found, beside) for opened in _opened)


def schema_of(connection: sqlite3.Connection) -> int:
    """Return the number of the last migration that the file has had."""
    return connection.execute("PRAGMA user_version").fetchone()[0]


def _identity(path: str) -> Identity | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - before every transaction: no path is made for it
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_empty(path: str) -> bool:
    try:
        return os.path.getsize(path) == 0  # noqa: PTH202 - as above
    except OSError:
        return True


def _refused(why: str) -> StorageError:
    return StorageError(why, shown=why)


def _moved(why: str, kind: type[StorageError] = StorageError) -> StorageError:
    error = kind(why, shown=why)
    # With a cause of kind `OSError` the database is opened anew (`outlives_mending`).
    error.__cause__ = OSError(errno.ESTALE, os.strerror(errno.ESTALE))
    return error
