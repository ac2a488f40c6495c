"""DBOS on SQLite: a workflow per job."""

# pyright: basic, reportMissingImports=false, reportMissingTypeStubs=false
# The library may not be installed, and is not typed.

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread
from dbos import DBOS, DBOSConfig

from tests.benchmarks.place import Place, Tally

AT_ONCE = 50
POLL_S = 0.05
"""As shipped it polls once a second, and that alone would be measured."""
DRAIN_S = 600

tally = Tally(0)
"""DBOS is one to a process, and its workflows are functions of a module."""


@DBOS.workflow()
async def noop(number: int) -> None:
    tally.hit()


class DbosQueue:
    """One workflow that counts; its queue is made known when it is to be drained."""

    async def enqueue_each(self, count: int) -> None:
        for number in range(count):
            await DBOS.enqueue_workflow_async("bench", noop, number)

    async def enqueue_at_once(self, count: int, at_once: int) -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(at_once):
                tasks.start_soon(self.enqueue_each, count // at_once)
        await self.enqueue_each(count % at_once)

    async def enqueue_many(self, count: int) -> None:
        await self.enqueue_at_once(count, AT_ONCE)

    async def drain(self, count: int, concurrency: int) -> float:
        global tally  # noqa: PLW0603 -- the workflow is a function of the module
        tally = Tally(count)
        await DBOS.register_queue_async(
            "bench", worker_concurrency=concurrency, polling_interval_sec=POLL_S
        )
        await anyio.to_thread.run_sync(tally.done.wait, DRAIN_S)
        return tally.rate


@asynccontextmanager
async def open_queue(place: Place) -> AsyncGenerator[DbosQueue]:
    config: DBOSConfig = {
        "name": "benchmark",
        "system_database_url": f"sqlite:///{place.file}",
        "log_level": "ERROR",
    }
    DBOS(config=config)
    DBOS.launch()
    try:
        yield DbosQueue()
    finally:
        DBOS.destroy(workflow_completion_timeout_sec=5)
