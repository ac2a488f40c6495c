"""Where batches stand, for the answers that show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_server.content.actions.retry import is_left_out
from mcp_server.interfaces.mcp.answers import sentences
from mcp_server.interfaces.mcp.answers.replies import Operation, QueueFacts, WorkerFacts
from mcp_server.interfaces.services import Services
from mcp_server.jobs.job import ENDED_JOB_STATES, Batch, BatchState, Job, JobState
from mcp_server.jobs.records import Stats
from mcp_server.progress.estimate import estimate, percent
from mcp_server.progress.verbs import kind_name, verb_of
from mcp_server.progress.words import current_task, relative_time

CONCURRENCY = 4
"""What a worker has by default; one that says how many it has is believed."""

UNFINISHED_MAX = 0.99
"""Of a job that has not ended no more is done, whatever its handler says."""

SHOWN_LAST = frozenset(JobState) - {JobState.FAILED, JobState.PROCESSING, JobState.PAUSED}
"""What a reader wants to see first is what failed, runs, or stands still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchView:
    """One batch with what belongs to it: what failed, what it wrote, and the sentence."""

    operation: Operation
    failures: Sequence[Job]
    files: Sequence[str]
    sentence: str
    next: str | None


async def view_of(
    services: Services, batch: Batch, *, health: Mapping[str, Any], now: float
) -> BatchView:
    """Return where `batch` stands."""
    failures = await _failures(services, batch)
    writes = batch.ended and verb_of(batch).writes_files
    unwritten = {job.subject for job in failures if not job.counted}
    files = await services.content.files_written(batch.id, failed=unwritten) if writes else ()
    shown = operation(batch, health=health, now=now)
    retryable = batch.ended and (failures or batch.cancelled)
    undone_by = await services.content.undone_by(batch) if retryable else None
    return BatchView(
        operation=shown,
        failures=failures,
        files=files,
        sentence=sentences.batch_sentence(
            batch,
            failures,
            files,
            shown.estimated_completion,
            undone_by=undone_by.id if undone_by is not None else None,
        ),
        next=None if undone_by else _next(batch, failures, stopped="stopped" in health),
    )


async def jobs_shown(
    services: Services, batch: Batch, failures: Sequence[Job], *, start: int, count: int
) -> Sequence[Job]:
    """Return `count` jobs of a batch from position `start`.

    Those that failed, run or stand still come first; the rest follows in the order of the site. No
    more are read than these: a batch has up to 100,000.
    """
    owner, end = batch.origin.owner, start + count
    first = [*failures, *batch.running]
    if batch.state is BatchState.PAUSED:
        still = [JobState.PAUSED]
        first += await services.batches.jobs(batch.id, owner=owner, states=still, limit=end)
    shown = first[start:end]
    if len(shown) < count:
        rest = await services.batches.jobs(
            batch.id,
            owner=owner,
            states=SHOWN_LAST,
            after=max(0, start - len(first)),
            limit=count - len(shown),
        )
        before = {job.id for job in first}  # it may have ended since it was read
        shown += [job for job in rest if job.id not in before]
    return shown


async def _failures(services: Services, batch: Batch) -> Sequence[Job]:
    """Return the failed jobs; while it is not over, they are looked for where there may be any."""
    if not (batch.ended or batch.failed or verb_of(batch).writes_files):
        return ()
    states = [JobState.FAILED]
    return await services.batches.jobs(batch.id, owner=batch.origin.owner, states=states)


def operation(of: Batch | Job, *, health: Mapping[str, Any], now: float) -> Operation:
    """Return a batch, or a job outside any, as `status` lists it."""
    return _job(of, now) if isinstance(of, Job) else _batch(of, health, now)


def _job(job: Job, now: float) -> Operation:
    ended, step = job.state in ENDED_JOB_STATES, job.step
    done = 1.0 if ended else min(step.fraction, UNFINISHED_MAX) if step is not None else 0.0
    said = step.message if step is not None and job.state is JobState.PROCESSING else None
    return Operation(
        type=kind_name(job.kind),
        status=job.state.value,
        progress=f"{int(ended)}/1",
        percent_complete=int(100 * done),
        current_task=sentences.short(said or job.subject),
        started_at=relative_time(now - (job.started_at or job.created_at)),
        job_id=job.id,
    )


def _batch(batch: Batch, health: Mapping[str, Any], now: float) -> Operation:
    lanes = int(health.get("concurrency", CONCURRENCY))
    left = None if health.get("halted") else estimate(batch, now=now, concurrency=lanes)
    return Operation(
        type=verb_of(batch).name,
        status=batch.state.value,
        progress=f"{batch.finished}/{batch.total}" if batch.total else None,
        percent_complete=percent(batch),
        current_task=sentences.short(current_task(batch)),
        started_at=relative_time(now - (batch.started_at or batch.created_at)),
        estimated_completion=left.message if left is not None else None,
        batch_id=batch.id,
    )


def worker(health: Mapping[str, Any], *, full: bool = False) -> WorkerFacts:
    """Return what is known of the worker; in full with its version."""
    return WorkerFacts(
        alive=bool(health.get("alive")),
        mode=health.get("mode"),
        message=sentences.short(health.get("message")),
        pid=health.get("pid"),
        version=health.get("version") if full else None,
        oldest_due_seconds=health.get("oldestDueSeconds"),
        last_claim_seconds=health.get("lastClaimSeconds"),
    )


def queue(stats: Stats) -> QueueFacts:
    """Return how many jobs there are, by state, and by kind and state."""
    return QueueFacts(
        jobs={state.value: count for state, count in stats.jobs.items()},
        kinds={
            kind: {state.value: count for state, count in states.items()}
            for kind, states in sorted(stats.kinds.items())
        },
    )


def _next(batch: Batch, failures: Sequence[Job], *, stopped: bool) -> str | None:
    """Return the call that most likely comes next; `stopped`: nobody works until somebody asks."""
    stands_still = batch.state is BatchState.PAUSED or stopped
    if not batch.ended:
        tool = "retry" if stands_still else "status"  # retry refuses what goes on by itself
        return sentences.call(tool, {"batchId": batch.id})
    if not all(map(is_left_out, failures)):
        return sentences.call("retry", {"batchId": batch.id})
    next_tool = verb_of(batch).next_tool
    if next_tool and batch.completed > batch.skipped:
        return sentences.call(next_tool, {"batchId": batch.id, "dryRun": True})
    return None
