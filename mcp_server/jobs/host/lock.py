"""The lock that says which process works a workspace."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

from mcp_server.folder import PRIVATE


class WorkerLock:
    """The right to be the worker of a workspace; held by at most one process."""

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path, mode=PRIVATE, thread_local=False)

    def acquire(self) -> bool:
        """Take the lock if it is free; whether we hold it now."""
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            return False
        return True

    def release(self) -> None:
        """Let it go."""
        self._lock.release()

    def is_held(self) -> bool:
        """Whether somebody, this process included, holds it."""
        if self._lock.is_locked:
            return True
        # The only way to ask is to try. Another process that tries in this moment finds it held.
        if not self.acquire():
            return True
        self.release()
        return False
