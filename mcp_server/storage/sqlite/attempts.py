"""The life of an attempt: claimed, started, renewed, finished, or lost.

Every function here is a part of somebody's transaction.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from mcp_server.errors import LostClaim
from mcp_server.jobs.job import JOB_TRANSITIONS, Attempt, BatchState, Dedup, Job, JobState
from mcp_server.jobs.retry import Verdict
from mcp_server.storage.sqlite import accounts, submission
from mcp_server.storage.sqlite.connection import Transaction
from mcp_server.storage.sqlite.rows import dumped, job_of

ApplyAll = Callable[[Transaction, sqlite3.Row], "str | None"]
"""Applies an attempt's effects; returns why they cannot be, and then none may stay applied."""

Keep = Callable[[Transaction, sqlite3.Row], None]
"""Stores what is kept of effects that came too late."""


def claim(
    tx: Transaction,
    worker_id: str,
    attempt_ids: Sequence[str],
    *,
    kinds: Collection[str],
    abilities: Collection[str],
    lease_s: float,
    now: float,
) -> list[Attempt]:
    """Claim ready jobs, one for each attempt id, by priority and then age."""
    rows = tx.all(
        "claim_candidates",
        kinds=json.dumps(sorted(kinds)),
        abilities=json.dumps(sorted(abilities)),
        limit=len(attempt_ids),
    )
    attempts: list[Attempt] = []
    for row, attempt_id in zip(rows, attempt_ids, strict=False):
        tx.run(
            "claim_job",
            id=row["id"],
            attempt_id=attempt_id,
            worker_id=worker_id,
            lease_until=now + lease_s,
        )
        stored = tx.one("get_job_by_row", id=row["id"])
        assert stored is not None
        terms: dict[str, Any] = json.loads(stored["terms"] or "{}")
        attempts.append(Attempt(id=attempt_id, job=job_of(stored), terms=terms))
        _mark_batch_started(tx, stored["batch"], now)
    if attempts:
        tx.run("note_claim", now_ms=int(now * 1000))
    return attempts


def finish(
    tx: Transaction, attempt: Attempt, verdict: Verdict, apply: ApplyAll, keep: Keep, *, now: float
) -> Job:
    """Record how an attempt ended, with its effects; or that an effect met something else.

    Raises:
        LostClaim: the job belongs to another attempt, or to nobody.
    """
    job = _held(tx, attempt)
    if job["state"] != JobState.PROCESSING:
        return job_of(job)  # the same attempt reporting twice
    conflict = tx.attempt(lambda: apply(tx, job), failed=lambda found: found is not None)
    if conflict is not None:
        keep(tx, job)
        verdict = Verdict(state=JobState.FAILED, code="conflict", reason=conflict)
    _record(tx, job, attempt.id, verdict, now)
    stored = tx.one("get_job", job_id=attempt.job.id)
    assert stored is not None
    return job_of(stored)


def checkpoint(tx: Transaction, attempt: Attempt, apply: ApplyAll) -> str | None:
    """Apply effects while the attempt goes on; all or none.

    Raises:
        LostClaim: the job belongs to another attempt, or to nobody.
    """
    job = _held(tx, attempt)
    if job["state"] != JobState.PROCESSING:
        raise LostClaim(attempt.job.id, attempt.id)
    return tx.attempt(lambda: apply(tx, job), failed=lambda found: found is not None)


def give_back(tx: Transaction, attempt_ids: Collection[str], *, now: float) -> None:
    """Return claimed jobs to the queue; it costs them nothing."""
    for job in tx.all("list_claims", attempts=json.dumps(list(attempt_ids))):
        _return(tx, job, crashed=False, now=now)


def list_lost(
    tx: Transaction, *, now: float, except_worker: str | None, limit: int
) -> list[sqlite3.Row]:
    """Return jobs whose attempt is lost."""
    return tx.all("list_lost_jobs", now=now, except_worker=except_worker, limit=limit)


def rescue(
    tx: Transaction, *, now: float, except_worker: str | None, crashes_max: int, limit: int
) -> int:
    """Return jobs of lost attempts to the queue; fail those that crashed too often."""
    lost = list_lost(tx, now=now, except_worker=except_worker, limit=limit)
    for job in lost:
        crashed = job["started_at"] is not None
        if crashed and job["crashes"] >= crashes_max:
            reason = f"its worker died {job['crashes'] + 1} times while it ran"
            state = JobState.FAILED
            tx.run("end_job", id=job["id"], state=state, code="crashed", reason=reason, now=now)
            accounts.note_end(tx, job, state, code="crashed", now=now)
        else:
            _return(tx, job, crashed=crashed, now=now)
    return len(lost)


