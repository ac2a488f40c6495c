"""A standby takes over: stores go on by themselves, and what it had not is said, not mistaken."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import anyio.to_thread
import psycopg
import pytest

from mcp_server.errors import LostClaim, StorageError
from mcp_server.storage.postgres.database import PostgresDatabase
from mcp_server.storage.postgres.examine import examine
from mcp_server.storage.postgres.history import GAP, begin_history
from tests.storage.cutting import Proxy
from tests.storage.postgres_server import SCHEMAS, server
from tests.storage.standby import LEADS, Pair, pair_of_servers
from tests.storage.stores import Bench, opened, postgres, stores_on
from tests.storage.test_updates import updates_of
from tests.waiting import until

pytestmark = pytest.mark.anyio

UNTOLD = """
CREATE ROLE {role} LOGIN;
GRANT ALL ON SCHEMA {schema} TO {role};
GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {role};
GRANT ALL ON ALL SEQUENCES IN SCHEMA {schema} TO {role};
REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC
"""

CHANGE = "SELECT value FROM counters WHERE name = 'change'"


@pytest.fixture
def pair() -> Generator[Pair]:
    """Two servers of this test's own."""
    with pair_of_servers() as made:
        yield made


@pytest.fixture
def untold(tmp_path: Path) -> Generator[str]:
    """The address of the first workspace for a role that is not told the server's name."""
    schema = SCHEMAS.of(tmp_path / "one")
    role = f"{schema}_untold"
    with psycopg.connect(server(), autocommit=True) as connection:
        connection.execute(UNTOLD.format(role=role, schema=schema).encode())
        address = urlsplit(server())
        host = address.netloc.rpartition("@")[2]
        yield urlunsplit(address._replace(netloc=f"{role}@{host}"))
        connection.execute("GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC")
        connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}".encode())


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
        unusable = examine(pair.second, "one").unusable
        assert unusable is not None and "is a standby" in unusable[0]
        async with bench_on(pair.second) as follower:
            assert await until(lambda: follower.store.batch("kept"))
            with pytest.raises(StorageError, match="takes no writes: it is a standby"):
                await follower.submit("refused")
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


async def test_a_commit_that_was_lost_with_its_server_is_made_again(pair: Pair) -> None:
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
            await here.submit("lost")
            assert await here.states("lost") == ["pending"]
            assert await here.states("kept") == ["pending"]


async def test_no_number_is_given_again_that_a_lost_history_may_have_given(
    tmp_path: Path,
) -> None:
    """Of vectors, say: who has read up to one would never see those that come after."""
    server_is = "SELECT system_identifier FROM pg_control_system()"
    numbers = (
        "SELECT relname, nextval(oid) FROM pg_class"
        " WHERE relkind = 'S' AND relnamespace = current_schema()::regnamespace ORDER BY relname"
    )
    async with opened(postgres, tmp_path / "one") as bench:
        await bench.submit()
        before = dict(bench.raw.all(numbers))
        assert "meanings_id_seq" in before
        bench.raw.run("UPDATE counters SET value = value + 1 WHERE name = 'history'")
        await bench.submit("other")
        after = dict(bench.raw.all(numbers))
        assert {name for name, number in after.items() if number > before[name] + GAP} == {*before}
        [(name,)] = bench.raw.all(server_is)
        change = bench.raw.all(CHANGE)
        with psycopg.connect(server()) as another:  # that has waited meanwhile to do the same
            another.execute("SELECT set_config('search_path', %s, true)", [SCHEMAS.of(bench.path)])
            begin_history(another, name)
        assert bench.raw.all(CHANGE) == change and dict(bench.raw.all(numbers)) == {
            name: number + 1 for name, number in after.items()
        }


@pytest.mark.parametrize("first", ["told", "untold"])
async def test_roles_of_which_one_is_not_told_the_servers_name_write_one_history(
    tmp_path: Path, untold: str, first: str
) -> None:
    """Neither takes the other's rows for another server's; where one takes over, both see it."""
    schema = SCHEMAS.of(tmp_path / "one")
    address = {"told": server(), "untold": untold}
    second = "told" if first == "untold" else "untold"
    async with (
        PostgresDatabase.open(address[first], schema) as one,
        PostgresDatabase.open(address[second], schema) as other,
        opened(postgres, tmp_path / "one") as bench,
    ):
        roles = [Bench(stores_on(each), postgres, tmp_path / "one") for each in (one, other)]
        for n in range(2):
            for m, each in enumerate(roles):
                await each.submit(f"b{n}{m}")
        [(change,)] = bench.raw.all(CHANGE)
        assert change < GAP
        bench.raw.run("UPDATE counters SET value = value + 1 WHERE name = 'history'")
        for m, each in enumerate(roles):
            await each.submit(f"c{m}")
        [(change,)] = bench.raw.all(CHANGE)
        assert GAP < change < 2 * GAP
        bench.raw.run("UPDATE counters SET value = value + 1 WHERE name = 'server'")
        for m, each in enumerate(roles):
            await each.submit(f"d{m}")
        [(change,)] = bench.raw.all(CHANGE)
        assert 2 * GAP < change < 3 * GAP
