"""A client of its own: starts a server, calls a tool, prints the batch's id, and holds the line.

`python -m tests.faults.client FOLDER TOOL`
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.faults.processes import queued
from tests.wire import pipe


def main() -> None:
    """Ask, and wait for whoever ends us."""
    root, tool = Path(sys.argv[1]), sys.argv[2]
    with pipe(root, "auto") as chat:
        chat.begin()
        print(queued(chat, tool), flush=True)
        while chat.read() is not None:
            pass


if __name__ == "__main__":
    main()
