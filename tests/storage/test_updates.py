"""What a listener is told of operations since he last looked."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mcp_server.jobs.job import JobState, Origin, Step
from mcp_server.jobs.outcome import Fail, Snooze
from mcp_server.jobs.records import Cursor, Question, Updates
from mcp_server.jobs.store import JobStore
from tests.storage.stores import DAY_S, DONE, ORIGIN, Bench, a_job

pytestmark = pytest.mark.anyio

OWNER = ORIGIN.owner
EVES = Origin(owner="eve", interface="test")


async def updates_of(
    store: JobStore,
    cursor: Cursor,
    known: Mapping[int, JobState | None] | None = None,
    *,
    owner: str | None = OWNER,
    limit: int = 99,
) -> Updates:
    """Return what is new; without `known`, of the jobs that were there when somebody began, all."""
    if known is None:
        known = dict.fromkeys(cursor.jobs)
    [found] = await store.updates([Question(cursor, known, owner)], limit=limit)
    return found


def cursor_at(change: int) -> Cursor:
    """Return where somebody is who knows of all batches up to a change."""
    return Cursor(change=change, order=0, began=change, complete=change, under_way=None)


async def present(store: JobStore) -> Updates:
    """Return what is told first to somebody who begins to listen."""
    return await updates_of(store, await store.cursor(owner=OWNER))


def known_of(found: Updates) -> dict[int, JobState | None]:
    """What is known of jobs after this."""
    return {job.order: job.state for job in found.jobs}


def ids(found: Updates) -> list[str]:
    """Which operations are told of."""
    return [each.id for each in (*found.batches, *found.jobs)]


async def test_it_begins_with_what_is_under_way(bench: Bench, store: JobStore) -> None:
    """Not with what is over; the jobs of a batch do not come by themselves."""
    await bench.submit("b1")
    await bench.enqueue("j1")
    await bench.work_all()
    await bench.submit("b2", a_job(subject="menu/hero"))
    await bench.enqueue("j2")
    await bench.start()
    found = await present(store)
    assert (ids(found), found.gone, found.more) == (["b2", "j2"], set(), False)
    assert ids(await updates_of(store, found.cursor, known_of(found))) == []


async def test_it_goes_on_with_what_changed_and_what_came(bench: Bench, store: JobStore) -> None:
    """Jobs that are known are told of when they are in another state, or run."""
    await bench.submit("b1")
    await bench.enqueue("j1")
    await bench.enqueue("j2", a_job(delay_s=60))
    first = await present(store)
    known = known_of(first)
    assert list(known.values()) == [JobState.PENDING, JobState.SCHEDULED]
    await bench.work()
    attempt = await bench.start()
    await bench.enqueue("j3")
    found = await updates_of(store, first.cursor, known)
    assert [(each.id, each.state) for each in (*found.batches, *found.jobs)] == [
        ("b1", "completed"),
        ("j1", "processing"),
        ("j3", "pending"),
    ]
    known |= known_of(found)
    await store.step([(attempt, Step(current=1, total=2))])
    again = await updates_of(store, found.cursor, known)
    assert [(job.id, job.step) for job in again.jobs] == [("j1", Step(current=1, total=2))]


async def test_it_comes_in_parts_and_all_of_it(bench: Bench, store: JobStore) -> None:
    """What was there at the beginning and what came since, each once, of whoever asked."""
    for n in range(5):
        await bench.submit(f"b{n}", origin=EVES if n == 2 else ORIGIN)
        origin = EVES if n == 2 else ORIGIN
        await store.enqueue(f"j{n}", a_job(), origin=origin, now=bench.now)
    owners = {None: set[str](), OWNER: {"b2", "j2"}, "nobody": None}
    cursors = {owner: await store.cursor(owner=owner) for owner in owners}
    await bench.submit("b5")
    await bench.enqueue("j5")
    await bench.cancel("b1")
    await store.cancel_job("j1", reason="enough", now=bench.now)
    for owner, others in owners.items():
        found = await updates_of(store, cursors[owner], owner=owner, limit=2)
        seen = ids(found)
        while found.more:
            found = await updates_of(store, found.cursor, {}, owner=owner, limit=2)
            seen += ids(found)
        every = {f"{x}{n}" for n in range(6) for x in "bj"}
        assert len(seen) == len(set(seen))
        assert set(seen) == (set[str]() if others is None else every - others)


async def test_each_round_that_ended_is_told_of(bench: Bench, store: JobStore) -> None:
    """As it was at its end, though the next is under way; those before the cursor are not."""
    await bench.submit("b1", a_job(), a_job())
    for _ in range(2):
        await bench.work_all(Fail("no", "it cannot"))
        await bench.retry()
    cursor = await store.cursor(owner=OWNER)
    for outcome in (Fail("no", "it cannot"), DONE):
        await bench.work(outcome)
    await bench.retry()
    found = await updates_of(store, cursor)
    assert [(b.round, b.state, b.total, b.completed, b.failed) for b in found.batches] == [
        (3, "failed", 2, 1, 1),
        (4, "pending", 1, 0, 0),
    ]


async def test_a_job_that_was_pruned_is_gone(bench: Bench, store: JobStore) -> None:
    """And one that comes after it is news."""
    await bench.enqueue("j1")
    first = await present(store)
    known = known_of(first)
    await bench.work()
    assert await forget(bench) == 1
    found = await updates_of(store, first.cursor, known)
    assert (found.jobs, found.gone) == ([], known.keys())
    await bench.enqueue("j2")
    assert ids(await updates_of(store, found.cursor, {})) == ["j2"]


@pytest.mark.parametrize("owner", [OWNER, None])
async def test_what_came_after_the_newest_were_pruned_is_told_of_whole(
    bench: Bench, store: JobStore, owner: str | None
) -> None:
    """Fewer than were forgotten, or more; under way or over by now; in parts."""
    for n in range(3):
        await bench.enqueue(f"old{n}")
    await bench.work_all()
    cursor = await store.cursor(owner=owner)
    assert await forget(bench) == 3
    await bench.enqueue("j0")
    await bench.work()
    early = await updates_of(store, cursor, owner=owner)
    assert [(job.id, job.state) for job in early.jobs] == [("j0", "completed")]
    assert await forget(bench) == 1
    for n in range(1, 6):
        await bench.enqueue(f"j{n}")
    await bench.work()
    found = await updates_of(store, cursor, owner=owner, limit=3)
    assert (ids(found), found.more) == (["j1", "j2", "j3"], True)
    rest = await updates_of(store, found.cursor, known_of(found), owner=owner, limit=3)
    assert (ids(rest), rest.more) == (["j4", "j5"], False)
    later = await updates_of(store, early.cursor, owner=owner)
    assert ids(later) == ["j1", "j2", "j3", "j4", "j5"]


async def forget(bench: Bench) -> int:
    """Let time pass, and prune all that is over."""
    bench.clock.advance(2 * DAY_S)
    before = bench.now - DAY_S
    return await bench.store.prune(completed_before=before, ended_before=before, limit=9)


async def test_a_batch_comes_with_what_runs_and_the_first_that_failed(
    bench: Bench, store: JobStore
) -> None:
    """As of the same moment; of an earlier round that has ended neither is known any more."""
    cursor = await store.cursor(owner=OWNER)
    await bench.submit("b1", *[a_job(subject=f"s{n}") for n in range(3)])
    for _ in range(3):
        await bench.work(Fail("no", "it cannot"))
    await bench.retry()
    await bench.work(Fail("no", "again"))
    await bench.start()
    earlier, present = (await updates_of(store, cursor)).batches
    assert (earlier.round, earlier.running, earlier.failures) == (1, (), ())
    assert [job.subject for job in present.running] == ["s1"]
    assert [job.reason for job in present.failures] == ["again"]


async def test_whoever_names_batches_and_jobs_is_told_of_these_only(
    bench: Bench, store: JobStore
) -> None:
    """Of jobs in a batch, too; beside a question for all, which is answered as of the same time."""
    for n in range(3):
        await bench.submit(f"b{n}")
    await bench.enqueue("j1")
    cursor = await store.cursor(owner=None)
    order = (await bench.job("b0.1")).order
    known: dict[int, JobState | None] = {order: JobState.PENDING}
    await bench.work_all()
    named, everything = await store.updates(
        [Question(cursor, known, only={"b1"}), Question(cursor, dict.fromkeys(cursor.jobs))],
        limit=99,
    )
    assert [(each.id, each.state) for each in (*named.batches, *named.jobs)] == [
        ("b1", "completed"),
        ("b0.1", "completed"),
    ]
    assert ids(everything) == ["b0", "b1", "b2", "j1"]


@pytest.mark.engines("sqlite")
async def test_a_damaged_job_does_not_keep_its_batch_from_being_told_of(
    bench: Bench, store: JobStore
) -> None:
    """It is not among the failures; one of which only the payload is damaged is."""
    cursor = await store.cursor(owner=OWNER)
    await bench.submit("b1", a_job(subject="s1"), a_job(subject="s2"))
    await bench.work_all(Fail("no", "it cannot"))
    bench.raw.run("UPDATE jobs SET created_at = 'x' WHERE subject = 's1'")
    bench.raw.run("UPDATE jobs SET payload = '{' WHERE subject = 's2'")
    found = await updates_of(store, cursor)
    assert [[job.subject for job in batch.failures] for batch in found.batches] == [["s2"]]
    present = await store.batch("b1", failures=True)
    assert present == found.batches[0]


async def test_a_damaged_batch_keeps_no_other_from_being_told_of(
    bench: Bench, store: JobStore
) -> None:
    """It is said that there is one."""
    for n in range(3):
        await bench.submit(f"b{n}")
    found = await present(store)
    assert (ids(found), found.damaged) == (["b0", "b1", "b2"], None)
    bench.raw.run("UPDATE batches SET details = '{' WHERE batch_id = 'b1'")
    found = await present(store)
    assert ids(found) == ["b0", "b2"]
    assert found.damaged is not None and "damaged" in found.damaged


async def test_a_batch_says_for_which_job_it_waits_where_none_runs(
    bench: Bench, store: JobStore
) -> None:
    """The one that is due next and says why; who reads it, or is told of it, has it alike."""
    await bench.submit("b1", a_job(delay_s=1), a_job(), a_job(), a_job())
    await bench.submit("b2", a_job(delay_s=1))
    first, second, third = [await bench.start() for _ in range(3)]
    await bench.finish(first, Snooze(bench.now + 50, "later"))
    await bench.finish(second, Snooze(bench.now + 40, "sooner"))
    assert await waits_for(store) == [None] * 6
    await bench.finish(third, Snooze(bench.now + 60, "latest"))
    assert await waits_for(store) == ["b1.3", "b1.3", "b1.3", None, None, None]
    batch = await store.batch("b1", running=True)
    assert batch is not None and batch.waiting is not None
    assert (batch.waiting.reason, batch.waiting.due_at) == ("sooner", bench.now + 40)
    bare = await store.batch("b1")
    assert bare is not None and bare.waiting is None


async def waits_for(store: JobStore) -> list[str | None]:
    """Return for which job each of two batches waits, as it is read in three ways."""
    read = [await store.batch(id, running=True) for id in ("b1", "b2")]
    listed = await store.batches(owner=OWNER, limit=9)
    told = (await present(store)).batches
    found = [each for each in (*read, *listed, *told) if each is not None]
    found.sort(key=lambda batch: batch.id)
    return [batch.waiting and batch.waiting.id for batch in found]
