"""Events on a real store: whoever listens gets the present, the newest and every end."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import pytest

from mcp_server.errors import NotFound
from mcp_server.jobs.hub.hub import Hub
from mcp_server.jobs.hub.reading import CHECKED_MAX, Seen
from mcp_server.jobs.hub.subscription import STILL, Snapshot
from mcp_server.jobs.hub.throttle import Throttle
from mcp_server.jobs.job import Batch, Job, Origin, Step
from mcp_server.jobs.outcome import Fail, Pause, Retry
from mcp_server.progress.event import ProgressEvent
from mcp_server.progress.stream import Events, EventStream
from tests.storage.stores import ENGINES, ORIGIN, Bench, a_job, opened
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.anyio

AN_HOUR_S = 3_600.0
OWNER = ORIGIN.owner
BUFFER = 8


@pytest.fixture(params=ENGINES)
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Bench]:
    """A store on a file."""
    async with opened(ENGINES[request.param], tmp_path / "jobs.db") as bench:
        yield bench


def events_of(bench: Bench) -> Events:
    """Make a hub that reads little at a time, and tells events."""
    return Events(Hub(bench.store, buffer=BUFFER), bench.clock)


async def listen(
    bench: Bench, *, owner: str | None = OWNER, only: str | None = None, interval_s: float = 0.0
) -> EventStream:
    """Begin to listen."""
    return await events_of(bench).subscribe(owner, only=only, interval_s=interval_s)


async def next_of(events: EventStream) -> ProgressEvent:
    """Return the next event, which must be on its way."""
    with anyio.fail_after(PATIENCE_S):
        return await anext(events)


async def some(events: EventStream, count: int) -> list[ProgressEvent]:
    """Return so many events, which must be on their way."""
    return [await next_of(events) for _ in range(count)]


async def nothing_from(events: EventStream) -> None:
    """Check that nothing comes for as long as a listener takes to look twice."""
    with anyio.move_on_after(0.15) as waited:
        event = await anext(events)
        pytest.fail(str(event))
    assert waited.cancelled_caught


def told(events: list[ProgressEvent]) -> list[tuple[str, str]]:
    """Each event as its operation and its status."""
    return [(event.id, event.status.value) for event in events]


# All operations of an owner


async def test_the_present_comes_first_and_what_is_over_is_no_news(bench: Bench) -> None:
    """Batches and jobs outside any that are under way; children of batches are silent."""
    await bench.submit("b0")
    await bench.enqueue("j0")
    await bench.work_all()
    await bench.submit("b1", a_job(), a_job())
    await bench.start()
    await bench.enqueue("j1")
    events = await listen(bench)
    assert told(await some(events, 2)) == [("b1", "processing"), ("j1", "pending")]
    await nothing_from(events)


async def test_what_begins_later_is_found_and_followed_to_its_end(bench: Bench) -> None:
    """A job and a batch, from nothing to done."""
    events = await listen(bench)
    await bench.enqueue("j1")
    assert told([await next_of(events)]) == [("j1", "pending")]
    attempt = await bench.start()
    assert told([await next_of(events)]) == [("j1", "processing")]
    await bench.store.step([(attempt, Step(current=1, total=4, message="asking"))])
    half = await next_of(events)
    assert half.progress is not None
    assert (half.progress.percentage, half.message) == (25, "asking")
    await bench.finish(attempt)
    assert told([await next_of(events)]) == [("j1", "completed")]
    await bench.submit("b1")
    assert told([await next_of(events)]) == [("b1", "pending")]
    await bench.work(Fail("no", "it cannot"))
    failed = await next_of(events)
    assert failed.batch is not None
    assert (failed.status, failed.batch.errors) == ("failed", ("b1.1: it cannot",))


async def test_what_began_and_ended_between_two_looks_has_its_end(bench: Bench) -> None:
    """However short it was, and however many there were."""
    events = await listen(bench)
    for n in range(20):
        await bench.enqueue(f"j{n}")
        await bench.submit(f"b{n}")
        await bench.work_all()
    ends = await some(events, 40)
    assert all(event.ended for event in ends)
    assert sorted(event.id for event in ends) == sorted(f"{x}{n}" for n in range(20) for x in "bj")
    await nothing_from(events)


async def test_what_was_under_way_has_its_end_though_nobody_was_told_of_it_before(
    bench: Bench,
) -> None:
    """It ended after he began to listen, and before he looked."""
    for n in range(3 * BUFFER):
        await bench.enqueue(f"j{n}")
    await bench.submit("b1")
    events = await listen(bench)
    await bench.work_all()
    ends = await some(events, 3 * BUFFER + 1)
    assert all(event.ended for event in ends)
    assert {event.id for event in ends} == {"b1", *(f"j{n}" for n in range(3 * BUFFER))}
    await nothing_from(events)


async def test_a_round_that_was_retried_at_once_has_its_end_all_the_same(bench: Bench) -> None:
    """Nobody looked between the failure and the retry, nor between that and the next."""
    events = await listen(bench)
    await bench.submit("b1", a_job(), a_job())
    for _ in range(2):
        await bench.work_all(Fail("no", "it cannot"))
        await bench.retry()
    seen = await some(events, 3)
    assert told(seen) == [("b1", "failed"), ("b1", "failed"), ("b1", "pending")]
    assert [event.batch.round for event in seen if event.batch is not None] == [1, 2, 3]


async def test_an_end_is_told_once_however_much_else_changed_before_the_retry(
    bench: Bench,
) -> None:
    """More than is read at a time: the batch is found behind all of it, in its next round."""
    events = await listen(bench)
    await bench.submit("b0")
    await bench.work(Fail("no", "it cannot"))
    for n in range(1, 3 * BUFFER):
        await bench.submit(f"b{n}")
        await bench.work()
    await bench.retry("b0")
    seen = told(await some(events, 3 * BUFFER + 1))
    assert seen.count(("b0", "failed")) == 1
    assert seen[-1] == ("b0", "pending")
    await bench.work()
    assert told([await next_of(events)]) == [("b0", "completed")]
    await nothing_from(events)


async def test_the_end_of_a_cancelled_batch_is_told_once_though_its_jobs_report_on(
    bench: Bench,
) -> None:
    """A step of an attempt that still runs is no news of a batch that is over."""
    await bench.submit("b1")
    await bench.submit("b2")
    events = await listen(bench)
    attempts = [await bench.start(), await bench.start()]
    await some(events, 2)
    await bench.cancel("b1")
    assert told([await next_of(events)]) == [("b1", "cancelled")]
    change = (await bench.batch("b1")).change
    await bench.store.step([(each, Step(current=1, total=2, message="on")) for each in attempts])
    assert told([await next_of(events)]) == [("b2", "processing")]
    await nothing_from(events)
    assert (await bench.batch("b1")).change == change


async def test_the_end_of_an_earlier_round_does_not_take_the_failures_of_the_next(
    bench: Bench,
) -> None:
    """They are read when it is told, and the next has its own by then."""
    await bench.submit("b1", a_job(subject="menu/s1"), a_job(subject="menu/s2"))
    events = await listen(bench)
    await bench.work_all(Fail("no", "first"))
    await bench.retry()
    await bench.work(Fail("no", "second"))
    earlier, present = await some(events, 2)
    assert earlier.batch is not None
    assert present.batch is not None
    assert (earlier.batch.round, earlier.batch.failed, earlier.batch.errors) == (1, 2, ())
    assert len(present.batch.errors) == 1
    assert present.batch.errors[0].endswith("second")


async def test_a_batch_that_failed_by_a_follow_up_only_says_why(bench: Bench) -> None:
    """Nothing that it counts has failed."""
    await bench.submit("b1", a_job(), a_job(subject="menu", counted=False))
    await bench.work()
    await bench.work(Fail("no", "the disk is full"))
    failed = await next_of(await listen(bench, only="b1"))
    assert failed.batch is not None
    assert (failed.status, failed.batch.failed) == ("failed", 0)
    assert failed.batch.errors == ("menu: the disk is full",)


async def test_a_retried_batch_is_followed_again(bench: Bench) -> None:
    """Its next round has an end of its own."""
    await bench.submit("b1")
    events = await listen(bench)
    await next_of(events)
    await bench.work(Fail("no", "it cannot"))
    assert told([await next_of(events)]) == [("b1", "failed")]
    await bench.retry()
    assert told([await next_of(events)]) == [("b1", "pending")]
    await bench.work()
    assert told([await next_of(events)]) == [("b1", "completed")]


async def test_a_job_that_is_tried_again_is_told_of(bench: Bench) -> None:
    """With why, and how often."""
    await bench.enqueue("j1")
    events = await listen(bench)
    await next_of(events)
    await bench.work(Retry("the line is busy"))
    again = await next_of(events)
    assert again.job is not None
    assert (again.status, again.message) == ("scheduled", "the line is busy")
    assert again.job.retries == 1


async def test_what_is_anothers_is_not_told(bench: Bench) -> None:
    """But to whoever listens to everybody."""
    eves = Origin(owner="eve", interface="test")
    mine, all_of_them = await listen(bench), await listen(bench, owner=None)
    await bench.submit("b1", origin=eves)
    await bench.store.enqueue("j1", a_job(), origin=eves, now=bench.now)
    await bench.enqueue("j2")
    assert told([await next_of(mine)]) == [("j2", "pending")]
    await nothing_from(mine)
    assert [event.id for event in await some(all_of_them, 3)] == ["b1", "j1", "j2"]


# How often


async def test_of_each_operation_the_newest_is_held_and_the_end_is_not(bench: Bench) -> None:
    """One operation does not hold another's events, and an end passes what is held."""
    await bench.submit("b1", *[a_job()] * 3)
    events = await listen(bench, interval_s=AN_HOUR_S)
    await next_of(events)
    await bench.work()
    await nothing_from(events)
    await bench.enqueue("j1")
    assert told([await next_of(events)]) == [("j1", "pending")]
    await bench.work_all()
    assert told(await some(events, 2)) == [("b1", "completed"), ("j1", "completed")]
    await nothing_from(events)


