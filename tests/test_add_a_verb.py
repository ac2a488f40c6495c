"""Who adds a verb as the page says it has one that works."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.waiting import PATIENCE_S

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "add-a-verb.md").read_text("utf-8")
STEP = re.compile(
    r"^`([\w/.]+)`(?:, a new file)?:\n\n```(python|diff)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
"""A file, and all of its text, or the lines that are added to it."""


def test_its_steps_add_a_verb_that_works(tmp_path: Path) -> None:
    """All are done on a copy; then the tests that the page adds pass there."""
    no_caches = shutil.ignore_patterns("__pycache__")
    for folder in ("mcp_server", "handlers", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=no_caches)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    steps = STEP.findall(PAGE)
    assert len(steps) == PAGE.count("```python") + PAGE.count("```diff")
    for path, language, block in steps:
        take(tmp_path / path, language, block)
    added = [path for path, *_ in steps if path.startswith("tests/")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", *added],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(added)} passed" in done.stdout


def take(file: Path, language: str, block: str) -> None:
    """Write a new file, or change one where it reads like the lines that the block leaves."""
    if language == "python":
        assert not file.exists(), f"{file} is not new"
        file.write_text(block, "utf-8")
        return
    lines = block.splitlines()
    old = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("+"))
    new = "".join(f"{line[1:]}\n" for line in lines if not line.startswith("-"))
    text = file.read_text("utf-8")
    assert text.count(old) == 1, f"{file} has no such lines, or has them twice:\n{old}"
    file.write_text(text.replace(old, new), "utf-8")
