"""Batches and jobs as others use them: checked, owned, waited for."""

from __future__ import annotations

import math
from typing import Any

import anyio
import pytest

from mcp_server.errors import InvalidPayload, InvalidTransition, LimitExceeded, NotFound
from mcp_server.errors import UnknownKind as NoSuchKind
from mcp_server.jobs.job import OURS, BatchState, Dedup, JobState
from mcp_server.jobs.outcome import Fail, Outcome
from tests.unit.jobs.rig import ORIGIN, Context, Rig, a_toy
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.anyio


async def fail(context: Context) -> Outcome:
    """Fail for good."""
    return Fail("no", "it cannot")


async def run_one(rig: Rig) -> None:
    """Take the next job to its end."""
    await rig.run_next()


# Batches


async def test_one_bad_job_keeps_the_whole_batch_from_being_stored(rig: Rig) -> None:
    """All are checked before the first is stored; half a batch would be no batch."""
    with pytest.raises(NoSuchKind):
        rig.batches.prepare([a_toy(), a_toy(kind="none")])
    with pytest.raises(InvalidPayload):
        rig.batches.prepare([a_toy(), a_toy(payload={"n": 1})])
    assert await rig.batches.list(owner="ada", limit=9) == []


@pytest.mark.parametrize("field", ["owner", "interface", "destination"])
async def test_who_asks_must_be_text_that_can_be_stored(rig: Rig, field: str) -> None:
    """Half a surrogate would break the transaction, and everybody's who shares it."""
    origin = ORIGIN._replace(**{field: "half a \ud800"})
    with pytest.raises(InvalidPayload, match=f"origin: {field} must be"):
        await rig.submit("b", a_toy(), origin=origin)
    with pytest.raises(InvalidPayload, match=f"origin: {field} must be"):
        await rig.queue.enqueue(a_toy(), origin=origin)


async def test_a_batch_of_too_many_jobs_is_refused(rig: Rig) -> None:
    """The bound is a setting; exactly as many are allowed."""
    assert len(rig.batches.prepare([a_toy()] * 20)) == 20
    with pytest.raises(LimitExceeded) as caught:
        rig.batches.prepare([a_toy()] * 21)
    assert (caught.value.actual, caught.value.maximum) == (21, 20)


async def test_another_owners_batch_does_not_exist(rig: Rig) -> None:
    """To look at, wait for, cancel or retry; and its id is never suggested (R1)."""
    [job_id] = await rig.submit("batch_abc", a_toy())
    for call in (
        rig.batches.get("batch_abc", owner="eve"),
        rig.batches.jobs("batch_abc", owner="eve"),
        rig.batches.wait("batch_abc", owner="eve"),
        rig.batches.cancel("batch_abc", owner="eve"),
        rig.batches.retry("batch_abc", owner="eve"),
        rig.batches.get("batch_abd", owner="eve"),
        rig.batches.job(job_id, owner="eve"),
        rig.batches.cancel_job(job_id, owner="eve"),
    ):
        with pytest.raises(NotFound) as caught:
            await call
        assert caught.value.nearest == ()
    assert await rig.batches.list(owner="eve", limit=9) == []
    assert (await rig.batches.get("batch_abc", owner="ada")).state is BatchState.PENDING


async def test_an_unknown_batch_is_answered_with_the_nearest(rig: Rig) -> None:
    """People mistype ids."""
    for id in ("batch_abc", "batch_xyz"):
        await rig.submit(id, a_toy())
    with pytest.raises(NotFound) as caught:
        await rig.batches.get("batch_abd", owner="ada")
    assert caught.value.nearest[0] == "batch_abc"
    assert "batch_abc" in str(caught.value)


async def test_a_wait_ends_with_the_batch(rig: Rig) -> None:
    """At once where it has ended already."""
    await rig.submit("b", a_toy(), a_toy())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run_one, rig)
        tasks.start_soon(run_one, rig)
        with anyio.fail_after(PATIENCE_S):
            assert (await rig.batches.wait("b", owner="ada")).completed == 2
    assert (await rig.batches.wait("b", owner="ada", timeout_s=60)).ended


