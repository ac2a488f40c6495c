"""How a client is configured to start the server of a workspace."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

SERVER_NAME = "pressroom"
"""What clients call this server."""


def server_command(workspace: Path) -> list[str]:
    """Return the command that serves `workspace` over stdio; every path in it is absolute.

    It names this Python instead of `pressroom`, as clients start servers without the user's PATH.
    They do so in any folder: without `-P`, modules in that folder could be imported for ours.
    """
    return [
        sys.executable,
        "-P",
        "-m",
        "mcp_server",
        "serve",
        "--workspace",
        f"{workspace.resolve()}",
    ]


def desktop_config(workspace: Path) -> str:
    """Return the JSON for Claude Desktop's `claude_desktop_config.json`, and others like it."""
    program, *arguments = server_command(workspace)
    server = {"command": program, "args": arguments}
    return json.dumps({"mcpServers": {SERVER_NAME: server}}, indent=2, ensure_ascii=False)


def claude_code_line(workspace: Path) -> str:
    """Return the command that adds the server to Claude Code."""
    words = ["claude", "mcp", "add", SERVER_NAME, "--", *server_command(workspace)]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
