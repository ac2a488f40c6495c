"""Closing a connection whose log has lost its name, without a trace of it under that name.

SQLite has the last connection of all processes bring its log into the database file, and remove the
file that has the log's name: by then that may be another log, which others have filled.
"""

from __future__ import annotations

import os
import sqlite3
import struct
import sys
from contextlib import suppress

SHARED_FIRST = 0x40000002
SHARED_BYTES = 510
"""The bytes of a database file on which every connection has a read lock, and the last one a write
lock while it closes (sqlite.org/fileformat2.html#lockbyte)."""

CAN_LEAVE = sys.version_info >= (3, 12) or sys.platform == "linux"
"""Whether a connection can be closed so: Python can tell SQLite from 3.12 on, and only Linux has a
lock that keeps out the process that holds it."""


def leave(connection: sqlite3.Connection, path: str) -> None:
    """Close a connection to the file of this path; the files beside it stay as they are.

    Where that cannot be done (not `CAN_LEAVE`), it is closed as any other.
    """
    if sys.version_info >= (3, 12):
        with suppress(sqlite3.Error):  # closed already
            connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)
        connection.close()
    elif sys.platform == "linux":
        with suppress(OSError):  # the file is gone, too: SQLite removes no log of such a one
            _close_as_one_of_several(connection, path)
        connection.close()
    else:
        connection.close()


def _close_as_one_of_several(connection: sqlite3.Connection, path: str) -> None:
    """Close it while a lock makes SQLite believe that somebody else has the file open."""
    # It stays open: closing it would end all locks that other connections of this process hold.
    descriptor = os.open(path, os.O_RDONLY)
    _lock(descriptor, shared=True)
    connection.close()
    _lock(descriptor, shared=False)


def _lock(descriptor: int, *, shared: bool) -> None:
    if sys.platform != "linux":
        return
    import fcntl  # noqa: PLC0415 - not there on Windows

    how = fcntl.F_RDLCK if shared else fcntl.F_UNLCK
    asked = struct.pack("hhqqi4x", how, os.SEEK_SET, SHARED_FIRST, SHARED_BYTES, 0)
    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, asked)  # Linux' `struct flock`