async def test_a_wait_that_runs_out_names_what_is_outstanding(rig: Rig) -> None:
    """And how long it was; it cancels nothing."""
    await rig.submit("b", a_toy(subject="menu/hero"), a_toy(subject="menu/team"))
    await run_one(rig)
    with pytest.raises(TimeoutError) as caught:
        await rig.batches.wait("b", owner="ada", timeout_s=0.02)
    assert str(caught.value) == ("Batch b timed out after 20ms; outstanding: menu/team (pending)")
    assert (await rig.batches.get("b", owner="ada")).state is BatchState.PROCESSING


async def test_a_wait_that_runs_out_reads_no_more_jobs_than_it_names(rig: Rig) -> None:
    """However many a batch has; those that are over are not among them."""
    await rig.submit("b", *[a_toy(subject=f"s{n}") for n in range(1, 13)])
    await run_one(rig)
    with pytest.raises(TimeoutError) as caught:
        await rig.batches.wait("b", owner="ada", timeout_s=0.01)
    named = ", ".join(f"s{n} (pending)" for n in range(2, 12))
    assert str(caught.value) == f"Batch b timed out after 10ms; outstanding: {named} …"


async def test_a_wait_for_idle_ends_with_the_last_of_the_owners_work(rig: Rig) -> None:
    """Of batches and of jobs outside any; at once where there is none, whatever others do."""
    await rig.batches.wait_idle(owner="ada")
    await rig.submit("b", a_toy(), a_toy())
    await rig.queue.enqueue(a_toy(delay_s=5), origin=ORIGIN)
    await rig.batches.wait_idle(owner="eve")
    idle = anyio.Event()

    async def wait() -> None:
        await rig.batches.wait_idle(owner="ada")
        idle.set()

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await run_one(rig)
            await run_one(rig)
            assert not idle.is_set()
            rig.clock.advance(5)
            await rig.store.release_due(now=rig.clock.now(), limit=9)
            await run_one(rig)
    assert idle.is_set()


async def test_a_wait_for_idle_that_runs_out_names_what_is_outstanding(rig: Rig) -> None:
    """Batches by their ids, jobs outside any by their subjects; nothing that is paused."""
    await rig.submit("paused", a_toy())
    await rig.store.pause("paused", "no key")
    await rig.submit("b", a_toy())
    await rig.queue.enqueue(a_toy(subject="menu", delay_s=5), origin=ORIGIN)
    with pytest.raises(TimeoutError) as caught:
        await rig.batches.wait_idle(owner="ada", timeout_s=0.02)
    said = "Waiting for idle timed out after 20ms; outstanding: batch b (pending), menu (scheduled)"
    assert str(caught.value) == said


async def test_a_paused_batch_is_no_end_of_a_wait(rig: Rig) -> None:
    """Somebody may resume it."""
    await rig.submit("b", *[a_toy()] * 11)
    await rig.store.pause("b", "no key")
    with pytest.raises(TimeoutError, match=r"toy|done \(paused\).* …$"):
        await rig.batches.wait("b", owner="ada", timeout_s=0.02)


async def test_an_ended_batch_is_not_cancelled(rig: Rig) -> None:
    """The message says in which state it is."""
    await rig.submit("b", a_toy())
    await run_one(rig)
    with pytest.raises(InvalidTransition) as caught:
        await rig.batches.cancel("b", owner="ada")
    assert caught.value.state == "completed"


async def test_a_batch_under_way_is_not_retried(rig: Rig) -> None:
    """The message says what helps."""
    await rig.submit("b", a_toy())
    with pytest.raises(InvalidTransition, match="cancel"):
        await rig.batches.retry("b", owner="ada")


async def test_cancel_says_what_was_done_and_retry_takes_up_the_rest(rig: Rig) -> None:
    """The whole way, without a worker."""
    rig.acts["fail"] = fail
    await rig.submit("b", a_toy(), a_toy("fail"), a_toy())
    await run_one(rig)
    await run_one(rig)
    answer = await rig.batches.cancel("b", owner="ada")
    assert (answer.done, answer.stopped, answer.dropped) == (1, 0, 1)
    reopened = await rig.batches.retry("b", owner="ada")
    assert reopened.batch is not None and (reopened.batch.total, reopened.batch.round) == (2, 2)
    jobs = await rig.batches.jobs("b", owner="ada")
    assert [job.state for job in jobs] == ["completed", "pending", "pending"]


