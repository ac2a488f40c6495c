"""One seed from beginning to end, and many of them on all processors."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import traceback
from collections.abc import Iterator, MutableMapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, cast

import anyio
import structlog

from mcp_server.errors import CallerError, StorageError
from mcp_server.jobs.job import NewJob
from tests.faults.simulation.actors import ServerSlot, WorkerSlot, WorkspaceLock
from tests.faults.simulation.clients import ORIGIN, Client, Unanswered
from tests.faults.simulation.faults import Faults
from tests.faults.simulation.handlers import Play
from tests.faults.simulation.ledger import Violation, check_tables
from tests.faults.simulation.loop import Stuck, settle_cancellation_order
from tests.faults.simulation.world import World

DRAINED_S = 300.0
"""So long after the last fault everything must be over: it is several of the longest backoffs."""

SEEDS_AT_ONCE = 25

UNFINISHED = """
SELECT 'job ' || job_id || ' is ' || state FROM jobs
WHERE state IN ('scheduled', 'pending', 'processing', 'paused')
UNION ALL
SELECT 'batch ' || batch_id || ' is ' || state FROM rounds
JOIN batches ON batches.id = rounds.batch
WHERE ended_at IS NULL
"""

STATES = """
SELECT batch_id, state FROM batches
JOIN rounds ON rounds.batch = batches.id AND rounds.number = batches.round
"""

HELD = "SELECT id, json_extract(details, '$.running') FROM hosts WHERE role = 'worker'"


@dataclass(frozen=True, slots=True)
class Report:
    """How the simulation of a seed went."""

    seed: int
    problem: str | None
    digest: int
    """The same for the same course of events."""
    commits: int
    seconds: float
    """Simulated ones."""
    counts: dict[str, int]
    lines: list[str]
    """The trace, where one was asked for."""

    @property
    def again(self) -> str:
        """The command that runs this seed again and tells what happens."""
        return f"python -m tests.faults.simulation --seed {self.seed} --trace"


def simulate(seed: int, *, traced: bool = False) -> Report:
    """Run one seed."""
    settle_cancellation_order()
    world = World(seed, traced=traced)
    configure_log(world)
    problem: str | None = None
    try:
        world.loop.run(Simulation(world).run())
    except (Violation, Stuck) as error:
        problem = f"{type(error).__name__}: {error}"
    except Exception as error:  # noqa: BLE001 - whatever the product lets through is what we look for
        problem = _leaf(error)
        world.lines.append(traceback.format_exc())
    digest, seconds = world.digest, world.loop.time()
    _tidy(world)
    counts = dict(world.ledger.counts)
    return Report(seed, problem, digest, world.commits, seconds, counts, world.lines)


def simulate_many(seeds: Sequence[int], *, processes: int | None = None) -> Iterator[Report]:
    """Run many seeds on all processors; return each as it is done, in order."""
    parts = [seeds[n : n + SEEDS_AT_ONCE] for n in range(0, len(seeds), SEEDS_AT_ONCE)]
    with ProcessPoolExecutor(processes or os.cpu_count(), get_context("spawn")) as pool:
        for reports in pool.map(_simulate_part, parts):
            yield from reports


def _simulate_part(seeds: Sequence[int]) -> list[Report]:
    gc.disable()  # a world is one heap of cycles, and is gone as a whole
    reports = [simulate(seed) for seed in seeds]
    gc.collect()
    return reports


def configure_log(world: World) -> None:
    """Let the product's log be part of the trace, and of nothing else."""

    def into_trace(_: Any, method: str, event: MutableMapping[str, Any]) -> str:
        said = ", ".join(f"{key}={event[key]}" for key in event if key not in ("event", "exc_info"))
        world.note("log", f"{event['event']} {said}")
        raise structlog.DropEvent

    level = logging.DEBUG if world.traced else logging.CRITICAL
    structlog.configure(
        processors=[into_trace], wrapper_class=structlog.make_filtering_bound_logger(level)
    )


