"""Pausing, cancelling and taking up again: what waits, what runs, what was done; and rounds."""

from __future__ import annotations

import pytest

from mcp_server.errors import LostClaim
from mcp_server.jobs.job import BatchState, Dedup, JobState
from mcp_server.jobs.outcome import Done, Enqueue, Fail, Pause, Retry, Skip, Snooze
from mcp_server.jobs.records import Request
from mcp_server.jobs.store import JobStore
from tests.storage.stores import DAY_S, Bench, a_job

pytestmark = pytest.mark.anyio

FOLLOW_UP = Done(effects=(Enqueue(a_job(kind="export", counted=False)),))
FAILED = Fail("no", "it cannot")


# Pausing


async def test_a_paused_batch_says_why_and_starts_nothing(bench: Bench, store: JobStore) -> None:
    """What waits is paused, due or not; what runs goes on to its end."""
    await bench.submit("b1", a_job(), a_job(), a_job(delay_s=5))
    running = await bench.start()
    await store.pause("b1", "the key was refused")
    assert await bench.states() == ["processing", "paused", "paused"]
    batch = await bench.batch()
    assert (batch.state, batch.reason, batch.ended) == (
        BatchState.PAUSED,
        "the key was refused",
        False,
    )
    assert await bench.claim(9) == []
    assert (await bench.finish(running)).state is JobState.COMPLETED
    assert (await bench.batch()).completed == 1


async def test_an_outcome_pauses_the_batch_and_costs_no_retry(bench: Bench) -> None:
    """The job that found the key refused waits with the others."""
    await bench.submit("b1", a_job(max_retries=0), a_job())
    await bench.work(Pause("the key was refused"))
    job = await bench.job()
    assert (job.state, job.attempts) == (JobState.PAUSED, 0)
    assert (await bench.batch()).reason == "the key was refused"
    await bench.retry()
    assert [job.state for job in await bench.work_all()] == ["completed"] * 2


async def test_what_ran_at_the_pause_and_is_to_be_tried_again_waits_too(
    bench: Bench, store: JobStore
) -> None:
    """Retried, crashed or given back, it does not slip past the pause."""
    await bench.submit("b1", a_job(), a_job(), a_job())
    retried, _, returned = await bench.claim(3)
    await store.pause("b1", "no key")
    await bench.finish(retried, Retry("busy"))
    await store.give_back([returned.id], now=bench.now)
    bench.clock.advance(31)
    await bench.rescue()
    assert await bench.states() == ["paused"] * 3


async def test_a_batch_all_of_whose_jobs_ran_at_the_pause_ends(
    bench: Bench, store: JobStore
) -> None:
    """There is nothing left to be resumed, and it is not paused for ever."""
    await bench.submit("b1")
    attempt = await bench.start()
    await store.pause("b1", "no key")
    await bench.finish(attempt)
    batch = await bench.batch()
    assert (batch.state, batch.reason) == (BatchState.COMPLETED, None)


async def test_a_paused_batch_whose_last_job_is_cancelled_ends(
    bench: Bench, store: JobStore
) -> None:
    """One cancelled and the rest completed is completed (R19)."""
    await bench.submit("b1", a_job(), a_job())
    await bench.work()
    await bench.work(Pause("no key"))
    cancelled = await store.cancel_job("b1.2", reason="enough", now=bench.now)
    assert cancelled.batch is not None
    assert (cancelled.batch.state, cancelled.batch.cancelled) == (BatchState.COMPLETED, 1)


async def test_pausing_a_paused_batch_again_changes_nothing(bench: Bench, store: JobStore) -> None:
    """Or a worker that finds no key would wake itself with every look."""
    await bench.submit()
    await store.pause("b1", "no key")
    change, version = await store.last_change(), store.version
    await store.pause("b1", "no key")
    assert (await store.last_change(), store.version) == (change, version)


async def test_an_ended_or_unknown_batch_is_not_paused(bench: Bench, store: JobStore) -> None:
    """It stays as it ended."""
    await bench.submit()
    await bench.work()
    await store.pause("b1", "no key")
    await store.pause("unknown", "no key")
    assert (await bench.batch()).state is BatchState.COMPLETED


