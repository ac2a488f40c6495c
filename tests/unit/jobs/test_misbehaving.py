"""Handlers that misbehave in the event loop: others go on, and what is unhealthy is said."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from mcp_server.jobs.job import Job, JobState
from mcp_server.jobs.outcome import Done, Fail, Outcome, Pause, Retry, Skip, Snooze
from mcp_server.jobs.records import Host
from mcp_server.jobs.store import JobStore
from mcp_server.jobs.worker.lanes import Lanes
from mcp_server.jobs.worker.watchdog import Held, Watchdog
from mcp_server.storage.sql.queue.store import SqlJobStore
from mcp_server.storage.sqlite.file.database import Database
from tests.unit.jobs.apart import KINDS, a_deed
from tests.unit.jobs.rig import Act, Context, NoEffects, Rig, a_toy, left
from tests.unit.jobs.test_isolation import word
from tests.waiting import PATIENCE_S, until, wait_until

pytestmark = pytest.mark.anyio


class Private(BaseException):
    """What a library may raise that wants nobody to catch it."""


async def then(rig: Rig, act: Act, *, kind: str = "toy") -> tuple[Job, Job]:
    """Let one lane run a job that does `act`, and then one that does its work; return both."""
    rig.acts["act"] = act
    job_id, next_id = await rig.submit("b", a_toy("act", kind=kind), a_toy())
    async with rig.working(concurrency=1):
        return await left(rig, job_id), await left(rig, next_id)


# What is raised


@pytest.mark.parametrize(
    "error",
    [
        Private(),
        KeyboardInterrupt(),
        GeneratorExit(),
        SystemExit(0),
        StopIteration(),
        StopAsyncIteration(),
        MemoryError(),
        asyncio.CancelledError(),
        BaseExceptionGroup("several", [Private()]),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_nothing_that_is_raised_ends_the_worker(rig: Rig, error: BaseException) -> None:
    """The attempt is tried again, and the lane takes the next job."""

    async def act(context: Context) -> Outcome:
        raise error

    job, after = await then(rig, act)
    assert (job.state, job.code, job.attempts) == (JobState.SCHEDULED, "retrying", 1)
    assert after.state is JobState.COMPLETED


async def test_endless_recursion_is_a_crash(rig: Rig) -> None:
    """Like any other."""

    async def act(context: Context) -> Outcome:
        return await act(context)

    job, after = await then(rig, act)
    assert job.reason is not None and "RecursionError" in job.reason
    assert after.state is JobState.COMPLETED


@pytest.mark.parametrize("waits", [True, False], ids=["waits", "returns"])
async def test_a_handler_that_cancels_its_own_task_does_not_take_the_lane_with_it(
    rig: Rig, *, waits: bool
) -> None:
    """Whether it notices itself, or leaves it to whoever waits next: later jobs are run."""

    async def act(context: Context) -> Outcome:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        if waits:
            await anyio.sleep(60)
        return Done()

    rig.acts["act"] = act
    first_id, *ids = await rig.submit("b", a_toy("act"), *[a_toy() for _ in range(5)])
    async with rig.working(concurrency=1):
        first = await left(rig, first_id)
        jobs = [await left(rig, id) for id in ids]
        [late_id] = await rig.submit("late", a_toy())
        late = await left(rig, late_id)
    assert first.state is (JobState.SCHEDULED if waits else JobState.COMPLETED)
    assert {job.state for job in jobs} == {JobState.COMPLETED}
    assert late.state is JobState.COMPLETED


async def test_a_lane_whose_handler_cancelled_itself_can_still_be_stopped(rig: Rig) -> None:
    """A time limit holds for the job after it."""

    async def act(context: Context) -> Outcome:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await anyio.sleep(60)
        return Done()

    async def sleep(context: Context) -> Outcome:
        await anyio.sleep_forever()
        return Done()

    rig.acts |= {"act": act, "sleep": sleep}
    ids = await rig.submit("b", a_toy("act"), a_toy("sleep", kind="hasty"), a_toy())
    async with rig.working(concurrency=1):
        _, slow, after = [await left(rig, id) for id in ids]
    assert slow.reason is not None and "time limit" in slow.reason
    assert after.state is JobState.COMPLETED


async def test_a_handler_that_ends_the_loops_default_threads_hurts_no_one_here(rig: Rig) -> None:
    """The worker has threads of its own."""

    async def act(context: Context) -> Outcome:
        await asyncio.get_running_loop().shutdown_default_executor()
        return Done()

    for kind in KINDS:
        rig.registry.register(kind)
    rig.acts["act"] = act
    ids = await rig.submit(
        "b", a_toy("act"), a_toy(), a_deed("threaded", "who"), a_deed("processed", "who")
    )
    async with rig.working(concurrency=1):
        jobs = [await left(rig, id) for id in ids]
    assert {job.state for job in jobs} == {JobState.COMPLETED}


# What is answered


def _coroutine() -> Any:
    async def unawaited() -> Outcome:
        return Done()

    made = unawaited()
    made.close()
    return made


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (_coroutine(), "its handler answered coroutine"),
        (Done, "its handler answered type"),
        ((Done(), Done()), "its handler answered tuple"),
        (Done(cast("Any", ["a"])), "its handler answered Done, whose result is no mapping"),
        (Done(cast("Any", None)), "its handler answered Done, whose result is no mapping"),
        (Done({}, cast("Any", [])), "its handler answered Done, whose effects are no tuple"),
        (Fail(cast("Any", 5), "x"), "its handler answered Fail, whose code is no text"),
        (Fail("x", "y", cast("Any", {})), "its handler answered Fail, whose effects are no tuple"),
        (Skip(cast("Any", None)), "its handler answered Skip, whose reason is no text"),
        (Pause(cast("Any", b"x")), "its handler answered Pause, whose reason is no text"),
        (Snooze(cast("Any", "later")), "its handler answered Snooze, whose time is no number"),
        (Snooze(float("nan")), "its handler answered Snooze, whose time is no number"),
        (Snooze(float("inf")), "its handler answered Snooze, whose time is no number"),
        (Retry("x", cast("Any", "soon")), "its handler answered Retry, whose time is no number"),
        (Retry("x", float("inf")), "its handler answered Retry, whose time is no number"),
    ],
    ids=lambda value: value[len("its handler answered ") :] if isinstance(value, str) else "",
)
async def test_rubbish_fails_its_job_and_says_what_it_was(
    rig: Rig, answer: Any, reason: str
) -> None:
    """It would be answered again; nothing of it is stored."""

    async def act(context: Context) -> Outcome:
        return answer

    job, after = await then(rig, act)
    assert (job.state, job.code, job.reason) == (JobState.FAILED, "handler-error", reason)
    assert after.state is JobState.COMPLETED


# Attempts that go on although they were stopped


class Process:
    """A worker's own process, which a test has for real: it learns what would become of it."""

    def __init__(self) -> None:
        self.replaced, self.ended = threading.Event(), threading.Event()

    def replace(self) -> None:
        """Note it; the worker goes on to its end."""
        self.replaced.set()

    def end(self) -> None:
        """Note it."""
        self.ended.set()


