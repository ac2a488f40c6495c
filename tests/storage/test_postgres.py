"""One workspace in a database of many machines: who waits for whom, and what is lost with what."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import psycopg
import pytest

from mcp_server.errors import InvalidPayload, StorageBusy
from mcp_server.jobs.job import Dedup
from mcp_server.jobs.outcome import Done, Enqueue, Fail
from mcp_server.storage.postgres import connection, listening
from mcp_server.storage.postgres.connecting import connect
from mcp_server.storage.postgres.connection import channel_of
from mcp_server.storage.postgres.database import PostgresDatabase
from mcp_server.storage.postgres.migrate import bring, migrate
from mcp_server.storage.sql.database import Database
from mcp_server.storage.sql.transaction import Transaction
from tests.benchmarks.postgres import Postgres
from tests.benchmarks.postgres import running as running_server
from tests.storage.cutting import Proxy, When
from tests.storage.postgres_server import SCHEMAS, server
from tests.storage.processes import SERVED_WRITER, SUBMITTER, ask, finish, running, tell
from tests.storage.raw import InTheWay
from tests.storage.stores import Bench, a_job, opened, postgres, stores_on
from tests.storage.test_updates import updates_of
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.anyio

LONG_S = 1000.0
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
SITES = "SELECT hash FROM sites ORDER BY hash"


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """A store in a schema of its own, whose transactions may take long on a busy machine."""
    monkeypatch.setattr(connection, "STILL_S", PATIENCE_S)
    monkeypatch.setattr(connection, "LOCK_S", PATIENCE_S)
    async with opened(postgres, tmp_path / "one") as bench:
        yield bench


class Held:
    """A step that stands still within its transaction until it is let go."""

    def __init__(self, first: Callable[[Transaction], object] | None = None) -> None:
        """`first` is what it does before; otherwise it has written a site."""
        self._begun, self._go = threading.Event(), threading.Event()
        self._first = first or _writes

    def __call__(self, tx: Transaction) -> None:
        self._first(tx)
        self._begun.set()
        assert self._go.wait(PATIENCE_S)

    async def begun(self) -> None:
        """Wait until it stands still."""
        assert await anyio.to_thread.run_sync(self._begun.wait, PATIENCE_S)

    def let_go(self) -> None:
        """Let it come to its end."""
        self._go.set()


def _writes(tx: Transaction) -> None:
    assert tx.count("put_site", hash="held", document="{}")


async def hears(database: Database) -> bool:
    """Whether commits of others are heard of, and need not be looked for."""
    assert isinstance(database, PostgresDatabase)
    await database.look()
    return database.is_quiet()


async def test_no_change_number_is_told_before_one_that_was_drawn_earlier(bench: Bench) -> None:
    """Whoever draws one later waits until the earlier is committed; a bookmark passes none by."""
    cursor = await bench.store.cursor(owner=None)
    held = Held()
    async with bench.another() as other, anyio.create_task_group() as tasks:
        tasks.start_soon(bench.submit, "first")  # both are one transaction
        tasks.start_soon(bench.database.write, held)
        try:
            await held.begun()
            tasks.start_soon(other.submit, "second")
            await until(_awaitable(lambda: bench.raw.all(WAITING) != [(0,)]))
            assert list((await updates_of(other.store, cursor)).batches) == []
        finally:
            held.let_go()
    told = (await updates_of(bench.store, cursor)).batches
    assert [batch.id for batch in told] == ["first", "second"]
    assert told[1].change > told[0].change


async def test_who_follows_many_writers_is_told_of_every_batch_once(bench: Bench) -> None:
    """In the order of their change numbers, from bookmark to bookmark."""
    arguments = (server(), SCHEMAS.of(bench.path))
    cursor, told = await bench.store.cursor(owner=None), list[tuple[int, str]]()
    with ExitStack() as stack:
        writers = [stack.enter_context(running(SUBMITTER, *arguments, name, "20")) for name in "ab"]
        for writer in writers:
            tell(writer)
        with anyio.fail_after(PATIENCE_S):
            while len(told) < 40:
                found = await updates_of(bench.store, cursor)
                told += [(batch.change, batch.id) for batch in found.batches]
                cursor = found.cursor
    assert [change for change, _ in told] == sorted({change for change, _ in told})
    assert {id for _, id in told} == {f"{name}{n}" for name in "ab" for n in range(20)}
    assert list((await updates_of(bench.store, cursor)).batches) == []


async def test_who_stands_still_in_a_step_keeps_nobody_from_writing(bench: Bench) -> None:
    """The server undoes it; it is done all the same once its process goes on."""
    with running(SERVED_WRITER, server(), SCHEMAS.of(bench.path), "1") as still:
        still.send_signal(signal.SIGSTOP)
        with pytest.raises(InTheWay), bench.raw.locked():
            pass
        await bench.submit()
        assert bench.raw.all(SITES) == []
        still.send_signal(signal.SIGCONT)
        assert ask(still) == "ready"  # it is run again, from its beginning
        assert ask(still) == "committed"
        assert bench.raw.all(SITES) == [("at hand",)]
        finish(still)


async def test_who_stands_still_before_it_has_asked_anything_holds_nothing(bench: Bench) -> None:
    """Nothing is sent before an answer is read, not the BEGIN either."""
    held = Held(lambda tx: tx.run("put_site", hash="held", document="{}"))
    async with bench.another() as other, anyio.create_task_group() as tasks:
        tasks.start_soon(bench.database.write, held)
        try:
            await held.begun()
            await other.submit()
            assert bench.raw.all(SITES) == []
        finally:
            held.let_go()
    assert bench.raw.all(SITES) == [("held",)]


async def test_a_step_is_run_again_as_a_whole_after_a_deadlock(bench: Bench) -> None:
    """The server has undone all of it for the sake of another; no half of it is left."""
    seen, half = list[int](), threading.Event()

    def step(tx: Transaction) -> int:
        seen.append(bench.raw.all("SELECT count(*) FROM sites")[0][0])
        tx.count("put_site", hash="b: mine", document="{}")
        half.set()
        tx.count("put_site", hash="a: theirs", document="{}")
        return len(seen)

    def be_in_the_way() -> None:
        with psycopg.connect(server()) as other:
            other.execute("SELECT set_config('search_path', %s, true)", [SCHEMAS.of(bench.path)])
            other.execute("SET LOCAL deadlock_timeout = '1h'")  # it is not the one that is undone
            other.execute("INSERT INTO sites VALUES ('a: theirs', 'first')")
            ready.set()
            assert half.wait(PATIENCE_S)
            other.execute("INSERT INTO sites VALUES ('b: mine', 'first')")

    ready = threading.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, be_in_the_way)
        assert await anyio.to_thread.run_sync(ready.wait, PATIENCE_S)
        assert await bench.database.write(step) == len(seen)
    assert len(seen) >= 2
    assert bench.raw.all("SELECT document FROM sites ORDER BY hash") == [("first",), ("first",)]


async def test_a_write_sees_what_was_committed_while_it_waited(bench: Bench) -> None:
    """Whatever level of isolation the settings of the server ask for."""
    level = "&options=-cdefault_transaction_isolation%3Dserializable"
    async with PostgresDatabase.open(server() + level, SCHEMAS.of(bench.path)) as other:
        with psycopg.connect(server()) as first:
            first.execute("SELECT set_config('search_path', %s, true)", [SCHEMAS.of(bench.path)])
            key = [channel_of(SCHEMAS.of(bench.path))]
            first.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", key)
            first.execute("INSERT INTO sites VALUES ('early', '{}')")
            found: list[bool] = []

            async def look() -> None:
                found.append(
                    await other.write(lambda tx: tx.one("get_site", hash="early") is not None)
                )

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(look)
                await until(_awaitable(lambda: bench.raw.all(WAITING) != [(0,)]))
                first.commit()
    assert found == [True]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_who_is_cut_off_in_a_commit_is_told_what_became_of_it(
    bench: Bench, when: When
) -> None:
    """It is done, once: where the server has undone it, it is run again."""
    schema = SCHEMAS.of(bench.path)
    async with (
        Proxy(server()).open() as proxy,
        PostgresDatabase.open(proxy.address, schema, prepared=False) as database,
    ):
        cut = Bench(stores_on(database), postgres, bench.path, bench.clock)
        await cut.submit("b0")
        for n in range(1, 6):
            proxy.cut(when)
            await cut.submit(f"b{n}")
            assert await bench.states(f"b{n}") == ["pending"]
        assert proxy.cuts == 5
        assert bench.raw.all("SELECT count(*) FROM batches") == [(6,)]
        await cut.submit("b9")
        assert await cut.states("b9") == ["pending"]


@pytest.fixture(scope="module")
def own_server() -> Iterator[Postgres]:
    """A server that may be restarted. Not below pytest's folder, which only its user may open."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        running_server(Path(folder), fsync="off") as found,
    ):
        yield found


