"""Cancelling: a batch in one short step, or one job. Pausing a batch.

Every function here is a part of somebody's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence

from mcp_server.jobs.job import BatchState, JobState
from mcp_server.jobs.rules import pauses
from mcp_server.jobs.rules.following import What
from mcp_server.storage.sql.queue import counters, following, sharing
from mcp_server.storage.sql.transaction import Row, Transaction


def cancel_rest(tx: Transaction, batch: Row, *, reason: str, now: float) -> tuple[int, int]:
    """Cancel what a batch has not finished; return how many were running, and how many not.

    What runs is fenced at once, what waits is counted at once and follows. Its follow-ups go on
    (the files must become what production is), also those that were paused, and its round ends
    after them.
    """
    change = counters.next_change(tx)
    tx.run("stop_round", batch=batch["id"], number=batch["round"], reason=reason, change=change)
    said = following.said(tx, batch["id"], What.CANCEL)
    jobs = _one_by_one(tx, batch["id"], said)
    for job in jobs:
        cancel_one(tx, job, reason=reason, now=now)
    if said is None:
        following.say(tx, batch["id"], What.CANCEL, now=now, reason=reason)
    left = _count_the_rest(tx, batch["id"], now=now)
    stopped = sum(job["state"] == JobState.PROCESSING for job in jobs)
    return stopped, len(jobs) - stopped + left


def _one_by_one(tx: Transaction, batch: int, said: Row | None) -> Sequence[Row]:
    """Return the jobs that are not only to follow; of a batch that is cancelled again, new ones."""
    jobs = tx.all("list_to_cancel", batch=batch)
    if said is not None:
        jobs += tx.all("list_waiting_after", batch=batch, after=said["until"])
    return sorted({job["id"]: job for job in jobs}.values(), key=lambda job: job["id"])


def _count_the_rest(tx: Transaction, batch: int, *, now: float) -> int:
    """Count what is still to follow, and let the round end, or go on with its follow-ups."""
    stored = tx.one("get_batch_by_row", id=batch)
    assert stored is not None, "a batch row never goes away"
    left = counters.note_cancelled(tx, stored, now=now)
    if stored["state"] == BatchState.PAUSED:
        resume_round(tx, stored, stored["terms"])
    counters.settle(tx, batch, now=now)
    return left


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
