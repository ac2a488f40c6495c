"""What the store tells: batches, changes, figures, processes; and what it forgets."""

from __future__ import annotations

import anyio
import pytest

from mcp_server.jobs.job import Dedup, JobState, Origin, Step
from mcp_server.jobs.outcome import Fail, Retry, Skip
from mcp_server.jobs.records import Host
from mcp_server.jobs.store import JobStore
from tests.storage.stores import DAY_S, HOUR_S, ORIGIN, Bench, a_job
from tests.storage.test_updates import cursor_at, updates_of
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.anyio

FAILED = Fail("no", "it cannot")


def a_host(id: str = "h1", role: str = "worker") -> Host:
    """Make a process."""
    return Host(
        id=id, role=role, pid=7, version="1.2.3", abilities=frozenset({"key:x"}), details={"n": 1}
    )


# Batches and jobs


async def test_batches_are_listed_newest_first_as_far_back_as_asked(
    bench: Bench, store: JobStore
) -> None:
    """Only those of their owner."""
    for n in range(1, 6):
        await bench.submit(f"b{n}")
    await bench.submit("eves", origin=Origin(owner="eve", interface="test"))
    first = await store.batches(owner="ada", limit=3)
    assert [batch.id for batch in first] == ["b5", "b4", "b3"]
    rest = await store.batches(owner="ada", before=first[-1].order, limit=3)
    assert [batch.id for batch in rest] == ["b2", "b1"]


async def test_unfinished_and_ended_batches_are_told_apart(bench: Bench, store: JobStore) -> None:
    """A paused one is unfinished; each comes with what is running."""
    for n in range(1, 4):
        await bench.submit(f"b{n}", a_job(subject=f"s{n}"))
    await bench.work()
    await bench.start()
    await store.pause("b3", "no key")
    active = await store.batches(owner="ada", active=True, limit=9)
    assert [(batch.id, [job.subject for job in batch.running]) for batch in active] == [
        ("b3", []),
        ("b2", ["s2"]),
    ]
    ended = await store.batches(owner="ada", active=False, limit=9)
    assert [batch.id for batch in ended] == ["b1"]


async def test_jobs_are_listed_by_their_state(bench: Bench, store: JobStore) -> None:
    """In the order they were handed in."""
    await bench.submit("b1", a_job(), a_job(), a_job())
    await bench.work(FAILED)
    await bench.work(Skip("nothing to do"))
    assert [job.id for job in await store.jobs("b1", states={JobState.FAILED})] == ["b1.1"]
    ended = {JobState.FAILED, JobState.COMPLETED}
    assert [job.id for job in await store.jobs("b1", states=ended)] == ["b1.1", "b1.2"]
    assert await store.jobs("unknown") == []
    batch = await bench.batch()
    assert (batch.failed, batch.completed, batch.skipped, batch.finished) == (1, 1, 1, 2)
    skipped = await bench.job("b1.2")
    assert (skipped.code, skipped.reason) == ("skipped", "nothing to do")


async def test_nothing_is_none(bench: Bench, store: JobStore) -> None:
    """What is not there is not there, and nothing fails."""
    assert await store.batch("b1") is None
    assert await store.job("b1.1") is None
    assert await store.batches(owner="ada", limit=9) == []
    assert await store.about("b1") == []


# Changes


async def test_every_step_of_a_batch_is_a_change(bench: Bench, store: JobStore) -> None:
    """Submitted, claimed, stepped, retried, finished, paused, resumed, cancelled."""
    seen = await store.last_change()

    async def changed() -> bool:
        nonlocal seen
        batches = (await updates_of(store, cursor_at(seen))).batches
        seen = await store.last_change()
        return [batch.id for batch in batches] == ["b1"] and batches[0].change == seen

    await bench.submit("b1", a_job(), a_job(), a_job())
    assert await changed()
    attempt = await bench.start()
    assert await changed()
    await store.step([(attempt, Step(current=1, total=2))])
    assert await changed()
    await bench.finish(attempt, Retry("busy"))
    assert await changed()
    await bench.work()
    assert await changed()
    await store.pause("b1", "no key")
    assert await changed()
    await bench.retry()
    assert await changed()
    attempt = await bench.start()
    assert await changed()
    await store.give_back([attempt.id], now=bench.now)
    assert await changed()
    await bench.cancel()
    assert await changed()


