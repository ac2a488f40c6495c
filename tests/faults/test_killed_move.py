"""A move that is killed, at whatever line of it: nothing is lost, and the same command ends it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from mcp_server.config import database_of, open_workspace
from mcp_server.errors import Unavailable
from mcp_server.storage.opening import open_database
from mcp_server.trust import Grants, StateFolder
from tests.moving import Movable, filled_file, movable, pressroom
from tests.storage.moved_rows import Rows, drop_schemas, rows_of_file, rows_of_schema, schemas_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")

PARTS = (0.2, 0.6, 0.8, 0.88, 0.92, 0.95, 0.98)
"""Where it is killed, of all its lines: most often near the end, where the places change."""
EVERY = "PRESSROOM_KILL_EVERY"
"""Set to a number, one line in so many is tried instead."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that holds something of everything."""
    return anyio.run(filled_file, tmp_path_factory.mktemp("filled") / "site")


@pytest.fixture
def site(filled: Path, tmp_path: Path) -> Iterator[Movable]:
    """A workspace to be moved."""
    made = movable(tmp_path / "site", filled)
    yield made
    drop_schemas(made.address, made.schema)


@pytest.fixture(scope="module")
def lines(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    """How many lines a move takes, there and back."""
    made = movable(tmp_path_factory.mktemp("counted") / "site", filled)
    yield {way: _killed(made, way, "0") for way in ("there", "back")}
    drop_schemas(made.address, made.schema)


def _points(count: int) -> list[int]:
    if every := os.environ.get(EVERY):
        return list(range(1, count + 1, int(every)))
    return sorted({max(1, round(part * count)) for part in PARTS})


def test_a_move_into_the_shared_database_that_is_killed(
    site: Movable, lines: dict[str, int]
) -> None:
    """Each time the rows are whole in one place, and it is said where; the next run ends it."""
    before, killed, points = site.rows(), 0, _points(lines["there"])
    for at in points:
        killed += _killed(site, "there", str(at)) == -signal.SIGKILL
        assert _copies(site, before), f"nothing is whole after line {at}"
        _opens_whole_or_says_why(site, before)
        said, _ = site.move()
        assert "The workspace is in the database" in said
        assert site.is_shared, at
        assert site.rows() == before, at
        _nothing_is_left(site)
        site.move("sqlite")
        assert site.rows() == before, at
        drop_schemas(site.address, site.schema)
    assert killed > 0.95 * len(points), "the others take a few lines less than the first"


def test_a_move_into_a_file_that_is_killed(site: Movable, lines: dict[str, int]) -> None:
    """The same, the other way."""
    before, killed, points = site.rows(), 0, _points(lines["back"])
    site.move()
    for at in points:
        killed += _killed(site, "back", str(at)) == -signal.SIGKILL
        assert _copies(site, before), f"nothing is whole after line {at}"
        _opens_whole_or_says_why(site, before)
        said, _ = site.move("sqlite")
        assert "The workspace is in the file pressroom.db" in said
        assert not site.is_shared, at
        assert site.rows() == before, at
        _nothing_is_left(site)
        site.move()
        assert site.rows() == before, at
    assert killed > 0.95 * len(points), "the others take a few lines less than the first"


def test_while_a_move_is_to_be_ended_nothing_else_is_done(
    site: Movable,
) -> None:
    """Every command says what ends it, the doctor too; and no other move is begun."""
    assert _killed(site, "there", "_check_copy") == -signal.SIGKILL
    for command in (["status"], ["generate", "menu"], ["doctor"]):
        done = pressroom(site.root, *command)
        assert done.returncode != 0
        said = done.stdout + done.stderr
        assert "was interrupted at its last steps" in said
        place = database_of(site.address)
        assert (
            f"`pressroom database move` with the same address ({place}, --workspace-id {site.id})"
            in said
        )
    with pytest.raises(Unavailable, match="interrupted at its last steps"):
        site.move(workspace_id="another")
    with pytest.raises(Unavailable, match="interrupted at its last steps"):
        site.move("sqlite")
    site.move()
    assert pressroom(site.root, "status").returncode == 0


def _killed(site: Movable, way: str, at: str) -> int:
    """Run the command until it is killed there; return its exit code, or how many lines it has."""
    to = [site.address, "--workspace-id", site.id] if way == "there" else ["sqlite"]
    done = pressroom(site.root, at, "database", "move", *to, module="tests.killed_at")
    if at == "0":
        assert done.stdout.count("The workspace is in") == 1, done.stderr
        return int(done.stderr)
    return done.returncode


def _copies(site: Movable, before: Rows) -> list[str]:
    """Return where every row is as it was."""
    files = [file for file in site.file.parent.glob("pressroom.db*") if file.stat().st_size]
    whole = [file for file in files if file.suffix not in {".db-wal", ".db-shm"}]
    whole = [file for file in whole if "-wal" not in file.name and "-shm" not in file.name]
    found = [file.name for file in whole if rows_of_file(file) == before]
    like = next(iter(whole))
    return found + [
        schema
        for schema in schemas_of(site.address, site.schema)
        if rows_of_schema(site.address, schema, like) == before
    ]


def _opens_whole_or_says_why(site: Movable, before: Rows) -> None:
    """Whoever opens it now has every row, or learns what ends the move."""

    async def refusal() -> str | None:
        workspace = open_workspace(site.root, {})
        state = StateFolder(workspace)
        try:
            async with open_database(workspace, state, Grants(workspace, state)):
                return None
        except Unavailable as refused:
            return str(refused)

    if (said := anyio.run(refusal)) is None:
        assert site.rows() == before
    else:
        assert "pressroom database move" in said


def _nothing_is_left(site: Movable) -> None:
    """Only what has a name for good is there."""
    names = {file.name for file in site.file.parent.iterdir()}
    assert not {"moving", "moving.new", "pressroom.db.coming"} & names
    assert not (site.root / "pressroom.toml.new").exists()
