"""A round of a batch: what its counters mean, and when it ends and as what.

`total`, `completed`, `failed` and `cancelled` are about its counted jobs; `skipped` are those of
the completed ones that had nothing to do. A round also waits for jobs that it does not count
(follow-ups, and jobs of other batches that do its work): `outstanding` is how many of both kinds
have not ended, and `follow_ups_failed` how many failed that are not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mcp_server.jobs.job import ENDED_BATCH_STATES, BatchState, Job, JobState
from mcp_server.jobs.retry import Verdict

UNFINISHED = frozenset(BatchState) - ENDED_BATCH_STATES
"""States of a batch whose round goes on, or would if somebody resumed it."""

NOTHING: Mapping[str, int] = dict.fromkeys(
    ("total", "completed", "skipped", "failed", "cancelled", "follow_ups_failed", "outstanding"), 0
)
"""The counters of a round, and that nothing is added to any."""


def added_by_end(state: JobState, *, code: str | None, counted: bool) -> dict[str, int]:
    """Return what a job's end adds to the counters of a round that waited for it."""
    added = {**NOTHING, "outstanding": -1}
    if not counted:
        added["follow_ups_failed"] = int(state is JobState.FAILED)
    else:
        added[state.value] = 1
        added["skipped"] = int(state is JobState.COMPLETED and code == "skipped")
    return added


def added_by_ends(ended: Iterable[tuple[Job, Verdict, int]]) -> dict[str, dict[str, int]]:
    """Return, by batch, what many jobs' ends add together to the counters of its round.

    Each entry is a job, how it ended, and how many of its batch ended alike.
    """
    tallies: dict[str, dict[str, int]] = {}
    for job, verdict, times in ended:
        if job.batch_id is not None:
            tally = tallies.setdefault(job.batch_id, dict(NOTHING))
            added = added_by_end(verdict.state, code=verdict.code, counted=job.counted)
            for name, count in added.items():
                tally[name] += count * times
    return tallies


def added_by_arrival(*, jobs: int, counted: int) -> dict[str, int]:
    """Return what so many jobs, and those of them that are counted, add when they come in."""
    return {**NOTHING, "outstanding": jobs, "total": counted}


def added_at_once(jobs: int) -> dict[str, int]:
    """Return what so many counted jobs add that are completed as they come in."""
    return {**NOTHING, "total": jobs, "completed": jobs}


def left(total: int, completed: int, failed: int, cancelled: int) -> int:
    """Return how many counted jobs of a round have not ended, by its counters."""
    return total - completed - failed - cancelled


def is_over(state: str, outstanding: int) -> bool:
    """Whether a round in this state has to end now."""
    return outstanding == 0 and state in UNFINISHED


def end_state(
    *, stopping: bool, total: int, failed: int, cancelled: int, follow_ups_failed: int
) -> BatchState:
    """Return how a round ends that waits for nothing any more; `stopping`: it was cancelled.

    One of which every job was cancelled by itself counts as cancelled too.
    """
    if stopping or (total and cancelled == total):
        return BatchState.CANCELLED
    if failed or follow_ups_failed:
        return BatchState.FAILED
    return BatchState.COMPLETED


def end_reason(reason: str | None, *, stopping: bool) -> str | None:
    """Return the reason to keep: why it was cancelled, but not why it had once been paused."""
    return reason if stopping else None
