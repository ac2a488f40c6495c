"""The hub on a real store: who subscribes gets the present, the newest and the end."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from itertools import count
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from anyio.abc import TaskStatus

from mcp_server.errors import NotFound, StorageError
from mcp_server.jobs.hub.hub import Hub
from mcp_server.jobs.hub.subscription import STILL, Snapshot, Subscription
from mcp_server.jobs.job import Batch, BatchState, JobState, NewJob, Origin, Step
from mcp_server.jobs.records import NewBatch, Question, Report, Updates
from mcp_server.jobs.retry import Verdict
from mcp_server.jobs.store import JobStore
from mcp_server.storage.sql.content.effects import ContentEffects
from mcp_server.storage.sql.queue.store import SqlJobStore
from mcp_server.storage.sqlite.file.database import Database
from tests.attempts import claim_one, record
from tests.waiting import PATIENCE_S, until

ORIGIN = Origin(owner="local", interface="test")
AN_HOUR_S = 3_600.0


class SettableClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def now(self) -> float:
        """Return where it stands."""
        return self.at


class Workspace:
    """A store on a file, a hub over it, and the few steps of a worker that tests need."""

    def __init__(self, path: Path, store: SqlJobStore) -> None:
        self.path, self.store = path, store
        self.clock = SettableClock()
        self.hub = Hub(store, now=self.clock.now)
        self._attempts = count()

    async def submit(self, batch_id: str, *, jobs: int = 3) -> None:
        """Hand in a batch."""
        new = [
            (f"{batch_id}_{n}", NewJob(kind="content-generate", payload={}, subject=f"menu/s{n}"))
            for n in range(jobs)
        ]
        batch = NewBatch(id=batch_id, kind="generate", origin=ORIGIN, jobs=new)
        await self.store.submit(batch, now=self.clock.now())

    async def work(self, *, step: Step | None = None) -> None:
        """Take up the next job and finish it; with `step`, only report that it came so far."""
        attempt = await claim_one(
            self.store,
            f"claim_{next(self._attempts)}",
            kinds=["content-generate"],
            now=self.clock.now(),
        )
        assert attempt is not None
        if step is not None:
            await self.store.step([(attempt, step)])
            return
        report = Report(attempt, Verdict(state=JobState.COMPLETED))
        await record(self.store, report, now=self.clock.now())


def opened(path: Path, database: Database) -> Workspace:
    """Return the workspace on an open file."""
    job_ids = count()
    store = SqlJobStore(database, ContentEffects(), lambda: f"job_{next(job_ids)}")
    return Workspace(path, store)


@pytest.fixture
async def workspace(tmp_path: Path) -> AsyncIterator[Workspace]:
    """A workspace with one batch of three jobs, `batch_1`; nothing has started."""
    path = tmp_path / "jobs.db"
    async with Database.open(path, synchronous="NORMAL") as database:
        made = opened(path, database)
        await made.submit("batch_1")
        yield made


@asynccontextmanager
async def subscribed(
    workspace: Workspace, batch_id: str, *, interval_s: float = 0.5
) -> AsyncGenerator[Subscription]:
    """Subscribe to a batch, until nothing of it happens by itself."""
    yield await workspace.hub.subscribe(None, only=batch_id, until=STILL, interval_s=interval_s)


async def next_of(snapshots: AsyncIterator[Snapshot]) -> Batch:
    """Return the next snapshot, which must be on its way."""
    with anyio.fail_after(PATIENCE_S):
        return (await anext(snapshots)).batch


@pytest.mark.anyio
async def test_the_present_comes_first(workspace: Workspace) -> None:
    """Before anything changes, and with what is running."""
    await workspace.work(step=Step(current=1, total=4, message="asking"))
    async with subscribed(workspace, "batch_1") as snapshots:
        present = await next_of(snapshots)
    assert (present.total, present.finished) == (3, 0)
    assert [job.subject for job in present.running] == ["menu/s0"]
    assert present.running[0].step == Step(current=1, total=4, message="asking")


@pytest.mark.anyio
async def test_an_unknown_batch_cannot_be_watched(workspace: Workspace) -> None:
    """The caller is told; nothing is left behind."""
    with pytest.raises(NotFound):
        async with subscribed(workspace, "batch_x"):
            pass


@pytest.mark.anyio
async def test_changes_come_in_order_up_to_the_end(workspace: Workspace) -> None:
    """Each finished job is one more, and after the end the iterator stops."""
    seen: list[int] = []
    async with subscribed(workspace, "batch_1", interval_s=0.0) as snapshots:
        seen.append((await next_of(snapshots)).finished)
        for _ in range(3):
            await workspace.work()
            await workspace.hub.read()
            seen.append((await next_of(snapshots)).finished)
        with pytest.raises(StopAsyncIteration):
            await next_of(snapshots)
    assert seen == [0, 1, 2, 3]


@pytest.mark.anyio
async def test_a_step_of_a_running_job_is_a_change(workspace: Workspace) -> None:
    """Otherwise a bar would stand still while long jobs run."""
    async with subscribed(workspace, "batch_1", interval_s=0.0) as snapshots:
        await next_of(snapshots)
        await workspace.work(step=Step(current=1, total=2))
        await workspace.hub.read()
        running = (await next_of(snapshots)).running
    assert [job.step.fraction if job.step else None for job in running] == [0.5]


@pytest.mark.anyio
async def test_a_slow_subscriber_gets_the_newest_and_the_end(workspace: Workspace) -> None:
    """What it did not fetch in time is gone, but never the last one."""
    async with subscribed(workspace, "batch_1", interval_s=0.0) as snapshots:
        await next_of(snapshots)
        for _ in range(2):
            await workspace.work()
            await workspace.hub.read()
        assert (await next_of(snapshots)).finished == 2
        await workspace.work()
        await workspace.hub.read()
        assert [batch.state for batch in await all_of(snapshots)] == [BatchState.COMPLETED]


@pytest.mark.anyio
async def test_what_comes_too_early_is_held_until_the_interval_is_over(
    workspace: Workspace,
) -> None:
    """The subscriber asks in vain, an hour passes, and then the newest is there."""
    async with subscribed(workspace, "batch_1", interval_s=AN_HOUR_S) as snapshots:
        await next_of(snapshots)
        await workspace.work()
        await workspace.hub.read()
        with anyio.move_on_after(0.01) as too_early:
            await anext(snapshots)
        assert too_early.cancelled_caught
        workspace.clock.at += AN_HOUR_S
        assert (await next_of(snapshots)).finished == 1


@pytest.mark.anyio
async def test_the_end_is_not_held(workspace: Workspace) -> None:
    """Nor is it lost behind the snapshot that was being held when it came."""
    async with subscribed(workspace, "batch_1", interval_s=AN_HOUR_S) as snapshots:
        await next_of(snapshots)
        await workspace.work()
        await workspace.hub.read()
        async with anyio.create_task_group() as group:
            group.start_soon(finish_two, workspace)
            rest = await all_of(snapshots)
            assert [batch.finished for batch in rest] == [3]


async def all_of(snapshots: AsyncIterator[Snapshot]) -> list[Batch]:
    """Return the rest of the snapshots, up to the last."""
    with anyio.fail_after(PATIENCE_S):
        return [snapshot.batch async for snapshot in snapshots]


async def finish_two(workspace: Workspace) -> None:
    """Work through the two jobs that are left."""
    for _ in range(2):
        await workspace.work()
    await workspace.hub.read()


@pytest.mark.anyio
async def test_a_pause_is_the_last_snapshot(workspace: Workspace) -> None:
    """A paused batch waits for a person: nobody should wait with it."""
    async with subscribed(workspace, "batch_1", interval_s=AN_HOUR_S) as snapshots:
        await next_of(snapshots)
        await workspace.store.pause("batch_1", "the key was refused")
        await workspace.hub.read()
        assert [batch.reason for batch in await all_of(snapshots)] == ["the key was refused"]


@pytest.mark.anyio
async def test_an_ended_batch_gives_its_end_at_once(workspace: Workspace) -> None:
    """Watching what is over needs no monitor that runs."""
    for _ in range(3):
        await workspace.work()
    with anyio.fail_after(PATIENCE_S):
        async with subscribed(workspace, "batch_1") as snapshots:
            assert [batch.state for batch in await all_of(snapshots)] == [BatchState.COMPLETED]


@pytest.mark.anyio
async def test_subscribers_hear_of_their_own_batch_only(workspace: Workspace) -> None:
    """Two batches, two listeners to the first, and a change of the second."""
    await workspace.submit("batch_2")
    async with AsyncExitStack() as stack:
        watched = ["batch_1", "batch_1", "batch_2"]
        listeners = [
            await stack.enter_async_context(subscribed(workspace, batch, interval_s=0.0))
            for batch in watched
        ]
        assert [(await next_of(snapshots)).id for snapshots in listeners] == watched
        await workspace.store.pause("batch_2", "wait")
        await workspace.work()
        await workspace.hub.read()
        assert [(await next_of(snapshots)).id for snapshots in listeners] == watched


@pytest.mark.anyio
async def test_a_database_that_refuses_loses_no_change(workspace: Workspace) -> None:
    """The tick fails; when the database works again, the next one starts where it did."""
    async with subscribed(workspace, "batch_1", interval_s=0.0) as snapshots:
        await next_of(snapshots)
        await workspace.hub.read()
        await workspace.work()
        alter(workspace.path, "ALTER TABLE batches RENAME TO gone")
        with pytest.raises(StorageError):
            await workspace.hub.read()
        alter(workspace.path, "ALTER TABLE gone RENAME TO batches")
        await workspace.hub.read()
        assert (await next_of(snapshots)).finished == 1


def alter(path: Path, statement: str) -> None:
    """Do to the file what nobody should."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)


