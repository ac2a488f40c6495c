"""What SQLite's errors mean to the rest of the package, and to a person."""

from __future__ import annotations

import sqlite3

from mcp_server.errors import StorageBusy, StorageError, StorageOutdated

MESSAGES = {
    sqlite3.SQLITE_FULL: "the disk is full: make room on it",
    sqlite3.SQLITE_READONLY: "its file, or the folder it lies in, is read-only: make both writable",
    sqlite3.SQLITE_CORRUPT: "its file is damaged: put back a copy, or move it away",
    sqlite3.SQLITE_NOTADB: "its file is not a database: move it away",
    sqlite3.SQLITE_CANTOPEN: "its file cannot be opened: see what it is, whether its folder is "
    "read-only, and who may open it",
    sqlite3.SQLITE_IOERR: "the disk reports an error: see whether it is full or failing",
    sqlite3.SQLITE_PERM: "its file may not be opened: see who may",
    sqlite3.SQLITE_BUSY: "another process is writing to the database",
    sqlite3.SQLITE_LOCKED: "another process is writing to the database",
    sqlite3.SQLITE_NOMEM: "there is no memory left: end what takes it",
    sqlite3.SQLITE_INTERRUPT: "a statement was interrupted",
}
"""What SQLite's primary result codes mean to a person. All are trouble with the machine or the
file, none with a statement or its values: `Transaction.trial` tells the two apart by this table."""

DRIVER_ERRORS = (sqlite3.Error, MemoryError)
"""What the driver raises. Where SQLite has no memory left, that is not a `sqlite3.Error`."""

LASTING = frozenset(
    {
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_IOERR,
    }
)
"""Errors that an open connection may go on meeting after the file was mended, until it is opened
anew."""


def storage_error(error: sqlite3.Error | MemoryError) -> StorageError:
    """Return what a driver's error means to the rest of the package."""
    code = result_code(error)
    kind = StorageBusy if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) else StorageError
    meaning = MESSAGES.get(code)
    return kind(meaning or "the database refused a statement", shown=meaning or "")


def result_code(error: Exception) -> int:
    """Return SQLite's primary result code of an error; 0 where there is none."""
    if isinstance(error, MemoryError):
        return sqlite3.SQLITE_NOMEM
    code = getattr(error, "sqlite_errorcode", None)
    # An extended code has the primary one in its lowest byte.
    return code & 0xFF if isinstance(code, int) else 0


def outlives_mending(error: StorageError) -> bool:
    """Whether an open connection goes on meeting this error although the file was mended."""
    code = getattr(error.__cause__, "sqlite_errorcode", 0)
    outdated = isinstance(error, StorageOutdated)  # mended by putting back an older copy
    # A cause of kind `OSError`: the file was moved, replaced, or is no plain file.
    return outdated or isinstance(error.__cause__, OSError) or code & 0xFF in LASTING