class Simulation:
    """The course of one world: trouble for a while, then peace, in which all must end."""

    def __init__(self, world: World) -> None:
        random = world.stream("course")
        self._world = world
        self._play = Play(world)
        lock = WorkspaceLock() if random.random() < 0.3 else None
        self._workers = [WorkerSlot(world, self._play, n, lock) for n in (1, 2, 3)][
            : 2 if lock else random.choice((1, 2, 2, 3))
        ]
        self._alone = lock is not None
        self._servers = [ServerSlot(world, self._play, n) for n in (1, 2)][: random.choice((1, 2))]
        self._clients = [Client(world, self._servers, n) for n in (1, 2)]
        self._trouble_s = random.choice((1.5, 3.0, 6.0))
        self._faults = Faults(world)
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Let everybody loose, and see to it that all is well in the end."""
        actors = [*self._workers, *self._servers, self._faults]
        asking = [asyncio.ensure_future(client.run()) for client in self._clients]
        self._tasks = [*asking, *(asyncio.ensure_future(actor.run()) for actor in actors)]
        await self._pass(self._trouble_s)
        self._faults.end()
        for slot in self._workers:
            slot.make_room()
        ends = self._world.loop.time() + DRAINED_S
        while not all(task.done() for task in asking):
            _require(self._world.loop.time() < ends, "a client is never answered")
            await self._pass(0.5)
        await self._drain()
        await self._meet_at_gate()
        await self._pass(1.5)
        self._check_end()

    async def _pass(self, seconds: float) -> None:
        """Let time go by; raise what ended one who should have gone on."""
        ends = self._world.loop.time() + seconds
        while self._world.loop.time() < ends:
            await anyio.sleep(0.5)
            for task in self._tasks:
                if task.done():
                    task.result()

    async def _drain(self) -> None:
        ends = self._world.loop.time() + DRAINED_S
        while unfinished := self._unfinished():
            if self._world.loop.time() > ends:
                raise Violation(f"never ended: {'; '.join(unfinished[:5])}")
            await self._pass(0.5)
            await self._clients[0].take_up_paused()

    async def _meet_at_gate(self) -> None:
        """Queue a job for every lane there is: each must have one, or the gate stays shut."""
        lanes = [slot.concurrency for slot in self._workers]
        gate = self._play.gate
        gate.wanted = min(lanes) if self._alone else sum(lanes)
        self._world.note("gate", f"waits for {gate.wanted}")
        for n in range(gate.wanted):
            job = NewJob("gate", {"section": f"gate/{n}"})
            await self._clients[0].ask_until(
                "enqueue",
                lambda server, job=job: server.queue.enqueue(job, origin=ORIGIN),
                times=100,
            )
        await self._drain()

    def _unfinished(self) -> list[str]:
        return [row[0] for row in self._world.observer.execute(UNFINISHED)]

    def _check_end(self) -> None:
        check_tables(self._world.observer)
        for client in self._clients:
            for process, wait in client.waits:
                if not process.dead:
                    _require(wait.done(), f"{process.name} still waits for a batch that is over")
                    wait.result()
        self._check_workers()
        self._check_listeners()
        self._check_tasks()

    def _check_workers(self) -> None:
        """A worker says with every heartbeat how much it holds: nothing, by now."""
        for name, held in self._world.observer.execute(HELD):
            living = any(slot.process and slot.process.name == name for slot in self._workers)
            _require(not living or held == 0, f"{name} still holds {held} attempts")

    def _check_listeners(self) -> None:
        stored = dict(self._world.observer.execute(STATES).fetchall())
        for slot in self._servers:
            if slot.server is not None:
                seen = {id: str(batch.state) for id, batch in slot.server.seen.items()}
                _require(seen == stored, f"{slot.server.process.name} heard {seen}, not {stored}")

    def _check_tasks(self) -> None:
        """Nothing that nobody waited for may have died of something unexpected."""
        for task in self._world.loop.tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                expected = isinstance(error, (CallerError, StorageError, Unanswered))
                _require(expected, f"{task.get_name()} died: {error!r}")


def _tidy(world: World) -> None:
    """Let every task end, with a database that refuses, and close what is open."""
    world.over, world.faulty = True, False
    world.loop.failure = None

    async def end() -> None:
        mine = asyncio.current_task()
        for process in world.processes:
            process.unwind()
        left: list[asyncio.Task[Any]] = []
        for _ in range(20):
            left = [task for task in world.loop.tasks if not task.done() and task is not mine]
            if not left:
                return
            for task in left:
                task.cancel()
            await asyncio.sleep(30)
        raise Stuck(f"{left} do not end")

    world.loop.run(end())
    for task in world.loop.tasks:
        if not task.cancelled():
            task.exception()  # is asked for, so that nobody complains
    world.close()


def _leaf(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    return f"{type(error).__name__}: {error}"


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise Violation(message)
