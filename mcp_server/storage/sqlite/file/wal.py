"""SQLite's write-ahead log as a file: looking at it tells cheaply that nobody has committed."""

from __future__ import annotations

import os
import time
from pathlib import Path

SETTLED_S = 1.0
"""How long the file must have been unchanged to count as quiet. Its time is only as fine as the
system's tick, so a second change within the same tick does not show."""


class LogFile:
    """The log of one database: every commit changes the file, whoever makes it."""

    def __init__(self, database: Path) -> None:
        self._path = f"{os.fspath(database)}-wal"
        self._seen: tuple[int, int, int] | None = None
        self._changed_at = 0.0

    def is_quiet(self) -> bool:
        """Whether nothing has been committed for a while. False where that cannot be told."""
        if os.name != "posix":  # elsewhere a file's time is written when it is closed
            return False
        try:
            stat = os.stat(self._path)  # noqa: PTH116 -- ten times a second: no detour
        except OSError:
            return False
        now = time.monotonic()
        seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if seen != self._seen:
            self._seen, self._changed_at = seen, now
        return now - self._changed_at > SETTLED_S
