"""Whether a worker lives."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mcp_server.jobs.host.lock import WorkerLock
from mcp_server.jobs.records import Host

MACHINE = platform.node()
"""The name of this machine."""


def _numbering() -> str:
    """Return what names the processes that this one can ask for by their numbers.

    Machines and containers may bear one name; processes elsewhere are known by their announcements
    alone.
    """
    found = MACHINE
    with suppress(OSError):  # only Linux says
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        found = f"{boot} {os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115 - it is no path
    return found


NUMBERING = _numbering()
"""Within what the numbers of processes mean the same: this start of the machine, this container."""
PLACES_MAX = 5
"""Machines that are named in a sentence."""

SILENT_S = 60.0
"""Processes announce themselves every few seconds; one that has not for this long is stuck."""


def worker_lives(
    lock: WorkerLock,
    hosts: Sequence[Host],
    *,
    now: float,
    several: bool,
    silent_s: float = SILENT_S,
) -> bool:
    """Whether a worker is alive, going by the lock, which the system frees as its holder dies.

    `several` workers share none: there it is one that has announced itself of late, and whose
    process is still there.
    """
    if lock.is_held():
        return True
    return several and bool(living(hosts, now, silent_s))


def living(hosts: Sequence[Host], now: float, silent_s: float = SILENT_S) -> Sequence[Host]:
    """Return the workers that live."""
    return [host for host in hosts if host.role == "worker" and is_alive(host, now, silent_s)]


def is_alive(host: Host, now: float, silent_s: float = SILENT_S) -> bool:
    """Whether this process lives; of this machine, one that was killed is found out at once."""
    if host.seen_at <= now - silent_s:
        return False
    return host.details.get("numbering", NUMBERING) != NUMBERING or _is_there(host.pid)


def machine_of(host: Host) -> str:
    """Return the name of a process's machine, as people are told of it."""
    name = str(host.details.get("machine", MACHINE))
    return name if re.fullmatch(r"[\w.-]{1,64}", name) else "a machine"  # it may be any text


def places_of(workers: Sequence[Host]) -> str:
    """Return where workers are: `anna`, or `2 on anna, 1 on berta`."""
    counts = Counter(map(machine_of, workers))
    if len(counts) == 1:
        return next(iter(counts))
    named = [f"{count} on {name}" for name, count in sorted(counts.items())]
    more = len(named) - PLACES_MAX
    return ", ".join(named[:PLACES_MAX]) + (f" and more on {more} others" if more > 0 else "")


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
