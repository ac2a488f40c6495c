"""The whole machine sleeps: the clock on the wall jumps, timers do not notice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from mcp_server.jobs.outcome import Done, Outcome
from tests.storage.invariants import check_invariants
from tests.unit.jobs.rig import Context, Rig, a_toy, open_rig

pytestmark = pytest.mark.anyio


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """A queue with nothing in it."""
    async with open_rig(tmp_path / "jobs.db") as opened:
        yield opened
    check_invariants(tmp_path / "jobs.db")


async def test_a_worker_that_wakes_up_does_not_take_its_own_work_for_lost(rig: Rig) -> None:
    """Its leases ran out in the night, before its next heartbeat; a commit makes it sweep."""
    entered, wake = anyio.Event(), anyio.Event()

    async def asleep(context: Context) -> Outcome:
        entered.set()
        await wake.wait()
        return Done()

    rig.acts["asleep"] = asleep
    [job_id] = await rig.submit("b", a_toy("asleep"))
    async with rig.working(heartbeat_s=10, lease_s=30, concurrency=2):
        await entered.wait()
        rig.clock.advance(8 * 3600)
        await rig.submit("b2", a_toy())
        await rig.batches.wait("b2", owner="ada")
        wake.set()
        await rig.batches.wait("b", owner="ada")
    job = await rig.job(job_id)
    assert (job.attempts, job.crashes) == (1, 0)
