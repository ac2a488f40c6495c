"""What is told of an operation: one kind of event for batches, and for jobs outside any. Pure.

An event is a whole: whoever has missed those before it needs none of them. It says what an
operation is called, how far it is and how it ended, and nothing of what is being written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from mcp_server.excerpt import as_name, is_seen, shortened
from mcp_server.jobs.job import (
    ENDED_BATCH_STATES,
    ENDED_JOB_STATES,
    Batch,
    BatchState,
    Job,
    JobState,
    Origin,
)
from mcp_server.progress.estimate import RUNNING_FRACTION_MAX, estimate, percent
from mcp_server.progress.verbs import kind_name, verb_of
from mcp_server.progress.words import current_task, progress_line

TEXT_LENGTH = 200
"""Of a message, a reason or a subject; it is stored whole."""
ERRORS_MAX = 10
"""Of a batch: how many of its failures are told in words."""
RUNNING_MAX = 10
"""Of a batch: how many of the jobs that are being worked on are named."""
FRACTION_DIGITS = 6
"""Of a percentage before it is cut: 100 * 0.29 is a little less than 29."""
ENDED = frozenset(state.value for state in ENDED_BATCH_STATES | ENDED_JOB_STATES)
"""What an operation is when it is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventProgress:
    """How far an operation is: `current` of `total`, in jobs or in the job's own steps."""

    current: float
    total: float
    percentage: int
    """100 only once nothing is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchDetails:
    """What there is to say of a batch only; the counts are those of the present round."""

    kind: str
    """What the call was: `generate`, `promote`, `rollback`, or a plugin's own."""
    round: int
    """Which go at the batch this is: `retry` begins the next."""
    total: int
    completed: int
    skipped: int
    """Of the completed ones, those that had nothing to do."""
    failed: int
    cancelled: int
    current: str | None
    """What is being worked on, such as `drafting menu/hero`."""
    running: tuple[str, ...]
    """The subjects of jobs that are being worked on."""
    errors: tuple[str, ...]
    """The first of its failures, each as `menu/hero: why`."""
    estimate: str | None
    """How long it may still take, such as `about 2 minutes`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDetails:
    """What there is to say of a job only."""

    kind: str
    subject: str
    """What it works on, in the words of whoever asked."""
    priority: int
    retries: int
    """How often it was tried again, or is about to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressEvent:
    """Where an operation stands: a batch, or a job outside any."""

    id: str
    """Of the batch or the job: the same in each of its events, and in no other operation's."""
    type: Literal["batch", "job"]
    name: str
    """What it is called: the same in each of its events."""
    status: BatchState | JobState
    message: str | None
    progress: EventProgress | None
    origin: Origin
    """Who asked, through which interface, and where answers go."""
    batch: BatchDetails | None = None
    job: JobDetails | None = None

    @property
    def ended(self) -> bool:
        """Whether the operation is over: no event follows, unless somebody retries the batch."""
        return self.status in ENDED

    def as_json(self) -> dict[str, Any]:
        """Return the event as it goes over a wire: names in camelCase, nothing that is null."""
        event: dict[str, Any] = {
            "id": self.id,
            "type": self.type,
            "name": self.name,
            "status": self.status.value,
            "message": self.message,
            "progress": _progress_json(self.progress),
            "batchDetails": _batch_json(self.batch),
            "jobDetails": _job_json(self.job),
            "origin": _origin_json(self.origin),
        }
        return _without_none(event)


class EventSink(Protocol):
    """Where progress goes: a chat room, a log, a dashboard."""

    async def emit(self, event: ProgressEvent) -> None:
        """Take one event. The next comes when this has returned: the newest there is by then."""
        ...


