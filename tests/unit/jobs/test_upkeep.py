"""What a worker does besides jobs comes again: old jobs are forgotten, lost ones are rescued."""

from __future__ import annotations

import pytest

from mcp_server.jobs.outcome import Done, Outcome, Retry
from mcp_server.jobs.worker.maintenance import Maintenance, MaintenanceSettings
from tests.attempts import claim_one
from tests.unit.jobs.rig import Context, Rig, a_toy
from tests.waiting import until

pytestmark = pytest.mark.anyio


async def until_forgotten(rig: Rig, job_id: str) -> None:
    """Wait until a job is no longer stored."""
    await until(lambda: rig.store.job(job_id), lambda job: job is None)


async def test_old_jobs_are_forgotten_again_and_again(rig: Rig) -> None:
    """Those too that grow old while the worker runs: hourly, unless a setting says otherwise."""
    async with rig.working(prune_interval_s=0.01):
        for batch_id in ("b1", "b2"):
            [job_id] = await rig.submit(batch_id, a_toy())
            await rig.batches.wait(batch_id, owner="ada")
            rig.clock.advance(24 * 3600 + 1)
            await until_forgotten(rig, job_id)


async def test_lost_jobs_are_rescued_again_and_again(rig: Rig) -> None:
    """Each when its lease has run out, by a worker that did not start for it."""
    for batch_id, lease_s in {"b1": 30.0, "b2": 90.0}.items():
        await rig.submit(batch_id, a_toy())
        now = rig.clock.now()
        await claim_one(rig.store, batch_id, kinds=["toy"], now=now, lease_s=lease_s)
    async with rig.working(holds_lock=False):
        rig.clock.advance(31)
        await rig.batches.wait("b1", owner="ada")
        [theirs] = await rig.store.jobs("b2")
        assert (theirs.state, theirs.crashes) == ("processing", 0)
        rig.clock.advance(60)
        await rig.batches.wait("b2", owner="ada")


async def test_what_becomes_due_together_is_made_ready_together(rig: Rig) -> None:
    """A storm of retries is over as fast as the lanes can: a sweep leaves none for later."""
    for batch in range(6):
        await rig.submit(f"b{batch}", *[a_toy(delay_s=60) for _ in range(20)])
    [later] = await rig.submit("later", a_toy(delay_s=90))
    now = rig.clock.now()
    maintenance = Maintenance(rig.store, rig.clock, MaintenanceSettings(sweep_max=2))
    assert await maintenance.sweep(now) == now + 60
    assert await maintenance.sweep(now + 60) == now + 90
    states = [job.state for batch in range(6) for job in await rig.store.jobs(f"b{batch}")]
    assert states == ["pending"] * 120
    assert (await rig.job(later)).state == "scheduled"


async def test_a_clock_that_is_set_back_a_day_delays_no_retry_by_a_day(rig: Rig) -> None:
    """The worker notices by itself, and is not itself idle until the day is over."""

    async def try_twice(context: Context) -> Outcome:
        return Retry("again", after_s=60) if context.attempt.job.attempts == 0 else Done()

    rig.acts["twice"] = try_twice
    [job_id] = await rig.submit("b1", a_toy("twice"))
    async with rig.working():
        await until(lambda: rig.job(job_id), lambda job: job.state == "scheduled")
        rig.clock.advance(-24 * 3600)
        await until(lambda: rig.job(job_id), lambda job: job.due_at == rig.clock.now() + 60)
        rig.clock.advance(60)
        assert (await rig.batches.wait("b1", owner="ada")).completed == 1
