"""`pressroom demo`: the main job with a real client, a real server and a worker that is killed.

Everything that is shown comes from an answer of the server or from the disk.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import anyio

from mcp_server.errors import ServerError
from mcp_server.interfaces.cli.bar import Move, Screen
from mcp_server.interfaces.cli.connect import claude_code_line, desktop_config, server_command

if TYPE_CHECKING:
    from mcp import Client

COMPOSER_DELAY_S = 1.5
"""Without a model a section takes milliseconds: too fast to watch, and to kill half-way."""
DEMO_S_MAX = 120
"""Far more than it takes; whatever hangs is then said to hang."""
WAIT_S = 20
"""How long one `status` call waits; the bar moves all the while."""
SHORT_WAIT_S = 1
"""The same where something is to be noticed in between."""

Json = Mapping[str, Any]


class DemoFailed(ServerError):
    """A step of the demo did not do what it shows; the message says which and why."""


def run_demo(folder: Path) -> None:
    """Show the main job in `folder`, which becomes a workspace if it is none.

    Raises:
        DemoFailed: a step failed, or the whole took too long.
    """
    screen = Screen()
    reused = _prepare(folder, screen)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        _with_trouble_explained(lambda: anyio.run(_connect_and_play, folder, reused, screen, log), log)
