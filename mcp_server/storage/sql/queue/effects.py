"""Effects of jobs: those of the queue itself, and those that belong to somebody else.

Every method here is a part of somebody's transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from mcp_server.jobs.job import OURS, Dedup, NewJob
from mcp_server.jobs.outcome import Enqueue
from mcp_server.jobs.records import WrittenBy
from mcp_server.storage.sql.queue import counters, sharing, submission
from mcp_server.storage.sql.queue.rows import origin_of
from mcp_server.storage.sql.transaction import Row, Transaction


class EffectApplier(Protocol):
    """Applies the effects that belong to somebody else than the queue."""

    def apply(
        self, tx: Transaction, effect: object, *, job: Row | WrittenBy | None, now: float
    ) -> str | None:
        """Apply one effect; return why it cannot be applied, where it cannot."""
        ...

    def keep(self, tx: Transaction, effect: object, *, job: Row, now: float) -> None:
        """Store what is to be kept of an effect that came too late."""
        ...

    def follow_up(self, tx: Transaction, applied: Iterable[object]) -> NewJob | None:
        """Return the job that is to follow these effects: one of its shared key waits at most.

        It is outside any batch, and Pressroom's own: nobody is told of it.
        """
        ...


class JobEffects:
    """The effects that a job has, one after the other, and the job that follows them."""

    def __init__(self, others: EffectApplier, new_job_id: Callable[[], str]) -> None:
        self._others = others
        self._new_job_id = new_job_id

    def apply_all(
        self, tx: Transaction, job: Row, effects: Sequence[object], *, now: float
    ) -> str | None:
        """Apply effects in turn; return the first conflict."""
        for effect in effects:
            if conflict := self._apply(tx, effect, job, now):
                return conflict
        return None

    def _apply(self, tx: Transaction, effect: object, job: Row, now: float) -> str | None:
        if not isinstance(effect, Enqueue):
            return self._others.apply(tx, effect, job=job, now=now)
        if effect.job.dedup is Dedup.SKIP and submission.holder(tx, effect.job.dedup_key):
            return None
        new = [(self._new_job_id(), effect.job)]
        submission.insert_jobs(tx, new, origin=origin_of(job), batch=job["batch"], now=now)
        return None

    def keep_all(self, tx: Transaction, job: Row, effects: Sequence[object], *, now: float) -> None:
        """Store what is to be kept of effects that came too late."""
        for effect in effects:
            self._others.keep(tx, effect, job=job, now=now)

    def follow_up(self, tx: Transaction, applied: Iterable[object], now: float) -> None:
        """Hand in the job that is to follow these effects, if one is."""
        job = self._others.follow_up(tx, applied)
        if job is None:
            return
        if (held := sharing.waiting(tx, job.dedup_key)) is not None:
            if held["due_at"] > now + job.delay_s:  # as it was tried in vain
                sharing.replace(tx, held, job, now=now)
            return
        counters.next_change(tx)  # a stopped worker may be started
        new = [(self._new_job_id(), job)]
        submission.insert_jobs(tx, new, origin=OURS, batch=None, now=now)
