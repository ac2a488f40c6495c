"""Where jobs and batches stand, as plugins are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mcp_server.jobs.job import Batch, BatchState, Job, JobState, Json, Step
from mcp_server.jobs.result import as_shown


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """Where a job stands."""

    job_id: str
    kind: str
    subject: str
    status: JobState
    result: Json | None
    """What its handler answered with `Done`; of bytes only how many: `{"bytes": 1234}`."""
    error: str | None
    """Why it did not do its work, or has not yet."""
    step: Step | None
    batch_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchStatus:
    """Where a batch stands."""

    batch_id: str
    name: str
    status: BatchState
    total: int
    completed: int
    failed: int
    cancelled: int
    current: str | None
    """The subject of a job that is being worked on."""
    errors: tuple[str, ...]
    """The first of its failures."""


def job_status(job: Job) -> JobStatus:
    """Return where `job` stands."""
    return JobStatus(
        job_id=job.id,
        kind=job.kind,
        subject=job.subject,
        status=job.state,
        result=as_shown(job.result),
        error=job.reason,
        step=job.step,
        batch_id=job.batch_id,
    )


def batch_status(batch: Batch, failed: Sequence[Job]) -> BatchStatus:
    """Return where `batch` stands, of whose jobs these have `failed`."""
    return BatchStatus(
        batch_id=batch.id,
        name=batch.kind,
        status=batch.state,
        total=batch.total,
        completed=batch.completed,
        failed=batch.failed,
        cancelled=batch.cancelled,
        current=batch.running[0].subject if batch.running else None,
        errors=tuple(f"{job.subject}: {job.reason or job.code}" for job in failed),
    )
