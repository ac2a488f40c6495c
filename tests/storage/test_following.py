"""A large batch is cancelled or paused at once; its jobs follow in steps, here two by two."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from mcp_server.errors import LostClaim
from mcp_server.jobs.job import BatchState, Dedup, JobState
from mcp_server.jobs.outcome import Fail, Pause, Snooze
from mcp_server.jobs.rules.following import CALLER_S
from mcp_server.jobs.worker.maintenance import Maintenance, MaintenanceSettings
from mcp_server.storage.sql.queue import retrying
from tests.storage.stores import BY_STEPS, DAY_S, Bench, a_job, opened

pytestmark = pytest.mark.anyio

SEVEN = [a_job(dedup=Dedup.SKIP, dedup_key=f"menu/{n}") for n in range(7)]


@pytest.fixture(params=sorted(BY_STEPS))
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """A store of which two jobs follow in a step, once for each engine."""
    async with opened(BY_STEPS[request.param], tmp_path / "pressroom.db") as bench:
        yield bench


def stored(bench: Bench, state: str) -> int:
    """Return how many jobs the file has in a state, whatever is shown of them."""
    return bench.raw.all(f"SELECT count(*) FROM jobs WHERE state = '{state}'")[0][0]


async def begin_retry(bench: Bench) -> None:
    """Say of the batch that it is taken up, and make no step of it."""
    asked: dict[str, Any] = {"terms": None, "requires": None, "leave_out": (), "request": None}
    await bench.database.write(lambda tx: retrying.retry(tx, "b1", **asked, limit=2, now=bench.now))


async def test_a_large_batch_reads_as_cancelled_at_once(bench: Bench) -> None:
    """State, counts and each job, by its id, in its list and by its state."""
    await bench.submit("b1", *SEVEN)
    cancelled = await bench.cancel()
    assert (cancelled.stopped, cancelled.dropped, cancelled.done) == (0, 7, 0)
    assert stored(bench, "pending") == 5
    batch = await bench.batch()
    assert (batch.state, batch.cancelled, batch.total) == (BatchState.CANCELLED, 7, 7)
    assert await bench.states() == ["cancelled"] * 7
    last = await bench.job("b1.7")
    assert (last.state, last.code, last.reason) == ("cancelled", "cancelled", "enough")
    found = await bench.store.jobs("b1", states=[JobState.CANCELLED], after=4, limit=2)
    assert [job.id for job in found] == ["b1.5", "b1.6"]
    assert await bench.store.jobs("b1", states=[JobState.PENDING]) == []


async def test_no_claim_takes_what_is_cancelled_and_has_not_followed(bench: Bench) -> None:
    """What waits behind it is claimed; what is due in it is not released."""
    await bench.submit("b1", *SEVEN[:5], a_job(delay_s=1))
    await bench.submit("b2")
    await bench.cancel()
    bench.clock.advance(5)
    assert await bench.store.release_due(now=bench.now, limit=9) == 0
    assert [attempt.job.id for attempt in await bench.claim(9)] == ["b2.1"]


async def test_claims_go_by_priority_around_what_was_stopped(bench: Bench) -> None:
    """Before it, behind it, and between two that were stopped; however many jobs those have."""
    await bench.submit("b0", a_job(), a_job(priority=9))
    await bench.submit("b1", *SEVEN)
    await bench.submit("b2", a_job(priority=9), a_job())
    await bench.submit("b3", *[a_job(priority=9) for _ in range(5)])
    await bench.submit("b4", a_job(), a_job(priority=-5))
    for stopped in ("b1", "b3"):
        await bench.cancel(stopped)
    assert stored(bench, "pending") == 14
    found = [attempt.job.id for attempt in await bench.claim(4)]
    assert found == ["b0.2", "b2.1", "b0.1", "b2.2"]
    assert [attempt.job.id for attempt in await bench.claim(9)] == ["b4.1", "b4.2"]


async def test_nobody_is_looked_for_to_do_what_was_cancelled(bench: Bench) -> None:
    """A worker does not leave for one that has the key that only cancelled jobs need."""
    needy = [a_job(requires="key:x") for _ in range(7)]
    await bench.submit("b1", *needy)
    assert await bench.store.unclaimable(kinds=["work"], abilities=[]) == {"key:x": ["b1"]}
    await bench.cancel()
    assert stored(bench, "pending") == 5
    assert await bench.store.unclaimable(kinds=["work"], abilities=[]) == {}


async def test_a_caller_who_is_slow_is_left_to_carry_it_out(bench: Bench) -> None:
    """A worker goes on only where nothing has moved from one look to the next."""
    await bench.submit("b1", *SEVEN)
    await bench.cancel()
    await bench.follow()
    await begin_retry(bench)
    bench.clock.advance(CALLER_S + 1)
    for after in (1, 2, 3):
        step = {"batch": 1, "what": "retry", "after": after}
        await bench.database.write(lambda tx, step=step: tx.run("move_following", **step))
        assert not await bench.store.follow(now=bench.now)
    assert await bench.store.follow(now=bench.now)


@pytest.mark.engines("sqlite")
async def test_a_damaged_number_hides_no_other_job_of_what_follows(bench: Bench) -> None:
    """The list of a batch is as long before its jobs have followed as it is afterwards."""
    await bench.submit("b1", *SEVEN)
    bench.raw.run("UPDATE jobs SET due_at = 'x' WHERE job_id = 'b1.6'")
    await bench.cancel()
    assert len(await bench.store.jobs("b1")) == 6
    bench.raw.run("UPDATE jobs SET due_at = 1 WHERE job_id = 'b1.6'")


async def test_what_runs_is_fenced_at_once(bench: Bench) -> None:
    """However many jobs there are before it that have not followed."""
    await bench.submit("b1", *SEVEN)
    *_, last = await bench.claim(6)
    stopped = await bench.cancel()
    assert (stopped.stopped, stopped.dropped) == (6, 1)
    with pytest.raises(LostClaim):
        await bench.finish(last)


async def test_who_reports_again_is_told_that_his_job_was_cancelled(bench: Bench) -> None:
    """As soon as its batch was, and not what the job was before."""
    await bench.submit("b1", *SEVEN)
    attempts = await bench.claim(7)
    for attempt in attempts:
        await bench.finish(attempt, Snooze(until=bench.now + 60, reason="busy"))
    await bench.cancel()
    assert stored(bench, "scheduled") == 5
    with pytest.raises(LostClaim):
        await bench.finish(attempts[6], Snooze(until=bench.now + 60, reason="busy"))


async def test_the_keys_of_what_was_cancelled_are_free_at_once(bench: Bench) -> None:
    """The same sections can be queued again, in a batch or alone, shared or not."""
    shared = a_job(dedup=Dedup.COALESCE, dedup_key="page")
    await bench.submit("b1", *SEVEN, shared)
    await bench.cancel()
    again = await bench.submit("b2", *SEVEN)
    assert again.batch is not None and again.batch.total == 7
    assert await bench.enqueue("alone", shared) == ("alone", True)
    assert len(await bench.claim(9)) == 8


async def test_each_step_takes_a_bounded_number_of_jobs(bench: Bench) -> None:
    """Until none is left; then there is nothing to do."""
    await bench.submit("b1", *SEVEN)
    await bench.cancel()
    left = [stored(bench, "pending")]
    while await bench.store.follow(now=bench.now):
        left.append(stored(bench, "pending"))
    assert left == [5, 3, 1, 0]
    assert stored(bench, "cancelled") == 7


async def test_a_large_batch_is_paused_at_once(bench: Bench) -> None:
    """Also by a job that asks for it; nothing of it is claimed, nor its jobs shown as ready."""
    await bench.submit("b1", *SEVEN)
    first, second = await bench.claim(2)
    await bench.finish(first, Pause("no key"))
    assert stored(bench, "pending") == 5
    assert await bench.claim(9) == []
    assert await bench.states() == ["paused", "processing", *["paused"] * 5]
    assert len(await bench.store.jobs("b1", states=[JobState.PAUSED])) == 6
    await bench.finish(second)
    assert (await bench.batch()).state is BatchState.PAUSED


async def test_a_pause_that_has_not_been_followed_is_taken_back_by_a_retry(bench: Bench) -> None:
    """All jobs go on, with what they need by now."""
    await bench.submit("b1", *SEVEN)
    await bench.store.pause("b1", "no key")
    await bench.retry(requires="key:x")
    assert await bench.states() == ["pending"] * 7
    assert await bench.claim(9) == []
    assert len(await bench.claim(9, abilities=["key:x"])) == 7


async def test_a_retry_takes_up_what_was_cancelled_and_has_not_followed(bench: Bench) -> None:
    """All of it, in the next round."""
    await bench.submit("b1", *SEVEN)
    await bench.cancel()
    again = (await bench.retry()).batch
    assert again is not None
    assert (again.round, again.total, again.state) == (2, 7, BatchState.PENDING)
    assert await bench.states() == ["pending"] * 7


async def test_a_retry_says_of_all_its_steps_what_others_hold(bench: Bench) -> None:
    """And leaves that out, wherever it is in the batch."""
    await bench.submit("b1", *SEVEN)
    await bench.work_all(Fail("no", "it cannot"))
    await bench.submit("b2", SEVEN[0], SEVEN[6])
    again = await bench.retry()
    assert again.batch is not None and again.batch.total == 5
    assert set(again.held) == {"menu/0", "menu/6"}


async def test_of_two_retries_the_first_has_the_keys(bench: Bench) -> None:
    """Though jobs of both batches had not followed; the second is told so, and goes on without."""
    await bench.submit("b1", *SEVEN, a_job())
    await bench.cancel("b1")
    await bench.submit("b2", *SEVEN, a_job())
    await bench.cancel("b2")
    assert stored(bench, "pending") == 7
    first, second = await bench.retry("b2"), await bench.retry("b1")
    assert first.batch is not None and first.batch.total == 8 and first.held == {}
    assert second.batch is not None and second.batch.total == 1
    once_more = await bench.submit("b3", *SEVEN)
    for held in (second.held, once_more.held):
        assert {key: batch and batch.id for key, batch in held.items()} == {
            f"menu/{n}": "b2" for n in range(7)
        }
    assert await bench.enqueue("alone", SEVEN[6]) == ("b2.7", False)


async def test_a_round_does_not_end_before_all_of_it_has_come_in(bench: Bench) -> None:
    """Who takes it up may die between two steps, as here: a worker goes on, after a while."""
    await bench.submit("b1", *SEVEN)
    await bench.cancel()
    await bench.follow()
    await begin_retry(bench)
    assert not await bench.store.follow(now=bench.now)  # its caller may be about to
    bench.clock.advance(CALLER_S + 1)
    assert not await bench.store.follow(now=bench.now)  # he may only be slow: it is looked again
    assert await bench.store.follow(now=bench.now)
    assert len(await bench.work_all()) == 2
    batch = await bench.batch()
    assert (batch.total, batch.completed, batch.state) == (2, 2, BatchState.PROCESSING)
    await bench.follow()
    assert len(await bench.work_all()) == 5
    batch = await bench.batch()
    assert (batch.total, batch.completed, batch.state) == (7, 7, BatchState.COMPLETED)


async def test_a_job_that_is_to_follow_is_cancelled_already(bench: Bench) -> None:
    """To cancel it by itself does nothing."""
    await bench.submit("b1", *SEVEN)
    await bench.cancel()
    stopped = await bench.store.cancel_job("b1.7", reason="again", now=bench.now)
    assert (stopped.stopped, stopped.dropped, stopped.done) == (0, 0, 1)
    assert (await bench.job("b1.7")).reason == "enough"


async def test_a_worker_lets_jobs_follow_before_it_leaves_and_before_they_are_pruned(
    bench: Bench,
) -> None:
    """What follows is work, and no job goes that has not."""
    await bench.submit("b1", *SEVEN)
    await bench.store.pause("b1", "no key")
    await bench.follow()
    await bench.cancel()
    assert await bench.store.work_before(now=bench.now, horizon_s=0)
    bench.clock.advance(90 * DAY_S)
    ages = {"completed_before": bench.now - DAY_S, "ended_before": bench.now - 30 * DAY_S}
    assert await bench.store.prune(**ages, limit=9) == 0
    settings = MaintenanceSettings()
    await Maintenance(bench.store, bench.clock, settings).sweep(bench.now)
    assert not await bench.store.work_before(now=bench.now, horizon_s=0)
    assert await bench.store.prune(**ages, limit=9) == 7
