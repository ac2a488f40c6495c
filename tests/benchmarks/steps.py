"""What is said of a batch of 100,000 jobs, carried out: how long the writer is held at most."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from mcp_server.clock import SystemClock, new_id
from mcp_server.jobs.job import NewJob, Origin
from mcp_server.jobs.records import NewBatch
from mcp_server.jobs.worker.maintenance import PRUNE_LIMIT, RELEASE_LIMIT
from mcp_server.storage.sql.content.effects import ContentEffects
from mcp_server.storage.sql.queue.store import SqlJobStore
from mcp_server.storage.sqlite.file.connection import Connection, open_file
from mcp_server.storage.sqlite.file.database import Database
from tests.benchmarks.measuring import OWN, ServerSizes, Values
from tests.benchmarks.memory import peak_kb
from tests.benchmarks.rows import NEVER, pile_up

T = TypeVar("T")

LATE = 2 * NEVER
"""When all is due, and old enough to be pruned."""


class Timed(Connection):
    """A writer that remembers for how long it was held at most."""

    longest_ms = 0.0

    async def hop(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run `function`, and take its time on the connection's thread."""

        def timed(connection: sqlite3.Connection) -> T:
            begun = time.perf_counter()
            try:
                return function(connection)
            finally:
                self.longest_ms = max(self.longest_ms, 1000 * (time.perf_counter() - begun))

        return await super().hop(timed)


class Steps:
    """A store with one batch, and what is measured of it."""

    def __init__(self, writer: Timed, store: SqlJobStore, batch_id: str) -> None:
        self._writer, self.store, self._batch_id = writer, store, batch_id
        self.values: dict[tuple[str, str], float] = {}

    async def measure(self, name: str, step: Awaitable[object]) -> None:
        """Take the longest transaction of a step, with all that follows, and how long it took."""
        self._writer.longest_ms = 0.0
        await step
        while await self.store.follow(now=time.time()):
            pass
        self.values[OWN, f"steps-{name}"] = self._writer.longest_ms

    async def cancel(self) -> None:
        """Cancel the batch; note how long that takes to be answered."""
        begun = time.perf_counter()
        await self.store.cancel_batch(self._batch_id, reason="enough", now=time.time())
        self.values[OWN, "steps-answer"] = 1000 * (time.perf_counter() - begun)

    async def retry(self) -> None:
        """Take the batch up again."""
        await self.store.retry(
            self._batch_id,
            terms=None,
            requires=None,
            leave_out=(),
            request=None,
            now=time.time(),
        )

    async def pause(self) -> None:
        """Pause the batch."""
        await self.store.pause(self._batch_id, "no key")

    async def release(self) -> None:
        """Make all jobs ready that are scheduled."""
        while await self.store.release_due(now=LATE, limit=RELEASE_LIMIT):
            pass

    async def prune(self) -> None:
        """Forget all jobs, and give back their room."""
        ages = {"completed_before": LATE, "ended_before": LATE}
        while await self.store.prune(**ages, limit=PRUNE_LIMIT):
            pass
        while await self.store.shrink():
            pass

    async def submit(self, count: int) -> None:
        """Hand in as many jobs, in the one transaction that this takes."""
        jobs = [(f"j{n}", NewJob(kind="noop", payload={"number": n})) for n in range(count)]
        made = NewBatch(id="b", kind="benchmark", origin=Origin("ada", "test"), jobs=jobs)
        await self.store.submit(made, now=time.time())


async def steps(folder: Path, sizes: ServerSizes) -> Values:
    """Say one thing after the other of a large batch, and of as many jobs that are due later."""
    path = folder / "queue.db"
    pile_up(path, sizes.batch, "pending")
    pile_up(path, sizes.batch, "scheduled", kind="later")
    async with opened(path) as work:
        peak = peak_kb()
        await work.measure("cancel", work.cancel())
        await work.measure("retry", work.retry())
        await work.measure("pause", work.pause())
        await work.measure("resume", work.retry())
        await work.measure("release", work.release())
        await work.cancel()
        await work.measure("prune", work.prune())
        work.values[OWN, "steps-growth"] = peak_kb() - peak
        await work.measure("submit", work.submit(sizes.batch))
    return work.values


@asynccontextmanager
async def opened(path: Path) -> AsyncGenerator[Steps]:
    """Open a file whose first batch is the one."""
    async with (
        Timed(partial(open_file, path)) as writer,
        Connection(partial(open_file, path)) as reader,
    ):
        [(batch_id,)] = await writer.hop(
            lambda c: c.execute("SELECT batch_id FROM batches WHERE id = 1").fetchall()
        )
        ids = partial(new_id, "j", SystemClock())
        store = SqlJobStore(Database(writer, reader), ContentEffects(), ids)
        yield Steps(writer, store, batch_id)
