"""What `pressroom.toml` says of the worker is what the worker does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import ManualClock, desk, small_site
from tests.waiting import until
from tests.wire import query

pytestmark = pytest.mark.anyio

SOON_H = 0.2 / 3600
"""A fifth of a second, in hours."""
DAY_S = 24 * 3600.0


def subjects(root: Path) -> list[str]:
    """Return the sections whose jobs are stored."""
    return [subject for (subject,) in query(root, "SELECT subject FROM jobs ORDER BY subject")]


def claims(root: Path) -> int:
    """Return in how many steps the jobs were claimed that are being worked on."""
    rows = query(root, "SELECT attempt_id, id FROM jobs WHERE state = 'processing'")
    return len({attempt.removesuffix(f".{id}") for attempt, id in rows})


async def until_stored(root: Path, sections: list[str]) -> None:
    """Wait until the jobs of these sections are those that are stored."""
    await until(lambda: subjects(root) == sections)


async def test_a_try_takes_no_longer_than_time_limit_s(tmp_path: Path) -> None:
    """The section is failed and says why."""
    root = small_site(
        tmp_path / "site", {"menu": 1}, time_limit_s=0.2, composer_delay_s=30, max_retries=0
    )
    async with desk(root) as chat:
        answer = await chat.run("generate-all")
        (row,) = (await chat.sections(answer["batchId"])).values()
    assert (answer["status"], row["state"]) == ("failed", "failed")
    assert "0.2 s" in row["reason"]


@pytest.mark.parametrize(("claim_max", "steps"), [(1, 4), (3, 2), (256, 1)])
async def test_no_more_than_claim_max_jobs_are_claimed_at_once(
    tmp_path: Path, claim_max: int, steps: int
) -> None:
    """Four places are filled in as many steps as that takes."""
    root = small_site(
        tmp_path / "site", {"menu": 4}, claim_max=claim_max, composer_delay_s=30, grace_s=0
    )
    async with desk(root) as chat:
        await chat.call("generate-all")
        await until(lambda: len(query(root, "SELECT 1 FROM jobs WHERE state = 'processing'")) == 4)
        assert claims(root) == steps


async def test_completed_jobs_are_removed_when_they_are_prune_after_h_old(tmp_path: Path) -> None:
    """Two hours between two sections: one is old enough and the other is not."""
    root = small_site(tmp_path / "site", {"menu": 2}, prune_after_h=3, prune_interval_h=SOON_H)
    clock = ManualClock()
    async with desk(root, clock=clock) as chat:
        await chat.run("generate", section="menu/s1")
        clock.advance(2 * 3600)
        await chat.run("generate", section="menu/s2")
        assert subjects(root) == ["menu/s1", "menu/s2"]
        clock.advance(1.5 * 3600)
        await until_stored(root, ["menu/s2"])
        clock.advance(2 * 3600)
        await until_stored(root, [])
        states = await chat.states()
    assert states == {"menu/s1": "draft", "menu/s2": "draft"}


async def test_a_working_worker_prunes_every_prune_interval_h(tmp_path: Path) -> None:
    """Not only at its start: what it removes here was queued after that."""
    root = small_site(tmp_path / "site", {"menu": 2}, prune_after_h=SOON_H, prune_interval_h=SOON_H)
    async with desk(root) as chat:
        for section in ("menu/s1", "menu/s2"):
            batch = await chat.run("generate", section=section)
            await until_stored(root, [])
        assert (await chat.call("status", batchId=batch["batchId"]))["message"] == "1 of 1 drafted."


@pytest.mark.parametrize(("poll_s", "state"), [(0.02, "completed"), (60, "pending")])
async def test_what_another_process_queues_is_noticed_within_poll_s(
    tmp_path: Path, poll_s: float, state: str
) -> None:
    """Two servers, one of which has the worker.

    Nothing else would tell it of the other's batch in this time: sweeps are as rare as heartbeats,
    and what its own server looked for before it started is over with the first batch.
    """
    root = small_site(
        tmp_path / "site",
        {"menu": 2},
        poll_s=poll_s,
        heartbeat_s=600,
        lease_s=1800,
        composer_delay_s=1.5,
    )
    async with desk(root) as worker:
        await worker.run("generate", section="menu/s1")
        async with desk(root) as other:
            queued = await other.call("generate", section="menu/s2")
            wait_s = 45 if state == "completed" else 4
            seen = await other.call("status", batchId=queued["batchId"], waitSeconds=wait_s)
    assert seen["operations"][0]["status"] == state
