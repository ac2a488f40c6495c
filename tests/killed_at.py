"""`python -m tests.killed_at N database move …`: the command, killed at its Nth line.

Or at the first line of a function, where that is named in place of a number.

Counted are the lines of what moves a workspace, each when it is come to for the first time. The
process kills itself with SIGKILL before that line is run: nothing is closed, and nothing undone.
With 0 it runs to its end, and says on stderr how many there were.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Any

from mcp_server.__main__ import main

MOVING = ("storage/moving/", "app/moving.py", "config/rewriting.py", "postgres/moved.py")


def run() -> None:
    """Run the command until then."""
    at = sys.argv.pop(1)
    seen: set[tuple[str, int]] = set()

    def trace(frame: FrameType, event: str, _: object) -> Any:
        name = frame.f_code.co_filename
        if not any(part in name for part in MOVING) or frame.f_code.co_name == "<module>":
            return None
        if event == "line":
            seen.add((name, frame.f_lineno))
            if at in (str(len(seen)), frame.f_code.co_name):
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    try:
        main()
    finally:
        sys.settrace(None)
        sys.stderr.write(f"{len(seen)}\n")


if __name__ == "__main__":
    run()
