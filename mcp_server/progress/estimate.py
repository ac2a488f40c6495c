"""How far a batch is and how long it may still take. Pure: a batch and a time in, figures out."""

from __future__ import annotations

from dataclasses import dataclass

from mcp_server.jobs.job import Batch, BatchState, Job
from mcp_server.progress.words import duration

RUNNING_FRACTION_MAX = 0.99
"""A job that runs is never a whole one: only its end, as stored, makes it that."""


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
    """Return how long the round may still take at the pace it has had.

    `None` until the first job of the round was really worked on (a skip says nothing of the
    pace); from then on there always is an estimate, until the batch pauses or ends. `concurrency`
    is the number of lanes: the last few jobs cannot be shared among more lanes than there are
    jobs.
    """
    worked = batch.completed - batch.skipped + batch.failed
    if batch.ended or batch.state is BatchState.PAUSED or batch.started_at is None or worked <= 0:
        return None
    running = [_fraction(job) for job in _counted(batch)]
    lanes = max(1, min(concurrency, batch.total))
    job_s = max(0.0, now - batch.started_at) * lanes / (worked + sum(running))
    remaining_s = job_s * _jobs_in_a_row(batch, running, lanes)
    return Estimate(remaining_s=remaining_s, message=duration(remaining_s))


def _jobs_in_a_row(batch: Batch, running: list[float], lanes: int) -> float:
    """How many jobs the busiest lane has still before it, as a fraction of whole ones."""
    waiting = max(0, batch.total - batch.finished - len(running))
    left = waiting + len(running) - sum(running)
    longest = 1.0 if waiting else max((1.0 - done for done in running), default=0.0)
    return max(left / lanes, longest)


def _counted(batch: Batch) -> list[Job]:
    return [job for job in batch.running if job.counted]


def _fraction(job: Job) -> float:
    return min(RUNNING_FRACTION_MAX, job.step.fraction) if job.step is not None else 0.0
