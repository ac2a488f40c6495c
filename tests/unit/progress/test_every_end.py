"""Whatever happens, and whenever somebody looks: each job and each round has one end."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from pathlib import Path

import anyio
import pytest

from mcp_server.errors import CallerError
from mcp_server.jobs.hub.hub import Hub
from mcp_server.jobs.job import NewJob
from mcp_server.jobs.outcome import Done, Enqueue, Fail, Pause, Retry, Skip
from mcp_server.progress.event import ProgressEvent
from mcp_server.progress.stream import Events, EventStream
from tests.storage.stores import ORIGIN, Bench, a_job, sqlite
from tests.waiting import until

pytestmark = pytest.mark.anyio

SEEDS = range(8)
STEPS = 60
OUTCOMES = (
    Done(),
    Skip("nothing to do"),
    Fail("no", "it cannot"),
    Retry("busy"),
    Pause("no key"),
    Done(effects=(Enqueue(NewJob(kind="work", payload={}, counted=False)),)),
)
ROUNDS = """
SELECT batch_id, number, state FROM rounds JOIN batches ON batches.id = rounds.batch
WHERE ended_at IS NOT NULL
"""
ALONE = """
SELECT job_id, 0, state FROM jobs WHERE batch IS NULL AND ended_at IS NOT NULL
"""


class Course:
    """A course of things that happen, drawn from a seed."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self._bench, self._random = bench, random.Random(seed)
        self._batches = self._jobs = 0

    async def step(self) -> None:
        """Do something; what cannot be done now is not."""
        steps: list[Callable[[], Awaitable[object]]] = [
            self._submit,
            self._enqueue,
            *[self._work] * 6,
            self._cancel,
            self._cancel_job,
            self._retry,
            self._retry,
            self._later,
        ]
        with suppress(CallerError):
            await self._random.choice(steps)()

    async def _submit(self) -> None:
        self._batches += 1
        jobs = [a_job() for _ in range(self._random.randint(1, 3))]
        await self._bench.submit(f"b{self._batches}", *jobs)

    async def _enqueue(self) -> None:
        self._jobs += 1
        delay_s = self._random.choice([0, 0, 60])
        await self._bench.enqueue(f"j{self._jobs}", a_job(delay_s=delay_s))

    async def _work(self) -> None:
        for attempt in await self._bench.claim():
            await self._bench.finish(attempt, self._random.choice(OUTCOMES))

    async def _cancel(self) -> None:
        await self._bench.cancel(self._some_batch())

    async def _cancel_job(self) -> None:
        id, now = f"j{self._random.randint(0, self._jobs)}", self._bench.now
        if await self._bench.store.job(id) is not None:
            await self._bench.store.cancel_job(id, reason="enough", now=now)

    async def _retry(self) -> None:
        batch = await self._bench.store.batch(self._some_batch())
        if batch is not None and (batch.ended or batch.state == "paused"):
            await self._bench.retry(batch.id)

    async def _later(self) -> None:
        self._bench.clock.advance(60)
        await self._bench.store.release_due(now=self._bench.now, limit=9)

    def _some_batch(self) -> str:
        return f"b{self._random.randint(0, self._batches)}"


class Listener:
    """Somebody who listens, and what he has heard."""

    def __init__(self) -> None:
        self.heard: list[ProgressEvent] = []
        self._more = anyio.Event()

    async def listen(self, events: EventStream) -> None:
        """Listen until cancelled."""
        async for event in events:
            self.heard.append(event)
            self._more.set()
            self._more = anyio.Event()

    @property
    def ends(self) -> Counter[tuple[str, int, str]]:
        """The ends he has heard of."""
        return Counter(end_of(event) for event in self.heard if event.ended)

    async def hears_of(self, ends: Counter[tuple[str, int, str]]) -> None:
        """Wait until he has heard of all these."""
        await until(lambda: not ends - self.ends)


@pytest.mark.parametrize("seed", SEEDS)
async def test_each_job_and_each_round_has_one_end(tmp_path: Path, seed: int) -> None:
    """Of what ended before somebody began to listen nothing is told."""
    path = tmp_path / "jobs.db"
    chance = random.Random(seed)
    listener = Listener()
    async with sqlite(path) as stores:
        bench = Bench(stores, sqlite, path)
        course = Course(bench, seed)
        for _ in range(STEPS // 4):
            await course.step()
        before = stored_ends(path)
        events = await Events(Hub(bench.store, buffer=chance.randint(1, 5)), bench.clock).subscribe(
            ORIGIN.owner, interval_s=chance.choice([0, 0.01, 3600])
        )
        async with anyio.create_task_group() as tasks:
            for n in range(STEPS):
                await course.step()
                if n == STEPS // 3:
                    tasks.start_soon(listener.listen, events)
                if n > STEPS // 3 and chance.random() < 0.1:
                    await listener.hears_of(stored_ends(path) - before)
            await bench.enqueue("last", a_job(kind="other"))
            await bench.work(kinds=["other"])
            await listener.hears_of(stored_ends(path) - before)
            tasks.cancel_scope.cancel()
    check_order(listener.heard)
    assert listener.ends == stored_ends(path) - before


def end_of(event: ProgressEvent) -> tuple[str, int, str]:
    """Which end this is, and which way it went."""
    return event.id, event.batch.round if event.batch is not None else 0, event.status.value


def stored_ends(path: Path) -> Counter[tuple[str, int, str]]:
    """Every end there has been, read past all our own code."""
    with closing(sqlite3.connect(path)) as connection:
        return Counter(map(tuple, [*connection.execute(ROUNDS), *connection.execute(ALONE)]))


def check_order(seen: list[ProgressEvent]) -> None:
    """Check that rounds come in their order, and that nothing follows an end but the next round."""
    latest: dict[str, tuple[int, bool]] = {}
    for event in seen:
        place = (event.batch.round if event.batch is not None else 0, event.ended)
        assert place >= latest.get(event.id, (0, False)), event
        latest[event.id] = place
