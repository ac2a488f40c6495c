"""One file, several processes: opened, migrated, locked, and never left half written."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import ExitStack, closing
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from mcp_server.errors import StorageBusy, StorageError, Unavailable
from mcp_server.storage.sql.transaction import Transaction
from mcp_server.storage.sqlite.file.connection import Synchronous, connect, open_file
from mcp_server.storage.sqlite.file.database import Database
from mcp_server.storage.sqlite.file.migrate import migrate
from tests.storage.processes import HOLDER, OPENER, running, tell
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.anyio

LEVELS: dict[Synchronous, int] = {"FULL": 2, "NORMAL": 1}
FIRST = "CREATE TABLE notes (text TEXT);\n"
SECOND = "ALTER TABLE notes ADD COLUMN author TEXT;\nINSERT INTO notes VALUES ('new', 'ada');\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is, or will be."""
    return tmp_path / "pressroom.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    """An open file."""
    async with Database.open(path, synchronous="NORMAL") as opened:
        yield opened


def notes(path: Path) -> list[tuple[str, ...]]:
    """Return the rows of a file that these tests migrated."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT * FROM notes").fetchall()


def sites(path: Path) -> list[str]:
    """Return the hashes of the stored sites; fail if somebody holds the write lock."""
    with closing(sqlite3.connect(path, timeout=0)) as connection, connection:
        connection.execute("BEGIN IMMEDIATE")
        return [row[0] for row in connection.execute("SELECT hash FROM sites ORDER BY hash")]


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder."""
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def put(hash: str, tx: Transaction) -> None:
    """Store a site."""
    tx.run("put_site", hash=hash, document="{}")


# Opening and migrating


async def test_the_file_is_as_durable_as_asked_for(path: Path) -> None:
    """WAL, every commit on the disk, foreign keys, and a wait for other writers."""
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    for synchronous, level in LEVELS.items():
        with closing(open_file(path, synchronous=synchronous)) as connection:
            found = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]
        assert found == ["wal", level, 1, 5000]


async def test_a_newer_schema_is_refused_in_one_line_and_left_untouched(path: Path) -> None:
    """Byte for byte; nothing is left beside it."""
    migrate(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = contents(path.parent)
    with pytest.raises(Unavailable) as refused:
        async with Database.open(path):
            pass
    assert "\n" not in str(refused.value)
    assert "newer Pressroom" in str(refused.value) and "99" in str(refused.value)
    assert contents(path.parent) == before


async def test_a_file_is_copied_before_it_is_migrated(path: Path) -> None:
    """Not a new one; and not again when there is nothing to do."""
    assert migrate(path, migrations={1: FIRST}) == 1
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO notes VALUES ('old')")
    assert list(path.parent.glob("*.before-*")) == []
    for _ in range(2):
        assert migrate(path, migrations={1: FIRST, 2: SECOND}) == 2
    assert notes(path) == [("old", None), ("new", "ada")]
    [copy] = path.parent.glob("*.before-*")
    assert (copy.name, notes(copy)) == (f"{path.name}.before-2", [("old",)])


async def test_a_new_file_is_not_copied_however_many_migrations_make_it(path: Path) -> None:
    """There is nothing in it to be kept."""
    assert migrate(path, migrations={1: FIRST, 2: SECOND}) == 2
    assert list(path.parent.glob("*.before-*")) == []


async def test_a_migration_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    """All of its statements are undone, and the next start tries again."""
    migrate(path, migrations={1: FIRST})
    broken = SECOND + "INSERT INTO missing VALUES (1);\n"
    with pytest.raises(StorageError):
        migrate(path, migrations={1: FIRST, 2: broken})
    assert notes(path) == []
    assert migrate(path, migrations={1: FIRST, 2: SECOND}) == 2


async def test_several_processes_open_a_new_file_at_once(path: Path) -> None:
    """Each finds the same schema, whoever made it."""
    with ExitStack() as stack:
        processes = [stack.enter_context(running(OPENER, path)) for _ in range(4)]
        for process in processes:
            tell(process)
        answers = [await anyio.to_thread.run_sync(process.communicate) for process in processes]
    assert {answer[0] for answer in answers} == {f"{migrate(path)}\n"}


# Transactions


async def test_a_transaction_that_raises_leaves_nothing_behind(
    database: Database, path: Path
) -> None:
    """Neither its rows nor its lock."""

    def fail(tx: Transaction) -> None:
        put("half", tx)
        raise KeyError

    with pytest.raises(KeyError):
        await database.write(fail)
    await database.write(lambda tx: put("whole", tx))
    assert sites(path) == ["whole"]


@pytest.mark.parametrize("how", ["scope", "task"])
async def test_a_transaction_whose_caller_was_cancelled_is_committed_whole(
    database: Database, path: Path, how: str
) -> None:
    """The caller is cancelled while the writer's thread is between two of its statements."""
    entered, go_on = threading.Event(), threading.Event()

    def slowly(tx: Transaction) -> None:
        put("first", tx)
        entered.set()
        assert go_on.wait(PATIENCE_S)
        put("second", tx)

    scope = anyio.CancelScope()

    async def call() -> None:
        with scope:
            await database.write(slowly)

    caller = asyncio.create_task(call())
    await anyio.to_thread.run_sync(entered.wait, 5)
    if how == "scope":
        scope.cancel()
    else:
        caller.cancel()
    go_on.set()
    with anyio.fail_after(PATIENCE_S):
        await asyncio.wait([caller])
        await database.write(lambda tx: put("third", tx))
    assert sites(path) == ["first", "second", "third"]


