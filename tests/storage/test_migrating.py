"""A newer Pressroom changes the tables on a server while an older one works there."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import pytest

from mcp_server.errors import StorageOutdated
from mcp_server.storage.postgres.connecting import connect
from mcp_server.storage.postgres.database import PostgresDatabase
from mcp_server.storage.postgres.migrate import migrations
from tests.storage.postgres_server import server
from tests.storage.processes import finish, running, tell
from tests.storage.stores import Bench, Stores, stores_on
from tests.waiting import until

pytestmark = pytest.mark.anyio

SCHEMA = f"test_migrating_{os.getpid()}"
NEWER = """
import sys
from mcp_server.storage.postgres import migrate
known = {**migrate.migrations(), int(sys.argv[3]): sys.argv[4]}
migrate.migrations = lambda: known
print("ready", flush=True)
sys.stdin.readline()
print(migrate.migrate(sys.argv[1], sys.argv[2]), flush=True)
"""
"""Brings a schema to the tables of a next version, once it is told to."""
HOLD = 4711
"""The number of a lock at which that stands still, when it has changed a table."""
ADDS = "ALTER TABLE jobs ADD COLUMN colour text"
REWRITES = f"{ADDS} DEFAULT md5(random()::text)"
"""Who looks at a table that was written anew, and had begun to read before, finds it empty."""


@pytest.fixture(params=[True, False], ids=["prepared", "pooled"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Bench]:
    """A store in a schema that is another afterwards, whose statements the server may know."""

    @asynccontextmanager
    async def engine(path: Path) -> AsyncGenerator[Stores]:
        async with PostgresDatabase.open(server(), SCHEMA, prepared=request.param) as database:
            yield stores_on(database)

    try:
        async with engine(tmp_path) as stores:
            yield Bench(stores, engine, tmp_path)
    finally:
        with connect(server()) as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE".encode())


class Migration:
    """A migration in another process, which stands still within its transaction."""

    def __init__(self) -> None:
        self._connection = connect(server())
        self._connection.execute("SELECT pg_advisory_lock(%s)", [HOLD])

    def waiting(self, locktype: str) -> int:
        """Return how many wait for a lock of this type."""
        asked = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = %s"
        row = self._connection.execute(asked, [locktype]).fetchone()
        assert row is not None
        return row[0]

    def go_on(self) -> None:
        """Let it come to its end."""
        self._connection.close()


@contextmanager
def migrating(statement: str) -> Generator[Migration]:
    """Have another process run a migration of this statement, up to where it stands still."""
    newer = str(max(migrations()) + 1)
    script = f"{statement}; SELECT pg_advisory_xact_lock({HOLD})"
    migration = Migration()
    with running(NEWER, server(), SCHEMA, newer, script) as process:
        try:
            tell(process)
            yield migration
        finally:
            migration.go_on()
        assert process.stdout is not None
        assert process.stdout.readline().strip() == newer
        finish(process)


@pytest.mark.parametrize("statement", [ADDS, REWRITES], ids=["adds", "rewrites"])
async def test_who_reads_while_the_tables_change_is_told_of_the_newer_version(
    bench: Bench, statement: str
) -> None:
    """And neither that a statement was refused, nor that nothing is there."""
    await bench.submit()
    for _ in range(9):  # so that the server has planned what is asked
        assert (await bench.job()).kind == "work"
    told: list[Exception] = []

    async def read() -> None:
        try:
            await bench.store.job("b1.1")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at below
            told.append(error)

    with migrating(statement) as migration:
        await until(lambda: migration.waiting("advisory") == 1)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await until(lambda: migration.waiting("relation") == 1)
            migration.go_on()
    assert [type(each) for each in told] == [StorageOutdated], [each.__cause__ for each in told]


async def test_who_writes_while_the_tables_change_is_told_of_the_newer_version(
    bench: Bench,
) -> None:
    """It waits for the lock that the migration has, and looks only then."""
    told: list[Exception] = []

    async def write() -> None:
        try:
            await bench.submit()
        except Exception as error:  # noqa: BLE001 - as above
            told.append(error)

    with migrating(ADDS) as migration:
        await until(lambda: migration.waiting("advisory") == 1)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(write)
            await until(lambda: migration.waiting("advisory") == 2)
            migration.go_on()
    assert [type(each) for each in told] == [StorageOutdated]
