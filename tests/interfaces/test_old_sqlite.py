"""A Python whose SQLite is too old: each entry says so in one sentence, and nothing half works."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.harness import small_site
from tests.promises.moves import QUICK
from tests.waiting import PATIENCE_S
from tests.wire import command, environment, pipe

SITE_CUSTOMIZE = """
import sqlite3
sqlite3.sqlite_version_info, sqlite3.sqlite_version = (3, 37, 2), "3.37.2"
"""
"""Makes the Python of a process one of Ubuntu 22.04, to all who ask."""

SAID = "SQLite 3.37.2 is too old: Pressroom needs 3.38.0 or later."


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small site."""
    return small_site(tmp_path / "site", {"menu": 2}, **QUICK)


@pytest.fixture
def old(tmp_path: Path) -> dict[str, str]:
    """The variables of a process that has an old SQLite."""
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SITE_CUSTOMIZE, "utf-8")
    return {"PYTHONPATH": str(folder)}


def run(old: dict[str, str], *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        command(*map(str, arguments)),
        env=environment(**old),
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.mark.parametrize("entry", [("status",), ("worker",), ("worker", "--detached"), ("wait",)])
def test_a_command_says_which_sqlite_is_needed(
    root: Path, old: dict[str, str], entry: tuple[str, ...]
) -> None:
    """And leaves no trace of a database."""
    done = run(old, *entry, "--workspace", root)
    assert done.returncode == 2
    assert SAID in done.stderr
    assert "Traceback" not in done.stderr
    assert not (root / ".pressroom").exists()


def test_a_server_answers_every_call_with_it(root: Path, old: dict[str, str]) -> None:
    """It starts, as one that does not is only a red dot to its user."""
    with pipe(root, "auto", **old) as client:
        client.begin()
        for tool in ("status", "generate-all"):
            refused = client.call(tool)
            assert refused["isError"]
            assert refused["content"][0]["text"].startswith(SAID)
    assert not (root / ".pressroom").exists()


def test_the_doctor_names_it(root: Path, old: dict[str, str]) -> None:
    """An error, with what helps."""
    done = run(old, "doctor", "--json", "--workspace", root)
    assert done.returncode == 1
    found = {finding["check"]: finding for finding in json.loads(done.stdout)}
    assert found["versions"]["level"] == "error"
    assert SAID in found["versions"]["advice"]
