"""How much memory this process has had, and another one has."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

STATUS = Path("/proc/self/status")
PEAK = "VmHWM:"


def peak_kb() -> float:
    """Return the most memory this process ever had; where the system does not say, nothing."""
    if sys.platform == "win32":
        return float("nan")
    if STATUS.exists():  # what `getrusage` says on Linux begins with the parent's
        lines = STATUS.read_text("ascii").splitlines()
        return float(next(line for line in lines if line.startswith(PEAK)).split()[1])
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def memory_kb(pid: int) -> float:
    """Return how much memory a process has; where the system does not say, nothing."""
    return _said_of(pid, "VmRSS:")


def peak_kb_of(pid: int) -> float:
    """Return the most memory that a process has had; where the system does not say, nothing."""
    return _said_of(pid, PEAK)


def _said_of(pid: int, what: str) -> float:
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
        return float(next((line.split()[1] for line in lines if line.startswith(what)), 0))
    return 0.0
