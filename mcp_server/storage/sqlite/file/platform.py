"""What the machine must give before a database on it is opened: nothing is to work by half.

Where the database lies is another matter: see `place`.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import struct
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mcp_server.errors import Unavailable

SQLITE_MIN = (3, 38, 0)
"""The first with `->>`, by which ends are recorded, and with JSON unless it was left out."""

MENDED = ((3, 44, 6), (3, 50, 7), (3, 51, 3))
"""Versions that have the mend of the fault below, each for those that begin alike; later ones have
it, too."""

FAULT = (
    "it has a fault that may, very rarely, damage a database to which several processes write at "
    "once (sqlite.org/wal.html#walresetbug)"
)
ANOTHER = (
    "It belongs to this Python: run Pressroom with another, such as the one that `uv python "
    "install 3.13` brings"
)

ELSEWHERE = "Name a folder on a disk of this machine in PRESSROOM_STATE_DIR"

REFUSED = frozenset({errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK})
"""What a system answers that keeps a lock which another has."""

Lock = Callable[[int], None]
"""Locks an open file for writing, or raises `OSError`."""


@dataclass(frozen=True, slots=True)
class Sqlite:
    """A build of SQLite: its version, and what it was told to be when it was made."""

    version: tuple[int, ...]
    options: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """As in `3.40.1`."""
        return ".".join(map(str, self.version))

    @property
    def lack(self) -> str | None:
        """What keeps Pressroom from working with it, and what helps; `None`: nothing."""
        if self.version < SQLITE_MIN:
            needed = ".".join(map(str, SQLITE_MIN))
            return f"SQLite {self.name} is too old: Pressroom needs {needed} or later. {ANOTHER}."
        if missing := sorted(self.options & {"OMIT_JSON", "OMIT_WAL", "THREADSAFE=0"}):
            return f"SQLite {self.name} was built with {missing[0]}. {ANOTHER}."
        return None

    @property
    def fault(self) -> str | None:
        """A known fault that this version has, and in which it is mended."""
        mended = next((each for each in MENDED if each[:2] == self.version[:2]), MENDED[-1])
        if self.version >= mended:
            return None
        return f"{FAULT}; {'.'.join(map(str, MENDED[-1]))} has it mended"


@cache
def present() -> Sqlite:
    """Return the build that this process has."""
    with closing(sqlite3.connect(":memory:")) as connection:
        options = connection.execute("PRAGMA compile_options").fetchall()
    return Sqlite(sqlite3.sqlite_version_info, frozenset(row[0] for row in options))


def check_sqlite(sqlite: Sqlite | None = None) -> None:
    """Return if Pressroom can work with this build; without one, with that of this process.

    Raises:
        Unavailable: it cannot; says which is needed.
    """
    if (lack := (sqlite or present()).lack) is not None:
        raise Unavailable(lack)


def check_locks(folder: Path, locks: Sequence[Lock] | None = None) -> None:
    """Return if a lock in this folder keeps others out.

    Raises:
        Unavailable: it does not: several workers would take the same jobs.
    """
    if (lack := lack_of_locks(folder, locks)) is not None:
        raise Unavailable(f"The state folder {folder.name} cannot be used: {lack}. {ELSEWHERE}.")


def lack_of_locks(folder: Path, locks: Sequence[Lock] | None = None) -> str | None:
    """Try whether a lock in this folder keeps others out; return what is wrong, in words.

    Nothing is said where that cannot be tried, as nothing can be written.
    """
    try:
        first, first_path = tempfile.mkstemp(dir=folder, prefix=".lock-")
    except OSError:
        return None
    try:
        second = os.open(first_path, os.O_RDWR)
        try:
            found = [_lack_of(lock, first, second) for lock in (locks or _locks())]
        finally:
            os.close(second)
    finally:
        os.close(first)
        Path(first_path).unlink(missing_ok=True)
    return next((lack for lack in found if lack), None)


def _lack_of(lock: Lock, first: int, second: int) -> str | None:
    try:
        lock(first)
    except OSError as error:
        return f"files in it cannot be locked ({error.strerror or error})"
    try:
        lock(second)
    except OSError as error:
        return None if error.errno in REFUSED else f"files in it cannot be locked ({error})"
    return "locks in it keep nobody out"


def _locks() -> Sequence[Lock]:
    """The locks that we go by: the worker's, and SQLite's.

    Of SQLite's kind only Linux has one that one process can try alone. Windows' are part of every
    file system that it has.
    """
    if sys.platform == "win32":
        return ()
    import fcntl  # noqa: PLC0415 - not there on Windows

    def whole(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    if sys.platform != "linux":
        return (whole,)

    # One byte from the first on, for writing: Linux' `struct flock`.
    first_byte = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0)

    def ranged(descriptor: int) -> None:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, first_byte)

    return whole, ranged
