"""A file that an earlier version wrote: copied, migrated, and worked on as if nothing had been."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from mcp_server.errors import StorageOutdated, Unavailable
from mcp_server.storage.sqlite.file.connection import connect
from mcp_server.storage.sqlite.file.migrate import migrate, newest_schema
from mcp_server.storage.sqlite.file.transaction import PACKAGE
from tests.storage.invariants import PRESENT_ROUND, check_invariants
from tests.storage.processes import OPENER, running, tell
from tests.storage.stores import DAY_S, Bench, sqlite
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.anyio

DATABASES = Path(__file__).parents[1] / "promises" / "databases"
SCHEMA_4 = DATABASES / "schema-4.sql"
"""As the last version left it whose batches carried their present round: batches in one to three
rounds and in all states, one that is being cancelled, one that waits for another's job, one that
was pruned, and two that had the same submit key."""

NEVER_CHANGES = "id, batch_id, kind, owner, interface, destination, details, about, created_at"
OF_A_ROUND = (
    "batch_id, round, state, reason, terms, submit_key, total, completed, skipped, failed, "
    "cancelled, outstanding, follow_ups_failed, stopping, pruned, started_at, ended_at, change"
)
ENDS = """
SELECT batch_id, number, rounds.state, rounds.terms, rounds.total, rounds.completed,
    rounds.skipped, rounds.failed, rounds.cancelled, rounds.started_at, rounds.ended_at,
    rounds.change
FROM rounds JOIN batches ON batches.id = rounds.batch
WHERE rounds.ended_at IS NOT NULL
ORDER BY batch, number
"""
UNTOUCHED = ("jobs", "awaited", "requests", "counters", "identity")


def rows(path: Path, asked: str) -> list[tuple[Any, ...]]:
    """Return what is asked of a file, past all our own code."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(asked).fetchall()


