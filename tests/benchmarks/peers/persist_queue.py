"""persist-queue: a table with get and ack; whoever uses it brings the worker."""

# pyright: basic, reportMissingImports=false, reportMissingTypeStubs=false
# The library may not be installed, and is not typed.

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing

from persistqueue import SQLiteAckQueue

from tests.benchmarks.place import Place, Tally


class PersistQueueQueue:
    """One loop of get and ack."""

    def __init__(self, queue: SQLiteAckQueue) -> None:
        self._queue = queue

    async def enqueue_each(self, count: int) -> None:
        for number in range(count):
            self._queue.put({"number": number})

    async def enqueue_at_once(self, count: int, at_once: int) -> None:
        """As one after another: its calls are not asynchronous."""
        await self.enqueue_each(count)

    async def enqueue_many(self, count: int) -> None:
        await self.enqueue_each(count)

    async def drain(self, count: int, concurrency: int) -> float:
        tally = Tally(count)
        while not tally.done.is_set():
            message = self._queue.get(raw=True)
            tally.hit()
            self._queue.ack(id=message["pqid"])
        return tally.rate


@asynccontextmanager
async def open_queue(place: Place) -> AsyncGenerator[PersistQueueQueue]:
    with closing(SQLiteAckQueue(str(place.folder), auto_commit=True)) as queue:
        queue._putter.execute(f"PRAGMA synchronous = {place.synchronous}")
        yield PersistQueueQueue(queue)
