"""Cancelling: a batch in one short step, or one job. Pausing a batch.

Every function here is a part of somebody's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence

from mcp_server.jobs.job import BatchState, JobState
from mcp_server.jobs.rules import coalescing, pauses
from mcp_server.jobs.rules.following import What
from mcp_server.storage.sql.queue import counters, following, sharing
from mcp_server.storage.sql.transaction import Row, Transaction


def to_cancel(tx: Transaction, batch_id: str) -> tuple[Row | None, Sequence[Row]]:
    """Return a batch, if there is one, and of its jobs those that are not only to follow."""
    asked = {"batch_id": batch_id}
    found, jobs = tx.together([("get_batch", asked), ("list_to_cancel", asked)])
    return next(iter(found), None), jobs


def cancel_rest(
    tx: Transaction, batch: Row, jobs: Sequence[Row], *, reason: str, now: float
) -> tuple[int, int]:
    """Cancel what a batch has not finished; return how many were running, and how many not.

    What runs, one of `jobs`, is fenced at once, what waits is counted at once and follows. Its
    follow-ups go on (the files must become what production is), also those that were paused, and
    its round ends after them.
    """
    said = following.said(tx, batch["id"], What.CANCEL) if batch["stopping"] else None
    if said is not None:  # it is cancelled again: what came in since does not follow
        jobs = [*jobs, *tx.all("list_waiting_after", batch=batch["id"], after=said["until"])]
    if batch["state"] == BatchState.PAUSED:
        resume_round(tx, batch, batch["terms"])
    change = counters.next_change(tx)
    tx.run("stop_round", batch=batch["id"], number=batch["round"], reason=reason, change=change)
    running = [job for job in jobs if job["state"] == JobState.PROCESSING]
    waiting = [job for job in jobs if job["state"] != JobState.PROCESSING]
    # What waits would have run after what runs of its key: it is what others get of the two.
    _end(tx, running, reason=reason, now=now)
    _end(tx, waiting, reason=reason, now=now)
    if said is None:
        following.say(tx, batch["id"], What.CANCEL, now=now, reason=reason)
    left = counters.note_cancelled(tx, batch, now=now)
    return len(running), left - len(running)


def _end(tx: Transaction, jobs: Sequence[Row], *, reason: str, now: float) -> None:
    """End jobs whose batch counts them; see to it that others get what they wait for."""
    how = {"state": JobState.CANCELLED, "code": "cancelled", "reason": reason, "now": now}
    tx.many("end_job", [{"id": job["id"], **how} for job in jobs])
    for job in jobs:
        if coalescing.shared_key(job["dedup"], job["dedup_key"]) is not None:
            sharing.hand_over(tx, job, now=now)
            counters.note_others(tx, job["id"], JobState.CANCELLED, code="cancelled", now=now)


def resume_round(tx: Transaction, batch: Row, terms: str) -> None:
    """Let a paused round go on; one that has ended meanwhile stays so."""
    tx.run(
        "resume_round",
        batch=batch["id"],
        number=batch["round"],
        state=pauses.resumed_state(batch["started_at"]),
        terms=terms,
        change=counters.next_change(tx),
    )


def cancel_one(tx: Transaction, job: Row, *, reason: str, now: float) -> None:
    """Cancel one job that has not ended; a running attempt is fenced by losing its id."""
    state = JobState.CANCELLED
    tx.run("end_job", id=job["id"], state=state, code="cancelled", reason=reason, now=now)
    sharing.hand_over(tx, job, now=now)
    counters.note_end(tx, job, state, code="cancelled", now=now)


def pause(tx: Transaction, batch: int, reason: str) -> None:
    """Pause what waits; what runs goes on to its end. A batch that has ended stays so."""
    row = tx.one("get_batch_by_row", id=batch)
    if row is None:
        return
    before = BatchState(row["state"])
    if pauses.may_pause(before, stopping=bool(row["stopping"])):
        following.say(tx, batch, What.PAUSE)
        state, change = BatchState.PAUSED, counters.next_change(tx)
        values = {"state": state, "reason": reason, "ended_at": None, "change": change}
        tx.run("set_round_state", batch=batch, **values)
