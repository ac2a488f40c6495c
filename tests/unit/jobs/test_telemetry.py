"""What is counted of attempts, and how often jobs are counted."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import pytest

from mcp_server.jobs.host.health import COUNTING_SHARE, Counter
from mcp_server.jobs.job import Attempt
from mcp_server.jobs.outcome import Done, Fail, Outcome, Retry
from mcp_server.jobs.records import Stats
from mcp_server.jobs.telemetry import BUCKETS_S, AttemptFigures, AttemptWatch, with_trace
from tests.unit.jobs.rig import Rig, a_toy, open_rig


def test_attempts_are_counted_by_kind_outcome_and_time() -> None:
    """Each in the first bucket that is wide enough, and the longest in one without an end."""
    figures = AttemptFigures()
    for seconds in (0.0, BUCKETS_S[0], 0.3, 10_000.0):
        figures.note("toy", "done", seconds)
    figures.note("other", "fail", 0.3)
    other, toy = figures.read()
    assert (other.kind, other.outcome, other.count) == ("other", "fail", 1)
    assert (toy.count, toy.seconds) == (4, BUCKETS_S[0] + 0.3 + 10_000)
    at_most = dict(zip((*BUCKETS_S, None), accumulate(toy.buckets), strict=True))
    assert (at_most[BUCKETS_S[0]], at_most[0.1], at_most[0.5]) == (2, 2, 3)
    assert (at_most[BUCKETS_S[-1]], at_most[None]) == (3, 4)


@pytest.fixture
async def attempt(tmp_path: Path) -> Attempt:
    """A claimed attempt."""
    async with open_rig(tmp_path / "jobs.db") as rig:
        await rig.submit("b1", a_toy())
        return await rig.claim()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("outcome", "name"), [(Done(), "done"), (Retry("busy"), "retry"), (Fail("no", "it"), "fail")]
)
async def test_a_watched_attempt_is_counted_as_it_ended(
    attempt: Attempt, outcome: Outcome, name: str
) -> None:
    """With the time that it took."""
    watch = AttemptWatch()
    watch.note(attempt, outcome, 2.0)
    [figure] = watch.figures.read()
    assert (figure.kind, figure.outcome, figure.count, figure.seconds) == ("toy", name, 1, 2.0)


@pytest.mark.anyio
async def test_an_attempt_that_was_cut_off_is_counted_as_stopped(attempt: Attempt) -> None:
    """It has no outcome."""
    watch = AttemptWatch()
    watch.note(attempt, None, 1.0)
    [figure] = watch.figures.read()
    assert figure.outcome == "stopped"


def test_terms_stay_as_they_are_where_nothing_is_traced() -> None:
    """Not even an empty place for it is stored."""
    terms = {"site": "x"}
    assert with_trace(terms) is terms


@pytest.mark.anyio
async def test_jobs_are_not_counted_again_while_a_count_stands(tmp_path: Path) -> None:
    """It stands for as much longer as it took; one that took no time, for none."""
    async with open_rig(tmp_path / "jobs.db") as rig:
        counted, times = await count_jobs(rig, took_s=1.0)
        assert [stats.total for stats in counted] == [0, 0, 1]
        assert times == [0.0, 1.0 + COUNTING_SHARE - 0.1, 1.0 + COUNTING_SHARE]


async def count_jobs(rig: Rig, *, took_s: float) -> tuple[list[Stats], list[float]]:
    """Count an empty queue, and twice one with a job: before and when the first may be passed."""
    moments: Iterator[float] = iter(
        [0.0, took_s, took_s + COUNTING_SHARE - 0.1, took_s + COUNTING_SHARE, 99.0]
    )
    asked: list[float] = []

    def monotonic() -> float:
        asked.append(next(moments))
        return asked[-1]

    counter = Counter(rig.store, monotonic)
    counted = [await counter.read()]
    await rig.submit("b1", a_toy())
    counted += [await counter.read(), await counter.read()]
    return counted, [asked[0], asked[2], asked[3]]
