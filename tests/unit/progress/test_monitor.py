"""The monitor on a real store: who listens gets the present, the newest and the end."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing
from itertools import count
from pathlib import Path

import anyio
import pytest

from mcp_server.errors import NotFound, StorageError
from mcp_server.jobs.job import Batch, BatchState, JobState, NewJob, Origin, Step
from mcp_server.jobs.records import NewBatch, Report
from mcp_server.jobs.retry import Verdict
from mcp_server.progress.monitor import ProgressMonitor
from mcp_server.storage.sqlite.content import ContentEffects
from mcp_server.storage.sqlite.file.database import Database
from mcp_server.storage.sqlite.queue.store import SqliteJobStore
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
    """A store on a file, a monitor over it, and the few steps of a worker that tests need."""

    def __init__(self, path: Path, store: SqliteJobStore) -> None:
        self.path, self.store = path, store
        self.clock = SettableClock()
        self.monitor = ProgressMonitor(store, self.clock)
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
    store = SqliteJobStore(database, ContentEffects(), lambda: f"job_{next(job_ids)}")
    return Workspace(path, store)


@pytest.fixture
async def workspace(tmp_path: Path) -> AsyncIterator[Workspace]:
    """A workspace with one batch of three jobs, `batch_1`; nothing has started."""
    path = tmp_path / "jobs.db"
    async with Database.open(path, synchronous="NORMAL") as database:
        made = opened(path, database)
        await made.submit("batch_1")
        yield made


async def next_of(snapshots: AsyncIterator[Batch]) -> Batch:
    """Return the next snapshot, which must be on its way."""
    with anyio.fail_after(PATIENCE_S):
        return await anext(snapshots)


@pytest.mark.anyio
async def test_the_present_comes_first(workspace: Workspace) -> None:
    """Before anything changes, and with what is running."""
    await workspace.work(step=Step(current=1, total=4, message="asking"))
    async with workspace.monitor.watch("batch_1") as snapshots:
        present = await next_of(snapshots)
    assert (present.total, present.finished) == (3, 0)
    assert [job.subject for job in present.running] == ["menu/s0"]
    assert present.running[0].step == Step(current=1, total=4, message="asking")


@pytest.mark.anyio
async def test_an_unknown_batch_cannot_be_watched(workspace: Workspace) -> None:
    """The caller is told; nothing is left behind."""
    with pytest.raises(NotFound):
        async with workspace.monitor.watch("batch_x"):
            pass


@pytest.mark.anyio
async def test_changes_come_in_order_up_to_the_end(workspace: Workspace) -> None:
    """Each finished job is one more, and after the end the iterator stops."""
    seen: list[int] = []
    async with workspace.monitor.watch("batch_1", interval_s=0.0) as snapshots:
        seen.append((await next_of(snapshots)).finished)
        for _ in range(3):
            await workspace.work()
            await workspace.monitor.tick()
            seen.append((await next_of(snapshots)).finished)
        with pytest.raises(StopAsyncIteration):
            await next_of(snapshots)
    assert seen == [0, 1, 2, 3]


@pytest.mark.anyio
async def test_a_step_of_a_running_job_is_a_change(workspace: Workspace) -> None:
    """Otherwise a bar would stand still while long jobs run."""
    async with workspace.monitor.watch("batch_1", interval_s=0.0) as snapshots:
        await next_of(snapshots)
        await workspace.work(step=Step(current=1, total=2))
        await workspace.monitor.tick()
        running = (await next_of(snapshots)).running
    assert [job.step.fraction if job.step else None for job in running] == [0.5]


@pytest.mark.anyio
async def test_a_slow_subscriber_gets_the_newest_and_the_end(workspace: Workspace) -> None:
    """What it did not fetch in time is gone, but never the last one."""
    async with workspace.monitor.watch("batch_1", interval_s=0.0) as snapshots:
        await next_of(snapshots)
        for _ in range(2):
            await workspace.work()
            await workspace.monitor.tick()
        assert (await next_of(snapshots)).finished == 2
        await workspace.work()
        await workspace.monitor.tick()
        assert [batch.state async for batch in snapshots] == [BatchState.COMPLETED]


@pytest.mark.anyio
async def test_what_comes_too_early_is_held_until_the_interval_is_over(
    workspace: Workspace,
) -> None:
    """The subscriber asks in vain, an hour passes, and then the newest is there."""
    async with workspace.monitor.watch("batch_1", interval_s=AN_HOUR_S) as snapshots:
        await next_of(snapshots)
        await workspace.work()
        await workspace.monitor.tick()
        with anyio.move_on_after(0.01) as too_early:
            await anext(snapshots)
        assert too_early.cancelled_caught
        workspace.clock.at += AN_HOUR_S
        assert (await next_of(snapshots)).finished == 1


@pytest.mark.anyio
async def test_the_end_is_not_held(workspace: Workspace) -> None:
    """Nor is it lost behind the snapshot that was being held when it came."""
    async with workspace.monitor.watch("batch_1", interval_s=AN_HOUR_S) as snapshots:
        await next_of(snapshots)
        await workspace.work()
        await workspace.monitor.tick()
        async with anyio.create_task_group() as group:
            group.start_soon(finish_two, workspace)
            rest = await all_of(snapshots)
            assert [batch.finished for batch in rest] == [3]


async def all_of(snapshots: AsyncIterator[Batch]) -> list[Batch]:
    """Return the rest of the snapshots, up to the last."""
    with anyio.fail_after(PATIENCE_S):
        return [batch async for batch in snapshots]


async def finish_two(workspace: Workspace) -> None:
    """Work through the two jobs that are left."""
    for _ in range(2):
        await workspace.work()
    await workspace.monitor.tick()


@pytest.mark.anyio
async def test_a_pause_is_the_last_snapshot(workspace: Workspace) -> None:
    """A paused batch waits for a person: nobody should wait with it."""
    async with workspace.monitor.watch("batch_1", interval_s=AN_HOUR_S) as snapshots:
        await next_of(snapshots)
        await workspace.store.pause("batch_1", "the key was refused")
        await workspace.monitor.tick()
        assert [batch.reason async for batch in snapshots] == ["the key was refused"]


@pytest.mark.anyio
async def test_an_ended_batch_gives_its_end_at_once(workspace: Workspace) -> None:
    """Watching what is over needs no monitor that runs."""
    for _ in range(3):
        await workspace.work()
    with anyio.fail_after(PATIENCE_S):
        async with workspace.monitor.watch("batch_1") as snapshots:
            assert [batch.state async for batch in snapshots] == [BatchState.COMPLETED]


@pytest.mark.anyio
async def test_subscribers_hear_of_their_own_batch_only(workspace: Workspace) -> None:
    """Two batches, two listeners to the first, and a change of the second."""
    await workspace.submit("batch_2")
    async with AsyncExitStack() as stack:
        watched = ["batch_1", "batch_1", "batch_2"]
        listeners = [
            await stack.enter_async_context(workspace.monitor.watch(batch, interval_s=0.0))
            for batch in watched
        ]
        assert [(await next_of(snapshots)).id for snapshots in listeners] == watched
        await workspace.store.pause("batch_2", "wait")
        await workspace.work()
        await workspace.monitor.tick()
        assert [(await next_of(snapshots)).id for snapshots in listeners] == watched


@pytest.mark.anyio
async def test_a_database_that_refuses_loses_no_change(workspace: Workspace) -> None:
    """The tick fails; when the database works again, the next one starts where it did."""
    async with workspace.monitor.watch("batch_1", interval_s=0.0) as snapshots:
        await next_of(snapshots)
        await workspace.monitor.tick()
        await workspace.work()
        alter(workspace.path, "ALTER TABLE batches RENAME TO gone")
        with pytest.raises(StorageError):
            await workspace.monitor.tick()
        alter(workspace.path, "ALTER TABLE gone RENAME TO batches")
        await workspace.monitor.tick()
        assert (await next_of(snapshots)).finished == 1


def alter(path: Path, statement: str) -> None:
    """Do to the file what nobody should."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)


