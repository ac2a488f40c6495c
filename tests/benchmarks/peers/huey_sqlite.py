"""huey on SQLite: threads that pop a job, and so delete it, before they run it."""

# pyright: basic, reportMissingImports=false, reportMissingTypeStubs=false
# The library may not be installed, and is not typed.

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing

from huey.api import Huey
from huey.consumer import Consumer
from huey.storage import SqliteStorage

from tests.benchmarks.place import Place, Tally

DRAIN_S = 600


class NormalStorage(SqliteStorage):
    """huey offers FULL and OFF; this is what lies between them."""

    def _create_connection(self) -> sqlite3.Connection:
        connection = super()._create_connection()
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection


class HueyQueue:
    """One task that counts."""

    def __init__(self, huey: Huey) -> None:
        self._huey = huey
        self._tally = Tally(0)

        def noop(number: int) -> None:
            self._tally.hit()

        self._noop = huey.task()(noop)

    async def enqueue_each(self, count: int) -> None:
        for number in range(count):
            self._noop(number)

    async def enqueue_at_once(self, count: int, at_once: int) -> None:
        """As one after another: its calls are not asynchronous."""
        await self.enqueue_each(count)

    async def enqueue_many(self, count: int) -> None:
        await self.enqueue_each(count)

    async def drain(self, count: int, concurrency: int) -> float:
        self._tally = tally = Tally(count)
        consumer = Consumer(
            self._huey, workers=concurrency, periodic=False, check_worker_health=False
        )
        consumer.start()
        tally.done.wait(DRAIN_S)
        consumer.stop(graceful=True)
        return tally.rate


@asynccontextmanager
async def open_queue(place: Place) -> AsyncGenerator[HueyQueue]:
    full = place.durability == "FULL"
    huey = Huey(
        "benchmark",
        results=False,
        storage_class=SqliteStorage if full else NormalStorage,
        filename=str(place.file),
        fsync=True if full else None,
    )
    with closing(huey.storage):
        yield HueyQueue(huey)