async def test_what_was_held_comes_when_the_interval_is_over(bench: Bench) -> None:
    """The newest of it, once, and without another change."""
    await bench.submit("b1", *[a_job()] * 9)
    events = await listen(bench, interval_s=0.3)
    await next_of(events)
    for _ in range(5):
        await bench.work()
    trailing = await next_of(events)
    assert trailing.progress is not None
    assert trailing.progress.current == 5
    await nothing_from(events)


async def test_a_pause_is_told_at_once(bench: Bench) -> None:
    """It waits for a person: nothing else is going to happen."""
    await bench.submit("b1")
    events = await listen(bench, interval_s=AN_HOUR_S)
    await next_of(events)
    await bench.work(Pause("the key was refused"))
    paused = await next_of(events)
    assert (paused.status, paused.ended) == ("paused", False)
    assert paused.message == "0/1 · paused: the key was refused"


async def test_what_happens_after_a_pause_is_held_like_the_rest(bench: Bench) -> None:
    """Jobs that still ran end one by one; the pause was told already."""
    await bench.submit("b1", *[a_job()] * 6)
    attempts = [await bench.start() for _ in range(5)]
    events = await listen(bench, interval_s=AN_HOUR_S)
    await next_of(events)
    await bench.finish(attempts[0], Pause("the key was refused"))
    assert (await next_of(events)).status == "paused"
    for attempt in attempts[1:]:
        await bench.finish(attempt)
        await nothing_from(events)


