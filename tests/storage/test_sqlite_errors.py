"""Whatever SQLite refuses becomes one of our errors, with its cause; nothing else is touched."""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mcp_server.errors import StorageBusy, StorageError
from mcp_server.storage.sql.transaction import Transaction
from mcp_server.storage.sqlite.file.connection import connect, open_file
from mcp_server.storage.sqlite.file.database import Database
from mcp_server.storage.sqlite.file.errors import MESSAGES, storage_error
from mcp_server.storage.sqlite.file.migrate import migrate

pytestmark = pytest.mark.anyio


def subclasses(root: type[sqlite3.Error]) -> Iterator[type[sqlite3.Error]]:
    """Every class of the driver's errors."""
    yield root
    for child in root.__subclasses__():
        yield from subclasses(child)


def an_error(code: int) -> sqlite3.Error:
    """Make an error as the driver raises it for this result code."""
    error = sqlite3.OperationalError("words of the driver")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize("kind", list(dict.fromkeys(subclasses(sqlite3.Error))))
async def test_every_error_of_the_driver_is_mapped(
    tmp_path: Path, kind: type[sqlite3.Error]
) -> None:
    """Read or write, it is a `StorageError` that has the driver's as its cause."""

    def refuse(_: object) -> None:
        raise kind("words of the driver")

    async with connect(tmp_path / "x.db") as connection:
        for run in (connection.hop, connection.read, connection.write):
            with pytest.raises(StorageError) as caught:
                await run(refuse)
            assert isinstance(caught.value.__cause__, kind)
            assert "words of the driver" not in str(caught.value)


async def test_what_is_no_error_of_the_driver_is_left_alone(tmp_path: Path) -> None:
    """A mistake of ours must not look like one of the disk's; the transaction is undone."""

    def mistake(_: object) -> None:
        raise KeyError("ours")

    async with connect(tmp_path / "x.db") as connection:
        for run in (connection.hop, connection.read, connection.write):
            with pytest.raises(KeyError):
                await run(mistake)
        assert not await connection.hop(lambda c: c.in_transaction)


@pytest.mark.parametrize(
    "code",
    [
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_BUSY_RECOVERY,
        sqlite3.SQLITE_BUSY_SNAPSHOT,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_LOCKED_SHAREDCACHE,
    ],
)
async def test_a_lock_of_somebody_else_is_safe_to_try_again(code: int) -> None:
    """Whatever kind of lock it is."""
    error = storage_error(an_error(code))
    assert isinstance(error, StorageBusy)


@pytest.mark.parametrize("code", sorted(MESSAGES))
async def test_what_a_person_can_mend_is_said_in_words(code: int) -> None:
    """Extended codes mean what their primary one means."""
    extended = code | (3 << 8)
    assert str(storage_error(an_error(code))) == str(storage_error(an_error(extended)))
    assert str(storage_error(an_error(code))) != str(storage_error(sqlite3.Error("x")))


async def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    """It may be anything that somebody still needs."""
    path = tmp_path / "x.db"
    path.write_bytes(b"these are my notes, not a database" * 100)
    before = path.read_bytes()
    with pytest.raises(StorageError):
        async with Database.open(path):
            pass
    assert path.read_bytes() == before


async def test_a_file_that_is_refused_is_closed_again(tmp_path: Path) -> None:
    """Whoever is told why can move it away at once, also on Windows."""
    path = tmp_path / "x.db"
    path.write_bytes(b"these are my notes, not a database" * 100)
    before = connections()
    with pytest.raises(StorageError) as caught:
        open_file(path)
    assert caught.value.__traceback__ is not None  # which keeps alive what it passed through
    made = [connection for connection in connections() if connection not in before]
    assert made
    assert all(is_closed(connection) for connection in made)


def connections() -> list[sqlite3.Connection]:
    """All of this process that somebody still holds, open or closed."""
    return [thing for thing in gc.get_objects() if type(thing) is sqlite3.Connection]


def is_closed(connection: sqlite3.Connection) -> bool:
    """Say whether it holds its file no more."""
    try:
        connection.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return True
    return False


async def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Nothing is made in its place."""
    with pytest.raises(StorageError):
        async with Database.open(tmp_path / "missing" / "x.db"):
            pass
    assert not (tmp_path / "missing").exists()


async def test_a_disk_that_fills_within_a_step_is_called_full(tmp_path: Path) -> None:
    """SQLite has taken the step's savepoint with the whole transaction by then."""
    path = tmp_path / "x.db"
    migrate(path)
    async with connect(path) as writer:
        pages = await writer.hop(lambda c: c.execute("PRAGMA page_count").fetchone()[0])
        await writer.hop(lambda c: c.execute(f"PRAGMA max_page_count = {pages}").fetchone())

        def step(tx: Transaction) -> int | None:
            return tx.kept_unless(
                lambda: tx.run("put_site", hash="h", document="x" * 100_000),
                failed=lambda made: made is None,
            )

        with pytest.raises(StorageError, match="full"):
            await writer.write(step)


async def test_a_full_disk_loses_nothing_and_is_survived(tmp_path: Path) -> None:
    """What was being written is undone; with room again, it can be written."""
    path = tmp_path / "x.db"
    migrate(path)
    async with connect(path) as writer:
        pages = await writer.hop(lambda c: c.execute("PRAGMA page_count").fetchone()[0])
        await writer.hop(lambda c: c.execute(f"PRAGMA max_page_count = {pages}").fetchone())
        big = "x" * 100_000
        with pytest.raises(StorageError, match="full"):
            await writer.write(lambda tx: tx.run("put_site", hash="h", document=big))
        await writer.hop(lambda c: c.execute("PRAGMA max_page_count = 100000").fetchone())
        assert await writer.read(lambda tx: tx.one("get_site", hash="h")) is None
        await writer.write(lambda tx: tx.run("put_site", hash="h", document=big))
    with closing(open_file(path)) as connection:
        assert connection.execute("SELECT length(document) FROM sites").fetchone()[0] == 100_000
