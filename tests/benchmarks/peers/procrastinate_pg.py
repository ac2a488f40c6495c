"""procrastinate on PostgreSQL."""

# pyright: basic, reportMissingImports=false, reportMissingTypeStubs=false
# The library may not be installed, and is not typed.

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import anyio
from procrastinate import App, PsycopgConnector
from procrastinate.types import JSONDict

from tests.benchmarks.place import REST_S, Place, Tally


class ProcrastinateQueue:
    """Tasks that count, and one that says when it started."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._hit = Tally(0).hit
        self.delays_s: list[float] = []

        @app.task(name="noop")
        async def noop(number: int) -> None:
            self._hit()

        @app.task(name="rest")
        async def rest(number: int) -> None:
            await anyio.sleep(REST_S)
            self._hit()

        @app.task(name="ping")
        async def ping(at: float) -> None:
            self.delays_s.append(time.monotonic() - at)

        self._noop, self._ping = noop, ping
        self._kinds = {"noop": noop, "rest": rest}

    async def enqueue_each(self, count: int) -> None:
        for number in range(count):
            await self._noop.defer_async(number=number)

    async def enqueue_at_once(self, count: int, at_once: int) -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(at_once):
                tasks.start_soon(self.enqueue_each, count // at_once)

    async def enqueue_many(self, count: int, kind: str = "noop") -> None:
        jobs: list[JSONDict] = [{"number": number} for number in range(count)]
        await self._kinds[kind].batch_defer_async(*jobs)

    async def ping(self) -> None:
        await self._ping.defer_async(at=time.monotonic())

    async def work(self, lanes: int, hit: Callable[[], None]) -> None:
        """Run jobs until cancelled."""
        self._hit = hit
        await self._app.run_worker_async(concurrency=lanes, install_signal_handlers=False)

    async def drain(self, count: int, concurrency: int) -> float:
        tally = Tally(count)
        self._hit = tally.hit
        await self._app.run_worker_async(
            concurrency=concurrency, wait=False, install_signal_handlers=False
        )
        return tally.rate


@asynccontextmanager
async def open_queue(place: Place) -> AsyncGenerator[ProcrastinateQueue]:
    logging.getLogger("procrastinate").setLevel(logging.ERROR)
    app = App(connector=PsycopgConnector(conninfo=place.postgres, max_size=10))
    async with app.open_async():
        if not place.made:
            await app.schema_manager.apply_schema_async()
        yield ProcrastinateQueue(app)