async def test_a_slow_listener_gets_the_newest_and_every_end(bench: Bench) -> None:
    """More than he would be given at a time; nothing waits for him in memory."""
    events = await listen(bench, interval_s=AN_HOUR_S)
    for n in range(3 * BUFFER):
        await bench.submit(f"b{n:02}", a_job(), a_job())
        await bench.work_all()
    await bench.submit("last", *[a_job()] * 3)
    for _ in range(2):
        await bench.work()
    seen = await some(events, 3 * BUFFER + 1)
    assert told(seen[:-1]) == [(f"b{n:02}", "completed") for n in range(3 * BUFFER)]
    assert seen[-1].progress is not None
    assert seen[-1].progress.current == 2
    await nothing_from(events)


async def test_more_jobs_than_are_looked_after_at_a_time_all_have_their_end(bench: Bench) -> None:
    """Those that wait are looked after in turns."""
    count = CHECKED_MAX + 200
    for n in range(count):
        await bench.enqueue(f"j{n}", a_job(delay_s=AN_HOUR_S))
    events = await Events(Hub(bench.store), bench.clock).subscribe(OWNER)
    assert all(event.status == "scheduled" for event in await some(events, count))
    for n in (0, 5, count - 1):
        await bench.store.cancel_job(f"j{n}", reason="enough", now=bench.now)
    ends = await some(events, 3)
    assert {event.id for event in ends} == {"j0", "j5", f"j{count - 1}"}
    await nothing_from(events)


