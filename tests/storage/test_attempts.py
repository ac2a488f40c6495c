"""The life of an attempt: claimed, started, renewed, given back, lost; and the fence around it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mcp_server.entities.effects import ABSENT, SaveRevision
from mcp_server.entities.entity import PREVIEW
from mcp_server.entities.store import EntityStore
from mcp_server.errors import LostClaim
from mcp_server.jobs.job import Attempt, BatchState, JobState, Priority, Step
from mcp_server.jobs.outcome import Done, Fail, Outcome, Retry, Snooze
from mcp_server.jobs.records import Report
from mcp_server.jobs.retry import Verdict, decide
from mcp_server.jobs.rules.suspects import SUSPECT_CRASHES, SUSPECT_PATIENCE_S
from mcp_server.jobs.store import JobStore
from tests.storage.stores import Bench, a_job, a_text
from tests.storage.test_updates import cursor_at, updates_of

pytestmark = pytest.mark.anyio


def ids(attempts: Sequence[Attempt]) -> list[str]:
    return [attempt.job.id for attempt in attempts]


async def test_jobs_are_claimed_by_priority_and_then_by_age(bench: Bench) -> None:
    """A rollback does not wait behind three hundred drafts (R6)."""
    await bench.submit("b1", a_job(), a_job(priority=Priority.LOW), a_job())
    await bench.submit("b2", a_job(priority=Priority.HIGH))
    assert ids(await bench.claim(2)) == ["b2.1", "b1.1"]
    assert ids(await bench.claim(9)) == ["b1.3", "b1.2"]
    assert await bench.claim(9) == []


async def test_a_claim_says_what_is_to_be_done(bench: Bench) -> None:
    """The job as claimed, and what its round was promised."""
    await bench.submit("b1", terms={"site": "abc"})
    [attempt] = await bench.claim()
    assert attempt.terms == {"site": "abc"}
    assert attempt.job.state is JobState.PROCESSING
    assert attempt.job.attempt_id == attempt.id
    assert attempt.job.started_at == bench.now
    assert (await bench.batch()).state is BatchState.PROCESSING


async def test_two_workers_never_share_a_job(bench: Bench) -> None:
    """From two connections, each job is claimed once."""
    await bench.submit("b1", *[a_job() for _ in range(20)])
    async with bench.another() as other:
        claimed = [
            id
            for _ in range(6)
            for claimer, worker in ((bench, "w1"), (other, "w2"))
            for id in ids(await claimer.claim(2, worker=worker))
        ]
    assert sorted(claimed) == sorted({f"b1.{n}" for n in range(1, 21)})


async def test_a_worker_claims_only_kinds_it_knows(bench: Bench, store: JobStore) -> None:
    """Others are left to who knows them."""
    await bench.submit("b1", a_job(kind="other"))
    assert await bench.claim(kinds=["work"]) == []
    assert not await store.claimable(kinds=["work"], abilities=[])
    assert await store.claimable(kinds=["other"], abilities=[])
    assert len(await bench.claim(kinds=["work", "other"])) == 1


async def test_a_worker_claims_only_what_it_has_the_abilities_for(
    bench: Bench, store: JobStore
) -> None:
    """And who has not can see which batches wait for which ability (R25)."""
    await bench.submit("b1", a_job(requires="key:x"), a_job(requires="key:x"))
    await bench.submit("b2", a_job(requires="key:y"), a_job())
    assert await store.unclaimable(kinds=["work"], abilities=["key:y"]) == {"key:x": ["b1"]}
    assert await store.unclaimable(kinds=["other"], abilities=[]) == {}
    assert ids(await bench.claim(9, abilities=["key:y"])) == ["b2.1", "b2.2"]
    assert not await store.claimable(kinds=["work"], abilities=["key:y"])
    assert ids(await bench.claim(9, abilities=["key:x"])) == ["b1.1", "b1.2"]


async def test_what_needs_an_ability_is_claimed_in_turn_with_what_needs_none(bench: Bench) -> None:
    """By priority and then by age, whatever it is that they need."""
    needs = ("key:x", None, "key:y", "key:z")
    for priority in (0, 5):
        for n, need in enumerate(needs):
            await bench.enqueue(f"{priority}.{n}", a_job(requires=need, priority=priority))
    claimed = await bench.claim(5, abilities=["key:z", "key:x", "unasked"])
    assert ids(claimed) == ["5.0", "5.1", "5.3", "0.0", "0.1"]
    assert ids(await bench.claim(5, abilities=["key:x"])) == []
    assert ids(await bench.claim(5, abilities=["key:y", "key:z"])) == ["5.2", "0.2", "0.3"]


async def test_a_renewed_lease_holds_longer(bench: Bench, store: JobStore) -> None:
    """Without renewal it runs out, and the job is taken up again."""
    await bench.submit("b1", a_job(), a_job())
    kept, left = await bench.claim(2, lease_s=30)
    bench.clock.advance(29)
    assert await store.renew([kept.id], lease_s=30, now=bench.now) == set()
    bench.clock.advance(2)
    assert await bench.rescue() == 1
    assert await store.lost([kept.id, left.id]) == {left.id}
    assert await store.renew([kept.id, left.id], lease_s=30, now=bench.now) == {left.id}
    assert await bench.states() == ["processing", "pending"]


async def test_given_back_jobs_have_never_been_claimed(bench: Bench, store: JobStore) -> None:
    """It costs them neither a retry nor a crash."""
    await bench.submit("b1", a_job(), a_job())
    first, second = await bench.claim(2)
    await store.give_back([first.id, second.id, "unknown"], now=bench.now)
    for job in await store.jobs("b1"):
        assert (job.state, job.attempts, job.crashes) == (JobState.PENDING, 0, 0)
        assert (job.started_at, job.attempt_id) == (None, None)
    with pytest.raises(LostClaim):
        await bench.finish(first)


async def test_an_ended_job_cannot_be_given_back(bench: Bench, store: JobStore) -> None:
    """A worker that leaves gives back all its attempts, whatever became of them."""
    await bench.submit()
    attempt = await bench.start()
    await bench.finish(attempt)
    await store.give_back([attempt.id], now=bench.now)
    assert await bench.states() == ["completed"]


async def test_looking_for_lost_attempts_waits_for_no_other_writer(bench: Bench) -> None:
    """Almost always there are none."""
    await bench.submit()
    await bench.start()
    with bench.raw.locked():
        assert await bench.rescue() == 0


async def test_whoever_holds_the_lock_rescues_all_attempts_of_others(bench: Bench) -> None:
    """Their leases are not waited for; its own attempts stay."""
    await bench.submit("b1", a_job(), a_job(), a_job())
    await bench.claim(2, worker="gone")
    await bench.claim(1, worker="me")
    assert await bench.rescue(except_worker="me") == 2
    assert await bench.states() == ["pending", "pending", "processing"]
    assert await bench.rescue(except_worker="me") == 0


async def test_a_sweep_rescues_no_more_than_its_limit(bench: Bench) -> None:
    """So that it never holds the writer for long; the next one does the rest."""
    await bench.submit("b1", *[a_job() for _ in range(5)])
    await bench.claim(5)
    bench.clock.advance(31)
    assert [await bench.rescue(limit=2) for _ in range(4)] == [2, 2, 1, 0]


async def test_what_was_claimed_ahead_and_never_started_costs_nothing(bench: Bench) -> None:
    """Its worker died over another job: only what it had a lane for counts as crashed."""
    await bench.submit("b1", *[a_job() for _ in range(4)])
    assert len(await bench.claim(1, ahead=2)) == 3
    bench.clock.advance(31)
    assert await bench.rescue(crashes_max=0) == 3
    assert await bench.states() == ["failed", "pending", "pending", "pending"]
    assert [job.crashes for job in await bench.store.jobs("b1")] == [0, 0, 0, 0]


async def test_a_lost_attempt_is_a_crash_and_no_try(bench: Bench) -> None:
    """Crashes have a cap of their own: dying workers do not use up the retries."""
    await bench.submit()
    await bench.claim()
    bench.clock.advance(31)
    await bench.rescue(crashes_max=1)
    job = await bench.job()
    assert (job.state, job.crashes, job.attempts) == (JobState.PENDING, 1, 0)


async def test_a_job_that_kills_its_workers_fails_in_the_end(bench: Bench) -> None:
    """After more crashes than the cap, and its batch with it."""
    await bench.submit("b1", a_job(max_retries=0))
    for _ in range(3):
        await bench.start()
        bench.clock.advance(31)
        await bench.rescue(crashes_max=2)
    job = await bench.job()
    assert (job.state, job.code) == (JobState.FAILED, "crashed")
    assert job.reason == "its worker died 3 times while it ran"
    assert (await bench.batch()).state is BatchState.FAILED


async def lose_often(bench: Bench) -> None:
    """Let the next job be lost with its worker until it is a suspect."""
    for _ in range(SUSPECT_CRASHES):
        await bench.start(worker="dead")
        await bench.rescue(except_worker="alive")


async def test_a_job_that_was_lost_often_is_claimed_alone(bench: Bench) -> None:
    """By a worker that holds nothing else; beside others it is passed by, in whatever place."""
    await bench.submit("b1", a_job())
    await lose_often(bench)
    await bench.submit("b2", a_job(), a_job(priority=Priority.HIGH))
    assert ids(await bench.claim(1, holds_nothing=False)) == ["b2.2"]
    assert ids(await bench.claim(1, holds_nothing=False)) == ["b2.1"]
    assert await bench.claim(5, ahead=5, holds_nothing=False) == []
    await bench.submit("b3", a_job())
    assert ids(await bench.claim(5, ahead=5, holds_nothing=True)) == ["b1.1"]
    assert ids(await bench.claim(5, ahead=5, holds_nothing=False)) == ["b3.1"]


async def test_a_job_that_was_lost_often_does_not_wait_for_as_long_as_there_is_work(
    bench: Bench,
) -> None:
    """After a while nothing is begun before it, not even what is urgent."""
    await bench.submit("b1", a_job())
    await lose_often(bench)
    bench.clock.advance(SUSPECT_PATIENCE_S)
    await bench.submit("b2", a_job(priority=Priority.HIGH), a_job(priority=Priority.HIGH))
    assert ids(await bench.claim(1, holds_nothing=False)) == ["b2.1"]
    bench.clock.advance(1)
    assert await bench.claim(2, holds_nothing=False) == []
    assert ids(await bench.claim(2, holds_nothing=True)) == ["b1.1"]
    assert ids(await bench.claim(2, holds_nothing=False)) == ["b2.2"]


async def test_a_job_that_was_lost_often_is_not_claimed_ahead(bench: Bench) -> None:
    """However many jobs of kinds that are not come before it."""
    await bench.submit("b1", a_job())
    await lose_often(bench)
    others = [a_job(kind=f"other{n}", priority=Priority.HIGH) for n in range(5)]
    await bench.submit("b2", *others, a_job(priority=Priority.HIGH), a_job())
    kinds = ["work", *(job.kind for job in others)]
    claimed = await bench.claim(1, ahead=3, kinds=kinds, quick_kinds=["work"])
    assert ids(claimed) == ["b2.1", "b2.6", "b2.7"]


async def test_a_job_that_kills_its_workers_takes_nobody_with_it(bench: Bench) -> None:
    """Those that ran beside it are done in the end, however often they died with it."""
    await bench.submit("b1", *[a_job() for _ in range(8)])
    while attempts := await bench.claim(4):
        if "b1.2" in ids(attempts):
            bench.clock.advance(31)
            await bench.rescue()
        else:
            for attempt in attempts:
                await bench.finish(attempt)
    assert await bench.states() == ["completed", "failed", *["completed"] * 6]
    assert (await bench.job("b1.2")).code == "crashed"


async def test_a_stale_attempt_cannot_write_to_a_reclaimed_job(
    bench: Bench, store: JobStore, entities: EntityStore
) -> None:
    """It can neither step, checkpoint, renew nor finish it; the new attempt can."""
    await bench.submit()
    stale = await bench.start()
    bench.clock.advance(31)
    await bench.rescue()
    fresh = await bench.start(worker="w2")
    effects = (SaveRevision(a_text(), ABSENT),)

    await store.step([(stale, Step(current=1, total=2))])
    assert await store.renew([stale.id], lease_s=99, now=bench.now) == {stale.id}
    with pytest.raises(LostClaim):
        await store.checkpoint(stale, effects, now=bench.now)
    with pytest.raises(LostClaim):
        await bench.finish(stale, Done(effects=effects))
    await store.give_back([stale.id], now=bench.now)

    job = await bench.job()
    assert (job.state, job.attempt_id, job.step) == (JobState.PROCESSING, fresh.id, None)
    assert await entities.get(PREVIEW, "menu/hero") is None
    assert (await bench.finish(fresh)).state is JobState.COMPLETED


@pytest.mark.parametrize(
    "outcome", [Done({"n": 1}), Fail("no", "it cannot"), Retry("again"), Snooze(2e6)]
)
async def test_the_same_attempt_reporting_twice_gets_the_stored_job(
    bench: Bench, outcome: Done | Fail | Retry | Snooze
) -> None:
    """The second report changes nothing, whatever it says."""
    await bench.submit("b1", a_job(), a_job())
    attempt = await bench.start()
    first = await bench.finish(attempt, outcome)
    batch = await bench.batch()
    assert await bench.finish(attempt, Fail("other", "not the same")) == first
    assert await bench.batch() == batch


@pytest.mark.parametrize("first", [Done({"n": 1}), Fail("no", "it cannot"), Retry("again")])
async def test_an_attempt_that_reports_twice_at_once_is_taken_at_its_first_word(
    bench: Bench, store: JobStore, entities: EntityStore, first: Outcome
) -> None:
    """The second report gets what is stored; what it asks for is not done."""
    await bench.submit("b1", a_job(), a_job())
    attempt = await bench.start()
    outcomes = (first, Done(effects=(SaveRevision(a_text(), ABSENT),)))
    verdicts = [decide(attempt.job, o, now=bench.now, jitter=1.0) for o in outcomes]
    reports = [Report(attempt, verdict) for verdict in verdicts]
    recorded = (await store.exchange(reports, None, now=bench.now)).recorded
    assert [v.state for v in recorded if isinstance(v, Verdict)] == [verdicts[0].state] * 2
    assert (await bench.job()).state is verdicts[0].state
    assert await entities.get(PREVIEW, "menu/hero") is None


async def test_an_attempt_that_has_reported_can_checkpoint_nothing(
    bench: Bench, store: JobStore
) -> None:
    """Its claim ended with its report."""
    await bench.submit()
    attempt = await bench.start()
    await bench.finish(attempt)
    with pytest.raises(LostClaim):
        await store.checkpoint(attempt, (), now=bench.now)
    await store.step([(attempt, Step(current=1, total=2))])
    assert (await bench.job()).step is None


async def test_a_pruned_job_is_a_lost_claim(bench: Bench, store: JobStore) -> None:
    """Not a mistake of the database."""
    await bench.enqueue("alone")
    attempt = await bench.start()
    await bench.finish(attempt)
    await store.prune(completed_before=bench.now + 1, ended_before=bench.now + 1, limit=9)
    with pytest.raises(LostClaim):
        await bench.finish(attempt)


async def test_a_step_is_a_change_of_the_batch(bench: Bench, store: JobStore) -> None:
    """Whoever subscribed sees how far its jobs are; the next attempt starts from nothing."""
    await bench.submit()
    attempt = await bench.start()
    before = await store.last_change()
    step = Step(current=1, total=4, message="asking")
    await store.step([(attempt, step)])
    assert [batch.id for batch in (await updates_of(store, cursor_at(before))).batches] == ["b1"]
    assert [job.step for job in (await bench.batch(running=True)).running] == [step]
    await bench.finish(attempt, Retry("again", after_s=0))
    await store.release_due(now=bench.now, limit=9)
    assert (await bench.start()).job.step is None


async def test_a_delayed_job_becomes_ready_when_it_is_due(bench: Bench, store: JobStore) -> None:
    """Not a moment before, and no more at once than asked for."""
    await bench.submit("b1", a_job(delay_s=10), a_job(delay_s=10), a_job(delay_s=20))
    assert await bench.states() == ["scheduled"] * 3
    assert await store.next_due() == bench.now + 10
    assert await store.release_due(now=bench.now + 9.9, limit=9) == 0
    assert await bench.claim(9) == []
    bench.clock.advance(10)
    assert await store.release_due(now=bench.now, limit=1) == 1
    assert await store.release_due(now=bench.now, limit=9) == 1
    assert ids(await bench.claim(9)) == ["b1.1", "b1.2"]
    assert await store.next_due() == bench.now + 10


async def test_nothing_scheduled_is_never_due(bench: Bench, store: JobStore) -> None:
    """A worker then waits for a change alone."""
    await bench.submit()
    assert await store.next_due() is None


async def test_a_job_is_tried_once_and_then_as_often_as_its_retries(
    bench: Bench, store: JobStore
) -> None:
    """Three retries are four tries; the last failure says so."""
    await bench.submit("b1", a_job(max_retries=3))
    for delay_s in (1.0, 2.0, 4.0):
        job = await bench.work(Retry("busy"))
        assert (job.state, job.due_at, job.reason) == ("scheduled", bench.now + delay_s, "busy")
        bench.clock.advance(delay_s)
        await store.release_due(now=bench.now, limit=9)
    job = await bench.work(Retry("busy"))
    assert (job.state, job.code) == (JobState.FAILED, "retries-exhausted")
    assert job.reason == "busy (tried 4 times)"
    assert (await bench.batch()).state is BatchState.FAILED


async def test_a_job_that_is_done_at_last_keeps_no_reason(bench: Bench, store: JobStore) -> None:
    """Why it had to be tried again is told while it waits, and not of work that was done."""
    await bench.submit("b1", a_job())
    await bench.work(Retry("busy"))
    assert (await bench.job()).reason == "busy"
    bench.clock.advance(1)
    await store.release_due(now=bench.now, limit=9)
    await bench.work()
    job = await bench.job()
    assert (job.state, job.attempts) == (JobState.COMPLETED, 2)
    assert (job.code, job.reason) == (None, None)


async def test_a_snoozed_job_loses_no_retry(bench: Bench, store: JobStore) -> None:
    """However often it is put off."""
    await bench.submit("b1", a_job(max_retries=0))
    for _ in range(3):
        await bench.work(Snooze(bench.now + 5, "not yet"))
        bench.clock.advance(5)
        await store.release_due(now=bench.now, limit=9)
    assert (await bench.job()).attempts == 0
    assert (await bench.work()).state is JobState.COMPLETED