@pytest.mark.anyio
async def test_the_service_tells_of_what_another_process_did(
    workspace: Workspace, tmp_path: Path
) -> None:
    """A second connection stands for the worker's process; nobody calls `tick`."""
    async with (
        Database.open(workspace.path, synchronous="NORMAL") as database,
        anyio.create_task_group() as services,
    ):
        worker = opened(tmp_path, database)
        await services.start(workspace.monitor.run)
        async with workspace.monitor.watch("batch_1", interval_s=0.0) as snapshots:
            await next_of(snapshots)
            for _ in range(3):
                await worker.work()
            seen = [batch.finished for batch in await all_of(snapshots)]
            assert seen == sorted(seen)
            assert seen[-1] == 3
        services.cancel_scope.cancel()


@pytest.mark.anyio
async def test_the_service_outlives_a_database_that_refuses(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    """The trouble is logged, and who listens hears the end when it is over."""
    async with anyio.create_task_group() as services:
        await services.start(workspace.monitor.run)
        async with workspace.monitor.watch("batch_1", interval_s=0.0) as snapshots:
            await next_of(snapshots)
            for _ in range(3):
                await workspace.work()
            alter(workspace.path, "ALTER TABLE batches RENAME TO gone")
            await until(lambda: "trying again" in caplog.text)
            alter(workspace.path, "ALTER TABLE gone RENAME TO batches")
            assert (await all_of(snapshots))[-1].state is BatchState.COMPLETED
        services.cancel_scope.cancel()
