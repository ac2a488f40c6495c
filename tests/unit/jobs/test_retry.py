"""What an outcome makes of a job: pure, for every outcome, job and draw."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.jobs.job import JOB_TRANSITIONS, Job, JobState
from mcp_server.jobs.outcome import Done, Fail, Outcome, Pause, Retry, Skip, Snooze
from mcp_server.jobs.retry import BACKOFF_MAX_S, backoff_s, decide
from tests.unit.jobs.rig import ORIGIN

NOW = 1_000.0
"""How long an example takes says nothing on a busy machine."""

JOB = Job(
    id="j",
    kind="toy",
    payload={},
    state=JobState.PROCESSING,
    subject="",
    priority=0,
    batch_id=None,
    round=1,
    counted=True,
    origin=ORIGIN,
    attempts=0,
    crashes=0,
    max_retries=3,
    created_at=NOW,
    due_at=NOW,
)

outcomes: st.SearchStrategy[Outcome] = st.one_of(
    st.builds(Done, st.dictionaries(st.text(), st.integers())),
    st.builds(Skip, st.text()),
    st.builds(Retry, st.text(), st.none() | st.floats(allow_nan=False, allow_infinity=False)),
    st.builds(Snooze, st.floats(0, 1e12), st.text()),
    st.builds(Fail, st.text(), st.text()),
    st.builds(Pause, st.text()),
)
jitters = st.floats(0, 1)
tries = st.integers(0, 1000)


@given(outcome=outcomes, attempts=tries, max_retries=tries, jitter=jitters)
def test_every_outcome_leads_to_a_state_that_a_running_job_may_go_to(
    outcome: Outcome, attempts: int, max_retries: int, jitter: float
) -> None:
    """And to one that says when, if it is to be run again; only Retry and Snooze do that."""
    job = JOB._replace(attempts=attempts, max_retries=max_retries)
    verdict = decide(job, outcome, now=NOW, jitter=jitter)
    assert verdict.state in JOB_TRANSITIONS[JobState.PROCESSING]
    assert (verdict.state is JobState.SCHEDULED) == (verdict.due_at is not None)
    if verdict.state is JobState.SCHEDULED:
        assert isinstance(outcome, Retry | Snooze)


@given(attempts=tries, max_retries=tries, jitter=jitters)
def test_a_job_is_retried_as_often_as_it_may_be(
    attempts: int, max_retries: int, jitter: float
) -> None:
    """Not once more; and every retry counts."""
    job = JOB._replace(attempts=attempts, max_retries=max_retries)
    verdict = decide(job, Retry("busy"), now=NOW, jitter=jitter)
    assert (verdict.state is JobState.SCHEDULED) == (attempts < max_retries)
    assert verdict.attempts == 1
    assert verdict.reason is not None and verdict.reason.startswith("busy")


@given(attempts=tries, jitter=jitters)
def test_the_wait_doubles_up_to_a_minute_and_half_of_it_is_chance(
    attempts: int, jitter: float
) -> None:
    """1 s · 2ⁿ, never more than 60 s."""
    full = min(BACKOFF_MAX_S, 2.0**attempts)
    assert full / 2 <= backoff_s(attempts, jitter) <= full
    assert backoff_s(attempts, 0.0) == full / 2
    assert backoff_s(attempts, 1.0) == full


def test_the_first_waits_are_a_second_two_and_four() -> None:
    """As documented."""
    assert [backoff_s(n, 1.0) for n in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]


@given(after_s=st.floats(0, 1e9), jitter=jitters)
def test_what_a_provider_asks_for_is_waited_for_to_the_letter(
    after_s: float, jitter: float
) -> None:
    """Longer than a minute, too, and without chance."""
    verdict = decide(JOB, Retry("busy", after_s), now=NOW, jitter=jitter)
    assert verdict.due_at == NOW + after_s


def test_a_wait_that_is_over_is_no_wait() -> None:
    """A `Retry-After` in the past means now."""
    assert decide(JOB, Retry("busy", -5.0), now=NOW, jitter=1.0).due_at == NOW


@pytest.mark.parametrize(
    ("until", "due_at"), [(NOW + 5, NOW + 5), (NOW, NOW + 1), (NOW - 5, NOW + 1), (60.0, NOW + 1)]
)
def test_who_snoozes_until_a_time_that_is_past_waits_a_second(until: float, due_at: float) -> None:
    """Costing no retry, it would be run for ever without a pause."""
    assert decide(JOB, Snooze(until), now=NOW, jitter=1.0).due_at == due_at


@pytest.mark.parametrize("outcome", [Pause("no key"), Snooze(NOW + 5, "not yet")])
def test_what_is_nobodys_fault_costs_no_retry(outcome: Pause | Snooze) -> None:
    """However often it comes."""
    assert decide(JOB, outcome, now=NOW, jitter=1.0).attempts == 0


@pytest.mark.parametrize(
    ("outcome", "state", "code", "reason"),
    [
        (Done({"n": 1}), "completed", None, None),
        (Skip("has a draft"), "completed", "skipped", "has a draft"),
        (Fail("conflict", "moved"), "failed", "conflict", "moved"),
        (Pause("no key"), "paused", "paused", "no key"),
        (Snooze(5.0, "later"), "scheduled", "snoozed", "later"),
    ],
)
def test_a_verdict_says_why(
    outcome: Outcome, state: str, code: str | None, reason: str | None
) -> None:
    """In a word for programs and in words for people; done work needs neither."""
    verdict = decide(JOB, outcome, now=NOW, jitter=1.0)
    assert (verdict.state, verdict.code, verdict.reason) == (state, code, reason)


def test_only_done_and_fail_carry_effects() -> None:
    """And Done its result."""
    effects = ("an effect",)
    assert decide(JOB, Done({"n": 1}, effects), now=NOW, jitter=1.0).effects == effects
    assert decide(JOB, Done({"n": 1}, effects), now=NOW, jitter=1.0).result == {"n": 1}
    assert decide(JOB, Fail("c", "r", effects), now=NOW, jitter=1.0).effects == effects
    assert decide(JOB, Skip("r"), now=NOW, jitter=1.0).effects == ()


def test_a_job_without_retries_says_that_it_was_tried_once() -> None:
    """Otherwise how often."""
    once = decide(JOB._replace(max_retries=0), Retry("busy"), now=NOW, jitter=1.0)
    assert (once.code, once.reason) == ("retries-exhausted", "busy (tried once)")
    often = decide(JOB._replace(attempts=3), Retry("busy"), now=NOW, jitter=1.0)
    assert often.reason == "busy (tried 4 times)"
    told = decide(JOB._replace(attempts=3), Retry("It is busy (503)."), now=NOW, jitter=1.0)
    assert told.reason == "It is busy (503) (tried 4 times)"
