"""What a listener is told of operations since he last looked."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mcp_server.jobs.job import JobState, Origin, Step
from mcp_server.jobs.outcome import Fail
from mcp_server.jobs.records import Bookmark, News
from mcp_server.jobs.store import JobStore
from tests.storage.stores import DAY_S, DONE, ORIGIN, Bench, a_job

pytestmark = pytest.mark.anyio

OWNER = ORIGIN.owner
EVES = Origin(owner="eve", interface="test")


async def news_of(
    store: JobStore,
    bookmark: Bookmark,
    known: Mapping[int, JobState | None] | None = None,
    *,
    owner: str | None = OWNER,
    limit: int = 99,
) -> News:
    """Return what is new; without `known`, of the jobs that were there when somebody began, all."""
    if known is None:
        known = dict.fromkeys(bookmark.jobs)
    return await store.news(bookmark, known, owner=owner, limit=limit)


async def present(store: JobStore) -> News:
    """Return what is told first to somebody who begins to listen."""
    return await news_of(store, await store.bookmark(owner=OWNER))


def known_of(news: News) -> dict[int, JobState | None]:
    """What is known of jobs after this."""
    return {job.order: job.state for job in news.jobs}


def ids(news: News) -> list[str]:
    """Which operations are told of."""
    return [each.id for each in (*news.batches, *news.jobs)]


async def test_it_begins_with_what_is_under_way(bench: Bench, store: JobStore) -> None:
    """Not with what is over; the jobs of a batch do not come by themselves."""
    await bench.submit("b1")
    await bench.enqueue("j1")
    await bench.work_all()
    await bench.submit("b2", a_job(subject="menu/hero"))
    await bench.enqueue("j2")
    await bench.start()
    news = await present(store)
    assert (ids(news), news.gone, news.more) == (["b2", "j2"], set(), False)
    assert ids(await news_of(store, news.bookmark, known_of(news))) == []


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
    news = await news_of(store, first.bookmark, known)
    assert [(each.id, each.state) for each in (*news.batches, *news.jobs)] == [
        ("b1", "completed"),
        ("j1", "processing"),
        ("j3", "pending"),
    ]
    known |= known_of(news)
    await store.step([(attempt, Step(current=1, total=2))])
    again = await news_of(store, news.bookmark, known)
    assert [(job.id, job.step) for job in again.jobs] == [("j1", Step(current=1, total=2))]


async def test_it_comes_in_parts_and_all_of_it(bench: Bench, store: JobStore) -> None:
    """What was there at the beginning and what came since, each once, of whoever asked."""
    for n in range(5):
        await bench.submit(f"b{n}", origin=EVES if n == 2 else ORIGIN)
        origin = EVES if n == 2 else ORIGIN
        await store.enqueue(f"j{n}", a_job(), origin=origin, now=bench.now)
    owners = {None: set[str](), OWNER: {"b2", "j2"}, "nobody": None}
    bookmarks = {owner: await store.bookmark(owner=owner) for owner in owners}
    await bench.submit("b5")
    await bench.enqueue("j5")
    await bench.cancel("b1")
    await store.cancel_job("j1", reason="enough", now=bench.now)
    for owner, others in owners.items():
        news = await news_of(store, bookmarks[owner], owner=owner, limit=2)
        seen = ids(news)
        while news.more:
            news = await news_of(store, news.bookmark, {}, owner=owner, limit=2)
            seen += ids(news)
        every = {f"{x}{n}" for n in range(6) for x in "bj"}
        assert len(seen) == len(set(seen))
        assert set(seen) == (set[str]() if others is None else every - others)


async def test_each_round_that_ended_is_told_of(bench: Bench, store: JobStore) -> None:
    """As it was at its end, though the next is under way; those before the bookmark are not."""
    await bench.submit("b1", a_job(), a_job())
    for _ in range(2):
        await bench.work_all(Fail("no", "it cannot"))
        await bench.retry()
    bookmark = await store.bookmark(owner=OWNER)
    for outcome in (Fail("no", "it cannot"), DONE):
        await bench.work(outcome)
    await bench.retry()
    news = await news_of(store, bookmark)
    assert [(b.round, b.state, b.total, b.completed, b.failed) for b in news.batches] == [
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
    news = await news_of(store, first.bookmark, known)
    assert (news.jobs, news.gone) == ([], known.keys())
    await bench.enqueue("j2")
    assert ids(await news_of(store, news.bookmark, {})) == ["j2"]


@pytest.mark.parametrize("owner", [OWNER, None])
async def test_what_came_after_the_newest_were_pruned_is_told_of_whole(
    bench: Bench, store: JobStore, owner: str | None
) -> None:
    """Fewer than were forgotten, or more; under way or over by now; in parts."""
    for n in range(3):
        await bench.enqueue(f"old{n}")
    await bench.work_all()
    bookmark = await store.bookmark(owner=owner)
    assert await forget(bench) == 3
    await bench.enqueue("j0")
    await bench.work()
    early = await news_of(store, bookmark, owner=owner)
    assert [(job.id, job.state) for job in early.jobs] == [("j0", "completed")]
    assert await forget(bench) == 1
    for n in range(1, 6):
        await bench.enqueue(f"j{n}")
    await bench.work()
    news = await news_of(store, bookmark, owner=owner, limit=3)
    assert (ids(news), news.more) == (["j1", "j2", "j3"], True)
    rest = await news_of(store, news.bookmark, known_of(news), owner=owner, limit=3)
    assert (ids(rest), rest.more) == (["j4", "j5"], False)
    later = await news_of(store, early.bookmark, owner=owner)
    assert ids(later) == ["j1", "j2", "j3", "j4", "j5"]


async def forget(bench: Bench) -> int:
    """Let time pass, and prune all that is over."""
    bench.clock.advance(2 * DAY_S)
    before = bench.now - DAY_S
    return await bench.store.prune(completed_before=before, ended_before=before, limit=9)
