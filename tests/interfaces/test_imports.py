"""What the command line must not load: half a second for nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module",
    [
        "mcp_server.__main__",
        "mcp_server.app",
        "mcp_server.interfaces.mcp.answers.status",
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
