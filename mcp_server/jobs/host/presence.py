"""Whether a worker lives."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence

from mcp_server.jobs.host.lock import WorkerLock
from mcp_server.jobs.records import Host

MACHINE = platform.node()
"""The name of this machine; processes of others are known by their announcements alone."""

SILENT_S = 60.0
"""Processes announce themselves every few seconds; one that has not for this long is stuck."""


def worker_lives(lock: WorkerLock, hosts: Sequence[Host], *, now: float, several: bool) -> bool:
    """Whether a worker is alive, going by the lock, which the system frees as its holder dies.

    `several` workers share none: there it is one that has announced itself of late, and whose
    process is still there.
    """
    if lock.is_held():
        return True
    return several and any(host.role == "worker" and is_alive(host, now) for host in hosts)


def is_alive(host: Host, now: float) -> bool:
    """Whether this process lives; of this machine, one that was killed is found out at once."""
    if host.seen_at <= now - SILENT_S:
        return False
    return host.details.get("machine", MACHINE) != MACHINE or _is_there(host.pid)


def _is_there(pid: int) -> bool:
    if sys.platform == "win32":
        return True  # there, asking would end it
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is there, and another user's
        return True
    return True
