"""Pressroom as it runs on another machine: with a name, a clock and packages of its own.

`python -m tests.shared.machine NAME AHEAD_S ARGUMENTS…` runs `pressroom ARGUMENTS…` there. What the
variable LACKS names, a package, is not found there.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
import time
from collections.abc import Callable


def main() -> None:
    """Be that machine, then Pressroom."""
    name, ahead_s = sys.argv[1], float(sys.argv[2])
    platform.node = lambda: name
    lacks, find = os.environ.pop("LACKS", ""), importlib.util.find_spec
    importlib.util.find_spec = lambda name, package=None: (
        None if name == lacks else find(name, package)
    )
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
