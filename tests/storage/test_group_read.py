"""Reads that are asked for together: one hop, one snapshot, and each its own answer or error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from mcp_server.errors import NotFound, StorageError
from mcp_server.storage.sql.group_read import GroupRead
from mcp_server.storage.sql.transaction import Transaction
from mcp_server.storage.sqlite.file.connection import Connection, connect, open_file

pytestmark = pytest.mark.anyio


class Thread:
    """Stands for the connection's thread: counts what is run on it, and can hold it up."""

    def __init__(self) -> None:
        self.hops = 0
        self.free = anyio.Event()
        self.free.set()

    async def run(self, function: Callable[[Transaction], Any]) -> Any:
        """Run it when the thread is free."""
        self.hops += 1
        await self.free.wait()
        return function(NONE)


NONE: Any = None
"""Those reads look at nothing."""


def fail(_: Transaction) -> str:
    """A read that fails."""
    raise NotFound("batch", "b_1")


async def test_what_is_asked_for_together_is_one_hop() -> None:
    """And each gets its own answer."""
    thread = Thread()
    reads = GroupRead(thread.run)
    found = await asyncio.gather(*(reads.read(lambda _, n=n: n) for n in range(9)))
    assert found == list(range(9))
    assert thread.hops == 1
    assert await reads.read(lambda _: "alone") == "alone"
    assert thread.hops == 2


async def test_a_read_that_fails_costs_the_others_nothing() -> None:
    """They are read again, each alone."""
    reads = GroupRead(Thread().run)
    found = await asyncio.gather(
        reads.read(lambda _: 1), reads.read(fail), reads.read(lambda _: 3), return_exceptions=True
    )
    assert found[0] == 1
    assert isinstance(found[1], NotFound)
    assert found[2] == 3


async def test_who_asked_first_may_leave() -> None:
    """The others are answered all the same."""
    thread = Thread()
    thread.free = anyio.Event()
    reads = GroupRead(thread.run)
    first = asyncio.create_task(reads.read(lambda _: 1))
    second = asyncio.create_task(reads.read(lambda _: 2))
    await anyio.wait_all_tasks_blocked()
    first.cancel()
    thread.free.set()
    assert await second == 2
    assert first.cancelled()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncGenerator[Connection]:
    """A real connection, to a file without our tables."""
    path = tmp_path / "a.db"
    open_file(path).close()
    async with connect(path) as connection:
        yield connection


async def test_an_error_of_the_database_is_one_of_ours_for_whom_it_hits(
    database: Connection,
) -> None:
    """There is no table of jobs; two of three do not ask for it."""
    found: tuple[Any, ...] = await asyncio.gather(
        database.read(lambda tx: tx.one("database_file")),
        database.read(lambda tx: tx.one("next_due")),
        database.read(lambda tx: tx.one("database_file")),
        return_exceptions=True,
    )
    assert found[0] is not None
    assert isinstance(found[1], StorageError)
    assert tuple(found[2]) == tuple(found[0])
