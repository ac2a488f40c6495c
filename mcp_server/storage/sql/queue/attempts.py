"""The life of an attempt: claimed, renewed, finished, given back, or lost.

Every function here is a part of somebody's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from mcp_server.errors import LostClaim
from mcp_server.jobs.job import Attempt, BatchState, JobState
from mcp_server.jobs.records import Claim, Report
from mcp_server.jobs.retry import Verdict
from mcp_server.jobs.rules import pauses, suspects
from mcp_server.storage.sql.queue import counters, sharing
from mcp_server.storage.sql.queue.claiming import claim_ready
from mcp_server.storage.sql.queue.finishing import ApplyAll, Keep, fail, finish, held
from mcp_server.storage.sql.queue.rows import as_count
from mcp_server.storage.sql.transaction import Row, Transaction


def exchange(
    tx: Transaction,
    reports: Sequence[Report],
    claim: Claim | None,
    apply: ApplyAll,
    keep: Keep,
    *,
    now: float,
) -> tuple[Sequence[Verdict | Exception], Sequence[Attempt]]:
    """Record how attempts ended, then claim ready jobs: in this order, for an end frees a lane."""
    recorded = finish(tx, reports, apply, keep, now=now) if reports else ()
    return recorded, claim_ready(tx, claim, now) if claim is not None and claim.limit > 0 else ()


def checkpoint(
    tx: Transaction, attempt: Attempt, effects: Sequence[object], apply: ApplyAll
) -> str | None:
    """Apply effects while the attempt goes on; all or none.

    Raises:
        LostClaim: the job belongs to another attempt, or to nobody.
    """
    job = held(tx, attempt)
    if job["state"] != JobState.PROCESSING:
        raise LostClaim(attempt.job.id, attempt.id)
    return tx.kept_unless(lambda: apply(tx, job, effects), failed=lambda found: found is not None)


def give_back(tx: Transaction, attempt_ids: Collection[str], *, now: float) -> None:
    """Return claimed jobs to the queue; it costs them nothing."""
    for job in tx.all("list_claims", attempts=json.dumps(list(attempt_ids))):
        _return(tx, job, crashed=False, now=now)


def list_lost(tx: Transaction, *, now: float, except_worker: str | None, limit: int) -> list[Row]:
    """Return jobs whose attempt is lost."""
    return tx.all("list_lost_jobs", now=now, except_worker=except_worker, limit=limit)


def rescue(
    tx: Transaction, *, now: float, except_worker: str | None, crashes_max: int, limit: int
) -> int:
    """Return jobs of lost attempts to the queue; fail those that crashed too often."""
    lost = list_lost(tx, now=now, except_worker=except_worker, limit=limit)
    for job in lost:
        started_at, crashes = job["started_at"], as_count(job["crashes"])
        reason = suspects.why_given_up(
            started_at=started_at, crashes=crashes, crashes_max=crashes_max
        )
        if reason is None:
            _return(tx, job, crashed=suspects.is_crash(started_at), now=now)
        else:
            fail(tx, job, suspects.CRASHED, reason, now)
    return len(lost)


def _return(tx: Transaction, job: Row, *, crashed: bool, now: float) -> None:
    batch = None if job["batch"] is None else tx.one("get_batch_by_row", id=job["batch"])
    batch_state = None if batch is None else BatchState(batch["state"])
    state = pauses.waiting_state(batch_state, counted=bool(job["counted"]))
    sharing.requeue(tx, job, state, crashed=crashed, now=now)
    if batch is not None:
        tx.run("touch_batch", batch_id=batch["batch_id"], change=counters.next_change(tx))
