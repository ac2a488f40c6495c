"""What the queue should be: each step of `JobStore`, over plain dicts and lists.

Written for reading and comparing, not for use.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import deepcopy
from types import MappingProxyType
from typing import NamedTuple

from mcp_server.entities.effects import Require
from mcp_server.errors import InvalidPayload, LostClaim
from mcp_server.jobs.job import ENDED_JOB_STATES, BatchState, Dedup, NewJob
from mcp_server.jobs.outcome import Enqueue
from mcp_server.jobs.records import Request
from mcp_server.jobs.retry import Verdict
from tests.storage.model_rules import Rules
from tests.storage.model_state import SHARED, J, ModelBatch, ModelJob

DAY_S = 24 * 3600


Held = Mapping[str, str | None]
"""By a key that others hold, the batch that does, if it is one."""


class Answer(NamedTuple):
    """What became of a batch that was handed in, or taken up again."""

    batch: str | None
    duplicate: bool = False
    held: Held = MappingProxyType({})
    stale: bool = False


class Model(Rules):
    """The queue as it should be."""

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
        if job.dedup in SHARED and (held := self.waiting(job.dedup_key)) is not None:
            self.share(held, job, None)
            return held.id, False
        if job.dedup is Dedup.SKIP and (holders := self.holders(job.dedup_key)):
            return holders[0].id, False
        self.insert(id, job, None)
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
        if len(held) < len(plain) or not all(self.of_attempt(id, J.PROCESSING) for id in held):
            plain = []
        order = [*plain, *(n for n in range(len(reports)) if n not in plain)]
        answers = {number: self._finish(*reports[number]) for number in order}
        return [answers[number] for number in range(len(reports))]

    def lost(self, attempts: Iterable[str]) -> set[str]:
        return {id for id in attempts if self.of_attempt(id, J.PROCESSING) is None}

    def renew(self, attempts: Sequence[str], *, lease_s: float) -> set[str]:
        for job in self.running(attempts):
            job.lease_until = self.now + lease_s
        return self.lost(attempts)

    def checkpoint(self, attempt: str, effects: Sequence[object]) -> bool:
        """Return whether the effects were applied."""
        job = self.of_attempt(attempt, J.PROCESSING)
        if job is None:
            raise LostClaim("", attempt)
        return self._apply(job, effects)

    def give_back(self, attempts: Sequence[str]) -> None:
        for job in self.running(attempts):
            self.put_back(job)

    def rescue(self, *, except_worker: str | None, crashes_max: int) -> int:
        lost = [job for job in self.jobs if self._is_lost(job, except_worker)]
        for job in sorted(lost, key=lambda job: job.lease_until or 0):
            if job.crashes >= crashes_max:
                self.end(job, J.FAILED, "crashed", reported=False)
            else:
                self.put_back(job, crashed=True)
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
            for job in self.own(batch):
                if job.counted and job.state in (J.PENDING, J.SCHEDULED):
                    job.state = J.PAUSED
            batch.state = BatchState.PAUSED

    def cancel_batch(self, batch_id: str) -> None:
        batch = self.batches[batch_id]
        if not batch.unfinished:
            return
        batch.stopping = True
        for job in [job for job in self.own(batch) if job.counted and job.unfinished]:
            self.cancel(job)
        if batch.state is BatchState.PAUSED:
            self.resume(batch)
        self.settle(batch)

    def cancel_job(self, job_id: str) -> None:
        for job in self.jobs:
            if job.id == job_id and job.unfinished:
                self.cancel(job)

    def retry(self, batch_id: str) -> Answer:
        batch = self.batches[batch_id]
        if batch.state is BatchState.PAUSED:
            for job in self.own(batch):
                if job.counted and job.unfinished:
                    job.requires = None
                if job.state is J.PROCESSING:
                    job.code = "resumed"
            self.resume(batch)
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

    # Parts of the steps

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
        asked = {job.dedup_key for _, job in jobs if job.dedup is Dedup.SKIP}
        held = self._held(asked)
        first = {job.dedup_key: id for id, job in reversed(jobs) if job.dedup is Dedup.SKIP}
        queued = [
            (id, job)
            for id, job in jobs
            if job.dedup is not Dedup.SKIP
            or (first[job.dedup_key] == id and job.dedup_key not in held)
        ]
        if not queued:
            return Answer(None, held=held)
        batch = self.batches[id] = ModelBatch(id, submit_key)
        for job_id, job in queued:
            self.hand_in(job_id, job, batch)
        return Answer(id, held=held)

    def _held(self, keys: Iterable[str | None], *, other_than: ModelBatch | None = None) -> Held:
        held: dict[str, str | None] = {}
        for key in keys:
            for job in self.holders(key):
                if key is not None and (other_than is None or job.batch is not other_than):
                    held.setdefault(key, job.batch and job.batch.id)
        return held

    def _remember(self, request: Request | None, batch: ModelBatch) -> None:
        if request is not None:
            self.requests[request.key] = (request.digest, batch.id, self.now)

    def _finish(self, attempt: str, verdict: Verdict) -> Verdict | LostClaim:
        job = self.of_attempt(attempt)
        if job is None:
            return LostClaim("", attempt)
        if job.state is not J.PROCESSING:
            return Verdict(job.state, job.code)
        if not self._apply(job, verdict.effects):
            verdict = Verdict(J.FAILED, "conflict")
        verdict = self._as_the_batch_allows(job, verdict)
        joins = None if verdict.state in ENDED_JOB_STATES else self.successor(job)
        job.attempts += verdict.attempts
        job.due_at = job.due_at if verdict.due_at is None else verdict.due_at
        if verdict.state in ENDED_JOB_STATES:
            self.end(job, verdict.state, verdict.code)
        elif joins is not None:
            self.absorb(job, joins)
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
            held = effect.job.dedup is Dedup.SKIP and self.holders(effect.job.dedup_key)
            if not held:
                self.hand_in(None, effect.job, job.batch)
        return True

    def _as_the_batch_allows(self, job: ModelJob, verdict: Verdict) -> Verdict:
        if verdict.state is J.PAUSED and (job.batch is None or job.batch.stopping):
            return verdict._replace(state=J.FAILED)
        if verdict.state is J.PAUSED and job.code == "resumed":
            return verdict._replace(state=J.PENDING, code=None)
        paused = job.batch is not None and job.batch.state is BatchState.PAUSED
        if verdict.state is J.SCHEDULED and paused and job.counted:
            return verdict._replace(state=J.PAUSED)
        return verdict

    def _is_lost(self, job: ModelJob, except_worker: str | None) -> bool:
        if job.state is not J.PROCESSING or job.lease_until is None:
            return False
        others = except_worker is not None and job.worker != except_worker
        return others or job.lease_until < self.now

    def _next_round(self, batch: ModelBatch) -> Answer:
        found = [job for job in self.own(batch) if job.state in (J.FAILED, J.CANCELLED)]
        asked = {job.key for job in found if job.given.dedup is Dedup.SKIP}
        held = self._held(asked, other_than=batch)
        skipping = {job.key: job for job in reversed(found) if job.given.dedup is Dedup.SKIP}
        jobs = [
            job
            for job in found
            if job.given.dedup is not Dedup.SKIP
            or (skipping[job.key] is job and job.key not in held)
        ]
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
        self.settle(batch)
        return Answer(batch.id, held=held)

    def _restart(self, job: ModelJob) -> None:
        other = self.successor(job)
        if other is not None:
            self.absorb(job, other)
            return
        due_at = max(self.now, job.due_at) if job.state is J.CANCELLED else self.now
        job.state = J.SCHEDULED if due_at > self.now else J.PENDING
        job.code, job.attempt, job.due_at = None, None, due_at
        job.attempts = job.crashes = 0
        job.requires = None if job.counted else job.requires
