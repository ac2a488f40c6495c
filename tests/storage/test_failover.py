"""A standby takes over: stores go on by themselves, and what it had not is said, not mistaken."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import anyio.to_thread
import psycopg
import pytest

from mcp_server.errors import LostClaim, StorageUncertain
from mcp_server.storage.postgres.database import PostgresDatabase
from mcp_server.storage.postgres.examine import examine
from tests.benchmarks.postgres import Postgres, running
from tests.storage.cutting import Proxy
from tests.storage.stores import Bench, postgres, stores_on
from tests.storage.test_updates import updates_of
from tests.waiting import wait_until

pytestmark = pytest.mark.anyio
LEADS = "&target_session_attrs=read-write"


class Pair:
    """A server that leads, and one that follows it without being waited for."""

    def __init__(self, one: Postgres, two: Postgres, folders: tuple[str, str]) -> None:
        self._one, self._two, self.folders = one, two, folders
        own = [f"postgresql://postgres@/postgres?host={folder}" for folder in folders]
        self.first, self.second = own
        self.both = f"postgresql://postgres@/postgres?host={','.join(folders)}{LEADS}"

    def cut_off(self) -> None:
        """Let the second hear no more of the first."""
        self._wait_for_second()
        _run(self.second, "ALTER SYSTEM SET primary_conninfo = ''")
        _run(self.second, "SELECT pg_reload_conf()")
        asked = "SELECT count(*) FROM pg_stat_wal_receiver"
        wait_until(lambda: _run(self.second, asked) == [(0,)])

    def take_over(self) -> None:
        """Lose the first; the second leads."""
        self._one.stop()
        self._two.promote()

    def _wait_for_second(self) -> None:
        [(at,)] = _run(self.first, "SELECT CAST(pg_current_wal_lsn() AS text)")
        asked = f"SELECT pg_last_wal_replay_lsn() >= CAST('{at}' AS pg_lsn)"
        wait_until(lambda: _run(self.second, asked) == [(True,)])


def _run(address: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(address, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def pair() -> Generator[Pair]:
    """Two servers of this test's own."""
    with pair_of_servers() as made:
        yield made


@contextmanager
def pair_of_servers() -> Generator[Pair]:
    """Run both."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as first,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as second,
        running(Path(first), fsync="off") as one,
        one.standby(Path(second)) as two,
    ):
        yield Pair(one, two, (first, second))


@asynccontextmanager
async def bench_on(address: str) -> AsyncGenerator[Bench]:
    async with PostgresDatabase.open(address, "one") as database:
        yield Bench(stores_on(database), postgres, Path("one"))


async def test_a_standby_takes_over_without_the_last_commits(pair: Pair) -> None:
    """They are lost, and nothing else; no bookmark passes by what is committed afterwards."""
    async with bench_on(pair.both) as here, bench_on(pair.both) as there:
        await here.submit("kept")
        held = await here.start()
        unsaid = examine(pair.both, "one").warnings
        assert any("replicas follow without synchronous" in why for why, _ in unsaid)
        await anyio.to_thread.run_sync(pair.cut_off)
        await here.submit("lost")
        lost = await here.start()
        bookmark = await there.store.cursor(owner=None)
        since = there.database.version
        await anyio.to_thread.run_sync(pair.take_over)

        assert await here.states("kept") == ["processing"]
        assert await there.store.batch("lost") is None
        await here.submit("later")
        assert await there.database.wait_for_change(60, since=since)
        told = (await updates_of(there.store, bookmark)).batches
        assert [batch.id for batch in told] == ["kept", "later"]  # the first was under way
        assert (await here.finish(held)).state == "completed"
        with pytest.raises(LostClaim):
            await here.finish(lost)
        assert (await here.work()).state == "completed"
        assert await there.states("later") == ["completed"]
        await there.submit("last")
        told = (await updates_of(here.store, bookmark)).batches
        assert {batch.id for batch in told} == {"kept", "later", "last"}


async def test_a_commit_whose_answer_was_lost_with_its_server_is_not_taken_for_anothers(
    pair: Pair,
) -> None:
    """What took over has given its number to another transaction, and that one was committed."""

    def take_over() -> None:
        pair.take_over()
        with psycopg.connect(pair.second, autocommit=True) as connection:
            for _ in range(100):
                connection.execute("SELECT pg_current_xact_id()")

    async with Proxy(pair.first).open() as proxy:
        host, port = pair.folders[1], urlsplit(proxy.address).port
        both = f"postgresql://postgres@/postgres?host=127.0.0.1,{host}&port={port},5432{LEADS}"
        async with bench_on(f"{both}&sslmode=disable") as here:
            await here.submit("kept")
            await anyio.to_thread.run_sync(pair.cut_off)
            proxy.meanwhile = take_over
            proxy.cut("after")
            with pytest.raises(StorageUncertain, match="another database server took over"):
                await here.submit("lost")
            assert await here.store.batch("lost") is None
            assert await here.states("kept") == ["pending"]
            await here.submit("lost")
            assert await here.states("lost") == ["pending"]