async def test_a_server_that_was_restarted_loses_nothing_that_it_has_answered(
    own_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if its machine had lost its power: reads, writes and those who wait go on."""
    monkeypatch.setattr(listening, "AGAIN_S", 0.05)
    address = own_server.fresh("FULL")
    async with (
        PostgresDatabase.open(address, "one") as database,
        PostgresDatabase.open(address, "one") as other,
    ):
        here, there = (Bench(stores_on(each), postgres, Path("x")) for each in (database, other))
        for n in range(3):
            await here.submit(f"b{n}")
            await anyio.to_thread.run_sync(own_server.restart)
            assert await there.states(f"b{n}") == ["pending"]
            [attempt] = await here.claim()
            assert (await there.finish(attempt)).state == "completed"
        await until(lambda: hears(other))
        since = other.version
        await here.submit("last")
        assert await other.wait_for_change(PATIENCE_S, since=since, poll_s=LONG_S)


def _awaitable(look: Any) -> Any:
    async def looked() -> bool:
        return look()

    return looked


async def test_who_waits_too_long_for_others_is_told_to_try_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is done; reads wait for nobody."""
    monkeypatch.setattr(connection, "LOCK_S", 0.1)
    async with bench.another() as hasty:
        with bench.raw.locked():
            with pytest.raises(StorageBusy):
                await hasty.submit()
            assert await hasty.store.batch("b1") is None
        await hasty.submit()
        assert await hasty.states() == ["pending"]


async def test_a_commit_of_another_process_is_heard_at_once(bench: Bench) -> None:
    """However seldom it would be looked for."""
    await until(lambda: hears(bench.database))
    with running(SERVED_WRITER, server(), SCHEMAS.of(bench.path), "100") as writer:
        since = bench.database.version
        assert ask(writer) == "committed"
        assert await bench.database.wait_for_change(PATIENCE_S, since=since, poll_s=LONG_S)
        finish(writer)


async def test_a_commit_that_cannot_be_heard_is_looked_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a pooler that lets nobody listen."""
    monkeypatch.setattr(listening, "AGAIN_S", LONG_S)
    async with bench.another() as deaf:
        await until(lambda: hears(deaf.database))
        gone = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        assert (True,) in bench.raw.all(f"{gone} AND query LIKE '%{SCHEMAS.of(bench.path)}%'")
        await until(lambda: hears(deaf.database), lambda heard: not heard)
        since = deaf.database.version
        await bench.submit()
        assert await deaf.database.wait_for_change(PATIENCE_S, since=since, poll_s=0.01)


async def test_a_change_of_ones_own_is_no_news(bench: Bench) -> None:
    """A worker that has claimed does not wake itself by that."""
    await until(lambda: hears(bench.database))
    await bench.submit()
    since = bench.database.version
    await bench.claim(kinds=["none"])
    assert not await bench.database.wait_for_change(0, since=since)


async def test_a_text_that_cannot_be_kept_is_refused_and_undoes_nothing_beside_it(
    bench: Bench,
) -> None:
    """PostgreSQL keeps no NUL, but in JSON, where it is written as an escape."""
    await bench.submit("b1", a_job(payload={"n": "a\0b"}), a_job())
    first, second = await bench.claim(2)
    assert first.job.payload == {"n": "a\0b"}
    refused: list[InvalidPayload] = []

    async def fail() -> None:
        try:
            await bench.finish(first, Fail("no", "a\0b"))
        except InvalidPayload as error:
            refused.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(fail)
        tasks.start_soon(bench.finish, second)
    assert len(refused) == 1 and "NUL" in str(refused[0])
    assert await bench.states() == ["processing", "completed"]
    with pytest.raises(InvalidPayload):
        await bench.store.batch("b\0")


def _is_free(bench: Bench) -> bool:
    try:
        with bench.raw.locked():
            return True
    except InTheWay:
        return False


async def test_who_opens_waits_no_longer_for_one_who_stands_still(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where that one has just opened it, too."""
    monkeypatch.setattr(connection, "LOCK_S", 0.1)
    monkeypatch.setattr(connection, "STILL_S", 0.1)
    with bench.raw.locked(), pytest.raises(StorageBusy):
        await anyio.to_thread.run_sync(migrate, server(), SCHEMAS.of(bench.path))
    with connect(server()) as still, still.transaction():
        still.execute(connection.bounds())
        bring(still, SCHEMAS.of(bench.path))
        await until(_awaitable(lambda: _is_free(bench)))
        assert await anyio.to_thread.run_sync(migrate, server(), SCHEMAS.of(bench.path))
        still.close()


async def test_a_server_whose_machine_is_lost_is_given_up_soon() -> None:
    """Nobody tells of that. What the address says of it counts."""
    async with Proxy(server()).open() as proxy:
        for said, waits_s in (("", 25), ("&tcp_user_timeout=7000", 7)):
            made = await anyio.to_thread.run_sync(connect, proxy.address + said)
            with made, socket.socket(fileno=os.dup(made.fileno())) as its:
                assert its.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10
                waits_ms = its.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
                assert waits_ms == waits_s * 1000


@pytest.mark.parametrize(("ahead_s", "known_s"), [(3600, 3600), (-3600, -3600), (0, 0)])
def test_the_servers_clock_is_known_over_a_slow_line(
    monkeypatch: pytest.MonkeyPatch, ahead_s: int, known_s: int
) -> None:
    """Where each answer takes long; and that it took long is not taken for a difference."""
    now = f"SELECT CAST(extract(epoch FROM clock_timestamp()) + {ahead_s} AS double precision)"
    monkeypatch.setattr(connection, "NOW", f"{now} FROM pg_sleep(0.2)")
    opened = connection.Opened(server(), "any")
    try:
        opened.connected()
        assert round(opened.ahead_s) == known_s
        assert (opened.ahead_s == 0) == (ahead_s == 0)
    finally:
        opened.close()


async def test_a_key_that_is_too_long_is_refused_and_undoes_nothing_beside_it(
    bench: Bench,
) -> None:
    """No index of PostgreSQL takes it; the server is there, and is not said to be away."""
    await bench.submit("b1", a_job(), a_job())
    first, second = await bench.claim(2)
    key = "".join(map(chr, range(0x4E00, 0x5A00)))
    keyed = a_job(dedup=Dedup.COALESCE, dedup_key=key, counted=False)
    refused: list[Exception] = []

    async def enqueue() -> None:
        try:
            await bench.enqueue("j1", keyed)
        except InvalidPayload as error:
            refused.append(error)

    async def finish_first() -> None:
        try:
            await bench.finish(first, Done(effects=(Enqueue(keyed),)))
        except psycopg.OperationalError as error:  # of this report alone
            refused.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(enqueue)
        tasks.start_soon(finish_first)
        tasks.start_soon(bench.finish, second)
    assert {type(error).__name__ for error in refused} == {
        "InvalidPayload",
        "ProgramLimitExceeded",
    }
    assert "too long" in str(next(e for e in refused if isinstance(e, InvalidPayload)))
    assert await bench.states() == ["processing", "completed"]
