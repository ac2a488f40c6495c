"""What a job's end means to the batches that wait for it: counters, the end of the round.

Every function here is a part of somebody's transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from mcp_server.jobs.job import BATCH_TRANSITIONS, BatchState, JobState
from mcp_server.storage.sqlite.connection import Transaction

UNFINISHED = frozenset({"pending", "processing", "paused"})


def next_change(tx: Transaction) -> int:
    """Return the change number of this step."""
    row = tx.one("next_change")
    assert row is not None
    return row[0]


def note_end(
    tx: Transaction, job: sqlite3.Row, state: JobState, *, code: str | None, now: float
) -> None:
    """Count the end of `job` (a row as it was before) in each batch that waits for it.

    Its row says by now how it ended. A failure is each waiting batch's own, to be retried there.
    """
    if job["batch"] is not None:
        _count(tx, job["batch"], _counters(state, code=code, counted=bool(job["counted"])), now)
    for row in tx.all("list_awaiting", job=job["id"]):
        if state is JobState.FAILED:
            tx.run("share_failure", job=job["id"], batch=row["batch"])
        _count(tx, row["batch"], _counters(state, code=code, counted=False), now)
    tx.run("forget_awaiting", job=job["id"])


def note_arrival(tx: Transaction, batch: int, *, counted: bool) -> None:
    """Let the batch wait for one job more, and count it where it is to be counted."""
    counters = {**NOTHING, "outstanding": 1, "total": int(counted)}
    tx.run("count_job", id=batch, change=next_change(tx), **counters)


def settle(tx: Transaction, batch: int, *, now: float) -> None:
    """End the batch's round if nothing is outstanding any more."""
    row = tx.one("get_batch_by_row", id=batch)
    assert row is not None, "a batch row never goes away"
    if row["state"] in UNFINISHED and row["outstanding"] == 0:
        state = _end_state(row)
        assert state in BATCH_TRANSITIONS[BatchState(row["state"])]
        change = next_change(tx)
        tx.run(
            "set_batch_state",
            id=batch,
            state=state,
            reason=row["reason"] if row["stopping"] else None,  # not why it had been paused
            ended_at=now,
            change=change,
        )
        tx.run("insert_round", id=batch)


NOTHING: Mapping[str, int] = dict.fromkeys(
    ("total", "completed", "skipped", "failed", "cancelled", "follow_ups_failed", "outstanding"), 0
)


def _counters(state: JobState, *, code: str | None, counted: bool) -> dict[str, int]:
    counters = {**NOTHING, "outstanding": -1}
    if not counted:
        counters["follow_ups_failed"] = int(state is JobState.FAILED)
    else:
        counters[state.value] = 1
        counters["skipped"] = int(state is JobState.COMPLETED and code == "skipped")
    return counters


def _count(tx: Transaction, batch: int, counters: dict[str, int], now: float) -> None:
    tx.run("count_job", id=batch, change=next_change(tx), **counters)
    settle(tx, batch, now=now)


def _end_state(row: sqlite3.Row) -> BatchState:
    if row["stopping"] or (row["total"] and row["cancelled"] == row["total"]):
        return BatchState.CANCELLED
    if row["failed"] or row["follow_ups_failed"]:
        return BatchState.FAILED
    return BatchState.COMPLETED
