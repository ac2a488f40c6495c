"""Pressroom's own queue, composed as the application does it, with nothing turned off."""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import anyio
import structlog
from pydantic import BaseModel

from mcp_server.clock import SystemClock, new_id
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.handler import handler
from mcp_server.jobs.hub.hub import Hub
from mcp_server.jobs.job import Attempt, NewJob, Origin
from mcp_server.jobs.outcome import Done, Outcome
from mcp_server.jobs.queue import JobQueue
from mcp_server.jobs.records import Host, NewBatch
from mcp_server.jobs.registry import Registry
from mcp_server.jobs.worker.attempt import AttemptRunner, Progress
from mcp_server.jobs.worker.maintenance import Maintenance, MaintenanceSettings
from mcp_server.jobs.worker.worker import Worker, WorkerSettings
from mcp_server.storage.sql.content.effects import ContentEffects
from mcp_server.storage.sql.database import Database
from mcp_server.storage.sql.queue.store import SqlJobStore
from mcp_server.storage.sqlite.file.database import Database as SqliteDatabase
from tests.benchmarks.place import REST_S, Place

PAYLOAD_BYTES_MAX = 64 * 1024
END_S = 600.0
"""How long a batch may take to drain before the measurement is given up."""

ORIGIN = Origin(owner="benchmark", interface="test")
SCHEMA = "pressroom_benchmark"
"""Of the workspace in a database of several machines."""


class Noop(BaseModel, frozen=True, extra="forbid"):
    """The payload of a job that does nothing."""

    number: int


class Ping(BaseModel, frozen=True, extra="forbid"):
    """The payload of a job that says when it started."""

    at: float
    """`time.monotonic()` when it was handed in: one clock for all processes of a machine."""


class PressroomQueue:
    """The queue of one workspace; leases, fence, counters, typed payloads, one batch."""

    def __init__(self, database: Database) -> None:
        self._clock = clock = database.clock(SystemClock())
        self._registry = Registry(payload_bytes_max=PAYLOAD_BYTES_MAX)
        new_job_id = partial(new_id, "j", clock)
        self._store = SqlJobStore(database, ContentEffects(), new_job_id)
        self._hub = Hub(self._store)
        made = (self._store, self._registry, clock, new_job_id)
        self._queue = JobQueue(*made, hub=self._hub)
        self._batches = BatchService(*made, hub=self._hub)
        self._batch_id = ""
        self._left = 0
        self._all_ran = anyio.Event()
        self._delays_s: list[float] = []
        self._hit = self._count_down
        self._register()

    def _register(self) -> None:
        @handler("noop", Noop)
        async def noop(payload: Noop, context: object) -> Outcome:
            self._hit()
            return Done()

        @handler("rest", Noop)
        async def rest(payload: Noop, context: object) -> Outcome:
            await anyio.sleep(REST_S)
            self._hit()
            return Done()

        @handler("reporting-noop", Noop)
        async def reporting_noop(payload: Noop, context: Progress) -> Outcome:
            await context(1, 1, "done")
            return await noop.run(payload, context)

        @handler("ping", Ping)
        async def ping(payload: Ping, context: object) -> Outcome:
            self._delays_s.append(time.monotonic() - payload.at)
            return Done()

        for kind in (noop, rest, reporting_noop, ping):
            self._registry.register(kind)

    def _count_down(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._all_ran.set()

    async def enqueue_each(self, count: int) -> None:
        for number in range(count):
            await self._queue.enqueue(_noop(number), origin=ORIGIN)

    async def enqueue_at_once(self, count: int, at_once: int) -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(at_once):
                tasks.start_soon(self.enqueue_each, count // at_once)

    async def enqueue_many(self, count: int, kind: str = "noop") -> None:
        jobs = self._batches.prepare([_noop(number, kind) for number in range(count)])
        batch = NewBatch(id=new_id("b", self._clock), kind="benchmark", origin=ORIGIN, jobs=jobs)
        submission = await self._batches.submit(batch)
        assert submission.batch is not None
        self._batch_id = submission.batch.id

    async def drain(self, count: int, concurrency: int) -> float:
        """Run the batch; return the rate from the start of the worker to the end of the batch."""
        self._left, self._all_ran = count, anyio.Event()
        begun = ended = time.perf_counter()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.worker(concurrency).run)
            with anyio.fail_after(END_S):
                await self._all_ran.wait()  # who waits for the batch reads it as it goes on
                await self._batches.wait(self._batch_id, owner=ORIGIN.owner)
            ended = time.perf_counter()
            tasks.cancel_scope.cancel()
        batch = await self._batches.get(self._batch_id, owner=ORIGIN.owner)
        assert (batch.completed, batch.total) == (count, count), batch
        return count / (ended - begun)

    async def work(self, lanes: int, hit: Callable[[], None]) -> None:
        """Run jobs until cancelled."""
        self._hit = hit
        await self.worker(lanes).run()

    async def wait(self) -> None:
        """Wait until the batch that was handed in last has ended."""
        with anyio.fail_after(END_S):
            await self._batches.wait(self._batch_id, owner=ORIGIN.owner)

    async def ping(self) -> None:
        """Hand in a job that says how long after this moment it starts."""
        job = NewJob(kind="ping", payload={"at": time.monotonic()}, subject="ping")
        await self._queue.enqueue(job, origin=ORIGIN)

    async def subscribe_and_leave(self) -> None:
        """Be told where things stand, and let go of it."""
        await anext(await self._hub.subscribe(ORIGIN.owner))

    @property
    def delays_s(self) -> Sequence[float]:
        """How late the pings that this process ran started."""
        return self._delays_s

    def worker(self, concurrency: int) -> Worker:
        """Return a worker with the settings of a fresh workspace."""
        clock = self._clock
        return Worker(
            self._store,
            self._registry,
            AttemptRunner(self._registry, clock, _context, time_limit_s=300, random=random.random),
            Maintenance(self._store, clock, MaintenanceSettings()),
            clock,
            Host(
                id=new_id("w", clock),
                role="worker",
                pid=os.getpid(),
                version="0.1.0",
                abilities=frozenset(),
            ),
            WorkerSettings(concurrency=concurrency),
            partial(new_id, "a", clock),
        )


@asynccontextmanager
async def open_queue(place: Place) -> AsyncGenerator[PressroomQueue]:
    """Open the queue in a folder, or in a database."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    if place.postgres is not None:
        from mcp_server.storage.postgres.database import PostgresDatabase

        async with PostgresDatabase.open(place.postgres, SCHEMA) as database:
            yield PressroomQueue(database)
    else:
        async with SqliteDatabase.open(place.file, synchronous=place.synchronous) as file:
            yield PressroomQueue(file)


def _noop(number: int, kind: str = "noop") -> NewJob:
    return NewJob(kind=kind, payload={"number": number}, subject=str(number))


def _context(attempt: Attempt, progress: Progress) -> Progress:
    """A no-op needs no context, but it may say how far it is."""
    return progress
