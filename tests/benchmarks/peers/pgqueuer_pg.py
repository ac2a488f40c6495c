"""PgQueuer on PostgreSQL, through asyncpg."""

# pyright: basic, reportMissingImports=false, reportMissingTypeStubs=false
# The library may not be installed, and is not typed.

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode

from tests.benchmarks.place import Place, Tally


class PgQueuerQueue:
    """One entry point that counts."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pgq = PgQueuer.from_asyncpg_pool(pool)
        self._queries = Queries(self._pgq.connection)
        self._tally = Tally(0)

        @self._pgq.entrypoint("noop")
        async def noop(job: Job) -> None:
            self._tally.hit()

    async def install(self) -> None:
        """Make its tables."""
        await self._queries.install()

    async def enqueue_each(self, count: int) -> None:
        for number in range(count):
            await self._queries.enqueue("noop", str(number).encode())

    async def enqueue_at_once(self, count: int, at_once: int) -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(at_once):
                tasks.start_soon(self.enqueue_each, count // at_once)

    async def enqueue_many(self, count: int) -> None:
        payloads: list[bytes | None] = [str(number).encode() for number in range(count)]
        await self._queries.enqueue(["noop"] * count, payloads, [0] * count)

    async def drain(self, count: int, concurrency: int) -> float:
        """Fetch `concurrency` at once; what may run is at least twice that, as it demands."""
        self._tally = Tally(count)
        await self._pgq.run(
            mode=QueueExecutionMode.drain,
            batch_size=concurrency,
            max_concurrent_tasks=2 * concurrency,
        )
        return self._tally.rate


@asynccontextmanager
async def open_queue(place: Place) -> AsyncGenerator[PgQueuerQueue]:
    logging.getLogger("pgqueuer").setLevel(logging.ERROR)
    async with asyncpg.create_pool(place.postgres, min_size=2, max_size=10) as pool:
        queue = PgQueuerQueue(pool)
        await queue.install()
        yield queue