# One operation


async def test_one_batch_is_followed_to_its_end_and_no_further(bench: Bench) -> None:
    """What else there is does not interest."""
    await bench.submit("b1")
    await bench.submit("b2")
    events = await listen(bench, only="b1", interval_s=AN_HOUR_S)
    assert told([await next_of(events)]) == [("b1", "pending")]
    await bench.work_all()
    with anyio.fail_after(PATIENCE_S):
        assert told([event async for event in events]) == [("b1", "completed")]


async def test_one_batch_is_followed_to_its_first_end_though_it_was_retried_at_once(
    bench: Bench,
) -> None:
    """Whether he had looked before, or not yet."""
    await bench.submit("b1")
    looked, not_yet = await listen(bench, only="b1"), await listen(bench, only="b1")
    assert told([await next_of(looked)]) == [("b1", "pending")]
    for _ in range(2):
        await bench.work(Fail("no", "it cannot"))
        await bench.retry()
    with anyio.fail_after(PATIENCE_S):
        for events in (looked, not_yet):
            seen = [event async for event in events]
            assert told(seen) == [("b1", "failed")]
            assert seen[0].batch is not None
            assert seen[0].batch.round == 1


async def test_one_job_is_followed_even_in_a_batch(bench: Bench) -> None:
    """Whoever names it wants to know."""
    await bench.submit("b1", a_job(subject="menu/hero"), a_job())
    events = await listen(bench, only="b1.1")
    assert (await next_of(events)).name == "Work menu/hero"
    await bench.work()
    with anyio.fail_after(PATIENCE_S):
        assert told([event async for event in events]) == [("b1.1", "completed")]


async def test_what_is_over_gives_its_end(bench: Bench) -> None:
    """And nothing more."""
    await bench.submit("b1")
    await bench.work_all()
    with anyio.fail_after(PATIENCE_S):
        for only in ("b1", "b1.1"):
            events = await listen(bench, only=only)
            assert told([event async for event in events]) == [(only, "completed")]


async def test_what_is_not_there_or_anothers_cannot_be_followed(bench: Bench) -> None:
    """The two are not told apart."""
    await bench.submit("b1")
    for owner, only in ((OWNER, "b2"), ("eve", "b1"), ("eve", "b1.1")):
        with pytest.raises(NotFound):
            await listen(bench, owner=owner, only=only)


# Sinks


class Notebook:
    """A sink that writes down what it is given, and can be made to wait or to fail."""

    def __init__(self) -> None:
        self.told: list[ProgressEvent] = []
        self.open, self.asked = anyio.Event(), anyio.Event()
        self.open.set()
        self.failing: set[str] = set()
        self.trouble: dict[str, Callable[[], Awaitable[None]]] = {}
        self._heard = anyio.Event()

    async def emit(self, event: ProgressEvent) -> None:
        """Write it down, once that is possible."""
        self.asked.set()
        await self.open.wait()
        if event.status in self.failing:
            raise ValueError("no page left")
        if event.status in self.trouble:
            await self.trouble[event.status]()
        self.told.append(event)
        self._heard.set()
        self._heard = anyio.Event()

    async def has(self, id: str, status: str) -> None:
        """Wait until this was written down."""
        await until(lambda: (id, status) in told(self.told))

    async def has_seen(self, done: int) -> None:
        """Wait until it was written down that so many jobs are over."""
        await until(
            lambda: any(each.progress and each.progress.current == done for each in self.told)
        )


@asynccontextmanager
async def feeding(bench: Bench, *sinks: Notebook) -> AsyncGenerator[None]:
    """Feed sinks beside the test, with all that there is."""
    events = events_of(bench)
    async with anyio.create_task_group() as tasks:
        for sink in sinks:
            await tasks.start(partial(events.feed, sink, interval_s=0))
        yield
        tasks.cancel_scope.cancel()