async def test_changes_come_oldest_first_and_no_more_than_asked_for(
    bench: Bench, store: JobStore
) -> None:
    """The next call goes on from the last of them."""
    for n in range(1, 4):
        await bench.submit(f"b{n}")
    await bench.work()
    first = await updates_of(store, cursor_at(0), limit=2)
    assert [batch.id for batch in first.batches] == ["b2", "b3"]
    rest = await updates_of(store, first.cursor, limit=2)
    assert [batch.id for batch in rest.batches] == ["b1"]
    assert rest.batches[0].change == await store.last_change()


async def test_who_waits_is_woken_by_a_commit_of_this_process(
    bench: Bench, store: JobStore
) -> None:
    """At once, long before other processes are looked at."""
    since = store.version
    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(bench.submit, "b1")
            assert await store.wait_for_change(60, since=since, poll_s=60)


async def test_who_waits_is_woken_by_a_commit_of_another_connection(
    bench: Bench, store: JobStore
) -> None:
    """However many wait."""
    async with bench.another() as other:
        since = store.version
        woken: list[bool] = []

        async def wait() -> None:
            woken.append(await store.wait_for_change(60, since=since))

        with anyio.fail_after(PATIENCE_S):
            async with anyio.create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(wait)
                await other.submit()
    assert woken == [True, True, True]


async def test_a_commit_between_reading_and_waiting_is_not_missed(
    bench: Bench, store: JobStore
) -> None:
    """Version, read, commit of another, wait: the wait ends at once."""
    async with bench.another() as other:
        since = store.version
        assert await store.batch("b1") is None
        await other.submit("b1")
        with anyio.fail_after(PATIENCE_S):
            assert await store.wait_for_change(60, since=since)
    assert await store.batch("b1") is not None


async def test_a_wait_that_runs_out_says_so(bench: Bench, store: JobStore) -> None:
    """Nothing happened."""
    assert not await store.wait_for_change(0.01, since=store.version)


async def test_looking_for_work_that_is_not_there_is_no_change(
    bench: Bench, store: JobStore
) -> None:
    """Or an idle worker would wake itself for ever."""
    version = store.version
    await bench.claim()
    await bench.rescue()
    await store.release_due(now=bench.now, limit=9)
    await store.prune(completed_before=bench.now, ended_before=bench.now, limit=9)
    assert store.version == version


# Figures


async def test_the_figures_of_an_empty_queue_are_zeros(bench: Bench, store: JobStore) -> None:
    """For every state there is one."""
    stats, lag = await store.stats(), await store.lag(now=bench.now)
    assert (stats.jobs, stats.kinds, stats.total) == (dict.fromkeys(JobState, 0), {}, 0)
    assert (lag.oldest_due_s, lag.last_claim_at) == (None, None)


async def test_the_figures_count_jobs_by_state_and_kind(bench: Bench, store: JobStore) -> None:
    """Of the completed ones only how many there are in all."""
    await bench.submit("b1", a_job(), a_job(), a_job(delay_s=99), a_job(kind="other"))
    await bench.work()
    stats = await store.stats()
    assert stats.jobs == dict.fromkeys(JobState, 0) | {
        JobState.COMPLETED: 1,
        JobState.PENDING: 2,
        JobState.SCHEDULED: 1,
    }
    assert stats.kinds == {
        a_job().kind: {JobState.PENDING: 1, JobState.SCHEDULED: 1},
        "other": {JobState.PENDING: 1},
    }
    assert stats.total == 4


