"""Workspaces of one database: each in its own schema, made once, and seeing no other."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import anyio
import anyio.to_thread
import pytest

from mcp_server.errors import Unavailable
from mcp_server.storage.postgres.connecting import connect
from mcp_server.storage.postgres.migrate import migrate, migrations
from mcp_server.storage.postgres.transaction import PACKAGE, query
from mcp_server.storage.sql.transaction import statements_of
from tests.storage.postgres_server import SCHEMAS, server
from tests.storage.stores import Bench, a_job, opened, postgres

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A store in a schema of its own."""
    async with opened(postgres, tmp_path / "one") as bench:
        yield bench


async def test_two_workspaces_of_one_database_see_nothing_of_each_other(
    bench: Bench, tmp_path: Path
) -> None:
    """Not their jobs, texts, locks or commits, though all of them have the same names."""
    async with opened(postgres, tmp_path / "two") as other:
        await bench.submit()
        since = other.database.version
        await bench.submit("b2")
        assert await other.claim(9) == []
        await other.submit("b1", a_job(kind="other"))
        assert (await other.job()).kind == "other"
        assert (await bench.job()).kind == "work"
        with bench.raw.locked():
            await other.cancel("b1")
        assert (await bench.batch()).state == "pending"
        assert other.database.version == since + 2


async def test_no_statement_reads_or_writes_beside_its_workspace(bench: Bench) -> None:
    """Each is planned, and names tables of the one schema only."""
    schema, beside = SCHEMAS.of(bench.path), dict[str, set[str]]()
    with connect(server()) as planner:
        planner.execute(f"SET search_path = {schema}".encode())
        for name in statements_of(PACKAGE):
            numbered = query(name)
            values = list(dict.fromkeys(_names(numbered)))
            for place, value in enumerate(values, start=1):
                numbered = numbered.replace(f"%({value})s", f"${place}")
            asked = f"EXPLAIN (VERBOSE, GENERIC_PLAN, FORMAT JSON) {numbered.replace('%%', '%')}"
            row = planner.execute(asked.encode()).fetchone()
            assert row is not None
            found = {*_schemas(row[0])} - {schema}
            if found:
                beside[name] = found
    assert beside == {}


def _names(text: str) -> Iterator[str]:
    while "%(" in text:
        text = text.partition("%(")[2]
        yield text.partition(")s")[0]


def _schemas(plan: Any) -> Iterator[str]:
    """Yield what schemas a plan names."""
    if isinstance(plan, dict):
        for key, value in cast("dict[str, Any]", plan).items():
            if key == "Schema" and value != "pg_catalog":
                yield value
            yield from _schemas(value)
    elif isinstance(plan, list):
        for each in cast("list[Any]", plan):
            yield from _schemas(each)


async def test_a_workspace_of_a_newer_version_is_refused(bench: Bench) -> None:
    """Nothing of it is changed."""
    newer = max(migrations()) + 1
    bench.raw.run(f"INSERT INTO migrations VALUES ({newer})")
    try:
        with pytest.raises(Unavailable, match=f"schema {newer}"):
            async with bench.another():
                pass
    finally:
        bench.raw.run(f"DELETE FROM migrations WHERE number = {newer}")


async def test_a_new_workspace_is_made_once_by_all_who_open_it() -> None:
    """One makes the tables, the others wait for it."""
    schema = f"test_together_{os.getpid()}"
    numbers: list[int] = []

    async def make() -> None:
        numbers.append(await anyio.to_thread.run_sync(migrate, server(), schema))

    try:
        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(make)
        assert numbers == [max(migrations())] * 4
        with connect(server()) as found:
            row = found.execute(f"SELECT count(*) FROM {schema}.migrations".encode()).fetchone()
        assert row is not None and row[0] == len(migrations())
    finally:
        with connect(server()) as found:
            found.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE".encode())