class Stubborn:
    """An act that takes no notice of being stopped until it is let go."""

    def __init__(self) -> None:
        self.entered, self.go = anyio.Event(), anyio.Event()

    async def __call__(self, context: Context) -> Outcome:
        self.entered.set()
        with anyio.CancelScope(shield=True):
            await self.go.wait()
        return Done({"late": True})


async def worker_row(rig: Rig) -> Host:
    """Return what the worker says of itself."""
    [host] = [host for host in await rig.store.hosts(seen_after=0) if host.role == "worker"]
    return host


async def unhealthy(rig: Rig, *, says: bool = True) -> str | None:
    """Wait until the worker says that it is unhealthy, or well again; return its words."""
    row = await until(
        lambda: worker_row(rig), lambda row: (row.details.get("unhealthy") is not None) is says
    )
    return row.details.get("unhealthy")


async def test_an_attempt_that_does_not_stop_is_ended_without_its_handler(rig: Rig) -> None:
    """It is tried again later; what the handler answers after all is nobody's."""
    stubborn = rig.acts["stubborn"] = Stubborn()
    stuck_id, next_id = await rig.submit("b", a_toy("stubborn", kind="hasty"), a_toy())
    async with rig.working(concurrency=2, heed_s=0.05):
        stuck = await left(rig, stuck_id)
        after = await left(rig, next_id)
        said = await unhealthy(rig)
        stubborn.go.set()
        await unhealthy(rig, says=False)
        [late_id] = await rig.submit("late", a_toy())
        late = await left(rig, late_id)
    assert (stuck.state, stuck.code, stuck.attempts) == (JobState.SCHEDULED, "retrying", 1)
    assert stuck.reason is not None and "time limit of 0.01 s" in stuck.reason
    assert said == (
        "hasty goes on after it was stopped; 1 of 2 lanes lost. "
        "Restart the server to have them back."
    )
    assert (await rig.job(stuck_id)).result is None
    assert (after.state, late.state) == (JobState.COMPLETED, JobState.COMPLETED)


async def test_an_attempt_that_does_not_stop_is_counted_once(rig: Rig) -> None:
    """As stopped: that it was done after all counts for nothing."""
    stubborn = rig.acts["stubborn"] = Stubborn()
    [job_id] = await rig.submit("b", a_toy("stubborn", kind="hasty", max_retries=0))
    async with rig.working(concurrency=2, heed_s=0.05):
        await left(rig, job_id)
        await unhealthy(rig)
        stubborn.go.set()
        await unhealthy(rig, says=False)
    counted = [(figure.outcome, figure.count) for figure in rig.watch.figures.read()]
    assert counted == [("stopped", 1)]


