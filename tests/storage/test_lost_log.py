"""The files beside an open database are taken away or replaced: noticed, and nothing is lost."""

from __future__ import annotations

import sqlite3
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest

from mcp_server.errors import StorageError
from mcp_server.storage.sqlite.file.database import Database

pytestmark = pytest.mark.anyio


async def put(database: Database, hash: str) -> None:
    """Store a site."""
    await database.write(lambda tx: tx.run("put_site", hash=hash, document="{}"))


def sites(path: Path) -> list[str]:
    """Return what somebody else finds in the file."""
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT hash FROM sites ORDER BY hash")]


def beside(path: Path, end: str) -> Path:
    """Return where a companion of the database is."""
    return path.with_name(path.name + end)


def take_away(path: Path, *ends: str) -> None:
    """Remove files beside the database."""
    for end in ends:
        beside(path, end).unlink()


@pytest.mark.parametrize("ends", [("-wal",), ("-shm",), ("-wal", "-shm")])
async def test_what_was_stored_in_a_log_that_is_taken_away_is_not_lost(
    tmp_path: Path, ends: tuple[str, ...]
) -> None:
    """The next call is told, the one after it goes on, and others find all that was stored."""
    path = tmp_path / "pressroom.db"
    async with Database.open(path) as database:
        await put(database, "before")
        take_away(path, *ends)
        with pytest.raises(StorageError, match="taken away"):
            await put(database, "refused")
        await put(database, "after")
        assert sites(path) == ["after", "before"]
    assert sites(path) == ["after", "before"]


async def test_who_only_reads_notices_that_the_log_was_taken_away(tmp_path: Path) -> None:
    """And reads on from what was saved of it."""
    path = tmp_path / "pressroom.db"
    async with Database.open(path) as database:
        await put(database, "before")
        take_away(path, "-wal", "-shm")
        with pytest.raises(StorageError, match="taken away"):
            await database.read(lambda tx: tx.one("get_site", hash="before"))
        assert await database.read(lambda tx: tx.one("get_site", hash="before"))


async def test_of_several_who_have_the_file_open_each_notices_and_none_loses_a_thing(
    tmp_path: Path,
) -> None:
    """Whoever opened it again with a new log is found by those who still have the old one."""
    path = tmp_path / "pressroom.db"
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(Database.open(path)) for _ in range(2)]
        await put(one, "of one")
        await put(other, "of another")
        take_away(path, "-wal", "-shm")
        for database in (one, other):
            with pytest.raises(StorageError):
                await put(database, "refused")
    assert sites(path) == ["of another", "of one"]


async def test_a_log_that_was_replaced_is_refused_until_somebody_has_seen_to_it(
    tmp_path: Path,
) -> None:
    """What it holds is somebody else's: nothing is stored beside it, and the next start goes on."""
    path = tmp_path / "pressroom.db"
    async with Database.open(path) as database:
        await put(database, "before")
        aside = beside(path, ".aside")
        beside(path, "-wal").rename(aside)
        beside(path, "-wal").write_bytes(b"another's")
        for _ in range(2):
            with pytest.raises(StorageError, match="replaced"):
                await put(database, "refused")
        beside(path, "-wal").unlink()
        aside.rename(beside(path, "-wal"))
        await put(database, "after")
    assert sites(path) == ["after", "before"]
