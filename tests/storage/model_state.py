"""What there is in the model of the queue: jobs, batches, and who has which key.

Nothing is counted as it goes: every figure is counted from the jobs whenever somebody asks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from mcp_server.jobs.job import (
    ENDED_BATCH_STATES,
    ENDED_JOB_STATES,
    BatchState,
    Dedup,
    JobState,
    NewJob,
)

J = JobState

SHARED = (Dedup.COALESCE, Dedup.REPLACE)
"""What makes jobs of one key share: of a key at most one waits."""

WAITING = (J.SCHEDULED, J.PENDING, J.PAUSED)


@dataclass(eq=False)
class ModelJob:
    """A job: what it was handed in as, and what has become of it."""

    id: str | None
    """`None`: the store draws it."""
    given: NewJob
    batch: ModelBatch | None
    counted: bool
    created_at: float
    due_at: float
    state: JobState
    requires: str | None
    round: int = 1
    attempts: int = 0
    crashes: int = 0
    code: str | None = None
    ended_at: float | None = None
    attempt: str | None = None
    worker: str | None = None
    lease_until: float | None = None

    @property
    def unfinished(self) -> bool:
        return self.state not in ENDED_JOB_STATES

    @property
    def key(self) -> str | None:
        return self.given.dedup_key


class RoundEnd(NamedTuple):
    """How a round ended, or how far it is."""

    round: int
    state: BatchState
    total: int
    completed: int
    skipped: int
    failed: int
    cancelled: int


@dataclass(eq=False)
class ModelBatch:
    """A batch. It waits for its own unfinished jobs, and for those of others in `awaits`."""

    id: str
    submit_key: str | None
    state: BatchState = BatchState.PENDING
    round: int = 1
    started: bool = False
    stopping: bool = False
    ended_at: float | None = None
    awaits: list[ModelJob] = field(default_factory=list[ModelJob])
    ends: list[RoundEnd] = field(default_factory=list[RoundEnd])

    @property
    def unfinished(self) -> bool:
        return self.state not in ENDED_BATCH_STATES

    @property
    def holds(self) -> bool:
        """Whether it holds its keys, also of those of its jobs that have ended."""
        return self.unfinished and not self.stopping


class ModelState:
    """All that is there, and what can be asked of it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.jobs: list[ModelJob] = []
        self.batches: dict[str, ModelBatch] = {}
        self.requests: dict[str, tuple[str, str, float]] = {}
        self.claimed: dict[str, ModelJob] = {}
        """By attempt, what it was to do."""

    def figures(self, batch: ModelBatch) -> RoundEnd:
        """Return the counters of a batch's present round."""
        if not batch.unfinished:
            return batch.ends[-1]  # its jobs may have been pruned
        counted = [j for j in self.own(batch) if j.counted and j.round == batch.round]
        by_state = {state: sum(j.state is state for j in counted) for state in J}
        return RoundEnd(
            round=batch.round,
            state=batch.state,
            total=len(counted),
            completed=by_state[J.COMPLETED],
            skipped=sum(j.state is J.COMPLETED and j.code == "skipped" for j in counted),
            failed=by_state[J.FAILED],
            cancelled=by_state[J.CANCELLED],
        )

    def own(self, batch: ModelBatch) -> Iterator[ModelJob]:
        return (job for job in self.jobs if job.batch is batch)

    def awaiting(self, job: ModelJob) -> list[ModelBatch]:
        return [batch for batch in self.batches.values() if job in batch.awaits]

    def waiting(self, key: str | None, *, other_than: ModelJob | None = None) -> ModelJob | None:
        """Return the job that waits under a shared key: there is never more than one."""
        for job in self.jobs:
            shared = job.given.dedup in SHARED and job.key == key and key is not None
            if shared and job.state in WAITING and job is not other_than:
                return job
        return None

    def successor(self, job: ModelJob) -> ModelJob | None:
        """Return the job that waits where `job` would have to wait as well."""
        return self.waiting(job.key, other_than=job) if job.given.dedup in SHARED else None

    def holders(self, key: str | None) -> list[ModelJob]:
        """Return the jobs that hold a key which is not to be queued twice.

        The first is who has it: the job that is yet to be done, or one of the oldest batch. A
        batch that was taken up again without a job of it, as another had its key, holds it too.
        """
        ages = {id: age for age, id in enumerate(self.batches)}
        found = [
            job
            for job in self.jobs
            if job.given.dedup is Dedup.SKIP and job.key == key and key is not None
            if job.unfinished or (job.batch is not None and job.batch.holds)
        ]
        return sorted(
            found, key=lambda job: (not job.unfinished, ages[job.batch.id] if job.batch else 0)
        )

    def of_attempt(self, attempt: str, state: JobState | None = None) -> ModelJob | None:
        for job in self.jobs:
            if job.attempt == attempt and state in (None, job.state):
                return job
        return None

    def running(self, attempts: Collection[str]) -> list[ModelJob]:
        return [j for j in self.jobs if j.state is J.PROCESSING and j.attempt in attempts]