async def test_a_cancelled_attempt_that_does_not_stop_loses_its_lane_too(rig: Rig) -> None:
    """The job is cancelled at once all the same."""
    stubborn = rig.acts["stubborn"] = Stubborn()
    [job_id, next_id] = await rig.submit("b", a_toy("stubborn"), a_toy())
    async with rig.working(concurrency=1, heed_s=0.05):
        await stubborn.entered.wait()
        await rig.store.cancel_job(job_id, reason="no", now=rig.clock.now())
        await unhealthy(rig)
        assert (await rig.job(next_id)).state is JobState.PENDING  # there is no lane for it
        stubborn.go.set()
        after = await left(rig, next_id)
    assert (await rig.job(job_id)).state is JobState.CANCELLED
    assert after.state is JobState.COMPLETED


async def test_the_last_lane_is_kept_from_a_kind_that_took_the_others(rig: Rig) -> None:
    """One bad job would take them all, with its retries."""
    stubborn = rig.acts["stubborn"] = Stubborn()
    stuck_id, same_id, other_id = await rig.submit(
        "b", a_toy("stubborn", kind="hasty"), a_toy(kind="hasty", delay_s=5), a_toy(delay_s=5)
    )
    async with rig.working(concurrency=2, heed_s=0.05):
        await left(rig, stuck_id)
        await unhealthy(rig)
        rig.clock.advance(6)
        other = await left_scheduled(rig, other_id)
        assert (await rig.job(same_id)).state is JobState.PENDING
        stubborn.go.set()
        same = await left_scheduled(rig, same_id)
    assert (other.state, same.state) == (JobState.COMPLETED, JobState.COMPLETED)


async def left_scheduled(rig: Rig, job_id: str) -> Job:
    """Wait until a job that was due later is completed."""
    return await until(lambda: left(rig, job_id), lambda job: job.state is not JobState.SCHEDULED)


async def test_a_worker_with_its_own_process_finishes_the_rest_and_is_replaced(rig: Rig) -> None:
    """It takes no more work; what it has not begun is another's."""
    stubborn, beside = Stubborn(), Stubborn()
    rig.acts |= {"stubborn": stubborn, "beside": beside}
    process = Process()
    stuck_id, beside_id = await rig.submit(
        "b", a_toy("stubborn", kind="hasty"), a_toy("beside", priority=-1)
    )
    async with rig.working(concurrency=2, heed_s=0.05, process=process):
        said = await unhealthy(rig)
        [next_id] = await rig.submit("next", a_toy())
        assert not process.replaced.is_set()
        beside.go.set()
        await until(process.replaced.is_set)
        stubborn.go.set()
    assert said is not None and "replaced when the rest is done" in said
    assert (await rig.job(beside_id)).state is JobState.COMPLETED
    assert (await rig.job(stuck_id)).state is JobState.SCHEDULED
    waiting = await rig.job(next_id)
    assert (waiting.state, waiting.attempts, waiting.crashes) == (JobState.PENDING, 0, 0)
    assert not await rig.store.hosts(seen_after=0)


async def test_a_worker_that_is_asked_to_stop_ends_its_process_with_what_does_not(
    rig: Rig,
) -> None:
    """The handler had its grace, and is in the way of everybody else."""
    stubborn = rig.acts["stubborn"] = Stubborn()
    process = Process()
    [job_id] = await rig.submit("b", a_toy("stubborn"))
    async with rig.working(concurrency=1, grace_s=0.05, heed_s=0.05, process=process) as worker:
        await stubborn.entered.wait()
        worker.stop()
        await until(process.ended.is_set)
        stubborn.go.set()
    job = await rig.job(job_id)
    assert (job.state, job.attempts) == (JobState.PENDING, 0)


async def test_a_stray_thread_has_its_worker_replaced(rig: Rig, tmp_path: Path) -> None:
    """As soon as it has gone on for longer than it takes to stop."""
    for kind in KINDS:
        rig.registry.register(kind)
    process = Process()
    await rig.submit("b", a_deed("hasty-thread", "stay", tmp_path))
    async with rig.working(concurrency=2, heed_s=0.05, process=process):
        await word(tmp_path, "entered")
        await until(process.replaced.is_set)
        (tmp_path / "go").touch()


# A loop that is blocked


@asynccontextmanager
async def another(path: Path) -> AsyncGenerator[JobStore]:
    """The same queue, opened once more."""
    async with Database.open(path, synchronous="NORMAL") as database:
        yield SqlJobStore(database, NoEffects(), _no_id)


