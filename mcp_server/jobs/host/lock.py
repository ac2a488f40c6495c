"""The lock that says which process works a workspace."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from filelock import FileLock, Timeout

from mcp_server.folder import PRIVATE


class WorkerLock:
    """The right to be the worker of a workspace; held by at most one process."""

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path, mode=PRIVATE, thread_local=False)
        self._path = path

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
        if (held := _is_locked(self._path)) is not None:
            return held
        if not self.acquire():
            return True
        self.release()
        return False


def _is_locked(path: Path) -> bool | None:
    """Whether another process holds a lock of this name: the question alone, fifty times as fast.

    Every `status` asks it. `None` where the system has no such question.
    """
    if sys.platform == "win32":
        return None
    import fcntl  # noqa: PLC0415 - there is none on Windows

    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
