"""`pressroom demo` as a newcomer runs it: real command, server and worker, no terminal."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcp_server.interfaces.cli.demo_site import AFTER, BEFORE, FILES
from tests.waiting import PATIENCE_S

Run = Callable[[], str]
Pressroom = Callable[..., "subprocess.CompletedProcess[str]"]


def hostile_folder(tmp_path: Path) -> Path:
    """Return a folder full of modules that must not be run, whatever is started in it."""
    folder = tmp_path / "hostile"
    folder.mkdir(exist_ok=True)
    for name in ("json", "yaml", "mcp", "mcp_server", "handlers", "rich"):
        (folder / f"{name}.py").write_text("raise SystemExit('a module of this folder was run')\n")
    return folder


@pytest.fixture
def pressroom(tmp_path: Path) -> Iterator[Pressroom]:
    """Run `pressroom` from a hostile folder; the workers of `site` end with the test."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        own = {key: value for key, value in os.environ.items() if "PRESSROOM" not in key}
        return subprocess.run(
            [sys.executable, "-P", "-m", "mcp_server", *arguments],
            cwd=hostile_folder(tmp_path),
            env={**own, **variables},
            capture_output=True,
            encoding="utf-8",
            timeout=2 * PATIENCE_S,
            check=False,
        )

    yield run
    if (tmp_path / "site").exists():
        assert run("stop", "--workspace", str(tmp_path / "site")).returncode == 0


@pytest.fixture
def run_demo(pressroom: Pressroom, tmp_path: Path) -> Run:
    """Run the demo in one folder and return what it printed."""

    def run() -> str:
        done = pressroom("demo", "--dir", str(tmp_path / "site"))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


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


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_demo_of_a_site_that_is_there_changes_one_paragraph_and_leaves_no_trace(
    pressroom: Pressroom, tmp_path: Path
) -> None:
    """Git sees that paragraph and nothing else, and nothing at all after the rollback; twice."""
    for again in (False, True):
        done = pressroom("demo", "--existing", "--dir", str(tmp_path / "site"))
        assert done.returncode == 0, done.stdout + done.stderr
        assert ("is used again" in done.stdout) is again
        assert ("seems to be a Hugo site" in done.stdout) is not again
        assert "the composer cannot rewrite an existing text" in done.stdout
        assert "1 file changed, 1 insertion(+), 1 deletion(-)" in done.stdout
        assert f"-{BEFORE}" in done.stdout
        assert f"+{AFTER}" in done.stdout
        assert "nothing to commit, working tree clean" in done.stdout
    for path, text in FILES.items():
        assert (tmp_path / "site" / path).read_bytes() == text.encode()


def test_the_demo_of_a_site_that_is_there_says_that_it_needs_git(
    pressroom: Pressroom, tmp_path: Path
) -> None:
    """It makes nothing then, and names the demo that goes without."""
    done = pressroom("demo", "--existing", "--dir", str(tmp_path / "site"), PATH=str(tmp_path))
    assert done.returncode != 0
    assert "install it, or run `pressroom demo` without --existing" in done.stderr
    assert not (tmp_path / "site").exists()


def test_the_demo_of_a_site_that_is_there_leaves_a_folder_of_others_alone(
    pressroom: Pressroom, tmp_path: Path
) -> None:
    """What lies there may be somebody's site; it is refused before anything is written."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "notes.md").write_text("Mine.\n")
    done = pressroom("demo", "--existing", "--dir", str(tmp_path / "theirs"))
    assert "is not empty; name another folder by --dir" in done.stderr
    assert [path.name for path in (tmp_path / "theirs").iterdir()] == ["notes.md"]
