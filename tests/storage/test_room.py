"""The files take no more room than what is in them needs: the log, and what was pruned."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from mcp_server.entities.effects import ABSENT, Effect, KeepPage, SavePageFile, SaveRevision
from mcp_server.entities.entity import PRODUCTION, Author, page_of
from mcp_server.entities.page_files import KnownFile, Source, Stat, bytes_hash
from mcp_server.jobs.worker.maintenance import Maintenance, MaintenanceSettings
from mcp_server.storage.sqlite.file.connection import LOG_BYTES_MAX
from mcp_server.storage.sqlite.file.examine import examine
from mcp_server.storage.sqlite.file.migrate import migrate, newest_schema
from tests.storage.invariants import check_invariants
from tests.storage.stores import DAY_S, Bench, a_job, a_text, sqlite

pytestmark = pytest.mark.anyio

MEGABYTE = 1024 * 1024
LARGE = a_job(payload={"text": "x" * 60_000})
ROOT_OF_SITES = """
SELECT rootpage, page_size FROM sqlite_schema, pragma_page_size WHERE name = 'sites'
"""
SCHEMA_4 = Path(__file__).parents[1] / "promises" / "databases" / "schema-4.sql"


def log_of(path: Path) -> Path:
    """Return where the log is."""
    return path.with_name(f"{path.name}-wal")


def auto_vacuum(path: Path) -> int:
    """Return how a file gives pages back: 2, some at a time."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA auto_vacuum").fetchone()[0]


async def test_a_log_that_grew_beside_a_reader_is_cut_once_the_reader_is_gone(
    tmp_path: Path,
) -> None:
    """As a backup is one, or the sqlite3 shell."""
    path = tmp_path / "pressroom.db"
    async with sqlite(path) as stores:
        bench = Bench(stores, sqlite, path)
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM jobs").fetchone()
            for id in ("b1", "b2"):
                await bench.submit(id, *[LARGE] * 250)
            assert log_of(path).stat().st_size > LOG_BYTES_MAX
            reader.execute("COMMIT")
        for id in ("b3", "b4"):  # the first brings all into the file, the second begins anew
            await bench.submit(id)
        assert log_of(path).stat().st_size <= LOG_BYTES_MAX


async def test_the_texts_of_a_site_that_was_there_before_are_kept_once_and_compressed(
    tmp_path: Path,
) -> None:
    """With all that is known of its files the database is smaller than the files are."""
    pages = {f"docs/page-{n}": data for n, data in enumerate(pages_of_prose(200))}
    path = tmp_path / "pressroom.db"
    async with sqlite(path) as stores:
        bench = Bench(stores, sqlite, path)
        await bench.submit("b1")
        before = path.stat().st_size + log_of(path).stat().st_size
        effects = [effect for page, data in pages.items() for effect in met(page, data)]
        await bench.submit("b2", effects=effects)
        live = await bench.entities.get_all(PRODUCTION)
        assert [text.current.markdown for text in live.values()] == [
            pages[page_of(id)].decode() for id in live
        ]
    grown = path.stat().st_size - before
    assert grown < sum(map(len, pages.values()))


def pages_of_prose(count: int) -> list[bytes]:
    """Cut pages of 4 KB out of our own documentation."""
    files = sorted((Path(__file__).parents[2] / "docs").rglob("*.md"))
    prose = "".join(file.read_text("utf-8") for file in files).encode("ascii", "ignore")
    step = (len(prose) - 4_000) // count
    return [prose[n * step : n * step + 4_000].strip() for n in range(count)]


def met(page: str, data: bytes) -> Sequence[Effect]:
    """Store what a first look finds in a file."""
    hash = bytes_hash(data)
    text = a_text(
        f"{page}/body",
        type=PRODUCTION,
        fields={},
        markdown=data.decode(),
        author=Author(kind="adopted"),
        source=Source(page_hash=hash, start=0, end=len(data)),
    )
    stat = Stat(size=len(data), modified_ns=2**60, changed_ns=2**60, inode=2**40)
    known = KnownFile(
        page=page,
        file=f"{page}.md",
        layout="0" * 16,
        stat=stat,
        hash=hash,
        in_file={"body": text.hash or ""},
    )
    return KeepPage(page, data, "met"), SaveRevision(text, ABSENT), SavePageFile(known)


async def test_the_room_of_pruned_jobs_is_given_back(tmp_path: Path) -> None:
    """In steps; some is kept for what comes next, and what is stored is whole."""
    path = tmp_path / "pressroom.db"
    async with sqlite(path) as stores:
        bench = Bench(stores, sqlite, path)
        await bench.submit("b1", *[LARGE] * 250)
        await bench.cancel()
        bench.clock.advance(40 * DAY_S)
        assert path.stat().st_size + log_of(path).stat().st_size > 15 * MEGABYTE
        assert await Maintenance(bench.store, bench.clock, MaintenanceSettings()).prune() == 250
        await bench.submit("b2")
        assert path.stat().st_size < 5 * MEGABYTE
        assert await bench.states("b2") == ["pending"]
    check_invariants(path)


def test_an_earlier_file_can_give_room_back_once_it_was_migrated(tmp_path: Path) -> None:
    """A small one is written anew for that."""
    path = tmp_path / "pressroom.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA_4.read_text("utf-8"))
    assert auto_vacuum(path) == 0
    migrate(path)
    assert auto_vacuum(path) == 2
    check_invariants(path)


def test_an_earlier_file_with_a_damaged_page_is_migrated_all_the_same(tmp_path: Path) -> None:
    """It cannot be written anew; what is whole of it can be worked with."""
    path = tmp_path / "pressroom.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA_4.read_text("utf-8"))
        [(root, size)] = connection.execute(ROOT_OF_SITES).fetchall()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    assert migrate(path) == newest_schema()
    assert auto_vacuum(path) == 0


def test_a_large_earlier_file_stays_as_it_is_and_says_what_it_wastes(tmp_path: Path) -> None:
    """Writing it anew would take long; what nothing uses of it is known."""
    path = tmp_path / "pressroom.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA_4.read_text("utf-8"))
        connection.execute("CREATE TABLE large (text BLOB)")
        connection.execute("INSERT INTO large VALUES (zeroblob(70000000))")
        connection.execute("DROP TABLE large")
        connection.commit()
    migrate(path)
    assert auto_vacuum(path) == 0
    assert examine(path).wasted_bytes > 64 * MEGABYTE
