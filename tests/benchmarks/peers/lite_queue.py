"""litequeue: a table with pop and done; whoever uses it brings the worker."""

# pyright: basic, reportMissingImports=false, reportMissingTypeStubs=false
# The library may not be installed, and is not typed.

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing

from litequeue import LiteQueue

from tests.benchmarks.place import Place, Tally


class LiteQueueQueue:
    """One loop of pop and done."""

    def __init__(self, queue: LiteQueue) -> None:
        self._queue = queue

    async def enqueue_each(self, count: int) -> None:
        for number in range(count):
            self._queue.put(json.dumps({"number": number}))

    async def enqueue_at_once(self, count: int, at_once: int) -> None:
        """As one after another: its calls are not asynchronous."""
        await self.enqueue_each(count)

    async def enqueue_many(self, count: int) -> None:
        with self._queue.transaction(mode="IMMEDIATE"):
            await self.enqueue_each(count)

    async def drain(self, count: int, concurrency: int) -> float:
        tally = Tally(count)
        while not tally.done.is_set():
            message = self._queue.pop()
            json.loads(message.data)
            tally.hit()
            self._queue.done(message.message_id)
        return tally.rate


@asynccontextmanager
async def open_queue(place: Place) -> AsyncGenerator[LiteQueueQueue]:
    with closing(LiteQueue(str(place.file))) as queue:
        queue.conn.execute(f"PRAGMA synchronous = {place.synchronous}")
        yield LiteQueueQueue(queue)
