"""The words of the queue, and the two transition tables.

*job*      stored work                          *kind*     the name of its handler
*attempt*  one try at a job                     *claim*    the right to try
*lease*    how long a claim holds unrenewed     *outcome*  how an attempt ended (outcome.py)
*batch*    the jobs of one call                 *round*    one go at a batch; `retry` opens the next
*origin*   who asked, through which interface, and where answers go

There are only values here, and no import of any other part of `jobs`. Classes of which every job
needs an instance are named tuples: making a frozen dataclass of that size takes thirty times as
long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

Json = Mapping[str, Any]
"""A JSON object."""


class JobState(StrEnum):
    """Where a job is in its life."""

    SCHEDULED = "scheduled"
    PENDING = "pending"
    PROCESSING = "processing"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class BatchState(StrEnum):
    """Where a batch is in its life; `pending` until its first job starts."""

    PENDING = "pending"
    PROCESSING = "processing"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


JOB_TRANSITIONS: Mapping[JobState, frozenset[JobState]] = {
    JobState.SCHEDULED: frozenset({JobState.PENDING, JobState.PAUSED, JobState.CANCELLED}),
    JobState.PENDING: frozenset(
        {
            JobState.PROCESSING,
            JobState.PAUSED,
            JobState.CANCELLED,
            JobState.SCHEDULED,  # replaced by a job of the same key that is due later
        }
    ),
    JobState.PROCESSING: frozenset(
        {
            JobState.COMPLETED,
            JobState.FAILED,
            JobState.CANCELLED,
            JobState.PAUSED,
            JobState.PENDING,  # given back unstarted, or lost with its worker
            JobState.SCHEDULED,  # to be retried or snoozed
        }
    ),
    # Taken up again; nothing runs before it is due.
    JobState.PAUSED: frozenset({JobState.PENDING, JobState.SCHEDULED, JobState.CANCELLED}),
    # `retry` takes it into the next round; or completes it, where a job of the same key already
    # waits to do the same work.
    JobState.FAILED: frozenset({JobState.PENDING, JobState.COMPLETED}),
    JobState.CANCELLED: frozenset({JobState.PENDING, JobState.SCHEDULED, JobState.COMPLETED}),
    JobState.COMPLETED: frozenset(),
}
"""From each state of a job, the states it may go to."""

BATCH_TRANSITIONS: Mapping[BatchState, frozenset[BatchState]] = {
    # Straight to an end, if the batch only waited for jobs that it shares with other batches.
    BatchState.PENDING: frozenset(
        {
            BatchState.PROCESSING,
            BatchState.PAUSED,
            BatchState.COMPLETED,
            BatchState.FAILED,
            BatchState.CANCELLED,
        }
    ),
    BatchState.PROCESSING: frozenset(
        {BatchState.PAUSED, BatchState.COMPLETED, BatchState.FAILED, BatchState.CANCELLED}
    ),
    # To an end, if only running jobs were left at the pause, or the rest was cancelled one by one.
    BatchState.PAUSED: frozenset(
        {
            BatchState.PENDING,
            BatchState.PROCESSING,
            BatchState.COMPLETED,
            BatchState.FAILED,
            BatchState.CANCELLED,
        }
    ),
    BatchState.COMPLETED: frozenset({BatchState.PENDING}),  # `retry` of what was cancelled
    BatchState.FAILED: frozenset({BatchState.PENDING}),
    BatchState.CANCELLED: frozenset({BatchState.PENDING}),
}
"""From each state of a batch, the states it may go to."""

ENDED_JOB_STATES = frozenset({JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED})
ENDED_BATCH_STATES = frozenset({BatchState.COMPLETED, BatchState.FAILED, BatchState.CANCELLED})


class Dedup(StrEnum):
    """What a job's `dedup_key` does when another job holds the same key.

    A job holds its key from enqueueing until it has ended. With `skip`, a job in a batch holds it
    until the batch's round has ended. `coalesce` and `replace` share one set of keys: at most one
    job of a key waits and one runs, whichever of the two was asked for.
    """

    NONE = "none"
    """Keys are not compared."""
    SKIP = "skip"
    """The later job is not queued; the answer names the holder of the key."""
    COALESCE = "coalesce"
    """The later job joins one that still waits. If one is running, the later job waits for it."""
    REPLACE = "replace"
    """The later job takes the place of one that still waits. If one is running, it waits for it.

    The job that waited keeps its id, its batch and its origin, so that its id stays valid. Kind,
    payload, subject, priority, delay, retries and `requires` become those of the later job, and its
    tries are counted anew. It stays paused if its batch is. The later batch waits for it without
    counting it, as with `coalesce`; if the earlier batch is cancelled, the work is still done for
    the later one."""


class Priority:
    """Named priorities; higher runs sooner, any integer of at most 15 digits is allowed."""

    LOW = -10
    NORMAL = 0
    HIGH = 10
    URGENT = 20


class Origin(NamedTuple):
    """Who asked, through which interface, and where the answers go (`None`: nowhere)."""

    owner: str
    interface: str
    destination: str | None = None

    def is_seen_by(self, owner: str | None) -> bool:
        """Whether an owner (`None`: who sees everything) may see what came from here by its id."""
        return owner in (None, self.owner) or self.owner == OURS.owner


OURS = Origin(owner="pressroom", interface="pressroom")
"""Of what Pressroom does by itself: it is not listed, and nobody is told of it. Who was given the
id of such a job sees it, and cannot cancel it."""


class NewJob(NamedTuple):
    """A job as it is handed in. `subject` is what it works on, in the user's words."""

    kind: str
    payload: Json
    subject: str = ""
    priority: int = Priority.NORMAL
    delay_s: float = 0.0
    max_retries: int = 3
    dedup: Dedup = Dedup.NONE
    dedup_key: str | None = None
    requires: str | None = None
    """An ability (such as `key:anthropic`) without which a worker does not claim the job."""
    counted: bool = True
    """Whether the batch's counters include it. The batch waits for it either way."""


