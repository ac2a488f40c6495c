"""Figures of a batch: percent, fraction, and what is left."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_server.jobs.job import Batch, BatchState, Job
from mcp_server.progress.estimate import estimate, fraction_done, percent

MakeBatch = Callable[..., Batch]
MakeJob = Callable[..., Job]


def test_percent_counts_all_that_is_over(a_batch: MakeBatch) -> None:
    """Completed, failed and cancelled ones alike (R19)."""
    assert percent(a_batch(total=10, completed=3, failed=1, cancelled=1)) == 50


def test_percent_is_a_hundred_only_when_nothing_is_left(a_batch: MakeBatch) -> None:
    """One job of 300 that is missing is still seen."""
    assert percent(a_batch(total=300, completed=299)) == 99
    assert percent(a_batch(total=300, completed=300)) == 100


def test_percent_of_nothing_is_zero_until_the_round_is_over(a_batch: MakeBatch) -> None:
    """A round that only repeats exports counts no jobs."""
    assert percent(a_batch(total=0)) == 0
    assert percent(a_batch(total=0, state=BatchState.COMPLETED)) == 100


def test_fraction_adds_what_the_running_jobs_have_done(a_batch: MakeBatch, a_job: MakeJob) -> None:
    """Two jobs half done are one more."""
    running = (a_job(0.5, id="a"), a_job(0.25, id="b"), a_job(id="c"))
    assert fraction_done(a_batch(completed=7, running=running)) == 7.75


def test_a_running_job_is_never_a_whole_one(a_batch: MakeBatch, a_job: MakeJob) -> None:
    """Its last step may say 1 of 1; its end is what counts."""
    assert 7 < fraction_done(a_batch(completed=7, running=(a_job(1.0),))) < 8


def test_uncounted_jobs_do_not_move_the_fraction(a_batch: MakeBatch, a_job: MakeJob) -> None:
    """Exports follow from counted jobs and are no progress of their own."""
    assert fraction_done(a_batch(completed=21, running=(a_job(0.5, counted=False),))) == 21


def test_no_estimate_before_the_first_job_is_done(a_batch: MakeBatch, a_job: MakeJob) -> None:
    """Nothing is known of the pace yet, and skips say nothing of it."""
    assert estimate(a_batch(running=(a_job(0.5),)), now=1_010.0, concurrency=4) is None
    assert estimate(a_batch(completed=5, skipped=5), now=1_010.0, concurrency=4) is None


def test_no_estimate_for_what_does_not_run(a_batch: MakeBatch) -> None:
    """A paused batch waits for somebody, and an ended one for nobody."""
    for state in (BatchState.PAUSED, BatchState.COMPLETED):
        assert estimate(a_batch(completed=5, state=state), now=1_010.0, concurrency=4) is None


def test_an_even_pace_goes_on(a_batch: MakeBatch, a_job: MakeJob) -> None:
    """10 of 20 in 50 s on two lanes: 50 s more."""
    running = (a_job(id="a", started_at=1_050.0), a_job(id="b", started_at=1_050.0))
    known = estimate(a_batch(total=20, completed=10, running=running), now=1_050.0, concurrency=2)
    assert known is not None
    assert known.remaining_s == 50.0
    assert known.message == "about 50 seconds"


def test_the_last_job_cannot_be_shared_among_lanes(a_batch: MakeBatch, a_job: MakeJob) -> None:
    """Eight jobs in 20 s on four lanes is 10 s a job; the last one takes that on its own."""
    batch = a_batch(total=9, completed=8, running=(a_job(started_at=1_020.0),))
    known = estimate(batch, now=1_020.0, concurrency=4)
    assert known is not None
    assert known.remaining_s == 10.0


def test_what_a_running_job_has_taken_already_is_not_still_to_come(
    a_batch: MakeBatch, a_job: MakeJob
) -> None:
    """However far its steps say that it is: a model's answer is one step of three."""
    batch = a_batch(total=9, completed=8, running=(a_job(0.66, started_at=1_020.0),))
    left = [estimate(batch, now=1_020.0 + taken, concurrency=4) for taken in (0, 4, 9, 15)]
    assert [each and each.remaining_s for each in left] == [10.0, 6.0, 1.0, 0.0]


def test_an_answer_that_hangs_has_no_estimate(a_batch: MakeBatch, a_job: MakeJob) -> None:
    """It said "about 10 seconds left" for as long as it hung."""
    batch = a_batch(total=9, completed=8, running=(a_job(0.66, started_at=1_020.0),))
    for taken in (21, 45, 3_600):
        assert estimate(batch, now=1_020.0 + taken, concurrency=4) is None
    # Of jobs that all began together, nobody knows yet how long they take.
    first = a_batch(total=3, completed=2, running=(a_job(0.66, started_at=1_000.0),))
    assert estimate(first, now=1_045.0, concurrency=4) is None


def test_one_that_hangs_beside_others_that_go_on_changes_little(
    a_batch: MakeBatch, a_job: MakeJob
) -> None:
    """Three lanes work on: 12 s a job, and ten of them wait."""
    ages = (100.0, 4.0, 4.0, 4.0)
    running = tuple(a_job(id=str(n), started_at=1_120.0 - age) for n, age in enumerate(ages))
    batch = a_batch(total=44, completed=30, running=running)
    known = estimate(batch, now=1_120.0, concurrency=4)
    assert known is not None
    assert 30 < known.remaining_s < 45


def test_a_clock_that_was_set_back_gives_no_negative_time(a_batch: MakeBatch) -> None:
    """Then the rest is a few seconds, and not minus an hour."""
    known = estimate(a_batch(completed=3), now=0.0, concurrency=4)
    assert known is not None
    assert known.remaining_s == 0.0


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_estimate_is_no_negative_time_and_no_more_than_the_pace_gives(
    a_batch: MakeBatch, a_job: MakeJob, data: st.DataObject
) -> None:
    """Whatever runs, and since when."""
    begun = data.draw(st.lists(st.floats(900.0, 12_000.0), max_size=4))
    running = tuple(a_job(id=str(n), started_at=at) for n, at in enumerate(begun))
    done = data.draw(st.integers(1, 20 - len(begun)))
    now = 1_000.0 + data.draw(st.floats(0.0, 10_000.0))
    lanes = data.draw(st.integers(0, 64))
    known = estimate(a_batch(completed=done, running=running), now=now, concurrency=lanes)
    if known is None:
        assert begun
    else:
        assert 0.0 <= known.remaining_s <= max(0.0, *begun, now) * 21 * 64
        assert known.message
