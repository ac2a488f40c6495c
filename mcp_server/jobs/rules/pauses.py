"""What it means to jobs that their batch is paused, was resumed, or is being cancelled."""

from __future__ import annotations

from mcp_server.jobs.job import BatchState, JobState
from mcp_server.jobs.retry import Verdict
from mcp_server.jobs.rules.rounds import UNFINISHED

RESUMED = "resumed"
"""The code of a running job whose batch was resumed since: that it must pause is out of date."""


def may_pause(batch: BatchState, *, stopping: bool) -> bool:
    """Whether a batch can be paused: one that has ended or is being cancelled stays so.

    Of one that is paused nothing waits; a worker without the key says again and again that it must.
    """
    return batch in UNFINISHED and batch is not BatchState.PAUSED and not stopping


def resumed_state(started_at: float | None) -> BatchState:
    """Return where a paused batch goes on, if its round was started at this time, or not yet."""
    return BatchState.PENDING if started_at is None else BatchState.PROCESSING


def waiting_state(batch: BatchState | None, *, counted: bool, delay_s: float = 0.0) -> JobState:
    """Return the state of a job that comes in or comes back, of a batch in this state or of none.

    What a batch does not count goes on while it is paused: it follows from what was done already.
    """
    if counted and batch is BatchState.PAUSED:
        return JobState.PAUSED
    return JobState.SCHEDULED if delay_s > 0 else JobState.PENDING


def as_the_batch_allows(
    verdict: Verdict,
    *,
    code: str | None,
    counted: bool,
    batch: BatchState | None,
    stopping: bool,
    reason: str | None,
) -> Verdict:
    """Return what becomes of a job with this code, whose batch is in this state, for this reason.

    One that is to be tried again waits with its paused batch. One that wants to pause fails where
    nothing could resume it: outside any batch, or where its batch is being cancelled. One that was
    begun before its batch was resumed does not pause it again, but gets another try.
    """
    if verdict.state is JobState.PAUSED:
        if batch is None or stopping:
            return verdict._replace(state=JobState.FAILED)
        if code == RESUMED:
            return verdict._replace(state=JobState.PENDING, code=None, reason=None)
        return verdict
    again = verdict.state in (JobState.SCHEDULED, JobState.PENDING)
    if again and counted and batch is BatchState.PAUSED:
        return verdict._replace(state=JobState.PAUSED, reason=reason)
    return verdict
