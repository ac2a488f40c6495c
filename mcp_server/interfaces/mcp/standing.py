"""Where batches stand, for the answers that show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_server.interfaces.mcp import sentences
from mcp_server.interfaces.mcp.replies import Operation, Worker
from mcp_server.interfaces.services import Services
from mcp_server.jobs.job import Batch, BatchState, Job, JobState
from mcp_server.progress.estimate import estimate, percent
from mcp_server.progress.words import batch_name, current_task, relative_time

CONCURRENCY = 4
"""What a worker has by default; one that says how many it has is believed."""

FIRST_SHOWN = {JobState.FAILED: 0, JobState.PROCESSING: 1, JobState.PAUSED: 2}
"""What a reader wants to see first; the rest follows in the order of the site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One batch with what belongs to it: its jobs, what it wrote, and the sentence."""

    operation: Operation
    jobs: Sequence[Job]
    """What a reader wants to see first comes first."""
    files: Sequence[str]
    sentence: str
    next: str | None


async def standing(
    services: Services, batch: Batch, *, health: Mapping[str, Any], now: float
) -> Standing:
    """Return where `batch` stands."""
    jobs = await services.batches.jobs(batch.id, owner=batch.origin.owner)
    writes = batch.ended and batch.kind != "generate"
    failures = [job for job in jobs if job.state is JobState.FAILED]
    unwritten = {job.subject for job in failures if not job.counted}
    files = await services.content.files_written(batch.id, failed=unwritten) if writes else ()
    shown = operation(batch, health=health, now=now)
    return Standing(
        operation=shown,
        jobs=sorted(jobs, key=lambda job: FIRST_SHOWN.get(job.state, len(FIRST_SHOWN))),
        files=files,
        sentence=sentences.standing(batch, failures, files, shown.estimated_completion),
        next=_next(batch, failures),
    )


def operation(batch: Batch, *, health: Mapping[str, Any], now: float) -> Operation:
    """Return a batch as `status` lists it."""
    lanes = int(health.get("concurrency", CONCURRENCY))
    left = estimate(batch, now=now, concurrency=lanes)
    return Operation(
        type=batch_name(batch.kind),
        status=batch.state.value,
        progress=f"{batch.finished}/{batch.total}",
        percent_complete=percent(batch),
        current_task=sentences.short(current_task(batch)),
        started_at=relative_time(now - (batch.started_at or batch.created_at)),
        estimated_completion=left.message if left is not None else None,
        batch_id=batch.id,
    )


def worker(health: Mapping[str, Any]) -> Worker:
    """Return what is known of the worker."""
    return Worker(
        alive=bool(health.get("alive")),
        mode=health.get("mode"),
        message=sentences.short(health.get("message")),
        pid=health.get("pid"),
        oldest_due_seconds=health.get("oldestDueSeconds"),
        last_claim_seconds=health.get("lastClaimSeconds"),
    )


def _next(batch: Batch, failures: Sequence[Job]) -> str | None:
    """Return the call that most likely comes next."""
    if batch.state is BatchState.PAUSED or any(job.code != "conflict" for job in failures):
        return sentences.call("retry", {"batchId": batch.id})
    if not batch.ended:
        return sentences.call("status", {"batchId": batch.id})
    if batch.kind == "generate" and batch.completed > batch.skipped:
        return sentences.call("promote", {"batchId": batch.id, "dryRun": True})
    return None
