"""`pressroom demo` as a newcomer runs it: real command, server and worker, no terminal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.waiting import PATIENCE_S

Run = Callable[[], str]


def hostile_folder(tmp_path: Path) -> Path:
    """Return a folder full of modules that must not be run, whatever is started in it."""
    folder = tmp_path / "hostile"
    folder.mkdir(exist_ok=True)
    for name in ("json", "yaml", "mcp", "mcp_server", "handlers", "rich"):
        (folder / f"{name}.py").write_text("raise SystemExit('a module of this folder was run')\n")
    return folder


@pytest.fixture
def run_demo(tmp_path: Path) -> Iterator[Run]:
    """Run the demo in one folder and return what it printed; its worker ends with the test."""

    def pressroom(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "mcp_server", *arguments],
            cwd=hostile_folder(tmp_path),
            env={key: value for key, value in os.environ.items() if "PRESSROOM" not in key},
            capture_output=True,
            encoding="utf-8",
            timeout=2 * PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    yield lambda: pressroom("demo", "--dir", str(tmp_path / "site"))
    pressroom("stop", "--workspace", str(tmp_path / "site"))


def without_ids(output: str) -> list[str]:
    """Return the steps and their results: what must be the same every time."""
    return [line for line in output.splitlines() if re.search(r"On the disk|→ \d+ of \d+", line)]


def test_the_demo_shows_the_main_job_and_works_again_on_the_same_folder(
    run_demo: Run, tmp_path: Path
) -> None:
    """A killed worker, a diff, promote and two rollbacks; the second run clears the stage first."""
    first = run_demo()
    assert "Made " in first
    killed = re.search(r"Killed the worker: process (\d+), SIGKILL, at (\d+)/(\d+)", first)
    follower = re.search(r"The batch goes on: process (\d+) took it up", first)
    if sys.platform != "win32":
        assert killed is not None
        assert follower is not None
        assert killed[1] != follower[1]
    assert "{+" in first
    assert "On the disk: no pages." in first
    assert "Byte for byte the files of before." in first
    pages = sorted((tmp_path / "site" / "content").glob("*.md"))
    assert all(page.name in first for page in pages)
    assert len(pages) >= 6
    config = json.loads(first[first.index("{\n") : first.rindex("}\n") + 1])
    assert config["mcpServers"]["pressroom"]["command"] == sys.executable

    second = run_demo()
    assert "is used again" in second
    assert "What the last demo left live is taken back first" in second
    assert without_ids(second)[2:] == without_ids(first)
    assert sorted((tmp_path / "site" / "content").glob("*.md")) == pages
