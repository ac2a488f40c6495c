"""SQLite's write-ahead log, as a file: what tells cheaply that nobody has committed."""

from __future__ import annotations

import os
from pathlib import Path

import anyio

SETTLED_S = 1.0
"""How long the file must have been as it is: its time is no finer than the system's tick, so what
has changed just now may change again without being seen."""


class LogFile:
    """The log of one database: every commit changes the file, whoever makes it."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.name}-wal")
        self._seen: tuple[int, int, int] | None = None
        self._changed_at = 0.0

    def is_quiet(self) -> bool:
        """Whether nothing has been committed for a while. False where that cannot be told."""
        if os.name != "posix":  # elsewhere a file's time is written when it is closed
            return False
        try:
            stat = self._path.stat()
        except OSError:
            return False
        now = anyio.current_time()
        seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if seen != self._seen:
            self._seen, self._changed_at = seen, now
        return now - self._changed_at > SETTLED_S
