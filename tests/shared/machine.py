"""Pressroom as it runs on another machine: with a name and a clock of its own.

`python -m tests.shared.machine NAME AHEAD_S ARGUMENTS…` runs `pressroom ARGUMENTS…` there.
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable


def main() -> None:
    """Be that machine, then Pressroom."""
    name, ahead_s = sys.argv[1], float(sys.argv[2])
    platform.node = lambda: name
    time.time = _ahead(time.time, ahead_s)
    from mcp_server.jobs.host import presence

    presence.NUMBERING = name
    from mcp_server.__main__ import main

    sys.argv = ["pressroom", *sys.argv[3:]]
    main()


def _ahead(clock: Callable[[], float], seconds: float) -> Callable[[], float]:
    return lambda: clock() + seconds


if __name__ == "__main__":
    main()
