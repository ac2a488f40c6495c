"""Dedup `replace`: a later job takes the place of one that waits, and keeps its id.

Of a key at most one job waits and one runs, as where jobs coalesce.
"""

from __future__ import annotations

from typing import Any

import pytest

from mcp_server.jobs.job import BatchState, Dedup, JobState, NewJob, Origin
from mcp_server.jobs.outcome import Done, Enqueue, Fail, Pause, Retry
from mcp_server.jobs.store import JobStore
from tests.storage.stores import Bench, a_job

pytestmark = pytest.mark.anyio

FAILED = Fail("no", "it cannot")


def latest(n: int, **different: Any) -> NewJob:
    """Make a job that replaces those of its key; `n` tells it from the others."""
    made: dict[str, Any] = {"dedup": Dedup.REPLACE, "dedup_key": "k", "payload": {"n": n}}
    return a_job(**(made | different))


async def left(bench: Bench) -> list[int]:
    """Run all that is ready; return what was run, in its order."""
    ran: list[int] = []
    while attempts := await bench.claim():
        ran += [attempt.job.payload["n"] for attempt in attempts]
        await bench.finish(attempts[0])
    return ran


async def test_a_later_job_takes_the_place_of_one_that_waits(bench: Bench) -> None:
    """With all that it brings; only the first one's id stays, and whoever asked for it."""
    await bench.enqueue("first", latest(1, subject="one", max_retries=1))
    bench.clock.advance(5)
    changed = latest(2, subject="two", priority=7, requires="key:x", max_retries=9, kind="other")
    other = Origin(owner="eve", interface="test")
    assert await bench.store.enqueue("second", changed, origin=other, now=bench.now) == (
        "first",
        False,
    )
    job = await bench.job("first")
    assert (job.kind, job.payload, job.subject) == ("other", {"n": 2}, "two")
    assert (job.priority, job.requires, job.max_retries) == (7, "key:x", 9)
    assert (job.state, job.created_at, job.due_at) == (JobState.PENDING, bench.now, bench.now)
    assert job.origin.owner == "ada"
    assert await bench.store.job("second") is None


async def test_each_replacement_puts_the_job_off_by_its_own_delay(bench: Bench) -> None:
    """So a burst of calls is one job, a while after the last of them."""
    await bench.enqueue("burst", latest(1, delay_s=10))
    bench.clock.advance(8)
    await bench.enqueue("again", latest(2, delay_s=10))
    bench.clock.advance(8)
    assert await bench.store.release_due(now=bench.now, limit=9) == 0
    bench.clock.advance(2)
    assert await bench.store.release_due(now=bench.now, limit=9) == 1
    await bench.enqueue("late", latest(3, delay_s=10))
    assert (await bench.job("burst")).state is JobState.SCHEDULED
    await bench.enqueue("now", latest(4))
    assert await left(bench) == [4]


async def test_its_tries_are_counted_anew(bench: Bench) -> None:
    """It is another job: what became of the one before says nothing of it."""
    await bench.enqueue("first", latest(1, max_retries=1))
    await bench.work(Retry("busy"))
    await bench.enqueue("second", latest(2, max_retries=1))
    job = await bench.job("first")
    assert (job.state, job.attempts, job.code, job.reason) == (JobState.PENDING, 0, None, None)


async def test_beside_one_that_runs_one_waits_and_is_the_one_that_is_replaced(
    bench: Bench,
) -> None:
    """What runs has read its payload: it goes on to its end."""
    await bench.enqueue("first", latest(1))
    running = await bench.start()
    assert await bench.enqueue("second", latest(2)) == ("second", True)
    assert await bench.enqueue("third", latest(3)) == ("second", False)
    assert await bench.claim() == []
    await bench.finish(running)
    assert await left(bench) == [3]
    assert (await bench.job("first")).state is JobState.COMPLETED


async def test_one_that_ended_is_not_replaced(bench: Bench) -> None:
    """The key is free again."""
    await bench.enqueue("first", latest(1))
    await bench.work()
    assert await bench.enqueue("second", latest(2)) == ("second", True)