class Step(NamedTuple):
    """The progress that a running attempt last reported."""

    current: float
    total: float
    message: str = ""

    @property
    def fraction(self) -> float:
        """Between 0 and 1."""
        return min(1.0, max(0.0, self.current / self.total)) if self.total > 0 else 0.0


class Job(NamedTuple):
    """A job as stored. Times are seconds since the epoch, `None` where there is none yet."""

    id: str
    kind: str
    payload: Json
    state: JobState
    subject: str
    priority: int
    batch_id: str | None
    round: int
    counted: bool
    origin: Origin
    attempts: int
    """Tries that were started and reported an end."""
    crashes: int
    """Tries that were started and lost with their worker."""
    max_retries: int
    created_at: float
    due_at: float
    started_at: float | None = None
    ended_at: float | None = None
    attempt_id: str | None = None
    code: str | None = None
    """Why it has not done its work: `skipped`, `conflict`, `retries-exhausted`, …; else `None`."""
    reason: str | None = None
    """The same in words."""
    result: Json | None = None
    step: Step | None = None
    requires: str | None = None
    order: int = 0
    """Position among all jobs: larger is newer."""


class Attempt(NamedTuple):
    """One claimed try: the job as it was claimed, and the id that proves the claim."""

    id: str
    job: Job
    terms: Json
    """What the round was promised (opaque here): the same for each of its jobs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch as stored. The counters are of the present round, and of its counted jobs."""

    id: str
    kind: str
    state: BatchState
    reason: str | None
    """Why it is paused or was cancelled, in words."""
    origin: Origin
    terms: Json
    round: int
    total: int
    completed: int
    skipped: int
    """Of the completed ones, those that had nothing to do."""
    failed: int
    cancelled: int
    created_at: float
    started_at: float | None
    ended_at: float | None
    change: int
    order: int = 0
    """Position among all batches: larger is newer."""
    details: Json = field(default_factory=dict[str, Any])
    """Stored for the submitter to read again; opaque to the queue."""
    running: tuple[Job, ...] = field(default=())
    """Its jobs that are being worked on, with their last step; only where it was asked for."""
    failures: tuple[Job, ...] = field(default=())
    """The first of its round's jobs that failed; only where it was asked for."""
    waiting: Job | None = None
    """Where none is running, the one that is due next and says why it waits; as with `running`."""

    forgotten: bool = False
    """Whether its jobs were all forgotten, so that none can be taken up; its record stays."""

    @property
    def ended(self) -> bool:
        """Whether this round is over (`paused` is not)."""
        return self.state in ENDED_BATCH_STATES

    @property
    def finished(self) -> int:
        """Jobs that are over, one way or another."""
        return self.completed + self.failed + self.cancelled