def _no_id() -> str:
    """Nothing is queued here."""
    raise AssertionError


class Seen:
    """What another process sees of a queue whose worker is blocked."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def details(self) -> dict[str, Any]:
        """Return what the worker says of itself."""

        async def read() -> dict[str, Any]:
            async with another(self._path) as store:
                hosts = await store.hosts(seen_after=0)
                return dict(hosts[0].details) if hosts else {}

        found: list[dict[str, Any]] = []
        thread = threading.Thread(target=lambda: found.append(anyio.run(read)))
        thread.start()
        thread.join()
        return found[0]

    def wait_unhealthy(self, saying: str) -> dict[str, Any]:
        """Block until the worker is said to be unhealthy."""
        wait_until(lambda: saying in self.details().get("unhealthy", ""))
        return self.details()


def watched(rig: Rig, lanes: Lanes, held: list[str], process: Process | None) -> Watchdog:
    """A watchdog in a hurry."""
    return Watchdog(
        partial(another, rig.path),
        rig.runner(),
        lanes,
        rig.clock,
        rig.host(),
        lambda: Held(attempt_ids=held, reports=[]),
        lease_s=30,
        heartbeat_s=0.1,
        process=process,
        look_s=0.02,
        blocked_s=0.06,
    )


@asynccontextmanager
async def blocking(
    rig: Rig, act: Act, kind: str, process: Process | None = None
) -> AsyncGenerator[tuple[str, Lanes, list[Any]]]:
    """Lanes under a watchdog, one of which runs `act`."""
    rig.acts["block"] = act
    [job_id] = await rig.submit("b", a_toy("block", kind=kind))
    attempt = await rig.claim(kind)
    ended: list[Any] = []
    over = anyio.Event()

    def note(*end: Any) -> None:
        ended.append(end)
        over.set()

    lanes = Lanes(
        2, rig.runner(), ended=note, stepped=lambda _: None, strayed=lambda: None, heed_s=5
    )
    async with (
        watched(rig, lanes, [attempt.id], process).watching(),
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(lanes.run)
        lanes.give([attempt])
        with anyio.fail_after(PATIENCE_S):
            await over.wait()
        yield job_id, lanes, ended
        tasks.cancel_scope.cancel()


@pytest.mark.blocks_the_loop
async def test_the_leases_of_a_blocked_worker_are_renewed_and_others_see_why(rig: Rig) -> None:
    """From a thread of its own: it still lives, within the handler's time limit."""
    seen, said = Seen(rig.path), list[dict[str, Any]]()

    async def block(context: Context) -> Outcome:
        rig.clock.advance(29)  # the lease has a second left
        said.append(seen.wait_unhealthy("a toy job has blocked it"))
        return Done()

    async with blocking(rig, block, "toy") as (_, _, ended):
        assert len(ended) == 1
        lost = await rig.store.rescue(
            now=rig.clock.now() + 10, except_worker=None, crashes_max=9, limit=9
        )
    assert lost == 0
    assert "restart the server" in said[0]["unhealthy"]


async def test_a_worker_that_hangs_past_the_time_limit_gives_back_what_it_holds(rig: Rig) -> None:
    """The culprit's attempt counts as too long; then the process is replaced."""
    process = Process()

    async def block(context: Context) -> Outcome:
        process.replaced.wait(PATIENCE_S)  # which would not return, where it is real
        return Done({"late": True})

    async with blocking(rig, block, "hasty", process) as (job_id, _, _):
        job = await rig.job(job_id)
    assert process.replaced.is_set()
    assert (job.state, job.attempts, job.crashes) == (JobState.SCHEDULED, 1, 0)
    assert job.reason is not None and "time limit of 0.01 s" in job.reason


@pytest.mark.blocks_the_loop
async def test_a_worker_that_hangs_is_replaced_though_its_queue_is_a_newer_versions(
    rig: Rig,
) -> None:
    """Nothing can be given back then: its leases run out."""
    process = Process()

    async def block(context: Context) -> Outcome:
        with closing(sqlite3.connect(rig.path)) as newer, newer:
            newer.execute("PRAGMA user_version = 999")
        process.replaced.wait(PATIENCE_S)
        with closing(sqlite3.connect(rig.path)) as newer, newer:
            newer.execute("PRAGMA user_version = 2")
        return Done()

    async with blocking(rig, block, "hasty", process):
        pass
    assert process.replaced.is_set()


async def test_a_loop_that_comes_round_is_left_alone(rig: Rig) -> None:
    """Nothing is announced, and no lease touched."""

    async def work(context: Context) -> Outcome:
        for _ in range(20):
            await anyio.sleep(0.01)
        return Done()

    async with blocking(rig, work, "toy"):
        pass
    assert not await rig.store.hosts(seen_after=0)
