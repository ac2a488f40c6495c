"""Jobs of quick kinds are claimed ahead of the lanes; what if they are not quick after all."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import pytest

from mcp_server.jobs.job import Job
from mcp_server.jobs.outcome import Done, Outcome
from mcp_server.jobs.worker.lanes import Lanes
from tests.unit.jobs.rig import ORIGIN, Context, Rig, a_toy
from tests.waiting import until

pytestmark = pytest.mark.anyio

HELD_UP = 8


class HeldUp:
    """An act that waits for a place to be free; it takes down who was there."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.places = anyio.Semaphore(0)

    async def __call__(self, context: Context) -> Outcome:
        self.order.append(context.attempt.job.id)
        await self.places.acquire()
        return Done()


async def quick_then_held_up(rig: Rig) -> tuple[HeldUp, list[str]]:
    """Let the kind prove quick, then hand in more than there are lanes, which are held up."""
    await rig.submit("quick", *[a_toy() for _ in range(20)])
    await rig.batches.wait("quick", owner="ada")
    rig.acts["held up"] = held_up = HeldUp()
    return held_up, await rig.submit("b", *[a_toy("held up") for _ in range(HELD_UP)])


async def standing(rig: Rig, states: Sequence[str]) -> Sequence[Job]:
    """Wait until the jobs of the batch stand so; return them."""
    return await until(
        lambda: rig.store.jobs("b"), lambda jobs: [job.state for job in jobs] == list(states)
    )


async def test_what_waits_for_a_lane_that_is_held_up_is_given_back(rig: Rig) -> None:
    """Something more urgent overtakes it, and another worker may have it."""
    async with rig.working(concurrency=1):
        held_up, ids = await quick_then_held_up(rig)
        await standing(rig, ["processing"] + ["pending"] * (HELD_UP - 1))
        urgent = await rig.queue.enqueue(a_toy("held up", priority=20), origin=ORIGIN)
        for _ in range(HELD_UP + 1):
            held_up.places.release()
        await rig.batches.wait("b", owner="ada")
    assert held_up.order == [ids[0], urgent, *ids[1:]]
    assert {job.attempts for job in await rig.store.jobs("b")} == {1}


async def test_a_job_that_was_claimed_ahead_and_runs_has_started(rig: Rig) -> None:
    """It says since when, and counts as crashed if its worker dies; what waits does neither."""
    async with rig.working(concurrency=1):
        held_up, ids = await quick_then_held_up(rig)
        held_up.places.release()
        first, second, *waiting = await standing(
            rig, ["completed", "processing"] + ["pending"] * (HELD_UP - 2)
        )
        second = await until(lambda: rig.job(ids[1]), lambda job: job.started_at is not None)
        running = await rig.batches.get("b", owner="ada")
        assert [job.id for job in running.running] == [second.id]
        assert first.started_at is not None
        assert {job.started_at for job in waiting} == {None}
        rescue = rig.store.rescue
        assert await rescue(now=rig.clock.now() + 99, except_worker=None, crashes_max=9, limit=9)
        assert [job.crashes for job in await rig.store.jobs("b")] == [0, 1] + [0] * (HELD_UP - 2)


async def test_what_lanes_are_about_to_take_is_left_to_them(rig: Rig) -> None:
    """Though nobody knows yet whether its kind is quick."""
    await rig.submit("b", a_toy(), a_toy())
    attempts = [await rig.claim(), await rig.claim()]
    lanes = Lanes(
        2,
        rig.runner(),
        ended=lambda _attempt, _report: None,
        stepped=lambda _: None,
        strayed=lambda: None,
        heed_s=5,
    )
    lanes.give(attempts)
    assert list(lanes.take_back_late()) == []
    assert list(lanes.take_back()) == attempts
