"""What our tools queue has to have a handler, or nothing starts: jobs would wait for good."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import handlers
from mcp_server.content.actions.payloads import JOB_KINDS
from mcp_server.jobs.registry import discover
from tests.harness import small_site
from tests.waiting import PATIENCE_S
from tests.wire import command, environment

HANDLERS = Path(handlers.__path__[0])


@pytest.mark.parametrize("start", [("serve",), ("serve", "--http", "--port", "0"), ("worker",)])
def test_without_a_handler_neither_server_nor_worker_starts(
    tmp_path: Path, start: tuple[str, ...]
) -> None:
    """One line that names the kinds and says what to do; the database is not touched."""
    root = small_site(tmp_path / "site", {"menu": 1})
    lame = shutil.ignore_patterns("content_promote.py", "content_export.py", "__pycache__")
    shutil.copytree(HANDLERS, tmp_path / "packages" / "handlers", ignore=lame)
    packages = [str(tmp_path / "packages"), str(HANDLERS.parent)]
    done = subprocess.run(
        command(*start, "--workspace", str(root)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        cwd=tmp_path / "packages",
        env=environment(PYTHONPATH=":".join(packages)),
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        "pressroom: Nothing here runs jobs of kind content-export, content-promote, which"
    )
    assert "Install Pressroom again" in line
    assert not (root / ".pressroom").exists()


def test_what_is_installed_runs_all_that_our_tools_queue() -> None:
    """And has no handler that nothing of ours would queue."""
    assert sorted(found.kind for found in discover("handlers")) == sorted(JOB_KINDS)
