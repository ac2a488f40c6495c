"""The lock that keeps a page's file to one writer at a time."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from mcp_server.content.pages import disk
from mcp_server.entities.entity import is_slug
from mcp_server.entities.page_files import bytes_hash
from mcp_server.folder import PRIVATE, Folder

HOLDER_BYTES_MAX = 20
"""Bytes of a process id."""


class PageLock:
    """The operating system's lock of one page, signed with the process id of who has it."""

    def __init__(self, locks: Path, page: str) -> None:
        # A page's id may hold slashes, and be longer than a name can be.
        name = page if is_slug(page) else bytes_hash(page.encode("utf-8", "surrogatepass"))
        self._folder, self._name = Folder(locks.parent, locks.name), f"{name}.lock"
        self._path = locks / self._name
        # Not thread-local: it is taken in a worker thread and released in the event loop's.
        self._lock = FileLock(self._path, mode=PRIVATE, thread_local=False)

    def take(self) -> str | None:
        """Take the lock and sign it; return who has it if it is not free.

        Raises:
            ExportFailed: it cannot be taken.
        """
        with disk.explained(self._path, "taken"), self._folder.opened(create=True) as folder:
            if self._lock.is_locked:
                return None
            try:
                self._lock.acquire(blocking=False)
            except Timeout:
                with suppress(OSError):  # Windows keeps a locked file from being read, too
                    holder = folder.read(self._name, HOLDER_BYTES_MAX).decode("ascii", "replace")
                    return holder if holder.isdecimal() else ""
                return ""
            folder.overwrite(self._name, str(os.getpid()).encode("ascii"))
        return None

    def release(self) -> None:
        """Release the lock. Without holding it, nothing happens."""
        self._lock.release()