def tables(path: Path) -> list[list[tuple[Any, ...]]]:
    """Return the rows that a migration of rounds has nothing to do with."""
    return [rows(path, f"SELECT * FROM {name} ORDER BY 1, 2") for name in UNTOUCHED[:3]] + [
        rows(path, f"SELECT * FROM {name} ORDER BY 1") for name in UNTOUCHED[3:]
    ]


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A file of schema 4."""
    path = tmp_path / "pressroom.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA_4.read_text("utf-8"))
    return path


@pytest.fixture
def migrated(earlier: Path) -> Iterator[Path]:
    """The same, as this version opens it; what becomes of it must be sound."""
    assert migrate(earlier) == newest_schema()
    yield earlier
    check_invariants(earlier)


def test_what_belonged_to_the_present_round_is_in_its_row(earlier: Path) -> None:
    """And all ends are as they were told; nothing of a batch, a job or a request is another."""
    batches = rows(earlier, f"SELECT {NEVER_CHANGES} FROM batches")
    present = rows(earlier, f"SELECT {OF_A_ROUND} FROM batches ORDER BY 1")
    ends, others = rows(earlier, ENDS), tables(earlier)
    migrate(earlier)
    assert rows(earlier, f"SELECT {NEVER_CHANGES} FROM batches") == batches
    assert rows(earlier, f"SELECT {OF_A_ROUND} FROM batches {PRESENT_ROUND} ORDER BY 1") == present
    assert rows(earlier, ENDS) == ends
    assert tables(earlier) == others
    assert {state for _, _, state, *_ in present} == {
        "pending", "processing", "paused", "completed", "failed", "cancelled",
    }  # fmt: skip
    check_invariants(earlier)


def test_the_file_is_copied_as_it_was(earlier: Path) -> None:
    """With its schema: the version before opens the copy."""
    before = rows(earlier, "SELECT * FROM batches"), rows(earlier, "SELECT * FROM rounds")
    migrate(earlier)
    copy = earlier.with_name(f"{earlier.name}.before-5")
    assert (rows(copy, "SELECT * FROM batches"), rows(copy, "SELECT * FROM rounds")) == before
    assert rows(copy, "PRAGMA user_version") == [(4,)]
    assert not earlier.with_name(f"{earlier.name}.before-4").exists()


def test_several_processes_migrate_it_at_once(earlier: Path) -> None:
    """As servers do that are all started anew; one of them does it, and copies it before."""
    with ExitStack() as stack:
        others = [stack.enter_context(running(OPENER, earlier)) for _ in range(3)]
        for other in others:
            tell(other)
        found = {other.communicate(timeout=PATIENCE_S)[0] for other in others}
    assert found == {f"{newest_schema()}\n"}
    copy = earlier.with_name(f"{earlier.name}.before-5")
    assert rows(copy, "PRAGMA user_version") == [(4,)]
    check_invariants(earlier)


async def test_who_has_it_open_as_it_was_touches_nothing_afterwards(earlier: Path) -> None:
    """A worker of the version before: what it reports would be written into another schema."""
    async with connect(earlier, schema=4) as before:
        await before.read(lambda tx: tx.one("last_change"))
        assert migrate(earlier) == newest_schema()
        found = tables(earlier)
        for use in (before.read, before.write):
            with pytest.raises(StorageOutdated, match="newer Pressroom"):
                await use(lambda tx: tx.run("note_claim", now_ms=1))
    assert tables(earlier) == found


def test_the_version_before_refuses_it_afterwards(migrated: Path) -> None:
    """In a sentence; it neither migrates nor copies anything."""
    folder = resources.files(PACKAGE).joinpath("file", "migrations")
    known = {
        number: file.read_text("utf-8")
        for file in folder.iterdir()
        if file.name.endswith(".sql") and (number := int(file.name[:4])) < newest_schema()
    }
    found, files = tables(migrated), sorted(migrated.parent.iterdir())
    with pytest.raises(Unavailable, match="written by a newer Pressroom") as caught:
        migrate(migrated, migrations=known)
    assert f"schema {newest_schema()}, this one knows {max(known)}" in str(caught.value)
    assert (tables(migrated), sorted(migrated.parent.iterdir())) == (found, files)


async def test_its_batches_go_on_to_their_ends(migrated: Path) -> None:
    """What runs is lost with the worker before, what is paused is resumed, the rest is done."""
    async with sqlite(migrated) as stores:
        bench = Bench(stores, sqlite, migrated)
        bench.clock.advance(30 * DAY_S)
        assert await bench.rescue() == 1
        assert (await bench.retry("b_paused")).batch is not None
        while attempts := await bench.claim(kinds=("work", "later")):
            await bench.finish(attempts[0])
        ends = {batch: await bench.batch(batch) for batch in ("b_third", "b_paused", "b_waits")}
        assert {(name, end.round, end.state) for name, end in ends.items()} == {
            ("b_third", 3, "completed"),
            ("b_paused", 2, "completed"),
            ("b_waits", 1, "completed"),
        }
        assert (await bench.batch("b_stopping")).state == "cancelled"
    assert rows(migrated, "SELECT count(*) FROM rounds WHERE ended_at IS NULL") == [(0,)]


async def test_its_batches_are_retried_pruned_and_found_by_their_keys(migrated: Path) -> None:
    """A third round follows the second; an earlier round is not pruned for itself."""
    async with sqlite(migrated) as stores:
        bench = Bench(stores, sqlite, migrated)
        assert (await bench.submit("b_new", submit_key="a key of two")).duplicate
        again = (await bench.retry("b_cancelled")).batch
        assert again is not None
        assert (again.round, again.state, again.total) == (3, "pending", 1)
        bench.clock.advance(90 * DAY_S)
        ages = {"completed_before": bench.now - DAY_S, "ended_before": bench.now - 30 * DAY_S}
        while await bench.store.prune(**ages, limit=100):
            pass
        left = await bench.store.jobs("b_third")
        assert len(left) == 4
        assert await bench.store.jobs("b_second") == []
        assert await bench.store.prune(**ages, limit=100) == 0
