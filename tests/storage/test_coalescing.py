"""Dedup `coalesce`: at most one job of a key runs and one waits, and every batch that asked waits.

The exports of a page are such jobs (R20).
"""

from __future__ import annotations

import pytest

from mcp_server.jobs.job import BatchState, Dedup, JobState
from mcp_server.jobs.outcome import Done, Enqueue, Fail, Retry
from mcp_server.jobs.records import Report
from mcp_server.jobs.retry import decide
from mcp_server.jobs.store import JobStore
from tests.storage.stores import Bench, a_job

pytestmark = pytest.mark.anyio

EXPORT = a_job(kind="export", dedup=Dedup.COALESCE, dedup_key="export:menu", counted=False)
THEN_EXPORT = Done(effects=(Enqueue(EXPORT),))
FAILED = Fail("no", "it cannot")


async def ask_for_an_export(bench: Bench, batch_id: str) -> None:
    """Run a batch of one job up to the export that it asks for."""
    await bench.submit(batch_id)
    await bench.work(THEN_EXPORT)


async def ended(bench: Bench, *batch_ids: str) -> list[bool]:
    """Whether each of these batches has ended."""
    return [(await bench.batch(id)).ended for id in batch_ids]


async def test_a_job_joins_the_one_that_waits_and_both_batches_wait_for_it(bench: Bench) -> None:
    """It is run once, and ends both."""
    await ask_for_an_export(bench, "b1")
    await ask_for_an_export(bench, "b2")
    assert await bench.states("b2") == ["completed"]
    assert await ended(bench, "b1", "b2") == [False, False]
    await bench.work(kinds=["export"])
    assert await bench.claim(kinds=["export"]) == []
    assert await ended(bench, "b1", "b2") == [True, True]


async def test_a_batch_that_asks_twice_waits_once(bench: Bench) -> None:
    """Its own job, or that of another."""
    await ask_for_an_export(bench, "b1")
    await bench.submit("b2", a_job(), a_job())
    await bench.work(THEN_EXPORT)
    await bench.work(THEN_EXPORT)
    await bench.submit("b3", a_job(), a_job())
    await bench.work(kinds=["export"])
    await bench.work(THEN_EXPORT)
    await bench.work(THEN_EXPORT)
    assert await bench.states("b3") == ["completed", "completed", "pending"]
    await bench.work(kinds=["export"])
    assert await ended(bench, "b1", "b2", "b3") == [True, True, True]


async def test_beside_one_that_runs_one_waits_and_runs_after_it(bench: Bench) -> None:
    """It might have read the page before our change."""
    await ask_for_an_export(bench, "b1")
    running = await bench.start(kinds=["export"])
    await ask_for_an_export(bench, "b2")
    await ask_for_an_export(bench, "b3")
    assert await bench.claim(9, kinds=["export"]) == []
    await bench.finish(running)
    assert await ended(bench, "b1", "b2", "b3") == [True, False, False]
    await bench.work(kinds=["export"])
    assert await ended(bench, "b1", "b2", "b3") == [True, True, True]


async def test_the_cancellation_of_the_batch_that_asked_first_leaves_the_others_theirs(
    bench: Bench,
) -> None:
    """The export goes on, for both."""
    await bench.submit("b1", a_job(), a_job())
    await bench.work(THEN_EXPORT)
    await bench.submit("b2", a_job(kind="second"))
    await bench.work(THEN_EXPORT, kinds=["second"])
    await bench.cancel("b1")
    assert await ended(bench, "b1", "b2") == [False, False]
    await bench.work(kinds=["export"])
    assert (await bench.batch("b1")).state is BatchState.CANCELLED
    assert (await bench.batch("b2")).state is BatchState.COMPLETED


async def test_the_failure_of_a_shared_job_fails_every_batch_that_waits_for_it(
    bench: Bench,
) -> None:
    """None of them has the files it promised (R21)."""
    await ask_for_an_export(bench, "b1")
    await ask_for_an_export(bench, "b2")
    await bench.work(FAILED, kinds=["export"])
    assert (await bench.batch("b1")).state is BatchState.FAILED
    assert (await bench.batch("b2")).state is BatchState.FAILED


async def test_a_shared_job_that_ends_together_with_others_ends_every_batch_that_waits_for_it(
    bench: Bench,
) -> None:
    """Reported at once: one that failed and is shared, and one that was done and is not."""
    await ask_for_an_export(bench, "b1")
    await ask_for_an_export(bench, "b2")
    await bench.submit("b3")
    running = await bench.claim(2, kinds=["work", "export"])
    ends = {"export": FAILED, "work": Done()}
    reports = [
        Report(each, decide(each.job, ends[each.job.kind], now=bench.now, jitter=1.0))
        for each in running
    ]
    found = await bench.store.exchange(reports, None, now=bench.now)
    assert found.recorded == [report.verdict for report in reports]
    assert [(await bench.batch(id)).state for id in ("b1", "b2", "b3")] == [
        BatchState.FAILED,
        BatchState.FAILED,
        BatchState.COMPLETED,
    ]