async def test_the_follow_ups_of_a_paused_batch_go_on(bench: Bench, store: JobStore) -> None:
    """The files must become what production is; the batch stays paused."""
    await bench.submit("b1", a_job(), a_job())
    await bench.work(FOLLOW_UP)
    await store.pause("b1", "no key")
    assert (await bench.work(kinds=["export"])).state is JobState.COMPLETED
    assert (await bench.batch()).state is BatchState.PAUSED


async def test_a_counted_job_that_joins_a_paused_batch_waits_with_it(
    bench: Bench, store: JobStore
) -> None:
    """And is counted."""
    await bench.submit("b1")
    attempt = await bench.start()
    await store.pause("b1", "no key")
    await bench.finish(attempt, Done(effects=(Enqueue(a_job()),)))
    assert await bench.states() == ["completed", "paused"]
    batch = await bench.batch()
    assert (batch.state, batch.total, batch.completed) == (BatchState.PAUSED, 2, 1)


async def test_a_paused_batch_goes_on_with_its_round_under_new_terms(
    bench: Bench, store: JobStore
) -> None:
    """The model of now is what its jobs need from now on (R17)."""
    await bench.submit("b1", a_job(requires="key:x"), a_job(requires="key:x"), terms={"m": "x"})
    await bench.work(abilities=["key:x"])
    await store.pause("b1", "no key")
    resumed = await bench.retry(terms={"m": "y"}, requires="key:y")
    assert resumed.batch is not None
    assert (resumed.batch.state, resumed.batch.round) == (BatchState.PROCESSING, 1)
    assert (resumed.batch.reason, resumed.batch.completed) == (None, 1)
    [attempt] = await bench.claim(9, abilities=["key:y"])
    assert attempt.terms == {"m": "y"}


async def test_what_ran_through_a_pause_needs_the_model_of_now_when_it_is_tried_again(
    bench: Bench, store: JobStore
) -> None:
    """Not the key of the model that was given up."""
    await bench.submit("b1", a_job(requires="key:x"), a_job(requires="key:x"), terms={"m": "x"})
    attempt = await bench.start(abilities=["key:x"])
    await store.pause("b1", "no key")
    await bench.retry(terms={"m": "y"}, requires="key:y")
    await store.give_back([attempt.id], now=bench.now)
    found = await bench.claim(9, abilities=["key:y"])
    assert sorted(attempt.job.id for attempt in found) == ["b1.1", "b1.2"]


async def test_a_job_that_was_begun_before_the_retry_does_not_pause_its_batch_again(
    bench: Bench,
) -> None:
    """Its request went out with the old key, and was refused with it: it has another try."""
    await bench.submit("b1", a_job(), a_job())
    early, late = await bench.claim(2)
    await bench.finish(early, Pause("the key was refused"))
    await bench.retry()
    await bench.finish(late, Pause("the key was refused"))
    assert (await bench.batch()).state is BatchState.PROCESSING
    assert await bench.states() == ["pending", "pending"]
    assert (await bench.job("b1.2")).attempts == 0
    await bench.work(Pause("the new key was refused, too"))
    assert (await bench.batch()).state is BatchState.PAUSED


async def test_what_was_not_due_at_a_pause_is_due_when_it_was_to_be(bench: Bench) -> None:
    """R17: a delay, a wait that a provider asked for, a snooze; none is run sooner."""
    await bench.submit("b1", a_job(), a_job(), a_job(), a_job(delay_s=DAY_S))
    first, second, third = await bench.claim(3)
    await bench.finish(first, Retry("too many requests", after_s=600))
    await bench.finish(second, Pause("no key"))
    await bench.finish(third, Snooze(bench.now + 300))
    assert await bench.states() == ["paused"] * 4
    bench.clock.advance(60)
    await bench.retry()
    assert await bench.states() == ["scheduled", "pending", "scheduled", "scheduled"]
    due = [job.due_at - bench.now for job in await bench.store.jobs("b1")]
    assert due == [540, 0, 240, DAY_S - 60]


