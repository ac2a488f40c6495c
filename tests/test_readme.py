"""The README says what is there, and all of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mcp_server.clock import SystemClock
from mcp_server.interfaces.mcp.tools.caller import Caller
from mcp_server.interfaces.mcp.tools.catalogue import catalogue
from mcp_server.interfaces.services import Services
from mcp_server.jobs.job import BATCH_TRANSITIONS, JOB_TRANSITIONS, Origin

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")


class NoServices:
    """Nothing is called here; the catalogue is only listed."""

    async def services(self) -> Services:
        raise AssertionError("the catalogue needs no services")


def test_it_is_short_enough_to_be_read() -> None:
    """At most 200 lines."""
    assert len(README.splitlines()) <= 200


def test_every_tool_is_in_it() -> None:
    """No tool is left for the reader to find."""
    caller = Caller(
        provider=NoServices(),
        origin=Origin(owner="local", interface="test"),
        clock=SystemClock(),
    )
    for entry in catalogue(caller):
        assert f"`{entry.name}`" in README, entry.name


def test_its_json_blocks_are_json() -> None:
    """What is copied into a configuration can be read there."""
    blocks = re.findall(r"```json\n(.*?)```", README, flags=re.DOTALL)
    assert blocks
    for block in blocks:
        json.loads(block)


def test_the_paths_in_its_map_exist() -> None:
    """The map leads somewhere."""
    for path in ("mcp_server/__main__.py", "handlers/content_promote.py", ".ci/run", "LICENSE"):
        assert (ROOT / path).exists(), path
    for folder in ("interfaces", "content", "jobs", "entities", "progress", "storage/sqlite"):
        assert f"`{folder}/`" in README
        assert (ROOT / "mcp_server" / folder).is_dir()


@pytest.mark.parametrize("table", ["job", "batch"])
def test_its_state_tables_are_those_of_the_code(table: str) -> None:
    """A state goes where the table says, and nowhere else."""
    transitions = JOB_TRANSITIONS if table == "job" else BATCH_TRANSITIONS
    expected = {str(state): {str(to) for to in goes} for state, goes in transitions.items()}
    found: dict[str, set[str]] = {state: set() for state in expected}
    for states, goes in _rows(f"| {table} state |"):
        for state in states:
            found[state] |= set(goes)
    assert found == expected


def _rows(header: str) -> list[tuple[list[str], list[str]]]:
    lines = README.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(header)) + 2
    rows: list[tuple[list[str], list[str]]] = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        rows.append((_words(cells[0]), _words(cells[1])))
    return rows


def _words(cell: str) -> list[str]:
    return [word.strip() for word in cell.split(",") if word.strip()]
