"""docket (what FastMCP runs its tasks on) in memory."""

# pyright: basic, reportMissingImports=false, reportMissingTypeStubs=false
# The library may not be installed, and is not typed.

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import anyio
from docket import Docket, Worker

from tests.benchmarks.place import Place, Tally

POLL = timedelta(milliseconds=10)
"""As shipped it polls four times a second, and that alone would be measured."""


class DocketQueue:
    """One task that counts."""

    def __init__(self, docket: Docket) -> None:
        self._docket = docket
        self._tally = Tally(0)

        async def noop(number: int) -> None:
            self._tally.hit()

        self._noop = noop
        docket.register(noop)

    async def enqueue_each(self, count: int) -> None:
        for number in range(count):
            await self._docket.add(self._noop)(number)

    async def enqueue_at_once(self, count: int, at_once: int) -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(at_once):
                tasks.start_soon(self.enqueue_each, count // at_once)

    async def enqueue_many(self, count: int) -> None:
        docket = self._docket
        await docket.add_many(docket.call(self._noop)(number) for number in range(count))

    async def drain(self, count: int, concurrency: int) -> float:
        self._tally = Tally(count)
        async with Worker(
            self._docket,
            concurrency=concurrency,
            minimum_check_interval=POLL,
            scheduling_resolution=POLL,
        ) as worker:
            await worker.run_until_finished()
        return self._tally.rate


@asynccontextmanager
async def open_queue(place: Place) -> AsyncGenerator[DocketQueue]:
    logging.getLogger("docket").setLevel(logging.ERROR)
    async with Docket(name=place.folder.name, url="memory://") as docket:
        yield DocketQueue(docket)