async def test_stopped_jobs_are_counted_by_kind(bench: Bench, store: JobStore) -> None:
    """Paused, failed and cancelled ones, too."""
    await bench.submit("b1", a_job(), a_job())
    await store.pause("b1", "no key")
    await bench.submit("b2", a_job(kind="other"))
    await store.cancel_batch("b2", reason="enough", now=bench.now)
    stats = await store.stats()
    assert stats.kinds == {a_job().kind: {JobState.PAUSED: 2}, "other": {JobState.CANCELLED: 1}}
    assert stats.jobs[JobState.COMPLETED] == 0


async def test_the_lag_says_how_far_behind_the_queue_is(bench: Bench, store: JobStore) -> None:
    """The age of the oldest job that is ready, and the last claim."""
    await bench.submit("b1", a_job(), a_job(), a_job(delay_s=99))
    await bench.work()
    claimed_at = bench.now
    bench.clock.advance(5)
    lag = await store.lag(now=bench.now)
    assert (lag.oldest_due_s, lag.last_claim_at) == (5, claimed_at)


@pytest.mark.parametrize("need", [None, "key:x", "key:z"])
async def test_the_lag_is_that_of_the_oldest_of_all_kinds_needs_and_priorities(
    bench: Bench, store: JobStore, need: str | None
) -> None:
    """However unimportant it is, and whoever came first in its line."""
    await bench.submit("b1", a_job(kind="other", delay_s=7, requires=need))
    bench.clock.advance(1)
    await bench.submit("b2", a_job(kind="other", priority=-5, requires=need))
    bench.clock.advance(1)
    young = [a_job(kind="other", priority=5, requires=each) for each in (None, "key:x", "key:y")]
    await bench.submit("b3", a_job(priority=5), *young)
    bench.clock.advance(10)
    await store.release_due(now=bench.now, limit=9)
    assert (await store.lag(now=bench.now)).oldest_due_s == 11


async def test_a_job_that_nobody_released_in_time_counts_as_due(
    bench: Bench, store: JobStore
) -> None:
    """It is the worker that releases, and that is who may be missing."""
    await bench.submit("b1", a_job(delay_s=10))
    assert (await store.lag(now=bench.now)).oldest_due_s is None
    bench.clock.advance(25)
    assert (await store.lag(now=bench.now)).oldest_due_s == 15


async def test_jobs_are_found_by_their_keys_newest_first(bench: Bench, store: JobStore) -> None:
    """Ended ones too, and those of other owners never."""
    await bench.submit("b1", a_job(dedup=Dedup.SKIP, dedup_key="draft:menu/hero", subject="one"))
    await bench.work()
    await bench.submit("b2", a_job(dedup=Dedup.SKIP, dedup_key="draft:menu/team", subject="two"))
    await bench.submit("b3", a_job(dedup=Dedup.SKIP, dedup_key="draft:menus/hero", subject="no"))
    ranges = [("draft:menu/", "draft:menu0")]

    async def found(*, owner: str = ORIGIN.owner, limit: int = 9) -> list[str]:
        return [job.subject for job in await store.keyed(ranges, owner=owner, limit=limit)]

    assert await found() == ["two", "one"]
    assert await found(limit=1) == ["two"]
    assert await found(owner="somebody else") == []


# Forgetting


async def test_completed_jobs_of_completed_batches_are_forgotten_after_a_day(
    bench: Bench, store: JobStore
) -> None:
    """The batch stays, with its counters."""
    await bench.submit("b1", a_job(), a_job())
    await bench.work_all()
    await bench.enqueue("alone")
    await bench.work()
    before = await bench.batch()
    ended_before = bench.now - 30 * DAY_S
    assert await store.prune(completed_before=bench.now, ended_before=ended_before, limit=9) == 0
    later = bench.now + 1
    assert await store.prune(completed_before=later, ended_before=ended_before, limit=2) == 2
    assert await store.prune(completed_before=later, ended_before=ended_before, limit=2) == 1
    assert await store.jobs("b1") == []
    assert await bench.batch() == before


