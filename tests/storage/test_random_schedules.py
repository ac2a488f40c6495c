"""Any order of calls leaves a file that does not contradict itself, and every batch ends."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_server.errors import LostClaim
from mcp_server.jobs.job import BATCH_TRANSITIONS, JOB_TRANSITIONS, Attempt, Dedup
from mcp_server.jobs.outcome import Done, Enqueue, Fail, Pause, Retry, Skip, Snooze
from tests.storage.invariants import check_invariants
from tests.storage.stores import ENGINES, Bench, Engine, a_job

FOLLOW_UPS = (
    a_job(dedup=Dedup.COALESCE, dedup_key="page", counted=False),
    a_job(dedup=Dedup.COALESCE, dedup_key="page"),
    a_job(dedup=Dedup.SKIP, dedup_key="k1"),
    a_job(dedup=Dedup.REPLACE, dedup_key="page", counted=False),
    a_job(counted=False),
)
JOBS = (
    a_job(),
    a_job(dedup=Dedup.SKIP, dedup_key="k1"),
    a_job(dedup=Dedup.SKIP, dedup_key="k2"),
    a_job(dedup=Dedup.COALESCE, dedup_key="page"),
    a_job(dedup=Dedup.COALESCE, dedup_key="page", counted=False),
    a_job(dedup=Dedup.REPLACE, dedup_key="page"),
    a_job(dedup=Dedup.REPLACE, dedup_key="page", delay_s=5.0, counted=False),
    a_job(delay_s=5.0),
    a_job(requires="key:x"),
)
OUTCOMES = (
    Done(),
    *(Done(effects=(Enqueue(job),)) for job in FOLLOW_UPS),
    Skip("nothing"),
    Retry("again"),
    Snooze(0.0),
    Fail("no", "it cannot"),
    Pause("no key"),
)

batch_numbers = st.integers(0, 3)
steps = st.one_of(
    st.tuples(
        st.just("submit"),
        st.tuples(
            st.lists(st.sampled_from(JOBS), min_size=1, max_size=3),
            st.sampled_from([None, None, "same"]),
        ),
    ),
    st.tuples(st.just("enqueue"), st.sampled_from(JOBS)),
    st.tuples(st.just("claim"), st.integers(1, 3)),
    st.tuples(st.just("finish"), st.tuples(st.integers(0, 9), st.sampled_from(OUTCOMES))),
    st.tuples(st.just("give_back"), st.integers(0, 9)),
    st.tuples(st.just("rescue"), st.sampled_from([None, "w1"])),
    st.tuples(st.just("advance"), st.sampled_from([1.0, 31.0])),
    st.tuples(st.just("pause"), batch_numbers),
    st.tuples(st.just("cancel"), batch_numbers),
    st.tuples(st.just("cancel_job"), batch_numbers),
    st.tuples(st.just("retry"), batch_numbers),
)


class Schedule:
    """Carries out steps, and sees to it that every change of state is in the tables."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._batches: list[str] = []
        self._attempts: list[Attempt] = []
        self._alone = 0
        self._states: dict[str, Any] = {}

    async def run(self, schedule: Sequence[tuple[str, Any]]) -> None:
        """Carry out a schedule."""
        for name, argument in schedule:
            await getattr(self, f"_{name}")(argument)
            await self._compare()

    async def end(self) -> None:
        """Do what is left: whatever happened, every batch ends."""
        bench = self._bench
        for _ in range(200):
            bench.clock.advance(1000.0)
            await bench.rescue()
            await bench.store.release_due(now=bench.now, limit=100)
            for attempt in await bench.claim(8, abilities=["key:x"]):
                await bench.finish(attempt)
            await self._compare()
            unfinished = [b for b in self._batches if not (await bench.batch(b)).ended]
            if not unfinished:
                return
            for batch in unfinished:
                if (await bench.batch(batch)).state == "paused":
                    await bench.retry(batch)
        raise AssertionError(f"never ended: {[await bench.batch(b) for b in self._batches]}")

    async def _submit(self, what: tuple[Sequence[Any], str | None]) -> None:
        jobs, key = what
        id = f"b{len(self._batches) + 1}"
        submission = await self._bench.submit(id, *jobs, submit_key=key)
        if submission.batch is not None and not submission.duplicate:
            self._batches.append(id)

    async def _enqueue(self, job: Any) -> None:
        self._alone += 1
        await self._bench.enqueue(f"alone.{self._alone}", job)

    async def _claim(self, limit: int) -> None:
        self._attempts += await self._bench.claim(limit)

    async def _finish(self, which: tuple[int, Any]) -> None:
        number, outcome = which
        if attempt := self._attempt(number):
            try:
                await self._bench.finish(attempt, outcome)
            except LostClaim:
                self._attempts.remove(attempt)

    async def _give_back(self, number: int) -> None:
        if attempt := self._attempt(number):
            await self._bench.store.give_back([attempt.id], now=self._bench.now)

    async def _rescue(self, except_worker: str | None) -> None:
        await self._bench.rescue(except_worker=except_worker, crashes_max=1)

    async def _advance(self, seconds: float) -> None:
        self._bench.clock.advance(seconds)
        await self._bench.store.release_due(now=self._bench.now, limit=100)

    async def _pause(self, number: int) -> None:
        if batch := self._batch(number):
            await self._bench.store.pause(batch, "no key")

    async def _cancel(self, number: int) -> None:
        if batch := self._batch(number):
            await self._bench.cancel(batch)

    async def _cancel_job(self, number: int) -> None:
        if batch := self._batch(number):
            for job in (await self._bench.store.jobs(batch))[-1:]:
                await self._bench.store.cancel_job(job.id, reason="enough", now=self._bench.now)

    async def _retry(self, number: int) -> None:
        if batch := self._batch(number):
            await self._bench.retry(batch)

    def _attempt(self, number: int) -> Attempt | None:
        return self._attempts[number % len(self._attempts)] if self._attempts else None

    def _batch(self, number: int) -> str | None:
        return self._batches[number % len(self._batches)] if self._batches else None

    async def _compare(self) -> None:
        check_invariants(self._bench.path)
        for id in self._batches:
            batch = await self._bench.batch(id)
            self._moved(f"batch {id}", batch.state, BATCH_TRANSITIONS)
            for job in await self._bench.store.jobs(id):
                self._moved(f"job {job.id}", job.state, JOB_TRANSITIONS)

    def _moved(self, subject: str, state: Any, table: Any) -> None:
        before = self._states.get(subject, state)
        self._states[subject] = state
        reachable = table[before] | {later for to in table[before] for later in table[to]}
        assert state == before or state in reachable, f"{subject}: {before} → {state}"


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
@given(schedule=st.lists(steps, min_size=1, max_size=25))
def test_any_order_of_calls_leaves_a_file_that_agrees_with_itself(
    engine: Engine, schedule: list[tuple[str, Any]]
) -> None:
    """Counters are the jobs after every step, no state is out of the tables, all batches end."""

    async def play() -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "pressroom.db"
            async with engine(path) as stores:
                played = Schedule(Bench(stores, engine, path))
                await played.run(schedule)
                await played.end()
            check_invariants(path)

    anyio.run(play)