async def test_a_step_that_is_undone_leaves_the_rest_of_its_transaction(
    database: Database, path: Path
) -> None:
    """By its result, or by an exception that somebody catches."""

    def steps(tx: Transaction) -> None:
        put("before", tx)
        tx.kept_unless(lambda: put("undone", tx), failed=lambda _: True)
        tx.kept_unless(lambda: put("kept", tx), failed=lambda _: False)
        with pytest.raises(ZeroDivisionError):
            tx.kept_unless(lambda: [put("raised", tx), 1 / 0], failed=lambda _: False)

    await database.write(steps)
    assert sites(path) == ["before", "kept"]


# Other processes


async def test_a_lock_held_by_another_process_is_busy_and_later_free(
    database: Database, path: Path
) -> None:
    """Reading goes on meanwhile; nothing of ours is half done."""
    async with connect(path) as writer:
        await writer.hop(lambda c: c.execute("PRAGMA busy_timeout = 50").fetchone())
        with running(HOLDER, path) as holder:
            with pytest.raises(StorageBusy):
                await writer.write(lambda tx: put("ours", tx))
            assert await database.read(lambda tx: tx.one("get_site", hash="ours")) is None
            tell(holder)
            await anyio.to_thread.run_sync(holder.wait)
        await writer.write(lambda tx: put("ours", tx))
    assert sites(path) == ["from outside", "ours"]


async def test_a_write_waits_for_another_process_that_is_soon_done(
    database: Database, path: Path
) -> None:
    """Nobody is told that the database is busy."""

    async def write() -> None:
        await database.write(lambda tx: put("ours", tx))

    with running(HOLDER, path) as holder, anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(write)
            tell(holder)
    assert sites(path) == ["from outside", "ours"]


async def test_a_process_that_is_killed_in_a_transaction_leaves_nothing(
    database: Database, path: Path
) -> None:
    """Its lock is free at once, and its rows were never there."""
    with running(HOLDER, path) as holder:
        holder.kill()
        await anyio.to_thread.run_sync(holder.wait)
    await database.write(lambda tx: put("ours", tx))
    assert sites(path) == ["ours"]


async def test_a_commit_of_another_process_wakes_who_waits(database: Database, path: Path) -> None:
    """Within a look or two."""
    with running(HOLDER, path) as holder, anyio.fail_after(PATIENCE_S):
        since = database.version
        assert not await database.wait_for_change(0.01, since=since)
        tell(holder)
        assert await database.wait_for_change(60, since=since)
        assert sites(path) == ["from outside"]


async def test_looking_at_an_open_file_once_more_drops_no_lock_of_it(
    path: Path, database: Database
) -> None:
    """Another process that leaves would take itself for the last one, and remove our log."""
    await database.write(lambda tx: put("one", tx))
    migrate(path)
    script = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT 1 FROM jobs')"
    await anyio.run_process([sys.executable, "-c", script, str(path)])
    assert path.with_name(f"{path.name}-wal").exists()
    await database.write(lambda tx: put("two", tx))
    assert sites(path) == ["one", "two"]