async def test_the_jobs_of_a_batch_that_failed_stay_for_its_retry(
    bench: Bench, store: JobStore
) -> None:
    """All of them, for thirty days after its end (R18)."""
    await bench.submit("b1", a_job(), a_job())
    await bench.work()
    await bench.work(FAILED)
    bench.clock.advance(29 * DAY_S)
    pruned = await store.prune(
        completed_before=bench.now - DAY_S, ended_before=bench.now - 30 * DAY_S, limit=9
    )
    assert pruned == 0
    assert (await bench.retry()).batch is not None
    await bench.work(FAILED)
    bench.clock.advance(31 * DAY_S)
    pruned = await store.prune(
        completed_before=bench.now - DAY_S, ended_before=bench.now - 30 * DAY_S, limit=9
    )
    assert pruned == 2


async def test_no_job_of_an_unfinished_batch_is_forgotten(bench: Bench, store: JobStore) -> None:
    """However long ago it ended; a paused batch is unfinished."""
    await bench.submit("b1", a_job(), a_job())
    await bench.work()
    await store.pause("b1", "no key")
    late = bench.now + 365 * DAY_S
    assert await store.prune(completed_before=late, ended_before=late, limit=9) == 0


async def test_an_unfinished_job_alone_is_not_forgotten(bench: Bench, store: JobStore) -> None:
    """Scheduled, waiting or running."""
    await bench.enqueue("later", a_job(delay_s=99))
    await bench.enqueue("running")
    await bench.enqueue("waiting")
    await bench.start()
    late = bench.now + 365 * DAY_S
    assert await store.prune(completed_before=late, ended_before=late, limit=9) == 0


# Processes


async def test_a_process_that_announces_itself_is_listed(bench: Bench, store: JobStore) -> None:
    """With when it was last seen; announcing again keeps one row."""
    await store.announce(a_host(), now=bench.now)
    bench.clock.advance(5)
    stored = await store.announce(a_host(), now=bench.now)
    assert await store.hosts(seen_after=bench.now - 1) == [stored]
    assert (stored.seen_at, stored.details, stored.abilities) == (bench.now, {"n": 1}, {"key:x"})
    assert await store.hosts(seen_after=bench.now) == []


async def test_what_is_asked_of_a_process_is_heard_when_it_announces_itself(
    bench: Bench, store: JobStore
) -> None:
    """And is still there the next time."""
    await store.announce(a_host(), now=bench.now)
    await store.ask("h1", "drain")
    await store.ask("unknown", "drain")
    for _ in range(2):
        assert (await store.announce(a_host(), now=bench.now)).wanted == "drain"


@pytest.mark.parametrize(
    ("work", "leaves"),
    [("none", True), ("pending", False), ("running", False), ("soon", False), ("later", True)],
)
async def test_a_worker_leaves_only_if_no_work_is_due_within_its_horizon(
    bench: Bench, store: JobStore, work: str, leaves: bool
) -> None:
    """It is asked and deleted in one transaction (R26)."""
    await store.announce(a_host(), now=bench.now)
    if work != "none":
        delay_s = {"soon": 900.0, "later": 901.0}.get(work, 0.0)
        await bench.enqueue("alone", a_job(delay_s=delay_s))
    if work == "running":
        await bench.start()
    assert await store.work_before(now=bench.now, horizon_s=900) is not leaves
    assert await store.withdraw("h1", unless_work_within_s=900, now=bench.now) is leaves
    assert bool(await store.hosts(seen_after=bench.now - HOUR_S)) is not leaves


async def test_a_paused_batch_keeps_no_worker(bench: Bench, store: JobStore) -> None:
    """There is nothing to do until somebody resumes it."""
    await bench.submit()
    await store.pause("b1", "no key")
    assert not await store.work_before(now=bench.now, horizon_s=900)


async def test_a_server_withdraws_whatever_is_due(bench: Bench, store: JobStore) -> None:
    """It is gone, and says so."""
    await bench.submit()
    await store.announce(a_host(role="server"), now=bench.now)
    assert await store.withdraw("h1", unless_work_within_s=None, now=bench.now)
    assert await store.hosts(seen_after=0) == []
