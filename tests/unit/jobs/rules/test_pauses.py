"""What a batch that is paused, resumed or being cancelled makes of its jobs: pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.jobs.job import JOB_TRANSITIONS, BatchState, JobState
from mcp_server.jobs.retry import Verdict
from mcp_server.jobs.rules import pauses

PAUSES = Verdict(JobState.PAUSED, "paused", "the key was refused", attempts=0)
TRIES_AGAIN = Verdict(JobState.SCHEDULED, "retrying", "busy", due_at=9.0)
GOES_ON, PAUSED = BatchState.PROCESSING, BatchState.PAUSED


def allowed(
    verdict: Verdict,
    *,
    code: str | None = None,
    counted: bool = True,
    batch: BatchState | None = GOES_ON,
    stopping: bool = False,
) -> Verdict:
    """Return what becomes of a job, in words where its batch is the reason."""
    return pauses.as_the_batch_allows(
        verdict, code=code, counted=counted, batch=batch, stopping=stopping, reason="no key"
    )


@pytest.mark.parametrize(
    ("state", "can"),
    [
        (BatchState.PENDING, True),
        (BatchState.PROCESSING, True),
        (BatchState.PAUSED, False),
        (BatchState.COMPLETED, False),
        (BatchState.FAILED, False),
        (BatchState.CANCELLED, False),
    ],
)
def test_what_has_ended_is_paused_or_is_being_cancelled_cannot_be_paused(
    state: BatchState, can: bool
) -> None:
    """All else can. Of what is paused nothing waits: a worker without the key says it again."""
    assert pauses.may_pause(state, stopping=False) is can
    assert not pauses.may_pause(state, stopping=True)


def test_a_batch_goes_on_from_where_it_was_paused() -> None:
    """Pending until its first job has started."""
    assert pauses.resumed_state(None) is BatchState.PENDING
    assert pauses.resumed_state(0.0) is BatchState.PROCESSING


@pytest.mark.parametrize(
    ("batch", "counted", "delay_s", "state"),
    [
        (None, True, 0.0, JobState.PENDING),
        (None, True, 5.0, JobState.SCHEDULED),
        (GOES_ON, True, 0.0, JobState.PENDING),
        (GOES_ON, True, 5.0, JobState.SCHEDULED),
        (PAUSED, True, 0.0, JobState.PAUSED),
        (PAUSED, True, 5.0, JobState.PAUSED),
        (PAUSED, False, 0.0, JobState.PENDING),
        (PAUSED, False, 5.0, JobState.SCHEDULED),
    ],
)
def test_a_job_waits_with_its_paused_batch_if_that_counts_it(
    batch: BatchState | None, counted: bool, delay_s: float, state: JobState
) -> None:
    """Whatever its delay; follow-ups go on."""
    assert pauses.waiting_state(batch, counted=counted, delay_s=delay_s) is state


@pytest.mark.parametrize(("batch", "stopping"), [(None, False), (GOES_ON, True), (PAUSED, True)])
def test_a_job_fails_that_wants_to_pause_where_nothing_could_resume_it(
    batch: BatchState | None, stopping: bool
) -> None:
    """With what it said, and also where it was resumed before."""
    for code in (None, pauses.RESUMED):
        found = allowed(PAUSES, code=code, batch=batch, stopping=stopping)
        assert found == PAUSES._replace(state=JobState.FAILED)


def test_a_job_that_was_begun_before_its_batch_was_resumed_has_another_try() -> None:
    """It knew nothing of the new key; the next time it may pause the batch again."""
    again = PAUSES._replace(state=JobState.PENDING, code=None, reason=None)
    assert allowed(PAUSES, code=pauses.RESUMED) == again
    assert allowed(PAUSES) == PAUSES


def test_a_job_to_be_tried_again_waits_with_its_paused_batch() -> None:
    """For the reason of the batch; a follow-up does not, nor does one of a batch that goes on."""
    waits = TRIES_AGAIN._replace(state=JobState.PAUSED, reason="no key")
    assert allowed(TRIES_AGAIN, batch=PAUSED) == waits
    assert allowed(TRIES_AGAIN, batch=PAUSED, counted=False) == TRIES_AGAIN
    assert allowed(TRIES_AGAIN) == TRIES_AGAIN
    assert allowed(TRIES_AGAIN, batch=None) == TRIES_AGAIN


@given(
    state=st.sampled_from(sorted(JOB_TRANSITIONS[JobState.PROCESSING])),
    code=st.sampled_from([None, "retrying", pauses.RESUMED]),
    counted=st.booleans(),
    batch=st.none() | st.sampled_from(BatchState),
    stopping=st.booleans(),
)
def test_the_batch_only_changes_whether_a_job_waits_and_never_what_is_over(
    state: JobState, code: str | None, counted: bool, batch: BatchState | None, stopping: bool
) -> None:
    """And leads to a state that a running job may go to; one outside any batch never pauses."""
    verdict = Verdict(state)
    found = allowed(verdict, code=code, counted=counted, batch=batch, stopping=stopping)
    assert found.state in JOB_TRANSITIONS[JobState.PROCESSING]
    if verdict.state in {JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED}:
        assert found == verdict
    if batch is None:
        assert found.state is not JobState.PAUSED
