"""What the queue should be: the rules of jobs, batches and keys over plain dicts and lists.

Written for reading and comparing, not for use: nothing is counted as it goes, every figure is
counted from the jobs whenever somebody asks. Each method is one step of `JobStore`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mcp_server.entities.effects import Require
from mcp_server.errors import InvalidPayload, LostClaim
from mcp_server.jobs.job import ENDED_BATCH_STATES, ENDED_JOB_STATES, BatchState, JobState, NewJob
from mcp_server.jobs.job import Dedup as D
from mcp_server.jobs.job import JobState as J
from mcp_server.jobs.outcome import Enqueue
from mcp_server.jobs.retry import Verdict
from mcp_server.jobs.store import Request

DAY_S = 24 * 3600
SHARED = (D.COALESCE, D.REPLACE)
WAITING = (J.SCHEDULED, J.PENDING, J.PAUSED)
AGAIN = (J.SCHEDULED, J.PENDING, J.PAUSED)


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


class Answer(NamedTuple):
    """What became of a batch that was handed in, or taken up again."""

    batch: str | None
    duplicate: bool = False
    held: frozenset[str] = frozenset()
    stale: bool = False


class Model:
    """The queue as it should be."""

    def __init__(self) -> None:
        self.now = 0.0
        self.jobs: list[ModelJob] = []
        self.batches: dict[str, ModelBatch] = {}
        self.requests: dict[str, tuple[str, str, float]] = {}
        self.claimed: dict[str, ModelJob] = {}
        """By attempt, what it was to do."""

    # Handing in

    def submit(
        self,
        id: str,
        jobs: Sequence[tuple[str, NewJob]],
        *,
        submit_key: str | None,
        request: Request | None,
        cancels: tuple[str, bool] | None,
    ) -> Answer:
        """`cancels`: a batch, and whether it is still as the caller has seen it."""
        if request is not None and (known := self.requests.get(request.key)) is not None:
            digest, batch_id, since = known
            if since > self.now - DAY_S:
                if digest != request.digest:
                    raise InvalidPayload("requestKey", ["another request has it"])
                return Answer(batch_id, duplicate=True)
        for batch in self.batches.values():
            if submit_key is not None and batch.submit_key == submit_key and batch.holds:
                self._remember(request, batch)
                return Answer(batch.id, duplicate=True)
        before = deepcopy(self.__dict__)
        answer = self._submit(id, jobs, submit_key, cancels)
        if answer.batch is None:
            self.__dict__.update(before)
        else:
            self._remember(request, self.batches[id])
        return answer

    def enqueue(self, id: str, job: NewJob) -> tuple[str | None, bool]:
        if job.dedup in SHARED and (held := self._waiting(job.dedup_key)) is not None:
            self._share(held, job, None)
            return held.id, False
        if job.dedup is D.SKIP and (holders := list(self._holders(job.dedup_key))):
            return holders[0].id, False
        self._insert(id, job, None)
        return id, True

    # The life of an attempt

    def claim(
        self, limit: int, *, abilities: Collection[str], worker: str, lease_s: float
    ) -> list[ModelJob]:
        """Return the jobs that are claimed; `note_attempt` says by which attempts."""
        running = {job.key for job in self.jobs if job.state is J.PROCESSING}
        ready = [
            job
            for job in self.jobs
            if job.state is J.PENDING
            and (job.requires is None or job.requires in abilities)
            and (job.given.dedup not in SHARED or job.key not in running)
        ]
        ready.sort(key=lambda job: -job.given.priority)
        for job in ready[:limit]:
            job.state, job.code, job.worker = J.PROCESSING, None, worker
            job.lease_until = self.now + lease_s
            if job.batch is not None and job.batch.state is not BatchState.PAUSED:
                job.batch.state, job.batch.started = BatchState.PROCESSING, True
        return ready[:limit]

    def note_attempt(self, job: ModelJob, attempt: str) -> None:
        job.attempt, self.claimed[attempt] = attempt, job

    def finish(self, reports: Sequence[tuple[str, Verdict]]) -> list[Verdict | LostClaim]:
        """Ends that are only written down come first: they may free a key for the others."""
        awaited = {job for batch in self.batches.values() for job in batch.awaits}
        plain = [
            number
            for number, (attempt, verdict) in enumerate(reports)
            if verdict.state in ENDED_JOB_STATES
            and not verdict.effects
            and self.claimed[attempt] not in awaited
        ]
        held = {attempt for attempt, _ in (reports[n] for n in plain)}
        if len(held) < len(plain) or not all(self._of(id, J.PROCESSING) for id in held):
            plain = []
        order = [*plain, *(n for n in range(len(reports)) if n not in plain)]
        answers = {number: self._finish(*reports[number]) for number in order}
        return [answers[number] for number in range(len(reports))]

    def lost(self, attempts: Iterable[str]) -> set[str]:
        return {id for id in attempts if self._of(id, J.PROCESSING) is None}

    def renew(self, attempts: Sequence[str], *, lease_s: float) -> set[str]:
        for job in self._running(attempts):
            job.lease_until = self.now + lease_s
        return self.lost(attempts)

    def checkpoint(self, attempt: str, effects: Sequence[object]) -> bool:
        """Return whether the effects were applied."""
        job = self._of(attempt, J.PROCESSING)
        if job is None:
            raise LostClaim("", attempt)
        return self._apply(job, effects)

    def give_back(self, attempts: Sequence[str]) -> None:
        for job in self._running(attempts):
            self._return(job)

    def rescue(self, *, except_worker: str | None, crashes_max: int) -> int:
        lost = [job for job in self.jobs if self._is_lost(job, except_worker)]
        for job in sorted(lost, key=lambda job: job.lease_until or 0):
            if job.crashes >= crashes_max:
                self._end(job, J.FAILED, "crashed", reported=False)
            else:
                self._return(job, crashed=True)
        return len(lost)

    def release_due(self) -> int:
        due = [job for job in self.jobs if job.state is J.SCHEDULED and job.due_at <= self.now]
        for job in due:
            job.state = J.PENDING
        return len(due)

    # Stopping, and taking up again

    def pause(self, batch_id: str) -> None:
        batch = self.batches[batch_id]
        if batch.holds:
            for job in self._own(batch):
                if job.counted and job.state in (J.PENDING, J.SCHEDULED):
                    job.state = J.PAUSED
            batch.state = BatchState.PAUSED

    def cancel_batch(self, batch_id: str) -> None:
        batch = self.batches[batch_id]
        if not batch.unfinished:
            return
        batch.stopping = True
        for job in [job for job in self._own(batch) if job.counted and job.unfinished]:
            self._cancel(job)
        if batch.state is BatchState.PAUSED:
            self._resume(batch)
        self._settle(batch)

    def cancel_job(self, job_id: str) -> None:
        for job in self.jobs:
            if job.id == job_id and job.unfinished:
                self._cancel(job)

    def retry(self, batch_id: str) -> Answer:
        batch = self.batches[batch_id]
        if batch.state is BatchState.PAUSED:
            for job in self._own(batch):
                if job.counted and job.unfinished:
                    job.requires = None
            self._resume(batch)
            return Answer(batch_id)
        if batch.unfinished:
            return Answer(batch_id, duplicate=True)
        return self._next_round(batch)

    def prune(self, *, completed_before: float, ended_before: float) -> int:
        def over(job: ModelJob) -> bool:
            if job.batch is None:
                return job.ended_at is not None and job.ended_at < completed_before
            done = job.batch.state is BatchState.COMPLETED and job.state is J.COMPLETED
            before = max(completed_before, ended_before) if done else ended_before
            return job.batch.ended_at is not None and job.batch.ended_at < before

        kept = [job for job in self.jobs if not over(job)]
        pruned, self.jobs = len(self.jobs) - len(kept), kept
        return pruned

    # What is to be seen

    def figures(self, batch: ModelBatch) -> RoundEnd:
        """Return the counters of a batch's present round."""
        if not batch.unfinished:
            return batch.ends[-1]  # its jobs may have been pruned
        counted = [j for j in self._own(batch) if j.counted and j.round == batch.round]
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

    # The rules

    def _submit(
        self,
        id: str,
        jobs: Sequence[tuple[str, NewJob]],
        submit_key: str | None,
        cancels: tuple[str, bool] | None,
    ) -> Answer:
        if cancels is not None:
            batch_id, as_seen = cancels
            if not as_seen or not self.batches[batch_id].unfinished:
                return Answer(None, stale=True)
            self.cancel_batch(batch_id)
        asked = {job.dedup_key for _, job in jobs if job.dedup is D.SKIP}
        held = frozenset(key for key in asked if key is not None and any(self._holders(key)))
        first = {job.dedup_key: id for id, job in reversed(jobs) if job.dedup is D.SKIP}
        queued = [
            (id, job)
            for id, job in jobs
            if job.dedup is not D.SKIP or (first[job.dedup_key] == id and job.dedup_key not in held)
        ]
        if not queued:
            return Answer(None, held=held)
        batch = self.batches[id] = ModelBatch(id, submit_key)
        for job_id, job in queued:
            self._hand_in(job_id, job, batch)
        return Answer(id, held=held)

    def _hand_in(self, id: str | None, job: NewJob, batch: ModelBatch | None) -> None:
        if job.dedup in SHARED and (held := self._waiting(job.dedup_key)) is not None:
            self._share(held, job, batch)
        else:
            self._insert(id, job, batch)

    def _insert(self, id: str | None, job: NewJob, batch: ModelBatch | None) -> None:
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

    def _share(self, held: ModelJob, job: NewJob, batch: ModelBatch | None) -> None:
        """Join the job that waits, or take its place."""
        if batch is not None:
            self._join(held, batch)
        if job.dedup is D.REPLACE:
            held.given, held.requires, held.code = job, job.requires, None
            held.attempts = held.crashes = 0
            held.created_at, held.due_at = self.now, self.now + job.delay_s
            if held.state is not J.PAUSED:
                held.state = J.SCHEDULED if job.delay_s > 0 else J.PENDING

    def _join(self, job: ModelJob, batch: ModelBatch) -> None:
        if job.batch is not batch and job not in batch.awaits:
            batch.awaits.append(job)

    def _finish(self, attempt: str, verdict: Verdict) -> Verdict | LostClaim:
        job = self._of(attempt)
        if job is None:
            return LostClaim("", attempt)
        if job.state is not J.PROCESSING:
            return Verdict(job.state, job.code)
        if not self._apply(job, verdict.effects):
            verdict = Verdict(J.FAILED, "conflict")
        verdict = self._as_the_batch_allows(job, verdict)
        joins = self._waiting(job.key, other_than=job) if self._shares(job, verdict) else None
        job.attempts += verdict.attempts
        job.due_at = job.due_at if verdict.due_at is None else verdict.due_at
        if verdict.state in ENDED_JOB_STATES:
            self._end(job, verdict.state, verdict.code)
        elif joins is not None:
            self._absorb(job, joins)
        else:
            job.state, job.code, job.lease_until = verdict.state, verdict.code, None
            if job.state is J.PAUSED and job.batch is not None:
                self.pause(job.batch.id)
        return Verdict(job.state, job.code)

    def _apply(self, job: ModelJob, effects: Sequence[object]) -> bool:
        if any(isinstance(effect, Require) for effect in effects):
            return False  # nothing is stored here of what it requires
        for effect in effects:
            assert isinstance(effect, Enqueue)
            held = effect.job.dedup is D.SKIP and any(self._holders(effect.job.dedup_key))
            if not held:
                self._hand_in(None, effect.job, job.batch)
        return True

    def _as_the_batch_allows(self, job: ModelJob, verdict: Verdict) -> Verdict:
        if verdict.state is J.PAUSED and (job.batch is None or job.batch.stopping):
            return verdict._replace(state=J.FAILED)
        paused = job.batch is not None and job.batch.state is BatchState.PAUSED
        if verdict.state is J.SCHEDULED and paused and job.counted:
            return verdict._replace(state=J.PAUSED)
        return verdict

    def _shares(self, job: ModelJob, verdict: Verdict) -> bool:
        return verdict.state in AGAIN and job.given.dedup in SHARED

    def _return(self, job: ModelJob, *, crashed: bool = False) -> None:
        """Put a running job back into the queue, or into the place of one that waits already."""
        other = self._waiting(job.key, other_than=job) if job.given.dedup in SHARED else None
        if other is not None:
            self._absorb(job, other)
            return
        paused = job.batch is not None and job.batch.state is BatchState.PAUSED and job.counted
        job.state = J.PAUSED if paused else J.PENDING
        job.attempt = job.lease_until = None
        job.crashes += crashed

    def _absorb(self, job: ModelJob, other: ModelJob) -> None:
        """Let `other` do the work of `job`: that of the two which was handed in last."""
        if job.given.dedup is D.REPLACE and job.created_at > other.created_at:
            other.given, other.requires, other.code = job.given, job.requires, None
            other.attempts = other.crashes = 0
            other.created_at = job.created_at
        for batch in [*self._awaiting(job), *([job.batch] if job.batch else [])]:
            self._join(other, batch)
        self._end(job, J.COMPLETED, "joined", reported=False)

    def _cancel(self, job: ModelJob) -> None:
        """End a job; what others wait for is done for them all the same."""
        job.state = J.CANCELLED
        heirs = [b for b in self._awaiting(job) if not b.stopping]
        if job.given.dedup in SHARED and heirs:
            heir = self._waiting(job.key, other_than=job)
            if heir is None:
                heir = self._inherit(job, heirs.pop(0))
            for batch in heirs:
                self._join(heir, batch)
        self._end(job, J.CANCELLED, "cancelled", reported=False)

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

    def _end(
        self, job: ModelJob, state: JobState, code: str | None, *, reported: bool = True
    ) -> None:
        job.state, job.code, job.ended_at, job.lease_until = state, code, self.now, None
        if not reported:
            job.attempt = None
        if job.batch is not None:
            self._settle(job.batch)
        for batch in self._awaiting(job):
            if state is J.FAILED:
                self._share_failure(job, batch)
            batch.awaits.remove(job)
            self._settle(batch)

    def _share_failure(self, job: ModelJob, batch: ModelBatch) -> None:
        own = copy(job)
        own.id, own.batch, own.round, own.counted = None, batch, batch.round, False
        own.attempt = own.worker = None
        self.jobs.append(own)

    def _settle(self, batch: ModelBatch) -> None:
        """End the round with the last job that it waits for."""
        if not batch.unfinished or batch.awaits or any(j.unfinished for j in self._own(batch)):
            return
        of_round = [job for job in self._own(batch) if job.round == batch.round]
        figures = self.figures(batch)
        if batch.stopping or (figures.total and figures.cancelled == figures.total):
            state = BatchState.CANCELLED
        elif any(job.state is J.FAILED for job in of_round):
            state = BatchState.FAILED
        else:
            state = BatchState.COMPLETED
        batch.ends.append(figures._replace(state=state))
        batch.state, batch.ended_at = state, self.now

    def _resume(self, batch: ModelBatch) -> None:
        for job in self._own(batch):
            if job.state is J.PAUSED:
                job.state, job.code, job.due_at = J.PENDING, None, self.now
        batch.state = BatchState.PROCESSING if batch.started else BatchState.PENDING

    def _next_round(self, batch: ModelBatch) -> Answer:
        found = [job for job in self._own(batch) if job.state in (J.FAILED, J.CANCELLED)]
        asked = {job.key for job in found if job.given.dedup is D.SKIP}
        held = frozenset(
            key for key in asked if key and any(h.batch is not batch for h in self._holders(key))
        )
        jobs = [job for job in found if job.key not in held]
        if not jobs:
            return Answer(None, held=held)
        others = [b for b in self.batches.values() if b is not batch and b.holds]
        if any(other.submit_key == batch.submit_key for other in others):
            batch.submit_key = None
        batch.round, batch.state, batch.ended_at = batch.round + 1, BatchState.PENDING, None
        batch.started = batch.stopping = False
        for job in jobs:
            job.round, job.ended_at = batch.round, None
        for job in jobs:
            self._restart(job)
        self._settle(batch)
        return Answer(batch.id, held=held)

    def _restart(self, job: ModelJob) -> None:
        other = self._waiting(job.key, other_than=job) if job.given.dedup in SHARED else None
        if other is not None:
            self._absorb(job, other)
            return
        job.state, job.code, job.attempt, job.due_at = J.PENDING, None, None, self.now
        job.attempts = job.crashes = 0
        job.requires = None if job.counted else job.requires

    # Who has what

    def _own(self, batch: ModelBatch) -> Iterator[ModelJob]:
        return (job for job in self.jobs if job.batch is batch)

    def _awaiting(self, job: ModelJob) -> list[ModelBatch]:
        return [batch for batch in self.batches.values() if job in batch.awaits]

    def _waiting(self, key: str | None, *, other_than: ModelJob | None = None) -> ModelJob | None:
        """Return the job that waits under a shared key: there is never more than one."""
        for job in self.jobs:
            shared = job.given.dedup in SHARED and job.key == key and key is not None
            if shared and job.state in WAITING and job is not other_than:
                return job
        return None

    def _holders(self, key: str | None) -> Iterator[ModelJob]:
        """Return the jobs that hold a key which is not to be queued twice."""
        for job in self.jobs:
            if job.given.dedup is D.SKIP and job.key == key and key is not None:
                if job.unfinished or (job.batch is not None and job.batch.holds):
                    yield job

    def _of(self, attempt: str, state: JobState | None = None) -> ModelJob | None:
        for job in self.jobs:
            if job.attempt == attempt and state in (None, job.state):
                return job
        return None

    def _running(self, attempts: Collection[str]) -> list[ModelJob]:
        return [j for j in self.jobs if j.state is J.PROCESSING and j.attempt in attempts]

    def _is_lost(self, job: ModelJob, except_worker: str | None) -> bool:
        if job.state is not J.PROCESSING or job.lease_until is None:
            return False
        others = except_worker is not None and job.worker != except_worker
        return others or job.lease_until < self.now

    def _remember(self, request: Request | None, batch: ModelBatch) -> None:
        if request is not None:
            self.requests[request.key] = (request.digest, batch.id, self.now)