async def test_a_key_is_one_key_whether_it_is_coalesced_or_replaced(bench: Bench) -> None:
    """Each call says what it does to the one that waits."""
    await bench.enqueue("first", latest(1, dedup=Dedup.COALESCE))
    assert await bench.enqueue("second", latest(2)) == ("first", False)
    assert await bench.enqueue("third", latest(3, dedup=Dedup.COALESCE)) == ("first", False)
    assert await left(bench) == [2]


async def test_without_a_key_nothing_is_replaced(bench: Bench) -> None:
    """Nor coalesced, within one batch either."""
    await bench.submit("b1", latest(1, dedup_key=None), latest(2, dedup_key=None))
    await bench.submit("b2", *[a_job(dedup=Dedup.COALESCE)] * 2)
    assert len(await bench.states("b1")) == len(await bench.states("b2")) == 2


# Batches


async def test_a_job_of_a_batch_that_is_replaced_is_counted_there_still(bench: Bench) -> None:
    """The later batch waits for it, and counts nothing."""
    await bench.submit("b1", latest(1), a_job(kind="other"))
    before = (await bench.batch("b1")).change
    await bench.submit("b2", latest(2))
    assert (await bench.batch("b1")).change > before
    assert (await bench.batch("b2")).total == 0 and await bench.states("b2") == []
    assert await left(bench) == [2]
    assert (await bench.batch("b2")).state is BatchState.COMPLETED
    first = await bench.batch("b1")
    assert (first.total, first.completed, first.ended) == (2, 1, False)


async def test_of_one_batch_the_last_job_of_a_key_is_the_one_that_runs(bench: Bench) -> None:
    """Under the id of the first; a job that coalesces changes nothing about it."""
    await bench.submit("b1", latest(1), latest(2), latest(3), latest(4, dedup=Dedup.COALESCE))
    assert (await bench.batch()).total == 1
    assert (await bench.job("b1.1")).payload == {"n": 3}
    assert await left(bench) == [3]
    assert (await bench.batch()).state is BatchState.COMPLETED


async def test_a_follow_up_replaces_the_one_that_waits(bench: Bench) -> None:
    """Both batches end with it."""
    await bench.submit("b1")
    await bench.work(Done(effects=(Enqueue(latest(1, counted=False)),)))
    await bench.submit("b2", a_job(priority=1))
    await bench.work(Done(effects=(Enqueue(latest(2, counted=False)),)))
    assert not (await bench.batch("b1")).ended and not (await bench.batch("b2")).ended
    assert await left(bench) == [2]
    assert (await bench.batch("b1")).ended and (await bench.batch("b2")).ended


async def test_a_job_may_put_the_next_of_its_own_key_in_its_place(bench: Bench) -> None:
    """It runs still when it asks: the next waits for its end."""
    await bench.enqueue("first", latest(1))
    await bench.work(Done(effects=(Enqueue(latest(2)), Enqueue(latest(3)))))
    assert await left(bench) == [3]


async def test_a_paused_job_is_replaced_and_stays_paused(bench: Bench, store: JobStore) -> None:
    """Until its batch is taken up again."""
    await bench.submit("b1", latest(1))
    await store.pause("b1", "no key")
    await bench.submit("b2", latest(2))
    assert await bench.states("b1") == ["paused"]
    assert await left(bench) == []
    await bench.retry("b1")
    assert await left(bench) == [2]
    assert (await bench.batch("b2")).ended


@pytest.mark.parametrize("stopped", ["its batch", "itself", "while it runs"])
@pytest.mark.parametrize("dedup", [Dedup.REPLACE, Dedup.COALESCE])
async def test_what_is_cancelled_is_done_for_the_others_that_wait_for_it(
    bench: Bench, store: JobStore, stopped: str, dedup: Dedup
) -> None:
    """Each of them had asked for it; none is completed without it."""
    await bench.submit("b1", latest(1, dedup=dedup), a_job(kind="other"))
    if stopped == "while it runs":
        await bench.start()
        await bench.submit("b0", latest(2, dedup=dedup))
        await bench.submit("b2", latest(3, dedup=dedup))
        await bench.cancel("b0")
    else:
        await bench.submit("b2", latest(3, dedup=dedup))
        await bench.submit("b3", latest(3, dedup=dedup))
    if stopped == "itself":
        await store.cancel_job("b1.1", reason="enough", now=bench.now)
    else:
        await bench.cancel("b1")
    assert await bench.states("b1") in (["cancelled", "cancelled"], ["cancelled", "pending"])
    assert not (await bench.batch("b2")).ended
    assert await left(bench) == [3 if dedup is Dedup.REPLACE else 2 if stopped[0] == "w" else 1]
    assert (await bench.batch("b2")).state is BatchState.COMPLETED
    if stopped != "while it runs":
        assert (await bench.batch("b3")).state is BatchState.COMPLETED


