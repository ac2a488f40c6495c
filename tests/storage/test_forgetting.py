"""What is forgotten, in steps: the jobs of many batches, and requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from mcp_server.errors import InvalidPayload
from mcp_server.jobs.job import Dedup
from mcp_server.jobs.outcome import Done, Enqueue, Fail
from mcp_server.jobs.records import Request
from mcp_server.jobs.store import JobStore
from tests.storage.stores import DAY_S, HOUR_S, ORIGIN, Bench, a_job

pytestmark = pytest.mark.anyio

FAILED = Fail("no", "it cannot")


async def prune(bench: Bench, limit: int = 3, *, days: float = 1) -> int:
    """Forget what is old enough, in one step."""
    return await bench.store.prune(
        completed_before=bench.now - days * DAY_S,
        ended_before=bench.now - 30 * DAY_S,
        limit=limit,
    )


async def test_the_jobs_of_many_batches_go_in_steps_of_what_is_allowed(bench: Bench) -> None:
    """Within a batch and over its end; then nothing is left to be looked at."""
    for n in range(1, 5):
        await bench.submit(f"b{n}", a_job(), a_job())
    await bench.work_all()
    bench.clock.advance(2 * DAY_S)
    await bench.submit("young", a_job())
    await bench.work_all()
    assert [await prune(bench) for _ in range(4)] == [3, 3, 2, 0]
    version = bench.store.version
    assert await prune(bench) == 0
    assert bench.store.version == version
    assert await bench.states("young") == ["completed"]


async def test_what_a_completed_batch_had_cancelled_goes_after_thirty_days(
    bench: Bench, store: JobStore
) -> None:
    """It is looked at a second time, for that."""
    await bench.submit("b1", a_job(), a_job())
    await store.cancel_job("b1.2", reason="enough", now=bench.now)
    await bench.work()
    assert (await bench.batch()).state == "completed"
    bench.clock.advance(2 * DAY_S)
    assert [await prune(bench), await prune(bench)] == [1, 0]
    assert await bench.states() == ["cancelled"]
    bench.clock.advance(29 * DAY_S)
    assert [await prune(bench), await prune(bench)] == [1, 0]
    assert await bench.states() == []


async def test_a_batch_that_is_taken_up_again_is_pruned_anew_after_its_end(
    bench: Bench, store: JobStore
) -> None:
    """What was pruned of it before says nothing of its next round."""
    await bench.submit("b1", a_job(), a_job())
    await store.cancel_job("b1.2", reason="enough", now=bench.now)
    await bench.work()
    bench.clock.advance(2 * DAY_S)
    assert await prune(bench) == 1
    await bench.retry()
    assert await prune(bench) == 0
    await bench.work()
    bench.clock.advance(2 * DAY_S)
    assert [await prune(bench), await prune(bench)] == [1, 0]


async def submitted(bench: Bench) -> str:
    """Hand in a batch of two."""
    await bench.submit("b3", a_job(), a_job())
    return "b3"


async def followed_up(bench: Bench) -> str:
    """Let a job ask for another."""
    await bench.submit("b3", a_job(priority=9))
    await bench.work(Done(effects=(Enqueue(a_job()),)))
    return "b3"


async def inherited(bench: Bench) -> str:
    """Cancel the batch whose job another waits for."""
    await bench.cancel("b1")
    return "b2"


async def shared_in_failure(bench: Bench) -> str:
    """Fail the job that another batch waits for."""
    await bench.work(FAILED)
    return "b2"


@pytest.mark.parametrize("arrive", [submitted, followed_up, inherited, shared_in_failure])
async def test_the_number_of_a_job_is_not_given_again_though_it_was_forgotten(
    bench: Bench, arrive: Callable[[Bench], Awaitable[str]]
) -> None:
    """However the next job comes to be: who knows jobs by their numbers never meets another."""
    shared = a_job(dedup=Dedup.COALESCE, dedup_key="k")
    await bench.submit("b1", shared)
    await bench.submit("b2", shared)
    await bench.enqueue("last", a_job(priority=9))
    last = (await bench.job("last")).order
    await bench.work()
    bench.clock.advance(2 * DAY_S)
    assert await prune(bench) == 1
    batch = await arrive(bench)
    numbers = [job.order for job in await bench.store.jobs(batch)]
    assert numbers and min(numbers) > last
    assert len(set(numbers)) == len(numbers)


async def test_batches_without_jobs_hold_nobody_up(bench: Bench) -> None:
    """More of them than are looked at in one step."""
    shared = a_job(dedup=Dedup.COALESCE, dedup_key="k")
    for n in range(250):
        await bench.submit(f"b{n}", shared)
    await bench.work_all()
    bench.clock.advance(1)
    await bench.submit("last", a_job())
    await bench.work_all()
    bench.clock.advance(2 * DAY_S)
    assert [await prune(bench) for _ in range(3)] == [1, 1, 0]


async def test_a_request_is_forgotten_when_it_stands_for_nothing_any_more(
    bench: Bench, store: JobStore
) -> None:
    """After 24 hours, in steps; its key may be used for something else then as before (R2)."""
    for n in range(3):
        await bench.submit(f"b{n}", request=Request(key=f"k{n}", digest="one"))
    assert await store.forget_requests(now=bench.now + 23 * HOUR_S, limit=2) == 0
    with pytest.raises(InvalidPayload):
        await bench.submit("b9", request=Request(key="k0", digest="other"))
    bench.clock.advance(DAY_S)
    await bench.submit("b4", request=Request(key="k0", digest="other"))
    assert [await store.forget_requests(now=bench.now, limit=1) for _ in range(3)] == [1, 1, 0]
    kept = await store.requested(
        Request(key="k0", digest="other"), owner=ORIGIN.owner, now=bench.now
    )
    assert kept is not None and kept.id == "b4"


async def test_what_became_of_a_forgotten_job_is_kept_in_its_batchs_record(
    bench: Bench, store: JobStore
) -> None:
    """In the order of the jobs, with round and reason; behind them what was left out."""
    left_out = [("menu/s8", "has a draft"), ("menu/s9", "is locked")]
    jobs = [a_job(subject=f"menu/s{n}") for n in range(3)]
    await bench.submit("b1", *jobs, left_out=left_out)
    await store.cancel_job("b1.2", reason="enough", now=bench.now)
    await bench.work(FAILED)
    await bench.work()
    await bench.retry()
    await bench.work(FAILED)
    await bench.work()
    before = await store.record("b1")
    assert [(each.subject, each.state, each.round, each.reason) for each in before] == [
        ("menu/s0", "failed", 2, "it cannot"),
        ("menu/s1", "completed", 2, None),
        ("menu/s2", "completed", 1, None),
        ("menu/s8", "skipped", 1, "has a draft"),
        ("menu/s9", "skipped", 1, "is locked"),
    ]
    assert not (await bench.batch()).forgotten
    bench.clock.advance(31 * DAY_S)
    assert [await prune(bench, 2) for _ in range(3)] == [2, 1, 0]
    assert (await bench.batch()).forgotten
    after = await store.record("b1")
    assert after == [each._replace(id=None) for each in before]
    assert await store.record("b1", states=["failed"]) == after[:1]
    assert await store.record("b1", after=1, limit=2) == after[1:3]
    assert await store.record("b1", states=["skipped"], after=1) == after[4:]


async def test_what_another_batch_holds_is_in_the_record(bench: Bench, store: JobStore) -> None:
    """Whose that is is not said."""
    held = a_job(subject="menu/s1", dedup=Dedup.SKIP, dedup_key="k1")
    await bench.submit("b1", held)
    await bench.submit("b2", held, a_job(subject="menu/s2"))
    assert [(each.subject, each.state, each.reason) for each in await store.record("b2")] == [
        ("menu/s2", "pending", None),
        ("menu/s1", "skipped", "was in another unfinished batch"),
    ]


async def test_the_record_of_a_batch_that_is_behind_is_whole(bench: Bench, store: JobStore) -> None:
    """Jobs that still follow a cancellation count as cancelled; what was left out comes last."""
    jobs = [a_job(subject=f"menu/s{n}") for n in range(4)]
    await bench.submit("b1", *jobs, left_out=[("menu/s9", "is locked")])
    await store.cancel_batch("b1", reason="enough", now=bench.now)
    states = [each.state for each in await store.record("b1")]
    assert states == ["cancelled"] * 4 + ["skipped"]
    assert [each.subject for each in await store.record("b1", after=3, limit=5)] == [
        "menu/s3",
        "menu/s9",
    ]