@pytest.mark.parametrize("how", ["tried-again", "given-back", "rescued"])
async def test_a_running_job_that_has_to_be_run_again_joins_the_one_that_waits(
    bench: Bench, store: JobStore, how: str
) -> None:
    """Two would wait otherwise; the batch of the first waits for the second."""
    await ask_for_an_export(bench, "b1")
    running = await bench.start(kinds=["export"])
    await ask_for_an_export(bench, "b2")
    if how == "tried-again":
        job = await bench.finish(running, Retry("busy"))
        assert (job.state, job.code) == (JobState.COMPLETED, "joined")
    elif how == "given-back":
        await store.give_back([running.id], now=bench.now)
    else:
        bench.clock.advance(31)
        await bench.rescue()
    assert await bench.states("b1") == ["completed", "completed"]
    assert await ended(bench, "b1", "b2") == [False, False]
    await bench.work(kinds=["export"])
    assert await ended(bench, "b1", "b2") == [True, True]


async def test_without_another_that_waits_it_is_simply_run_again(
    bench: Bench, store: JobStore
) -> None:
    """Nothing is lost, and nobody is joined."""
    await ask_for_an_export(bench, "b1")
    running = await bench.start(kinds=["export"])
    await store.give_back([running.id], now=bench.now)
    assert await bench.states("b1") == ["completed", "pending"]
    await bench.work(kinds=["export"])
    assert await ended(bench, "b1") == [True]


async def test_a_retried_job_joins_the_one_that_waits(bench: Bench) -> None:
    """The reopened batch ends with it, in its second round."""
    await ask_for_an_export(bench, "b1")
    await bench.work(FAILED, kinds=["export"])
    await ask_for_an_export(bench, "b2")
    reopened = await bench.retry("b1")
    assert reopened.batch is not None
    assert (reopened.batch.round, reopened.batch.ended) == (2, False)
    assert await bench.states("b1") == ["completed", "completed"]
    await bench.work(kinds=["export"])
    assert (await bench.batch("b1")).state is BatchState.COMPLETED
    assert await ended(bench, "b2") == [True]


async def test_a_counted_job_that_joins_at_its_retry_counts_as_done(bench: Bench) -> None:
    """The round's total and its counters agree."""
    counted = a_job(dedup=Dedup.COALESCE, dedup_key="k")
    await bench.submit("b1", counted, a_job(kind="other"))
    await bench.work(FAILED)
    await bench.work(FAILED, kinds=["other"])
    await bench.submit("b2", counted)
    await bench.retry("b1")
    batch = await bench.batch("b1")
    assert (batch.total, batch.completed, batch.ended) == (2, 1, False)
    await bench.work(kinds=["work", "other"])
    await bench.work(kinds=["work", "other"])
    assert (await bench.batch("b1")).state is BatchState.COMPLETED


async def test_a_job_alone_and_a_batch_share_one(bench: Bench) -> None:
    """Whoever asks first brings it in."""
    await bench.enqueue("alone", EXPORT)
    await ask_for_an_export(bench, "b1")
    assert await bench.states("b1") == ["completed"]
    await bench.work(kinds=["export"])
    assert await ended(bench, "b1") == [True]
    assert (await bench.job("alone")).state is JobState.COMPLETED


async def test_the_key_of_one_page_is_not_that_of_another(bench: Bench) -> None:
    """Their exports run side by side."""
    await ask_for_an_export(bench, "b1")
    await bench.submit("b2")
    other = a_job(kind="export", dedup=Dedup.COALESCE, dedup_key="export:home", counted=False)
    await bench.work(Done(effects=(Enqueue(other),)))
    assert len(await bench.claim(9, kinds=["export"])) == 2


async def test_every_batch_can_retry_a_shared_job_that_failed(bench: Bench) -> None:
    """Whoever did not bring it in can take it up as well; both together run it once."""
    await ask_for_an_export(bench, "b1")
    await ask_for_an_export(bench, "b2")
    await bench.work(FAILED, kinds=["export"])
    for id in ("b2", "b1"):
        assert (await bench.retry(id)).batch is not None
    assert await ended(bench, "b1", "b2") == [False, False]
    await bench.work(kinds=["export"])
    assert await bench.claim(kinds=["export"]) == []
    assert (await bench.batch("b1")).state is BatchState.COMPLETED
    assert (await bench.batch("b2")).state is BatchState.COMPLETED
