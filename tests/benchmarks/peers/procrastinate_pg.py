"""procrastinate on PostgreSQL."""

# pyright: basic, reportMissingImports=false, reportMissingTypeStubs=false
# The library may not be installed, and is not typed.

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
from procrastinate import App, PsycopgConnector
from procrastinate.types import JSONDict

from tests.benchmarks.place import Place, Tally


class ProcrastinateQueue:
    """One task that counts."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._tally = Tally(0)

        @app.task(name="noop")
        async def noop(number: int) -> None:
            self._tally.hit()

        self._noop = noop

    async def enqueue_each(self, count: int) -> None:
        for number in range(count):
            await self._noop.defer_async(number=number)

    async def enqueue_at_once(self, count: int, at_once: int) -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(at_once):
                tasks.start_soon(self.enqueue_each, count // at_once)

    async def enqueue_many(self, count: int) -> None:
        jobs: list[JSONDict] = [{"number": number} for number in range(count)]
        await self._noop.batch_defer_async(*jobs)

    async def drain(self, count: int, concurrency: int) -> float:
        self._tally = Tally(count)
        await self._app.run_worker_async(
            concurrency=concurrency, wait=False, install_signal_handlers=False
        )
        return self._tally.rate


@asynccontextmanager
async def open_queue(place: Place) -> AsyncGenerator[ProcrastinateQueue]:
    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    app = App(connector=PsycopgConnector(conninfo=place.postgres, max_size=10))
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        yield ProcrastinateQueue(app)
