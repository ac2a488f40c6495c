"""DBOS, on SQLite or on PostgreSQL: a workflow per job."""

# pyright: basic, reportMissingImports=false, reportMissingTypeStubs=false
# The library may not be installed, and is not typed.

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread
from dbos import DBOS, DBOSConfig

from tests.benchmarks.place import REST_S, Place, Tally

AT_ONCE = 50
POLL_S = 0.05
"""As shipped it polls once a second, and that alone would be measured."""
DRAIN_S = 600

hit = Tally(0).hit
"""DBOS is one to a process, and its workflows are functions of a module."""
delays_s: list[float] = []


@DBOS.workflow()
async def noop(number: int) -> None:
    hit()


@DBOS.workflow()
async def rest(number: int) -> None:
    await anyio.sleep(REST_S)
    hit()


@DBOS.workflow()
async def ping(at: float) -> None:
    delays_s.append(time.monotonic() - at)


KINDS = {"noop": noop, "rest": rest}


class DbosQueue:
    """Workflows that count; their queue is made known when it is to be drained."""

    async def enqueue_each(self, count: int, kind: str = "noop") -> None:
        for number in range(count):
            await DBOS.enqueue_workflow_async("bench", KINDS[kind], number)

    async def enqueue_at_once(self, count: int, at_once: int, kind: str = "noop") -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(at_once):
                tasks.start_soon(self.enqueue_each, count // at_once, kind)
        await self.enqueue_each(count % at_once, kind)

    async def enqueue_many(self, count: int, kind: str = "noop") -> None:
        await self.enqueue_at_once(count, AT_ONCE, kind)

    async def ping(self) -> None:
        await DBOS.enqueue_workflow_async("bench", ping, time.monotonic())

    async def drain(self, count: int, concurrency: int) -> float:
        tally = Tally(count)
        await self._listen(concurrency, tally.hit)
        await anyio.to_thread.run_sync(tally.done.wait, DRAIN_S)
        return tally.rate

    async def work(self, lanes: int, hit: Callable[[], None]) -> None:
        """Run jobs until cancelled."""
        await self._listen(lanes, hit)
        await anyio.sleep_forever()

    @property
    def delays_s(self) -> Sequence[float]:
        return delays_s

    async def _listen(self, concurrency: int, told: Callable[[], None]) -> None:
        global hit  # noqa: PLW0603 -- the workflows are functions of the module
        hit = told
        await DBOS.register_queue_async(
            "bench", worker_concurrency=concurrency, polling_interval_sec=POLL_S
        )


@asynccontextmanager
async def open_queue(place: Place) -> AsyncGenerator[DbosQueue]:
    config: DBOSConfig = {
        "name": "benchmark",
        "system_database_url": place.postgres or f"sqlite:///{place.file}",
        "executor_id": str(os.getpid()),
        "log_level": "ERROR",
    }
    DBOS(config=config)
    if not place.works:
        DBOS.listen_queues([])
    DBOS.launch()
    try:
        yield DbosQueue()
    finally:
        DBOS.destroy(workflow_completion_timeout_sec=5)
