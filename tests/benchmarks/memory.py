"""How much memory this process has had, and another one has."""

from __future__ import annotations

import sys
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
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0.0
    lines = status.read_text("ascii").splitlines()
    return float(next(line for line in lines if line.startswith("VmRSS:")).split()[1])