def batch_event(batch: Batch, *, now: float) -> ProgressEvent:
    """Return the event of a batch as it was read with its running jobs and first failures.

    What runs side by side is taken for the number of lanes.
    """
    left = estimate(batch, now=now, concurrency=max(1, len(batch.running)))
    return ProgressEvent(
        id=batch.id,
        type="batch",
        name=_short(verb_of(batch).name) or batch.id,
        status=batch.state,
        message=_short(progress_line(batch, now=now)),
        progress=EventProgress(
            current=batch.finished, total=batch.total, percentage=percent(batch)
        ),
        origin=batch.origin,
        batch=BatchDetails(
            kind=_short(batch.kind) or "",
            round=batch.round,
            total=batch.total,
            completed=batch.completed,
            skipped=batch.skipped,
            failed=batch.failed,
            cancelled=batch.cancelled,
            current=_short(current_task(batch)),
            running=tuple(_short(job.subject) or job.id for job in batch.running[:RUNNING_MAX]),
            errors=tuple(map(_error, batch.failures[:ERRORS_MAX])),
            estimate=None if left is None else left.message,
        ),
    )


def job_event(job: Job) -> ProgressEvent:
    """Return the event of a job."""
    ended = job.state in ENDED_JOB_STATES
    return ProgressEvent(
        id=job.id,
        type="job",
        name=_short(f"{kind_name(job.kind)} {as_name(job.subject)}") or job.id,
        status=job.state,
        message=_short(_said(job)),
        progress=_job_progress(job),
        origin=job.origin,
        job=JobDetails(
            kind=_short(job.kind) or "",
            subject=_short(job.subject) or "",
            priority=job.priority,
            # A try counts when it has ended, and of one that is over the last was no retry to come.
            retries=max(0, job.attempts - ended),
        ),
    )


def _job_progress(job: Job) -> EventProgress | None:
    """How far a job said it was; its end is the whole, if it did its work."""
    if job.state is JobState.COMPLETED:
        total = job.step.total if job.step is not None else 1
        return EventProgress(current=total, total=total, percentage=100)
    if job.step is None:
        return None
    hundredths = round(100 * min(RUNNING_FRACTION_MAX, job.step.fraction), FRACTION_DIGITS)
    return EventProgress(current=job.step.current, total=job.step.total, percentage=int(hundredths))


def _said(job: Job) -> str | None:
    """What the job said last while it runs; why it stands still or did not do its work."""
    if job.state is JobState.PROCESSING:
        return None if job.step is None else job.step.message
    return job.reason or job.code


def _error(job: Job) -> str:
    subject = as_name(job.subject) or job.id
    return _short(f"{subject}: {job.reason or job.code or 'failed'}") or job.id


def _short(text: str | None) -> str | None:
    """`text` on one line, without what no screen shows, and not too long; `None` for nothing."""
    line = _printable(text or "")
    return shortened(line, TEXT_LENGTH) or None


def _printable(text: str) -> str:
    words = " ".join(text.split())
    return "".join(character for character in words if is_seen(character))


def _origin_json(origin: Origin) -> dict[str, Any]:
    """Who asked; where answers go is not cut short, as a part of an address is none."""
    return _without_none(
        {
            "owner": _short(origin.owner) or "",
            "interface": _short(origin.interface) or "",
            "destination": None if origin.destination is None else _printable(origin.destination),
        }
    )


def _progress_json(progress: EventProgress | None) -> dict[str, Any] | None:
    if progress is None:
        return None
    return {
        "current": progress.current,
        "total": progress.total,
        "percentage": progress.percentage,
    }


def _batch_json(batch: BatchDetails | None) -> dict[str, Any] | None:
    if batch is None:
        return None
    return _without_none(
        {
            "kind": batch.kind,
            "round": batch.round,
            "totalOperations": batch.total,
            "completedOperations": batch.completed,
            "skippedOperations": batch.skipped,
            "failedOperations": batch.failed,
            "cancelledOperations": batch.cancelled,
            "currentOperation": batch.current,
            "runningOperations": list(batch.running) or None,
            "errors": list(batch.errors) or None,
            "estimatedCompletion": batch.estimate,
        }
    )


def _job_json(job: JobDetails | None) -> dict[str, Any] | None:
    if job is None:
        return None
    return _without_none(
        {
            "jobType": job.kind,
            "subject": job.subject or None,
            "priority": job.priority,
            "retryCount": job.retries,
        }
    )


def _without_none(pairs: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in pairs.items() if value is not None}
