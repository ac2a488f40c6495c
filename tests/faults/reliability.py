"""How many jobs complete under faults: `python -m tests.faults.reliability [--jobs 5000] [--json]`.

With `--postgres ADDRESS`, they lie in a schema of that server, which is removed in the end.

One batch; one job in five meets a transient fault (its handler asks for another try, or raises),
which passes with the first, second or third retry; one attempt in a hundred takes its worker down
with SIGKILL, and all that ran beside it. Workers are processes of their own, one after another,
each started as soon as the one before has died.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import signal
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import anyio
import structlog
from pydantic import BaseModel

from mcp_server.clock import SystemClock, new_id
from mcp_server.jobs.batch import BatchLimits, BatchService
from mcp_server.jobs.handler import handler
from mcp_server.jobs.job import Attempt, NewJob, Origin
from mcp_server.jobs.outcome import Done, Outcome, Retry
from mcp_server.jobs.records import Host, NewBatch
from mcp_server.jobs.registry import Registry
from mcp_server.jobs.worker.attempt import AttemptRunner, Progress
from mcp_server.jobs.worker.maintenance import Maintenance, MaintenanceSettings
from mcp_server.jobs.worker.worker import Worker, WorkerSettings
from mcp_server.storage.sql.database import Database
from mcp_server.storage.sql.queue.store import SqlJobStore
from tests.faults.processes import seed
from tests.faults.reliability_place import Place, in_a_file, on_a_server
from tests.unit.jobs.rig import NoEffects

TRANSIENT, KILLS = 0.2, 0.01
OUTSTANDING = "SELECT outstanding FROM rounds"
KIND = "shaky"


class Shaky(BaseModel, frozen=True, extra="forbid"):
    """What is in store for a job: so many of its first tries meet this fault."""

    faults: int = 0
    fault: str = ""


class Broken(Exception):
    """A handler that breaks."""


def shaky(rng: random.Random):  # noqa: ANN201 - what `handler` makes
    """Make the kind; `rng` says which attempt is the last thing its worker does."""

    @handler(KIND, Shaky)
    async def run(payload: Shaky, attempt: Attempt) -> Outcome:
        """Do as the payload says. Safe to run twice: it does nothing."""
        if rng.random() < KILLS:
            os.kill(os.getpid(), signal.SIGKILL)
        if attempt.job.attempts < payload.faults:
            if payload.fault == "raise":
                raise Broken
            return Retry("the provider is busy", after_s=0.01)
        return Done()

    return run


def main() -> None:
    """Measure, and print the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=5000)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--postgres", metavar="ADDRESS")
    options = parser.parse_args()
    chosen = seed() if options.seed is None else options.seed
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        place = in_a_file(Path(folder) / "jobs.db")
        if options.postgres is not None:
            place = stack.enter_context(on_a_server(options.postgres))
        figures = measure(place, jobs=options.jobs, seed=chosen)
    if options.json:
        print(json.dumps(figures))
        return
    print(
        "{completed} of {jobs} jobs completed: {percent:.2f} %. {failed} failed, each with a "
        "reason; {faulty} met a transient fault, {killed} workers were killed, {seconds:.0f} s, "
        "seed {seed}.".format(**figures)
    )


def measure(place: Place, *, jobs: int, seed: int) -> dict[str, float]:
    """Run the batch to its end; return what became of it."""
    quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)  # each fault has its traceback
    structlog.configure(wrapper_class=quiet)
    rng, began = random.Random(seed), time.monotonic()
    payloads = [_payload(rng) for _ in range(jobs)]
    anyio.run(_submit, place, payloads)
    killed = 0
    while place.rows(OUTSTANDING) != [(0,)]:
        child = os.fork()
        if child == 0:
            anyio.run(_work, place, random.Random(f"{seed} {killed}"))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        killed += os.WIFSIGNALED(status)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "a worker broke"
    place.check()
    states = dict(place.rows("SELECT state, count(*) FROM jobs GROUP BY 1"))
    silent = "SELECT count(*) FROM jobs WHERE state = 'failed' AND reason IS NULL"
    assert place.rows(silent) == [(0,)], "a job failed without a reason"
    completed = states.get("completed", 0)
    return {
        "jobs": jobs,
        "completed": completed,
        "failed": states.get("failed", 0),
        "percent": 100 * completed / jobs,
        "faulty": sum(payload.faults > 0 for payload in payloads),
        "killed": killed,
        "seconds": time.monotonic() - began,
        "seed": seed,
    }


def _payload(rng: random.Random) -> Shaky:
    """Return a job, which may have a fault in store."""
    if rng.random() >= TRANSIENT:
        return Shaky()
    return Shaky(faults=rng.choices((1, 2, 3), (6, 3, 1))[0], fault=rng.choice(("retry", "raise")))


async def _submit(place: Place, payloads: list[Shaky]) -> None:
    async with place.open() as database:
        store, clock, registry = _store(database), SystemClock(), _registry(random.Random())
        batches = BatchService(
            store, registry, clock, partial(new_id, "j", clock), BatchLimits(jobs_max=10**6)
        )
        prepared = batches.prepare([NewJob(KIND, payload.model_dump()) for payload in payloads])
        origin = Origin(owner="local", interface="test")
        await batches.submit(NewBatch(id="b", kind="shaky", origin=origin, jobs=prepared))


async def _work(place: Place, rng: random.Random) -> None:
    async with place.open() as database:
        store, clock, registry = _store(database), SystemClock(), _registry(rng)
        worker = Worker(
            store,
            registry,
            AttemptRunner(registry, clock, _context, time_limit_s=60, random=lambda: 0.0),
            Maintenance(store, clock, MaintenanceSettings()),
            clock,
            Host(
                id=new_id("h", clock),
                role="worker",
                pid=os.getpid(),
                version="1",
                abilities=frozenset(),
            ),
            WorkerSettings(concurrency=32, idle_s=0.1, lease_s=5, heartbeat_s=1),
            partial(new_id, "a", clock),
        )
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(worker.run)
            while await store.work_before(now=clock.now(), horizon_s=3600):
                await store.wait_for_change(0.1, since=store.version)
            tasks.cancel_scope.cancel()


def _context(attempt: Attempt, progress: Progress) -> Attempt:
    return attempt


def _registry(rng: random.Random) -> Registry:
    registry = Registry(payload_bytes_max=1000)
    registry.register(shaky(rng))
    return registry


def _store(database: Database) -> SqlJobStore:
    return SqlJobStore(database, NoEffects(), partial(new_id, "j", SystemClock()))


if __name__ == "__main__":
    main()
