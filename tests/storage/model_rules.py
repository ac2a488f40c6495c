"""How the jobs of the model come in, share their work, end, and end their batches."""

from __future__ import annotations

from copy import copy

from mcp_server.jobs.job import BatchState, Dedup, JobState, NewJob
from tests.storage.model_state import SHARED, J, ModelBatch, ModelJob, ModelState


class Rules(ModelState):
    """What one job means to another, and to the batches that wait for it."""

    def hand_in(self, id: str | None, job: NewJob, batch: ModelBatch | None) -> None:
        if job.dedup in SHARED and (held := self.waiting(job.dedup_key)) is not None:
            self.share(held, job, batch)
        else:
            self.insert(id, job, batch)

    def insert(self, id: str | None, job: NewJob, batch: ModelBatch | None) -> None:
        paused = batch is not None and batch.state is BatchState.PAUSED and job.counted
        ready = J.SCHEDULED if job.delay_s > 0 else J.PENDING
        self.jobs.append(
            ModelJob(
                id=id,
                given=job,
                batch=batch,
                counted=job.counted,
                created_at=self.now,
                due_at=self.now + job.delay_s,
                state=J.PAUSED if paused else ready,
                requires=job.requires,
                round=batch.round if batch else 1,
            )
        )

    def share(self, held: ModelJob, job: NewJob, batch: ModelBatch | None) -> None:
        """Join the job that waits, or take its place."""
        if batch is not None:
            self.join(held, batch)
        if job.dedup is Dedup.REPLACE:
            held.given, held.requires, held.code = job, job.requires, None
            held.attempts = held.crashes = 0
            held.created_at, held.due_at = self.now, self.now + job.delay_s
            if held.state is not J.PAUSED:
                held.state = J.SCHEDULED if job.delay_s > 0 else J.PENDING

    def join(self, job: ModelJob, batch: ModelBatch) -> None:
        if job.batch is not batch and job not in batch.awaits:
            batch.awaits.append(job)

    def put_back(self, job: ModelJob, *, crashed: bool = False) -> None:
        """Put a running job back into the queue, or into the place of one that waits already."""
        other = self.successor(job)
        if other is not None:
            self.absorb(job, other)
            return
        paused = job.batch is not None and job.batch.state is BatchState.PAUSED and job.counted
        job.state = J.PAUSED if paused else J.PENDING
        job.attempt = job.lease_until = None
        job.crashes += crashed

    def absorb(self, job: ModelJob, other: ModelJob) -> None:
        """Let `other` do the work of `job`: that of the two which was handed in last."""
        if job.given.dedup is Dedup.REPLACE and job.created_at > other.created_at:
            other.given, other.requires, other.code = job.given, job.requires, None
            other.attempts = other.crashes = 0
            other.created_at = job.created_at
        for batch in [*self.awaiting(job), *([job.batch] if job.batch else [])]:
            self.join(other, batch)
        self.end(job, J.COMPLETED, "joined", reported=False)

    def cancel(self, job: ModelJob) -> None:
        """End a job; what others wait for is done for them all the same."""
        job.state = J.CANCELLED
        heirs = [b for b in self.awaiting(job) if not b.stopping]
        if job.given.dedup in SHARED and heirs:
            heir = self.waiting(job.key, other_than=job)
            if heir is None:
                heir = self._inherit(job, heirs.pop(0))
            for batch in heirs:
                self.join(heir, batch)
        self.end(job, J.CANCELLED, "cancelled", reported=False)

    def _inherit(self, job: ModelJob, batch: ModelBatch) -> ModelJob:
        heir = ModelJob(
            id=None,
            given=job.given,
            batch=batch,
            counted=False,
            created_at=job.created_at,
            due_at=job.due_at,
            state=J.SCHEDULED if job.due_at > self.now else J.PENDING,
            requires=job.requires,
            round=batch.round,
        )
        self.jobs.append(heir)
        batch.awaits.remove(job)
        return heir

    def end(
        self, job: ModelJob, state: JobState, code: str | None, *, reported: bool = True
    ) -> None:
        job.state, job.code, job.ended_at, job.lease_until = state, code, self.now, None
        if not reported:
            job.attempt = None
        if job.batch is not None:
            self.settle(job.batch)
        for batch in self.awaiting(job):
            if state is J.FAILED:
                self._share_failure(job, batch)
            batch.awaits.remove(job)
            self.settle(batch)

    def _share_failure(self, job: ModelJob, batch: ModelBatch) -> None:
        own = copy(job)
        own.id, own.batch, own.round, own.counted = None, batch, batch.round, False
        own.attempt = own.worker = None
        self.jobs.append(own)

    def settle(self, batch: ModelBatch) -> None:
        """End the round with the last job that it waits for."""
        if not batch.unfinished or batch.awaits or any(j.unfinished for j in self.own(batch)):
            return
        of_round = [job for job in self.own(batch) if job.round == batch.round]
        figures = self.figures(batch)
        if batch.stopping or (figures.total and figures.cancelled == figures.total):
            state = BatchState.CANCELLED
        elif any(job.state is J.FAILED for job in of_round):
            state = BatchState.FAILED
        else:
            state = BatchState.COMPLETED
        batch.ends.append(figures._replace(state=state))
        batch.state, batch.ended_at = state, self.now

    def resume(self, batch: ModelBatch) -> None:
        for job in self.own(batch):
            if job.state is J.PAUSED:
                job.state = J.SCHEDULED if job.due_at > self.now else J.PENDING
                job.code, job.due_at = None, max(self.now, job.due_at)
        batch.state = BatchState.PROCESSING if batch.started else BatchState.PENDING
