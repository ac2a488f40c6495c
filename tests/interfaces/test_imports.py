"""What the command line must not load: half a second for nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interfaces.test_stdio_wire import INITIALIZE


@pytest.mark.parametrize(
    "module",
    [
        "mcp_server.__main__",
        "mcp_server.app",
        "mcp_server.app.calls",
        "mcp_server.interfaces.mcp.stdio",
    ],
)
def test_the_protocols_library_is_not_loaded(module: str) -> None:
    """Neither by the commands nor by the worker."""
    code = f"import sys, {module}; print('mcp' in sys.modules, 'uvicorn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


def test_a_handlers_own_process_loads_no_more_than_it_needs() -> None:
    """It imports the plugins' door; what drafts and stores texts would double its start."""
    code = "import sys, mcp_server.plugin; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "mcp_server.plugin.job_context" in loaded
    assert not {"anyio", "structlog", "mcp_server.content", "mcp_server.storage"} & loaded


def test_a_server_answers_before_it_loads_what_opens_a_workspace(tmp_path: Path) -> None:
    """A client waits for the list of tools before it shows them to a model."""
    code = (
        "import pathlib, sys\n"
        "from mcp_server.interfaces.mcp import conversation\n"
        "settle = conversation.Conversation._settle\n"
        "async def noted(self, id, answer):\n"
        "    print(*(m for m in sys.modules if m.startswith('mcp_server.')), file=sys.stderr)\n"
        "    await settle(self, id, answer)\n"
        "conversation.Conversation._settle = noted\n"
        "from mcp_server.app import serve_stdio\n"
        f"serve_stdio(pathlib.Path({str(tmp_path)!r}))\n"
    )
    asked = [
        {"id": 1, "method": "initialize", "params": INITIALIZE},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/list"},
    ]
    lines = "".join(json.dumps({"jsonrpc": "2.0", **message}) + "\n" for message in asked)
    done = subprocess.run(
        [sys.executable, "-c", code], input=lines, capture_output=True, text=True, check=True
    )
    assert '"generate-all"' in done.stdout
    listing = set(done.stderr.splitlines()[1].split())
    assert "mcp_server.interfaces.mcp.server" in listing
    late = {"mcp_server.app.opening", "mcp_server.interfaces.mcp.boundary", "mcp_server.content"}
    assert not late & listing
