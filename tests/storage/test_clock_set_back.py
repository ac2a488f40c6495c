"""The machine's clock is set back: what waited for a second does not wait for a day."""

from __future__ import annotations

import pytest

from mcp_server.jobs.job import Dedup
from mcp_server.jobs.outcome import Pause, Retry
from mcp_server.jobs.records import Host
from mcp_server.jobs.rules.clocks import SET_BACK_MIN_S, set_back_s
from tests.storage.stores import DAY_S, HOUR_S, Bench, a_job

pytestmark = pytest.mark.anyio

HOST = Host(id="h", role="worker", pid=1, version="1", abilities=frozenset())


@pytest.mark.parametrize(
    ("now", "latest", "back"),
    [
        (100.0, 0.0, 0.0),
        (100.0, 100.0, 0.0),
        (100.0, 100.0 + SET_BACK_MIN_S - 1, 0.0),
        (100.0, 100.0 + SET_BACK_MIN_S, SET_BACK_MIN_S),
        (100.0, 100.0 + DAY_S, DAY_S),
    ],
)
def test_a_clock_counts_as_set_back_if_it_is_long_before_what_was_written_down(
    now: float, latest: float, back: float
) -> None:
    """Not by a little: two processes do not write at the same moment."""
    assert set_back_s(now, latest) == back


async def set_back(bench: Bench, seconds: float) -> None:
    """Set the clock back, just after a heartbeat; the next one is a second later."""
    await bench.store.announce(HOST, now=bench.now)
    bench.clock.advance(1 - seconds)
    await bench.store.announce(HOST, now=bench.now)


async def due(bench: Bench, batch_id: str = "b1") -> list[float]:
    """Return in how many seconds the jobs of a batch are due."""
    return [job.due_at - bench.now for job in await bench.store.jobs(batch_id)]


async def test_what_waits_goes_on_waiting_for_as_long_as_it_would_have(bench: Bench) -> None:
    """A retry, a delay; to within a heartbeat. It happens once, whoever notices."""
    await bench.submit("b1", a_job(), a_job(delay_s=600))
    await bench.work(Retry("again", after_s=10))
    await set_back(bench, DAY_S)
    assert await due(bench) == [10, 600]
    await bench.store.announce(HOST, now=bench.now)
    assert await due(bench) == [10, 600]
    bench.clock.advance(10)
    assert await bench.store.release_due(now=bench.now, limit=9) == 1


async def test_what_is_paused_or_put_off_by_the_clock_of_now_is_as_it_would_have_been(
    bench: Bench,
) -> None:
    """A job that came in before anybody noticed is not run early."""
    await bench.submit("b1", a_job(), a_job(delay_s=600))
    await bench.work(Pause("no key"))
    await bench.store.announce(HOST, now=bench.now)
    bench.clock.advance(1 - DAY_S)
    await bench.submit("b2", a_job(delay_s=HOUR_S))
    await bench.store.announce(HOST, now=bench.now)
    assert (await due(bench))[1] == 600
    assert await due(bench, "b2") == [HOUR_S]


async def test_what_the_right_clock_put_off_is_not_run_early(bench: Bench) -> None:
    """The clock was a day ahead for a moment only: a delay of three days is one of three days."""
    await bench.submit("b1", a_job(delay_s=3 * DAY_S))
    bench.clock.advance(DAY_S)
    await set_back(bench, DAY_S)
    assert await due(bench) == [3 * DAY_S - 1]


async def test_a_lease_of_the_clock_of_before_runs_out_as_it_would_have(bench: Bench) -> None:
    """Its worker may be dead; one that lives renews it with its next heartbeat."""
    await bench.submit()
    await bench.start(lease_s=30)
    await set_back(bench, DAY_S)
    bench.clock.advance(29)
    assert await bench.rescue() == 0
    bench.clock.advance(2)
    assert await bench.rescue() == 1


async def test_a_process_that_died_before_does_not_pass_for_a_living_one(bench: Bench) -> None:
    """For a day nobody would start a worker in its place."""
    await bench.store.announce(HOST, now=bench.now)
    bench.clock.advance(1 - DAY_S)
    await bench.store.announce(
        Host(id="other", role="server", pid=2, version="1", abilities=frozenset()), now=bench.now
    )
    bench.clock.advance(30)
    assert await bench.store.hosts(seen_after=bench.now - 20) == []


@pytest.mark.parametrize("waits", [Dedup.REPLACE, Dedup.COALESCE])
async def test_of_two_that_replace_each_other_the_later_is_done(bench: Bench, waits: Dedup) -> None:
    """Though the clock says that it came first."""
    replace = {"dedup": Dedup.REPLACE, "dedup_key": "k"}
    await bench.submit("b1", a_job(payload={"n": 1}, **replace))
    running = await bench.start()
    bench.clock.advance(-DAY_S)
    await bench.submit("b2", a_job(payload={"n": 2}, dedup=waits, dedup_key="k"))
    await bench.submit("b3", a_job(payload={"n": 3}, **replace))
    await bench.finish(running, Retry("again", after_s=0))
    assert (await bench.job("b2.1")).payload == {"n": 3}
