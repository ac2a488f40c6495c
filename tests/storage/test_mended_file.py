"""The file is replaced, damaged or made read-only while it is open, and mended: on it goes."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from mcp_server.errors import StorageError, StorageOutdated
from mcp_server.storage.sqlite.file.database import Database
from mcp_server.storage.sqlite.file.migrate import migrate, newest_schema

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is."""
    return tmp_path / "pressroom.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    """An open file with a site in it, and a copy of it beside it."""
    async with Database.open(path, synchronous="NORMAL") as opened:
        await put(opened, "before")
        with (
            closing(sqlite3.connect(path)) as source,
            closing(sqlite3.connect(copy_of(path))) as target,
        ):
            source.backup(target)
        await put(opened, "after")
        yield opened


def copy_of(path: Path) -> Path:
    """Return where the copy is."""
    return path.with_suffix(".copy")


async def put(database: Database, hash: str) -> None:
    """Store a site."""
    await database.write(lambda tx: tx.run("put_site", hash=hash, document="{}"))


async def get(database: Database, hash: str) -> bool:
    """Whether a site is stored."""
    return await database.read(lambda tx: tx.one("get_site", hash=hash)) is not None


def sites(path: Path) -> list[str]:
    """Return what somebody else finds in the file."""
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT hash FROM sites ORDER BY hash")]


async def test_a_copy_that_was_put_back_is_what_everybody_works_on(
    database: Database, path: Path
) -> None:
    """The first call is told; nothing is acknowledged into a file that nobody finds."""
    take_away(path)
    copy_of(path).replace(path)
    with pytest.raises(StorageError, match="another file was put in its place"):
        await put(database, "lost")
    await put(database, "kept")
    assert (await get(database, "before"), await get(database, "after")) == (True, False)
    assert sites(path) == ["before", "kept"]


async def test_whoever_calls_while_it_is_opened_anew_is_told_when_it_is_open(path: Path) -> None:
    """Told before, it would call again for nothing: an older file is first migrated."""
    opened_once, called_again = threading.Event(), threading.Event()

    def mark() -> None:
        if opened_once.is_set():  # it is being opened anew: the other call has half a second
            called_again.wait(0.5)
        opened_once.set()

    async def told_and_again() -> bool:
        with pytest.raises(StorageError, match="another file was put in its place"):
            await get(database, "before")
        try:
            return await get(database, "before")
        finally:
            called_again.set()

    async with Database.open(path, synchronous="NORMAL", mark=mark) as database:
        take_away(path)
        migrate(path)
        async with anyio.create_task_group() as calls:
            for _ in range(3):
                calls.start_soon(told_and_again)
                # The next one asks while that one has the file opened anew.
                await anyio.lowlevel.checkpoint()


async def test_who_only_reads_finds_the_copy_too(database: Database, path: Path) -> None:
    """As does who waits for a change."""
    take_away(path)
    copy_of(path).replace(path)
    since = database.version
    assert await database.wait_for_change(10, since=since, poll_s=0.01)
    assert not await get(database, "after")


async def test_the_log_of_the_file_before_is_not_taken_for_that_of_the_copy(
    database: Database, path: Path
) -> None:
    """It would damage the copy; somebody has to take it away."""
    copy_of(path).replace(path)
    for _ in range(2):
        with pytest.raises(StorageError, match="-wal"):
            await put(database, "lost")
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink()
    with pytest.raises(StorageError):
        await put(database, "lost")
    await put(database, "kept")
    assert sites(path) == ["before", "kept"]


async def test_a_file_that_was_moved_away_is_missed_and_none_is_made_for_it(
    database: Database, path: Path
) -> None:
    """Back in its place, it is what it was."""
    aside = path.with_suffix(".aside")
    move(path, aside)
    for _ in range(2):
        with pytest.raises(StorageError, match="not there any more"):
            await put(database, "lost")
    assert exists(aside) and not exists(path)
    move(aside, path)
    await put(database, "kept")
    assert sites(path) == ["after", "before", "kept"]


async def test_an_older_copy_is_brought_to_this_version(database: Database, path: Path) -> None:
    """As at the start."""
    take_away(path)
    with closing(sqlite3.connect(path)) as empty:
        empty.execute("PRAGMA user_version = 0")
    with pytest.raises(StorageError):
        await put(database, "lost")
    await put(database, "kept")
    assert sites(path) == ["kept"]
    assert migrate(path) > 0


def take_away(path: Path) -> None:
    """Remove a database, its log included."""
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink()


def move(path: Path, to: Path) -> None:
    """Give a file another name; its log stays where it is."""
    path.rename(to)


def exists(path: Path) -> bool:
    """Whether there is such a file."""
    return path.exists()


async def test_a_schema_that_a_newer_version_brought_is_neither_read_nor_written(
    database: Database, path: Path
) -> None:
    """Not even by a transaction that began right after the migration."""
    await put(database, "kept")
    migrate(path, migrations={newest_schema() + 1: "CREATE TABLE next (id INTEGER);\n"})
    for _ in range(2):
        with pytest.raises(StorageOutdated, match="newer Pressroom"):
            await put(database, "lost")
        with pytest.raises(StorageOutdated):
            await get(database, "kept")
    assert database.trouble is not None
    assert sites(path) == ["after", "before", "kept"]
