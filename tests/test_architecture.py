"""The page about the architecture draws what the code does, and its map leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mcp_server.jobs.job import BATCH_TRANSITIONS, JOB_TRANSITIONS

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
ARROW = re.compile(r"^ +(\w+) --> (\w+): \S.*$", re.MULTILINE)
"""A line of a state diagram, which says why."""


@pytest.mark.parametrize("which", ["job", "batch"])
def test_a_state_goes_where_its_diagram_says_and_nowhere_else(which: str) -> None:
    """The first diagram is of a job, the second of a batch."""
    jobs, batches = re.findall(r"```mermaid\nstateDiagram-v2\n(.*?)```", PAGE, flags=re.DOTALL)
    transitions = JOB_TRANSITIONS if which == "job" else BATCH_TRANSITIONS
    drawn = ARROW.findall(jobs if which == "job" else batches)
    assert len(drawn) == len(set(drawn))
    assert set(drawn) == {
        (f"{state}", f"{to}") for state, goes in transitions.items() for to in goes
    }


def test_every_part_of_the_code_is_in_its_map() -> None:
    """A newcomer finds each folder and module of the top floor."""
    parts = [path for path in (ROOT / "mcp_server").iterdir() if path.suffix in {"", ".py"}]
    names = {part.name for part in parts} - {"__init__.py", "__pycache__"}
    assert names
    for name in names:
        assert re.search(rf"`{name}\b", PAGE), name


def test_the_folders_that_it_names_are_there() -> None:
    """By their path, or the end of it."""
    there = {f"/{path.relative_to(ROOT).as_posix()}/" for path in ROOT.glob("[a-z]*/**/")}
    named = re.findall(r"`([a-z_/]+/)`", PAGE)
    assert named
    for folder in named:
        assert any(path.endswith(f"/{folder}") for path in there), folder