async def test_what_runs_and_is_cancelled_is_run_again_for_the_others(bench: Bench) -> None:
    """A batch that waited for it while it waited, waits for one of its own."""
    await bench.submit("b1", latest(1))
    await bench.submit("b2", latest(2))
    await bench.start()
    await bench.cancel("b1")
    assert await bench.states("b2") == ["pending"]
    assert await left(bench) == [2]
    assert (await bench.batch("b2")).state is BatchState.COMPLETED


@pytest.mark.parametrize("others", ["one each", "one, of what runs"])
async def test_beside_one_that_runs_the_one_that_waits_is_done_for_the_others(
    bench: Bench, others: str
) -> None:
    """Both are cancelled: it is the later work, which none of the others may miss."""
    await bench.submit("b1", latest(1), a_job())
    await bench.submit("b2", latest(2))
    await bench.start()
    await bench.work(Done(effects=(Enqueue(latest(3)),)))
    if others == "one each":
        await bench.submit("b3", latest(3))
    cancelled = await bench.cancel("b1")
    assert (cancelled.stopped, cancelled.dropped) == (1, 1)
    assert await left(bench) == [3]
    assert (await bench.batch("b2")).state is BatchState.COMPLETED


async def test_a_batch_that_was_given_up_inherits_nothing(bench: Bench) -> None:
    """It ends when the job that it waited for is cancelled as well."""
    await bench.submit("b1", latest(1))
    await bench.submit("b2", latest(2))
    await bench.cancel("b2")
    await bench.cancel("b1")
    assert await left(bench) == []
    assert (await bench.batch("b2")).state is BatchState.CANCELLED


# Tried again


@pytest.mark.parametrize("how", ["tried again", "given back", "rescued"])
async def test_what_has_to_run_again_gives_way_to_the_later_one(
    bench: Bench, store: JobStore, how: str
) -> None:
    """Its own payload is out of date."""
    await bench.submit("b1", latest(1))
    running = await bench.start()
    bench.clock.advance(1)
    await bench.submit("b2", latest(2))
    if how == "tried again":
        assert (await bench.finish(running, Retry("busy"))).code == "joined"
    elif how == "given back":
        await store.give_back([running.id], now=bench.now)
    else:
        bench.clock.advance(31)
        await bench.rescue()
    assert not (await bench.batch("b1")).ended
    assert await left(bench) == [2]
    assert (await bench.batch("b1")).ended and (await bench.batch("b2")).ended


async def test_a_retried_job_gives_way_to_a_later_one(bench: Bench) -> None:
    """Both batches wait for that."""
    await bench.submit("b1", latest(1))
    await bench.work(FAILED)
    bench.clock.advance(1)
    await bench.submit("b2", latest(2))
    await bench.retry("b1")
    assert await left(bench) == [2]
    assert (await bench.batch("b1")).state is BatchState.COMPLETED


async def test_the_later_of_two_that_are_retried_is_the_one_that_runs(bench: Bench) -> None:
    """In whichever order their batches are taken up again."""
    for n in (1, 2):
        await bench.submit(f"b{n}", latest(n))
        await bench.work(FAILED)
        bench.clock.advance(1)
    for n in (1, 2):
        await bench.retry(f"b{n}")
    assert await left(bench) == [2]
    assert (await bench.batch("b1")).ended and (await bench.batch("b2")).ended


async def test_a_job_that_pauses_its_batch_gives_way_to_a_later_one(bench: Bench) -> None:
    """Which may well be able to do what it could not."""
    await bench.submit("b1", latest(1))
    running = await bench.start()
    bench.clock.advance(1)
    await bench.submit("b2", latest(2))
    await bench.finish(running, Pause("no key"))
    assert await left(bench) == [2]
    assert (await bench.batch("b1")).ended