async def test_what_became_due_during_a_pause_is_due_from_the_retry_on(bench: Bench) -> None:
    """It has waited for nobody while it was paused, so the queue is not behind with it."""
    await bench.submit("b1", a_job(delay_s=5))
    await bench.store.pause("b1", "no key")
    bench.clock.advance(60)
    await bench.retry()
    job = await bench.job()
    assert (job.state, job.due_at) == ("pending", bench.now)


async def test_what_was_cancelled_before_it_was_due_is_due_when_it_was_to_be(bench: Bench) -> None:
    """`retry` takes it up again, and does not run it a day early."""
    await bench.submit("b1", a_job(), a_job(delay_s=DAY_S))
    await bench.cancel()
    await bench.retry()
    assert await bench.states() == ["pending", "scheduled"]
    assert (await bench.job("b1.2")).due_at == bench.now + DAY_S


async def test_a_job_outside_any_batch_cannot_be_paused_for_ever(bench: Bench) -> None:
    """Nothing would resume it, so it fails and says why."""
    await bench.enqueue("alone")
    job = await bench.work(Pause("the key was refused"))
    assert (job.state, job.code, job.reason) == ("failed", "paused", "the key was refused")


# Cancelling


async def test_cancelling_stops_what_waits_and_fences_what_runs(bench: Bench) -> None:
    """What was done stays done, and the answer counts all three."""
    await bench.submit("b1", a_job(), a_job(), a_job(), a_job(delay_s=5))
    await bench.work()
    running = await bench.start()
    answer = await bench.cancel()
    assert (answer.done, answer.stopped, answer.dropped) == (1, 1, 2)
    assert answer.batch is not None
    assert (answer.batch.state, answer.batch.reason) == (BatchState.CANCELLED, "enough")
    assert await bench.states() == ["completed", "cancelled", "cancelled", "cancelled"]
    with pytest.raises(LostClaim):
        await bench.finish(running)
    assert await bench.store.lost([running.id]) == {running.id}
    assert await bench.claim(9) == []


async def test_an_ended_or_unknown_batch_is_not_cancelled(bench: Bench, store: JobStore) -> None:
    """The answer says what was done; nothing changes."""
    await bench.submit()
    await bench.work()
    answer = await bench.cancel()
    assert (answer.done, answer.stopped, answer.dropped) == (1, 0, 0)
    assert (await bench.batch()).state is BatchState.COMPLETED
    assert (await bench.cancel("unknown")).batch is None
    assert (await store.cancel_job("unknown", reason="", now=bench.now)).done == 0


async def test_the_follow_ups_of_a_cancelled_batch_go_on(bench: Bench) -> None:
    """Its round ends only after them, and nothing of it is started besides."""
    await bench.submit("b1", a_job(), a_job(), a_job())
    await bench.work(FOLLOW_UP)
    answer = await bench.cancel()
    assert answer.batch is not None and not answer.batch.ended
    assert await bench.states() == ["completed", "cancelled", "cancelled", "pending"]
    await bench.work(kinds=["export"])
    batch = await bench.batch()
    assert (batch.state, batch.completed, batch.cancelled) == (BatchState.CANCELLED, 1, 2)


@pytest.mark.parametrize("before", [True, False], ids=["paused-first", "cancelled-first"])
async def test_a_cancelled_batch_ends_although_its_follow_up_asked_for_a_pause(
    bench: Bench, store: JobStore, before: bool
) -> None:
    """Nobody could resume it any more. It says why it was cancelled."""
    await bench.submit("b1", a_job(), a_job())
    await bench.work(FOLLOW_UP)
    if before:
        await bench.work(Pause("no disk"), kinds=["export"])
        await bench.cancel()
        await bench.work(kinds=["export"])
    else:
        await bench.cancel()
        await bench.work(Pause("no disk"), kinds=["export"])
    batch = await bench.batch()
    assert (batch.state, batch.reason) == (BatchState.CANCELLED, "enough")


