"""cairnq on SQLite: asyncio, leases, WAL and FULL."""

# pyright: basic, reportMissingImports=false, reportMissingTypeStubs=false
# The library may not be installed, and is not typed.

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from cairnq import CairnQ, Worker

from tests.benchmarks.place import Place, Tally

AT_ONCE = 50
LOOK_S = 0.02


class CairnqQueue:
    """One task that counts."""

    def __init__(self, path: str, client: CairnQ) -> None:
        self._path, self._client = path, client

    async def enqueue_each(self, count: int) -> None:
        for number in range(count):
            await self._client.submit("noop", {"number": number})

    async def enqueue_at_once(self, count: int, at_once: int) -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(at_once):
                tasks.start_soon(self.enqueue_each, count // at_once)
        await self.enqueue_each(count % at_once)

    async def enqueue_many(self, count: int) -> None:
        await self.enqueue_at_once(count, AT_ONCE)

    async def drain(self, count: int, concurrency: int) -> float:
        tally = Tally(count)
        worker = Worker.sqlite(self._path, concurrency=concurrency)

        async def noop(ctx: object, payload: dict[str, Any]) -> None:
            tally.hit()

        worker.register("noop", noop)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(worker.run)
            while not tally.done.is_set():
                await anyio.sleep(LOOK_S)
            worker.stop()
        await worker.close()
        return tally.rate


@asynccontextmanager
async def open_queue(place: Place) -> AsyncGenerator[CairnqQueue]:
    async with CairnQ.sqlite(str(place.file)) as client:
        yield CairnqQueue(str(place.file), client)
