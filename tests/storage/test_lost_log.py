"""The files beside an open database are taken away or replaced: noticed, and nothing is lost."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

import pytest

from mcp_server.errors import StorageError
from mcp_server.storage.sqlite.file import connection as connections
from mcp_server.storage.sqlite.file.database import Database
from mcp_server.storage.sqlite.file.leave import CAN_LEAVE
from tests.storage.processes import WRITER, ask, finish, running

pytestmark = pytest.mark.anyio

needs_leave = pytest.mark.skipif(not CAN_LEAVE, reason="this Python cannot leave a log alone")


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


@asynccontextmanager
async def begun_anew(path: Path, other: subprocess.Popen[str]) -> AsyncGenerator[Database]:
    """Open the file with a log of its own, while another process has the one before."""
    async with Database.open(path) as database:
        assert ask(other) == "committed"
        take_away(path, "-wal", "-shm")
        with pytest.raises(StorageError, match="taken away"):
            await put(database, "refused")
        await put(database, "after")
        yield database


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


async def test_what_another_process_commits_into_a_log_that_was_taken_away_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody begins a new log while a write into the old one is under way."""
    monkeypatch.setattr(connections, "BUSY_TIMEOUT_S", 0.05)
    path = tmp_path / "pressroom.db"
    async with Database.open(path) as database:
        await put(database, "before")
        with running(WRITER, path) as other:
            take_away(path, "-wal", "-shm")
            for _ in range(2):
                with pytest.raises(StorageError, match="taken away"):
                    await put(database, "refused")
            assert ask(other) == "committed"
            with pytest.raises(StorageError, match="taken away"):
                await put(database, "refused")
            await put(database, "after")
            assert sites(path) == ["after", "at hand", "before"]
            finish(other)
    assert sites(path) == ["after", "at hand", "before"]


@needs_leave
async def test_a_process_whose_log_another_has_replaced_goes_on_with_the_new_one(
    tmp_path: Path,
) -> None:
    """Told once; from then on both work on what both have stored."""
    path = tmp_path / "pressroom.db"
    with running(WRITER, path) as other:
        async with begun_anew(path, other) as database:
            assert "call again" in ask(other, "refused")
            assert ask(other, "of the other") == "committed"
            await put(database, "last")
            finish(other)
        assert sites(path) == ["after", "at hand", "last", "of the other"]


@needs_leave
@pytest.mark.parametrize("calls", [0, 1, 2])
async def test_a_log_that_another_process_left_behind_is_not_removed_with_the_one_before(
    tmp_path: Path, calls: int
) -> None:
    """As the last to close the file would: what has the log's name by then is others' work."""
    path = tmp_path / "pressroom.db"
    with running(WRITER, path) as other:
        async with begun_anew(path, other):
            pass
        answers = [ask(other, "late") for _ in range(calls)]
        finish(other)
    assert answers[1:] == ["committed"] * (calls - 1)
    assert sites(path) == ["after", "at hand", *["late"] * len(answers[1:])]


async def test_who_opens_a_file_whose_log_this_process_has_lost_is_told(tmp_path: Path) -> None:
    """SQLite would give it the lost index, which no other process finds."""
    path = tmp_path / "pressroom.db"
    async with Database.open(path) as one:
        await put(one, "before")
        take_away(path, "-wal", "-shm")
        with pytest.raises(StorageError, match="taken away"):
            async with Database.open(path):
                pass
        with pytest.raises(StorageError, match="taken away"):
            await put(one, "refused")
        async with Database.open(path) as other:
            await put(other, "after")
            await put(one, "last")
            assert beside(path, "-shm").exists()
            assert sites(path) == ["after", "before", "last"]


async def test_nobody_opens_it_anew_beside_a_log_that_this_process_has_lost(tmp_path: Path) -> None:
    """Once whoever holds that one has let it go, all go on."""
    path = tmp_path / "pressroom.db"
    async with Database.open(path) as one, Database.open(path) as other:
        await put(one, "before")
        take_away(path, "-wal", "-shm")
        for _ in range(2):
            with pytest.raises(StorageError, match="taken away"):
                await put(one, "refused")
        with pytest.raises(StorageError, match="taken away"):
            await put(other, "refused")
        await put(other, "of the other")
        with pytest.raises(StorageError, match="taken away"):
            await put(one, "refused")
        await put(one, "after")
        assert sites(path) == ["after", "before", "of the other"]


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