async def test_one_job_can_be_cancelled_alone(bench: Bench, store: JobStore) -> None:
    """Waiting or running; the batch goes on, and is completed if the rest was (R19)."""
    await bench.submit("b1", a_job(), a_job())
    running = await bench.start()
    one = await store.cancel_job("b1.1", reason="enough", now=bench.now)
    assert (one.stopped, one.dropped, one.done) == (1, 0, 0)
    with pytest.raises(LostClaim):
        await bench.finish(running)
    await bench.work()
    batch = await bench.batch()
    assert (batch.state, batch.completed, batch.cancelled) == (BatchState.COMPLETED, 1, 1)
    again = await store.cancel_job("b1.1", reason="enough", now=bench.now)
    assert (again.stopped, again.dropped, again.done) == (0, 0, 1)


async def test_a_batch_all_of_whose_jobs_were_cancelled_is_cancelled(
    bench: Bench, store: JobStore
) -> None:
    """One by one comes to the same as at once."""
    await bench.submit("b1", a_job(), a_job())
    for id in ("b1.1", "b1.2"):
        answer = await store.cancel_job(id, reason="enough", now=bench.now)
        assert (answer.stopped, answer.dropped) == (0, 1)
    assert (await bench.batch()).state is BatchState.CANCELLED


async def test_a_paused_batch_can_be_cancelled(bench: Bench, store: JobStore) -> None:
    """And reads so, with its own reason."""
    await bench.submit("b1", a_job(), a_job())
    await store.pause("b1", "no key")
    answer = await bench.cancel()
    assert answer.batch is not None
    assert (answer.batch.state, answer.batch.reason) == (BatchState.CANCELLED, "enough")


# Taking up again


async def test_retry_takes_up_what_failed_or_was_cancelled_and_no_more(bench: Bench) -> None:
    """In the next round, which counts only those."""
    await bench.submit("b1", a_job(), a_job(), a_job(), a_job())
    await bench.work()
    await bench.work(FAILED)
    await bench.work(Skip("nothing to do"))
    await bench.cancel()
    assert await bench.states() == ["completed", "failed", "completed", "cancelled"]
    reopened = await bench.retry()
    assert reopened.batch is not None
    assert (reopened.batch.state, reopened.batch.round, reopened.batch.total) == ("pending", 2, 2)
    assert (reopened.batch.reason, reopened.batch.started_at) == (None, None)
    assert await bench.states() == ["completed", "pending", "completed", "pending"]
    job = await bench.job("b1.2")
    assert (job.round, job.attempts, job.code, job.reason) == (2, 0, None, None)
    await bench.work_all()
    batch = await bench.batch()
    assert (batch.state, batch.completed, batch.total) == (BatchState.COMPLETED, 2, 2)


async def test_a_retried_job_has_all_its_tries_again(bench: Bench, store: JobStore) -> None:
    """Its crashes are forgotten, too."""
    await bench.submit("b1", a_job(max_retries=0))
    await bench.start()
    bench.clock.advance(31)
    await bench.rescue()
    await bench.work(Retry("busy"))
    await bench.retry()
    job = await bench.job()
    assert (job.state, job.attempts, job.crashes) == (JobState.PENDING, 0, 0)


async def test_jobs_that_are_left_out_stay_as_they_are(bench: Bench) -> None:
    """Those that failed with such a code, if the batch counts them; without others, no round."""
    await bench.submit("b1", a_job(), a_job(), a_job(counted=False))
    await bench.work(Fail("conflict", "somebody changed it"))
    await bench.work(Fail("no", "it cannot"))
    await bench.work(Fail("conflict", "somebody changed the file"))
    nothing = await bench.retry(leave_out=["conflict", "no", "other"])
    assert nothing.batch is not None and nothing.batch.total == 0
    assert await bench.states() == ["failed", "failed", "pending"]
    await bench.work()
    await bench.retry(leave_out=["conflict"])
    assert await bench.states() == ["failed", "pending", "completed"]
    assert (await bench.batch()).total == 1
    await bench.work()
    assert (await bench.retry(leave_out=["conflict"])).batch is None
    assert (await bench.batch()).round == 3