def pause(tx: Transaction, batch: int, reason: str) -> None:
    """Pause what waits; what runs goes on to its end. A batch that has ended stays so."""
    row = tx.one("get_batch_by_row", id=batch)
    if row is None or row["state"] not in accounts.UNFINISHED or row["stopping"]:
        return
    moved = tx.run("pause_jobs", batch=batch)
    if row["state"] == BatchState.PAUSED and not moved:
        return  # told again and again by a worker without the key: nothing new
    state, change = BatchState.PAUSED, accounts.next_change(tx)
    tx.run("set_batch_state", id=batch, state=state, reason=reason, ended_at=None, change=change)


def _held(tx: Transaction, attempt: Attempt) -> sqlite3.Row:
    job = tx.one("get_job", job_id=attempt.job.id)
    if job is None or job["attempt_id"] != attempt.id:
        raise LostClaim(attempt.job.id, attempt.id)
    return job


def _record(
    tx: Transaction, job: sqlite3.Row, attempt_id: str, verdict: Verdict, now: float
) -> None:
    assert verdict.state in JOB_TRANSITIONS[JobState.PROCESSING]
    verdict = _as_the_batch_allows(tx, job, verdict)
    ended = verdict.state in (JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)
    changed = tx.run(
        "finish_job",
        id=job["id"],
        attempt_id=attempt_id,
        state=JobState.PROCESSING if _joins(tx, job, verdict) else verdict.state,
        counts=verdict.attempts,
        due_at=verdict.due_at,
        ended_at=now if ended else None,
        code=verdict.code,
        reason=verdict.reason,
        result=None if verdict.result is None else dumped(verdict.result),
    )
    assert changed == 1, "the row was read in this transaction"
    if ended:
        accounts.note_end(tx, job, verdict.state, code=verdict.code, now=now)
    elif (waiting := _joins(tx, job, verdict)) is not None:
        submission.absorb(tx, job, waiting, now=now)
    elif job["batch"] is not None:
        if verdict.state is JobState.PAUSED:
            pause(tx, job["batch"], verdict.reason or "")
        tx.run("touch_batch", id=job["batch"], change=accounts.next_change(tx))


def _as_the_batch_allows(tx: Transaction, job: sqlite3.Row, verdict: Verdict) -> Verdict:
    """A job to be tried again waits with its paused batch; where nothing resumes it, it fails."""
    batch = None if job["batch"] is None else tx.one("get_batch_by_row", id=job["batch"])
    if verdict.state is JobState.PAUSED and (batch is None or batch["stopping"]):
        return replace(verdict, state=JobState.FAILED)
    again = verdict.state in (JobState.SCHEDULED, JobState.PENDING)
    if again and job["counted"] and batch is not None and batch["state"] == BatchState.PAUSED:
        return replace(verdict, state=JobState.PAUSED, reason=batch["reason"])
    return verdict


def _joins(tx: Transaction, job: sqlite3.Row, verdict: Verdict) -> int | None:
    again = verdict.state in (JobState.SCHEDULED, JobState.PENDING, JobState.PAUSED)
    if not again or job["dedup"] != Dedup.COALESCE:
        return None
    row = tx.one("find_waiting", dedup_key=job["dedup_key"], except_id=job["id"])
    return None if row is None else row["id"]


def _return(tx: Transaction, job: sqlite3.Row, *, crashed: bool, now: float) -> None:
    batch = None if job["batch"] is None else tx.one("get_batch_by_row", id=job["batch"])
    paused = batch is not None and batch["state"] == BatchState.PAUSED and job["counted"]
    state = JobState.PAUSED if paused else JobState.PENDING
    submission.requeue(tx, job, state, crashed=crashed, now=now)
    if batch is not None:
        tx.run("touch_batch", id=batch["id"], change=accounts.next_change(tx))


def _mark_batch_started(tx: Transaction, batch: int | None, now: float) -> None:
    if batch is not None:
        tx.run("mark_batch_started", id=batch, now=now, change=accounts.next_change(tx))
