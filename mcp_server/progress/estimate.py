"""How far a batch is and how long it may still take. Pure: a batch and a time in, figures out."""

from __future__ import annotations

from dataclasses import dataclass

from mcp_server.jobs.job import Batch, BatchState, Job
from mcp_server.progress.words import duration

RUNNING_FRACTION_MAX = 0.99
"""A job that runs is never a whole one: only its end, as stored, makes it that."""

OVERDUE_TIMES = 2.0
"""A job that takes so many times as long as the others is not nearly done, but stuck, or another
kind of work. Answers of one model differ by less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """How long a batch may still take: in seconds, and as a person would say it."""

    remaining_s: float
    message: str


def percent(batch: Batch) -> int:
    """Return how much of the round is over, 0 to 100 (R19); 100 only when nothing is left."""
    if batch.total == 0:
        return 100 if batch.ended else 0
    return 100 * batch.finished // batch.total


def fraction_done(batch: Batch) -> float:
    """Return the jobs that are over plus the fractions of those that run, at most the total."""
    return min(float(batch.total), batch.finished + sum(map(_fraction, _counted(batch))))


def estimate(batch: Batch, *, now: float, concurrency: int) -> Estimate | None:
    """Return how long the round may still take at the pace it has had; `None` if nothing is known.

    That is so until the first job of the round was really worked on (a skip says nothing of the
    pace), and where all that run take far longer than those before them: an answer that hangs has
    no pace. What a job says of its steps is not asked, as steps take what time they like.
    `concurrency` is the number of lanes: the last few jobs cannot be shared among more lanes than
    there are jobs.
    """
    worked = batch.completed - batch.skipped + batch.failed
    if batch.ended or batch.state is BatchState.PAUSED or batch.started_at is None or worked <= 0:
        return None
    begun = [now if job.started_at is None else job.started_at for job in _counted(batch)]
    waiting = max(0, batch.total - batch.finished - len(begun))
    lanes = max(1, min(concurrency, batch.total))
    # While jobs wait, all lanes work. Since the last one began, some may have been idle.
    until = now if waiting or not begun else max(begun)
    spent_s = max(0.0, until - batch.started_at) * lanes - sum(max(0.0, until - at) for at in begun)
    job_s = max(0.0, spent_s) / worked
    if begun and now - max(begun) > OVERDUE_TIMES * job_s:
        return None
    lefts = [max(0.0, job_s - (now - at)) for at in begun]
    longest = job_s if waiting else max(lefts, default=0.0)
    remaining_s = max((waiting * job_s + sum(lefts)) / lanes, longest)
    return Estimate(remaining_s=remaining_s, message=duration(remaining_s))


def _counted(batch: Batch) -> list[Job]:
    return [job for job in batch.running if job.counted]


def _fraction(job: Job) -> float:
    return min(RUNNING_FRACTION_MAX, job.step.fraction) if job.step is not None else 0.0