async def test_sections_in_another_unfinished_batch_are_not_retried(bench: Bench) -> None:
    """The answer names that batch."""
    mine = [a_job(dedup=Dedup.SKIP, dedup_key=key) for key in ("a", "b")]
    await bench.submit("b1", *mine)
    await bench.work_all(FAILED)
    await bench.submit("b2", mine[0])
    reopened = await bench.retry("b1")
    assert reopened.batch is not None and reopened.batch.total == 1
    assert {key: batch and batch.id for key, batch in reopened.held.items()} == {"a": "b2"}
    assert await bench.states("b1") == ["failed", "pending"]
    await bench.work_all(FAILED)
    await bench.submit("b3", *mine)
    assert (await bench.retry("b1")).batch is None


async def test_a_key_that_was_cancelled_twice_in_a_batch_is_retried_once(bench: Bench) -> None:
    """A follow-up asked for it again while the batch was being cancelled: its key was free."""
    mine = a_job(dedup=Dedup.SKIP, dedup_key="menu/hero")
    await bench.submit("b1", a_job(kind="export", counted=False), mine)
    await bench.cancel()
    await bench.work(Done(effects=(Enqueue(mine),)), kinds=["export"])
    await bench.cancel()
    assert await bench.states() == ["completed", "cancelled", "cancelled"]
    reopened = await bench.retry()
    assert reopened.batch is not None and reopened.batch.total == 1
    assert await bench.states() == ["completed", "pending", "cancelled"]
    await bench.work()
    assert (await bench.batch()).state is BatchState.COMPLETED


async def test_a_batch_that_is_under_way_is_not_retried(bench: Bench) -> None:
    """It is answered as it is."""
    await bench.submit("b1", a_job(), a_job())
    await bench.work(FAILED)
    answer = await bench.retry()
    assert answer.duplicate and answer.batch == await bench.batch()
    assert await bench.states() == ["failed", "pending"]


async def test_the_next_round_may_have_other_terms(bench: Bench) -> None:
    """Or keep those of the one before."""
    await bench.submit("b1", a_job(requires="key:x"), terms={"m": "x"})
    await bench.work(FAILED, abilities=["key:x"])
    await bench.retry(requires="key:x")
    assert (await bench.start(abilities=["key:x"])).terms == {"m": "x"}
    await bench.cancel()
    await bench.retry(terms={"m": "composer"})
    assert (await bench.start()).terms == {"m": "composer"}


async def test_a_failed_follow_up_makes_the_batch_failed_and_is_retried(bench: Bench) -> None:
    """It is not counted, but the batch is not what it promised (R21)."""
    await bench.submit("b1")
    await bench.work(FOLLOW_UP)
    assert (await bench.batch()).state is BatchState.PROCESSING
    await bench.work(FAILED, kinds=["export"])
    batch = await bench.batch()
    assert (batch.state, batch.failed, batch.completed) == (BatchState.FAILED, 0, 1)
    await bench.retry()
    assert (await bench.batch()).total == 0
    await bench.work(kinds=["export"])
    assert (await bench.batch()).state is BatchState.COMPLETED


async def test_every_round_has_one_end(bench: Bench) -> None:
    """Three rounds, three ends: the check after the test counts the rows."""
    await bench.submit("b1", a_job(), a_job())
    for _ in range(3):
        await bench.work_all(FAILED)
        assert (await bench.batch()).ended
        await bench.retry()
    await bench.work_all()
    batch = await bench.batch()
    assert (batch.state, batch.round) == (BatchState.COMPLETED, 4)


async def test_a_retry_with_a_request_key_is_remembered(bench: Bench, store: JobStore) -> None:
    """The same request again is found, until a day has passed (R2)."""
    await bench.submit()
    await bench.work(FAILED)
    request = Request(key="r", digest="retry b1")
    await bench.retry(request=request)
    found = await store.requested(request, owner="ada", now=bench.now)
    assert found is not None and found.id == "b1"
