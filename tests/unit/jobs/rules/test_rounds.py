"""Counters and ends of rounds: pure, from what became of each job."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.jobs.job import ENDED_JOB_STATES, BatchState, Job, JobState
from mcp_server.jobs.retry import Verdict
from mcp_server.jobs.rules import rounds
from tests.unit.jobs.rig import ORIGIN

JOB = Job(
    id="j",
    kind="toy",
    payload={},
    state=JobState.PROCESSING,
    subject="",
    priority=0,
    batch_id="b",
    round=1,
    counted=True,
    origin=ORIGIN,
    attempts=0,
    crashes=0,
    max_retries=3,
    created_at=0.0,
    due_at=0.0,
)


@st.composite
def ends(draw: st.DrawFn) -> tuple[Job, Verdict, int]:
    """Draw a job, how it ended, and how many of its batch ended alike."""
    job = JOB._replace(
        batch_id=draw(st.sampled_from([None, "b", "c"])), counted=draw(st.booleans())
    )
    verdict = Verdict(
        state=draw(st.sampled_from(sorted(ENDED_JOB_STATES))),
        code=draw(st.sampled_from([None, "skipped", "conflict"])),
    )
    return job, verdict, draw(st.integers(1, 5))


def nonzero(counters: dict[str, int]) -> dict[str, int]:
    """Return the counters to which something is added."""
    return {name: count for name, count in counters.items() if count}


@pytest.mark.parametrize(
    ("state", "code", "counted", "added"),
    [
        (JobState.COMPLETED, None, True, {"completed": 1}),
        (JobState.COMPLETED, "skipped", True, {"completed": 1, "skipped": 1}),
        (JobState.COMPLETED, "joined", True, {"completed": 1}),
        (JobState.FAILED, "conflict", True, {"failed": 1}),
        (JobState.FAILED, "skipped", True, {"failed": 1}),
        (JobState.CANCELLED, "cancelled", True, {"cancelled": 1}),
        (JobState.COMPLETED, None, False, {}),
        (JobState.COMPLETED, "skipped", False, {}),
        (JobState.FAILED, "crashed", False, {"follow_ups_failed": 1}),
        (JobState.CANCELLED, "cancelled", False, {}),
    ],
)
def test_an_end_is_counted_once_and_waited_for_no_more(
    state: JobState, code: str | None, counted: bool, added: dict[str, int]
) -> None:
    """Of what the batch does not count, only a failure is."""
    found = rounds.added_by_end(state, code=code, counted=counted)
    assert nonzero(found) == {**added, "outstanding": -1}


def test_jobs_that_come_in_are_waited_for_and_those_that_count_are_counted() -> None:
    """Two pages and a follow-up."""
    assert nonzero(rounds.added_by_arrival(jobs=3, counted=2)) == {"outstanding": 3, "total": 2}


@given(st.lists(ends()))
def test_many_ends_add_up_to_what_each_of_them_adds(ended: list[tuple[Job, Verdict, int]]) -> None:
    """By batch; jobs outside any are counted nowhere."""
    one_by_one: dict[str, dict[str, int]] = {}
    for job, verdict, times in ended:
        if job.batch_id is not None:
            tally = one_by_one.setdefault(job.batch_id, dict(rounds.NOTHING))
            for _ in range(times):
                one = rounds.added_by_end(verdict.state, code=verdict.code, counted=job.counted)
                tally.update({name: tally[name] + count for name, count in one.items()})
    assert rounds.added_by_ends(ended) == one_by_one


@pytest.mark.parametrize("state", BatchState)
def test_a_round_ends_when_nothing_is_outstanding_and_ends_once(state: BatchState) -> None:
    """A paused one too, when what ran at the pause was all there was."""
    goes_on = state in {BatchState.PENDING, BatchState.PROCESSING, BatchState.PAUSED}
    assert rounds.is_over(state, 0) == goes_on
    assert not rounds.is_over(state, 1)


@pytest.mark.parametrize(
    ("stopping", "total", "failed", "cancelled", "follow_ups_failed", "state"),
    [
        (False, 3, 0, 0, 0, BatchState.COMPLETED),
        (False, 3, 1, 0, 0, BatchState.FAILED),
        (False, 3, 0, 0, 1, BatchState.FAILED),
        (False, 3, 0, 2, 0, BatchState.COMPLETED),
        (False, 3, 1, 2, 0, BatchState.FAILED),
        (False, 3, 0, 3, 0, BatchState.CANCELLED),
        (False, 3, 0, 3, 1, BatchState.CANCELLED),
        (False, 0, 0, 0, 0, BatchState.COMPLETED),
        (False, 0, 0, 0, 1, BatchState.FAILED),
        (True, 3, 0, 0, 0, BatchState.CANCELLED),
        (True, 3, 3, 0, 0, BatchState.CANCELLED),
    ],
)
def test_a_round_ends_as_its_counters_say(
    stopping: bool,
    total: int,
    failed: int,
    cancelled: int,
    follow_ups_failed: int,
    state: BatchState,
) -> None:
    """Cancelled as a whole or job by job; failed with one failure; completed otherwise."""
    found = rounds.end_state(
        stopping=stopping,
        total=total,
        failed=failed,
        cancelled=cancelled,
        follow_ups_failed=follow_ups_failed,
    )
    assert found is state


def test_an_ended_round_says_why_it_was_cancelled_and_not_why_it_was_paused() -> None:
    """The pause is over."""
    assert rounds.end_reason("Ada stopped it", stopping=True) == "Ada stopped it"
    assert rounds.end_reason("the key was refused", stopping=False) is None
