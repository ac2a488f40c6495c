"""Whoever holds the lock of a site and stands still is ended by those who wait, and nobody else."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import anyio.to_thread
import psycopg
import pytest

from mcp_server.storage.postgres import connection
from mcp_server.storage.postgres import migrate as migrations
from mcp_server.storage.postgres.connecting import connect
from mcp_server.storage.postgres.connection import channel_of
from mcp_server.storage.postgres.migrate import migrate
from mcp_server.storage.postgres.unread import end_unread
from tests.storage.postgres_server import SCHEMAS, server
from tests.storage.stores import Bench, opened, postgres
from tests.waiting import wait_until

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A store in a schema of its own."""
    async with opened(postgres, tmp_path / "one") as bench:
        yield bench


@contextmanager
def standing_still(
    schema: str, waits: str, *, by: str | None = None, wrote: bool = True, before: str = "SELECT 1"
) -> Generator[int]:
    """Have another process hold the lock, which neither reads nor says more; yield the server's."""
    rows = 10_000 if waits == "ClientWrite" else 1
    told = f"SELECT repeat('x', 1000) FROM generate_series(1, {rows})"
    with psycopg.connect(by or server()) as still:
        still.execute("SELECT set_config('search_path', %s, true)", [schema])
        if wrote:
            still.execute("INSERT INTO sites VALUES ('half', '{}')")
        lock = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
        still.execute(lock, [channel_of(schema)])
        still.execute(before.encode())
        if waits == "ClientRead":
            still.pgconn.enter_pipeline_mode()
        still.pgconn.send_query_params(told.encode(), None)
        still.pgconn.flush()
        try:
            yield still.info.backend_pid
        finally:
            still.close()


@pytest.mark.parametrize("step", ["opens", "writes"])
@pytest.mark.parametrize("waits", ["ClientWrite", "ClientRead"])
async def test_who_stands_still_within_a_statement_keeps_nobody_from_writing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, waits: str, step: str
) -> None:
    """It does not read what it is told, or has said half: no timeout of the server ends that."""
    monkeypatch.setattr(connection, "LOCK_S", 0.2)
    async with bench.another() as other:
        monkeypatch.setattr(migrations if step == "opens" else connection, "STILL_S", 0.1)
        with standing_still(SCHEMAS.of(bench.path), waits) as pid:
            with connect(server()) as looks:
                await anyio.to_thread.run_sync(wait_until, lambda: _waits(looks, pid) == waits)
            if step == "opens":
                await anyio.to_thread.run_sync(migrate, server(), SCHEMAS.of(bench.path))
            else:
                await other.submit("late")
                assert await bench.states("late") == ["pending"]
    assert bench.raw.all("SELECT hash FROM sites") == []


def test_a_site_of_the_same_name_in_another_database_is_left_alone() -> None:
    """The server has one list of all locks."""
    name = f"beside_{os.getpid()}"
    beside = urlunsplit(urlsplit(server())._replace(path=f"/{name}"))
    with connect(server()) as here, ExitStack() as stack:
        here.execute(f"CREATE DATABASE {name}".encode())
        stack.callback(here.execute, f"DROP DATABASE {name} WITH (FORCE)".encode())
        with standing_still("pressroom_x", "ClientWrite", by=beside, wrote=False) as pid:
            wait_until(lambda: _waits(here, pid) == "ClientWrite")
            assert not end_unread(here, channel_of("pressroom_x"), 0.0)
            with connect(beside) as there:
                assert end_unread(there, channel_of("pressroom_x"), 0.0)


def test_who_has_said_something_of_late_is_left_alone() -> None:
    """A long transaction of many statements waits for the next one now and then."""
    begun_s, quiet_s = 2, 1.5
    took = f"SELECT pg_sleep({begun_s})"
    with (
        connect(server()) as here,
        standing_still("pressroom_x", "ClientRead", wrote=False, before=took) as pid,
    ):
        wait_until(lambda: _waits(here, pid) == "ClientRead")
        assert not end_unread(here, channel_of("pressroom_x"), quiet_s)
        assert end_unread(here, channel_of("pressroom_x"), 0.0)


def test_whom_a_role_may_not_end_it_leaves_alone() -> None:
    """Though it may see what that one does, as a role for monitoring may."""
    name, url = f"watcher_{os.getpid()}", urlsplit(server())
    as_watcher = url._replace(netloc=f"{name}@{url.netloc.rpartition('@')[2]}")
    with connect(server()) as here, ExitStack() as stack:
        here.execute(f"CREATE ROLE {name} LOGIN; GRANT pg_monitor TO {name}".encode())
        stack.callback(here.execute, f"DROP ROLE {name}".encode())
        with (
            connect(urlunsplit(as_watcher)) as watcher,
            standing_still("pressroom_x", "ClientWrite", wrote=False) as pid,
        ):
            wait_until(lambda: _waits(here, pid) == "ClientWrite")
            assert not end_unread(watcher, channel_of("pressroom_x"), 0.0)


def _waits(connection: psycopg.Connection[Any], pid: int) -> str | None:
    asked = "SELECT wait_event FROM pg_stat_activity WHERE pid = %s AND state = 'active'"
    row = connection.execute(asked, [pid]).fetchone()
    return None if row is None else row[0]