@pytest.mark.anyio
async def test_who_waits_is_told_of_what_another_process_did(
    workspace: Workspace, tmp_path: Path
) -> None:
    """A second connection stands for the worker's process; nobody calls `read`."""
    async with (
        Database.open(workspace.path, synchronous="NORMAL") as database,
        subscribed(workspace, "batch_1", interval_s=0.0) as snapshots,
    ):
        worker = opened(tmp_path, database)
        await next_of(snapshots)
        for _ in range(3):
            await worker.work()
        seen = [batch.finished for batch in await all_of(snapshots)]
    assert seen == sorted(seen)
    assert seen[-1] == 3


@pytest.mark.anyio
async def test_a_wait_outlives_a_database_that_refuses(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    """The trouble is logged, and who waits hears the end when it is over."""
    heard: list[Batch] = []

    async def wait(snapshots: AsyncIterator[Snapshot]) -> None:
        heard.extend(await all_of(snapshots))

    async with (
        subscribed(workspace, "batch_1", interval_s=0.0) as snapshots,
        anyio.create_task_group() as tasks,
    ):
        await next_of(snapshots)
        for _ in range(3):
            await workspace.work()
        alter(workspace.path, "ALTER TABLE batches RENAME TO gone")
        tasks.start_soon(wait, snapshots)
        await until(lambda: "trying again" in caplog.text)
        alter(workspace.path, "ALTER TABLE gone RENAME TO batches")
    assert heard[-1].state is BatchState.COMPLETED


# One reading for all


class CountingStore:
    """The store, and how often it was asked what became of operations."""

    def __init__(self, store: SqlJobStore) -> None:
        self._store = store
        self.questions: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def updates(self, questions: Sequence[Question], *, limit: int) -> Sequence[Updates]:
        """Count the question, and pass it on."""
        self.questions.append(len(questions))
        return await self._store.updates(questions, limit=limit)


def counting(workspace: Workspace, *, buffer: int = 256) -> tuple[Hub, CountingStore]:
    """Return a hub, and what it asks."""
    store = CountingStore(workspace.store)
    return Hub(cast("JobStore", store), buffer=buffer), store


async def told(subscription: Subscription, count: int) -> list[tuple[str, str]]:
    """Return so many snapshots, which must be on their way, each as its id and state."""
    with anyio.fail_after(PATIENCE_S):
        snapshots = [await anext(subscription) for _ in range(count)]
    return [(each.id, each.operation.state) for each in snapshots]


@pytest.mark.anyio
async def test_nobody_subscribed_is_no_reading(workspace: Workspace) -> None:
    """Neither before the first, nor after the last has let go."""
    hub, store = counting(workspace)
    subscription = await hub.subscribe(None)
    await anext(subscription)
    asked = len(store.questions)
    assert asked > 0
    del subscription
    await workspace.work()
    await hub.read()
    assert len(store.questions) == asked


@pytest.mark.anyio
async def test_a_hundred_subscribers_are_one_question(workspace: Workspace) -> None:
    """Whenever they came, as soon as they have been told the same; beside those to one batch."""
    hub, store = counting(workspace)
    first = [await hub.subscribe(None, interval_s=0) for _ in range(50)]
    for each in first:
        assert await told(each, 1) == [("batch_1", "pending")]
    await workspace.work()
    second = [await hub.subscribe(None, interval_s=0) for _ in range(50)]
    named = [await hub.subscribe(None, only="batch_1", interval_s=0) for _ in range(50)]
    for each in (*first, *second, *named):
        assert await told(each, 1) == [("batch_1", "processing")]
    store.questions.clear()
    await workspace.work()
    await workspace.work()
    for each in (*first, *second, *named):
        assert await told(each, 1) == [("batch_1", "completed")]
    assert store.questions == [2]


@pytest.mark.anyio
async def test_who_is_slow_is_read_for_alone_until_he_has_caught_up(workspace: Workspace) -> None:
    """Others are told meanwhile; what waits for him waits in the database, and he misses no end."""
    hub, store = counting(workspace, buffer=2)
    slow, quick = [await hub.subscribe(None, interval_s=0) for _ in range(2)]
    for each in (slow, quick):
        assert await told(each, 1) == [("batch_1", "pending")]
    for n in range(6):
        await workspace.submit(f"short_{n}", jobs=1)
        await workspace.store.cancel_batch(f"short_{n}", reason="enough", now=0)
        assert await told(quick, 1) == [(f"short_{n}", "cancelled")]
    assert [await told(slow, 1) for _ in range(6)] == [
        [(f"short_{n}", "cancelled")] for n in range(6)
    ]
    await workspace.submit("last", jobs=1)
    for each in (slow, quick):
        assert await told(each, 1) == [("last", "pending")]
    await workspace.store.cancel_batch("last", reason="enough", now=0)
    store.questions.clear()
    for each in (slow, quick):
        assert await told(each, 1) == [("last", "cancelled")]
    assert store.questions == [1]


@pytest.mark.anyio
async def test_who_has_caught_up_and_waits_is_read_for_again(workspace: Workspace) -> None:
    """Nobody else has to wake him: a reading for all that comes while he waits is for him, too."""
    hub, _ = counting(workspace, buffer=2)
    slow = await hub.subscribe(None, interval_s=0)
    quick = await hub.subscribe(None, only="batch_1", interval_s=0)
    assert await told(slow, 1) == [("batch_1", "pending")]
    await next_of(quick)
    for batch in ("second", "third"):
        await workspace.submit(batch, jobs=1)
        await hub.read()
    await hub.read()  # he has no room, and is read for no more; nor is there anything more
    heard: set[str] = set()

    async def listen(subscription: Subscription) -> None:
        async for snapshot in subscription:
            heard.add(snapshot.id)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen, quick)  # it waits for the next commit, for all
        await anyio.wait_all_tasks_blocked()
        tasks.start_soon(listen, slow)
        await until(lambda: "third" in heard)
        await anyio.wait_all_tasks_blocked()
        assert not slow.place.parked
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_a_wait_that_is_not_patient_raises_what_the_database_says(
    workspace: Workspace,
) -> None:
    """Also while another one, who is patient, reads for all."""
    patient = await workspace.hub.subscribe(None, only="batch_1", interval_s=0)
    other = await workspace.hub.subscribe(None, only="batch_1", interval_s=0, patient=False)
    await next_of(patient)
    await next_of(other)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(all_of, patient)
        await anyio.wait_all_tasks_blocked()
        await workspace.work()
        alter(workspace.path, "ALTER TABLE batches RENAME TO gone")
        with anyio.fail_after(PATIENCE_S), pytest.raises(StorageError):
            await all_of(other)
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_whoever_reads_for_all_may_leave(workspace: Workspace) -> None:
    """Three wait for the end of the batch, and one after the other of the first two gives up."""
    ended: list[str] = []

    async def wait(*, task_status: TaskStatus[anyio.CancelScope]) -> None:
        snapshots = await workspace.hub.subscribe(None, only="batch_1", interval_s=math.inf)
        with anyio.CancelScope() as scope:
            task_status.started(scope)
            ended.extend([each.id async for each in snapshots if each.ended])

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as tasks:
            first, second, _ = [await tasks.start(wait) for _ in range(3)]
            await anyio.wait_all_tasks_blocked()
            for scope in (first, second):
                scope.cancel()
                await anyio.wait_all_tasks_blocked()
            for _ in range(3):
                await workspace.work()
    assert ended == ["batch_1"]