async def test_one_job_of_a_batch_is_looked_up_and_cancelled_by_its_id(rig: Rig) -> None:
    """Once."""
    [job_id] = await rig.submit("b", a_toy())
    assert (await rig.batches.job(job_id, owner="ada")).state is JobState.PENDING
    answer = await rig.batches.cancel_job(job_id, owner="ada")
    assert answer.batch is not None and answer.batch.state is BatchState.CANCELLED
    with pytest.raises(InvalidTransition):
        await rig.batches.cancel_job(job_id, owner="ada")


async def test_a_job_that_follows_from_another_is_not_cancelled_by_itself(rig: Rig) -> None:
    """The batch would be completed, and what it has changed never carried out."""
    [_, job_id] = await rig.submit("b", a_toy(), a_toy(counted=False))
    with pytest.raises(InvalidTransition, match="carries out what another job has changed"):
        await rig.batches.cancel_job(job_id, owner="ada")
    assert (await rig.job(job_id)).state is JobState.PENDING


async def test_what_pressroom_does_by_itself_is_seen_by_its_id_and_not_cancelled(rig: Rig) -> None:
    """Whoever was given the id may see what becomes of it."""
    job_id = await rig.queue.enqueue(a_toy(), origin=OURS)
    assert (await rig.batches.job(job_id, owner="ada")).state is JobState.PENDING
    with pytest.raises(InvalidTransition, match="Pressroom does it by itself"):
        await rig.batches.cancel_job(job_id, owner="ada")
    assert (await rig.job(job_id)).state is JobState.PENDING


# Jobs alone


async def test_a_job_is_checked_and_then_stored(rig: Rig) -> None:
    """What cannot be run is not."""
    with pytest.raises(NoSuchKind):
        await rig.queue.enqueue(a_toy(kind="none"), origin=ORIGIN)
    job_id = await rig.queue.enqueue(a_toy(), origin=ORIGIN)
    assert (await rig.queue.get(job_id)).state is JobState.PENDING


@pytest.mark.parametrize(
    "misfit",
    [
        {"delay_s": math.nan},
        {"delay_s": -1e18},
        {"priority": 2**70},
        {"max_retries": 2**70},
        {"subject": "half a \ud800"},
        {"requires": "key:\ud800"},
        {"dedup": Dedup.SKIP},
        {"dedup": Dedup.COALESCE},
    ],
    ids=str,
)
async def test_a_job_that_cannot_be_stored_as_it_is_is_refused(
    rig: Rig, misfit: dict[str, Any]
) -> None:
    """Alone and in a batch, before anything is stored; the message names the field."""
    [field] = misfit
    with pytest.raises(InvalidPayload, match=field):
        await rig.queue.enqueue(a_toy(**misfit), origin=ORIGIN)
    with pytest.raises(InvalidPayload, match=field):
        rig.batches.prepare([a_toy(), a_toy(**misfit)])
    assert (await rig.store.stats()).total == 0


async def test_an_unknown_job_is_not_found(rig: Rig) -> None:
    """It may have been forgotten."""
    with pytest.raises(NotFound, match="forgotten"):
        await rig.queue.get("j_unknown")


async def test_a_wait_for_a_job_ends_with_it(rig: Rig) -> None:
    """Or says in which state it still is."""
    job_id = await rig.queue.enqueue(a_toy(), origin=ORIGIN)
    with pytest.raises(TimeoutError) as caught:
        await rig.queue.wait(job_id, timeout_s=0.01)
    assert str(caught.value) == f"Job {job_id} timed out after 10ms; outstanding: done (pending)"
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run_one, rig)
        with anyio.fail_after(PATIENCE_S):
            assert (await rig.queue.wait(job_id)).state is JobState.COMPLETED