async def test_a_sink_that_fails_is_logged_and_goes_on(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither jobs nor other sinks know of it."""
    torn, whole = Notebook(), Notebook()
    torn.failing.add("pending")
    async with feeding(bench, torn, whole):
        await bench.enqueue("j1")
        await whole.has("j1", "pending")
        await bench.work()
        for sink in (torn, whole):
            await sink.has("j1", "completed")
    assert ("j1", "pending") not in told(torn.told)
    assert "Notebook did not take the progress of j1" in caplog.text
    assert "no page left" in caplog.text


async def cancelled() -> None:
    """Wait for something that was cancelled."""
    waited = asyncio.get_running_loop().create_future()
    waited.cancel()
    await waited


async def exits() -> None:
    """End the program, as code does that was a script."""
    sys.exit(4)


async def falls_apart() -> None:
    """End several things at once."""
    raise BaseExceptionGroup("both", [SystemExit(1), ValueError("no page left")])


@pytest.mark.parametrize("trouble", [cancelled, exits, falls_apart])
async def test_a_sink_ends_neither_the_server_nor_itself(
    bench: Bench, caplog: pytest.LogCaptureFixture, trouble: Callable[[], Awaitable[None]]
) -> None:
    """Whatever it raises: another's code is not ours."""
    odd = Notebook()
    odd.trouble["pending"] = trouble
    async with feeding(bench, odd):
        await bench.enqueue("j1")
        await bench.enqueue("j2")
        await until(lambda: "of j2" in caplog.text)
        await bench.work()
        await odd.has("j1", "completed")
    assert "Notebook did not take the progress of j1" in caplog.text


async def test_a_slow_sink_gets_the_newest_only_and_holds_up_nobody(bench: Bench) -> None:
    """While it waits, others hear of all that happens."""
    slow, quick = Notebook(), Notebook()
    await bench.submit("b1", *[a_job()] * 5)
    slow.open = anyio.Event()
    async with feeding(bench, slow, quick):
        await slow.asked.wait()
        for done in range(1, 5):
            await bench.work()
            await quick.has_seen(done)
        slow.open.set()
        await slow.has_seen(4)
        await bench.work()
        for sink in (slow, quick):
            await sink.has("b1", "completed")
    assert [event.progress.current for event in slow.told if event.progress] == [0, 4, 5]


async def test_a_database_that_refuses_loses_no_end(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """The trouble is logged once, and who listens hears the end when it is over."""
    notebook = Notebook()
    await bench.submit("b1")
    async with feeding(bench, notebook):
        await notebook.has("b1", "pending")
        bench.raw.run("ALTER TABLE batches RENAME TO gone")
        await bench.enqueue("j1")  # somebody looks, and finds no batches
        await until(lambda: "trying again" in caplog.text)
        bench.raw.run("ALTER TABLE gone RENAME TO batches")
        await bench.work_all()
        await notebook.has("b1", "completed")
        await notebook.has("j1", "completed")


# What is kept


async def test_nothing_is_kept_of_a_thousand_operations_that_have_ended(bench: Bench) -> None:
    """Neither while somebody still listens, nor when nobody does any more."""
    hub = Hub(bench.store, buffer=BUFFER)
    gc.collect()
    before = kept()
    events = await Events(hub, bench.clock).subscribe(OWNER, interval_s=AN_HOUR_S)
    for n in range(50):
        await bench.submit(f"b{n}", a_job())
        for m in range(19):
            await bench.enqueue(f"j{n}.{m}")
        assert not any(event.ended for event in await some(events, 20))
        await bench.work_all()
        await waited_for(hub, f"b{n}")
        assert all(event.ended for event in await some(events, 20))
    assert await bench.store.last_change() > 0  # the connection keeps what it read last
    gc.collect()
    assert kept() == before
    del events
    gc.collect()
    assert kept() == before


async def waited_for(hub: Hub, batch_id: str) -> None:
    """Subscribe to one batch besides, as a call does."""
    snapshots = await hub.subscribe(None, only=batch_id, until=STILL)
    assert [snapshot.ended async for snapshot in snapshots] == [True]


def kept() -> int:
    """How much there is in memory that tells of an operation."""
    telling = (Batch, Job, Snapshot, ProgressEvent, Throttle, Seen)
    return sum(isinstance(each, telling) for each in gc.get_objects())
