"""PgQueuer on PostgreSQL, through asyncpg."""

# pyright: basic, reportMissingImports=false, reportMissingTypeStubs=false
# The library may not be installed, and is not typed.

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import anyio
import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode

from tests.benchmarks.place import REST_S, Place, Tally


class PgQueuerQueue:
    """Entry points that count, and one that says when it started."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pgq = PgQueuer.from_asyncpg_pool(pool)
        self._queries = Queries(self._pgq.connection)
        self._hit = Tally(0).hit
        self.delays_s: list[float] = []

        @self._pgq.entrypoint("noop")
        async def noop(job: Job) -> None:
            self._hit()

        @self._pgq.entrypoint("rest")
        async def rest(job: Job) -> None:
            await anyio.sleep(REST_S)
            self._hit()

        @self._pgq.entrypoint("ping")
        async def ping(job: Job) -> None:
            self.delays_s.append(time.monotonic() - float(job.payload or b""))

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

    async def enqueue_many(self, count: int, kind: str = "noop") -> None:
        payloads: list[bytes | None] = [str(number).encode() for number in range(count)]
        await self._queries.enqueue([kind] * count, payloads, [0] * count)

    async def ping(self) -> None:
        await self._queries.enqueue("ping", str(time.monotonic()).encode())

    async def work(self, lanes: int, hit: Callable[[], None]) -> None:
        """Run jobs until cancelled; it fetches so many at once, and runs twice as many."""
        self._hit = hit
        await self._pgq.run(batch_size=lanes, max_concurrent_tasks=2 * lanes)

    async def drain(self, count: int, concurrency: int) -> float:
        """Fetch `concurrency` at once; what may run is at least twice that, as it demands."""
        tally = Tally(count)
        self._hit = tally.hit
        await self._pgq.run(
            mode=QueueExecutionMode.drain,
            batch_size=concurrency,
            max_concurrent_tasks=2 * concurrency,
        )
        return tally.rate


@asynccontextmanager
async def open_queue(place: Place) -> AsyncGenerator[PgQueuerQueue]:
    logging.getLogger("pgqueuer").setLevel(logging.ERROR)
    async with asyncpg.create_pool(place.postgres, min_size=2, max_size=10) as pool:
        queue = PgQueuerQueue(pool)
        if not place.made:
            await queue.install()
        yield queue
