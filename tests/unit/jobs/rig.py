"""`jobs` alone: a real store, one toy kind, a worker. No site, no content, no MCP."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from pydantic import BaseModel

from mcp_server.clock import new_id
from mcp_server.jobs.batch import BatchLimits, BatchService
from mcp_server.jobs.handler import handler
from mcp_server.jobs.job import Attempt, Job, JobState, NewJob, Origin
from mcp_server.jobs.outcome import Done, Outcome
from mcp_server.jobs.queue import JobQueue
from mcp_server.jobs.records import Host, Lack, NewBatch, lack_of
from mcp_server.jobs.registry import Registry
from mcp_server.jobs.store import JobStore
from mcp_server.jobs.telemetry import AttemptWatch
from mcp_server.jobs.worker.attempt import AttemptRunner, Progress
from mcp_server.jobs.worker.maintenance import Maintenance, MaintenanceSettings
from mcp_server.jobs.worker.watchdog import OwnProcess
from mcp_server.jobs.worker.worker import Worker, WorkerSettings
from mcp_server.storage.sql.queue.store import SqlJobStore
from mcp_server.storage.sqlite.file.database import Database
from tests.attempts import claim_one, run_one
from tests.harness import ManualClock
from tests.waiting import PATIENCE_S, until

ORIGIN = Origin(owner="ada", interface="test")


class NoEffects:
    """Applies the effects of a system that has none beside the queue's own."""

    def apply(self, tx: object, effect: object, *, job: object, now: float) -> str | None:
        """No handler here asks for any."""
        raise AssertionError(f"who asked for {effect}?")

    def keep(self, tx: object, effect: object, *, job: object, now: float) -> None:
        """Nothing is worth keeping."""

    def follow_up(self, tx: object, applied: object) -> NewJob | None:
        """Nothing follows."""


class Toy(BaseModel, frozen=True, extra="forbid"):
    """What a toy job is to do: the name of an act."""

    act: str = "done"


@dataclass(frozen=True)
class Context:
    """What a toy handler is given."""

    attempt: Attempt
    progress: Progress
    acts: dict[str, Act]


Act = Callable[[Context], Awaitable[Any]]
"""What a test lets a job do."""


@handler("toy", Toy)
async def toy(payload: Toy, context: Context) -> Outcome:
    """Do what the test has put down under the payload's name."""
    return await context.acts[payload.act](context)


@handler("hasty", Toy, timeout_s=0.01)
async def hasty(payload: Toy, context: Context) -> Outcome:
    """Do the same with little time."""
    return await context.acts[payload.act](context)


def a_toy(act: str = "done", **different: Any) -> NewJob:
    """Make a job that does `act`."""
    made: dict[str, Any] = {"kind": "toy", "payload": {"act": act}, "subject": act}
    return NewJob(**(made | different))


async def done(context: Context) -> Outcome:
    """Do nothing, well."""
    return Done({"subject": context.attempt.job.subject})


class Rig:
    """A queue with everything around it that `jobs` has to offer."""

    def __init__(self, store: JobStore, path: Path) -> None:
        self.store, self.path = store, path
        self.clock = ManualClock()
        self.acts: dict[str, Act] = {"done": done}
        self.watch = AttemptWatch()
        self.registry = Registry(payload_bytes_max=1000)
        for kind in (toy, hasty):
            self.registry.register(kind)
        new_job_id = partial(new_id, "j", self.clock)
        self.queue = JobQueue(store, self.registry, self.clock, new_job_id)
        self.batches = BatchService(
            store, self.registry, self.clock, new_job_id, BatchLimits(jobs_max=20)
        )

    async def submit(self, id: str, *jobs: NewJob, **different: Any) -> list[str]:
        """Hand in a batch; return the ids of its jobs."""
        prepared = self.batches.prepare(jobs)
        made: dict[str, Any] = {"id": id, "kind": "toys", "origin": ORIGIN, "jobs": prepared}
        submission = await self.batches.submit(NewBatch(**(made | different)))
        assert submission.batch is not None
        return [id for id, _ in prepared]

    async def claim(self, kind: str = "toy") -> Attempt:
        """Claim the next job for a worker that is not there."""
        attempt = await claim_one(
            self.store, new_id("a", self.clock), kinds=[kind], now=self.clock.now()
        )
        assert attempt is not None
        return attempt

    async def job(self, job_id: str) -> Job:
        """Return a job that is there."""
        job = await self.store.job(job_id)
        assert job is not None
        return job

    def runner(self) -> AttemptRunner:
        """Make what runs attempts."""

        def context(attempt: Attempt, progress: Progress) -> Context:
            return Context(attempt, progress, self.acts)

        return AttemptRunner(
            self.registry,
            self.clock,
            context,
            time_limit_s=60,
            random=lambda: 1.0,
            watch=self.watch,
        )

    async def run_next(self) -> None:
        """Claim the next job, run it and record its end, without a worker."""
        await run_one(self.store, self.runner(), await self.claim(), now=self.clock.now())

    def host(self, id: str = "worker", role: str = "worker", **different: Any) -> Host:
        """Make a process."""
        made: dict[str, Any] = {"id": id, "role": role, "pid": os.getpid()}
        made |= {"abilities": frozenset[str](), "version": "1.0.0"}
        return Host(**(made | different))

    def worker(
        self,
        *,
        host: Host | None = None,
        store: JobStore | None = None,
        process: OwnProcess | None = None,
        lacking: Callable[[str], Lack] = lack_of,
        **settings: Any,
    ) -> Worker:
        """Make a worker, on another store where given; keywords are its settings."""
        return Worker(
            store or self.store,
            self.registry,
            self.runner(),
            Maintenance(self.store, self.clock, MaintenanceSettings()),
            self.clock,
            host or self.host(),
            WorkerSettings(**settings),
            partial(new_id, "a", self.clock),
            process=process,
            lacking=lacking,
        )

    @asynccontextmanager
    async def working(self, **settings: Any) -> AsyncGenerator[Worker]:
        """Run a worker beside the test, which ends it."""
        worker = self.worker(**settings)
        async with anyio.create_task_group() as tasks:
            await tasks.start(worker.run)
            with anyio.fail_after(PATIENCE_S):
                yield worker
            tasks.cancel_scope.cancel()


async def left(rig: Rig, job_id: str) -> Job:
    """Wait until a job neither waits for its turn nor runs."""
    at_work = (JobState.PENDING, JobState.PROCESSING)
    return await until(lambda: rig.job(job_id), lambda job: job.state not in at_work)


@asynccontextmanager
async def open_rig(path: Path) -> AsyncGenerator[Rig]:
    """Open the queue on a file."""
    async with Database.open(path, synchronous="NORMAL") as database:
        clock = ManualClock()
        store = SqlJobStore(database, NoEffects(), partial(new_id, "j", clock))
        yield Rig(store, path)