@pytest.mark.anyio
async def test_a_job_that_is_forgotten_ends_the_wait_for_it(workspace: Workspace) -> None:
    """Without an end: nobody knows it any more."""
    job = NewJob(kind="other", payload={}, delay_s=60)
    id, _ = await workspace.store.enqueue("alone", job, origin=ORIGIN, now=0)
    snapshots = await workspace.hub.subscribe(None, only=id)
    assert (await anext(snapshots)).job.state is JobState.SCHEDULED
    await workspace.store.cancel_job(id, reason="enough", now=0)
    assert await workspace.store.prune(completed_before=1, ended_before=1, limit=9) == 1
    with anyio.fail_after(PATIENCE_S):
        assert [each.id async for each in snapshots] == []


@pytest.mark.anyio
async def test_an_endless_subscription_can_be_ended(workspace: Workspace) -> None:
    """Whether it waits for a commit itself, or is woken by who does; nothing follows."""
    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as tasks:
            subscriptions = [await workspace.hub.subscribe(None) for _ in range(2)]
            for each in subscriptions:
                tasks.start_soon(heard, each)
            await anyio.wait_all_tasks_blocked()
            for each in subscriptions:
                each.end()


async def heard(subscription: Subscription) -> None:
    """Read what is told until nothing follows."""
    async for _ in subscription:
        pass
