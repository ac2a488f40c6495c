"""What a job's end means to the batches that wait for it: counters, the end of the round.

Every function here is a part of somebody's transaction.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence

from mcp_server.jobs.job import BATCH_TRANSITIONS, BatchState, Job, JobState
from mcp_server.jobs.retry import Verdict
from mcp_server.jobs.rules import rounds
from mcp_server.storage.sql.transaction import Asked, Row, Transaction


def next_change(tx: Transaction) -> int:
    """Return the change number of this step."""
    return tx.next_change()


def asking_batches(ids: Iterable[int]) -> list[Asked]:
    """Return what asks for the row of each of these batches: no batch ever goes away."""
    return [("get_batch_by_row", {"id": id}) for id in ids]


def next_job(tx: Transaction) -> int:
    """Return the number of the next job to be stored; it was never that of another."""
    row = tx.one("next_job")
    assert row is not None
    return row["id"]


def new_job_id() -> str:
    """Return an id for a job that a batch gets of its own, in place of one that it waited for."""
    return f"j_{secrets.token_hex(13)}"


def note_end(tx: Transaction, job: Row, state: JobState, *, code: str | None, now: float) -> None:
    """Count the end of `job` (a row as it was before) in each batch that waits for it.

    Its row says by now how it ended. A failure is each waiting batch's own, to be retried there.
    """
    asked: list[Asked] = [("list_awaiting", {"job": job["id"]})]
    if job["batch"] is not None:
        added = rounds.added_by_end(state, code=code, counted=bool(job["counted"]))
        asked.append(_counting(tx, job["batch"], added))
    awaiting, *counted = tx.together(asked)
    for [row] in counted:
        _settle(tx, row, now)
    _note_awaited(tx, job["id"], awaiting, state, code=code, now=now)


def note_others(
    tx: Transaction, job: int, state: JobState, *, code: str | None, now: float
) -> None:
    """Count the end of a job in the batches that wait for it, but not in its own."""
    awaiting = tx.all("list_awaiting", job=job)
    _note_awaited(tx, job, awaiting, state, code=code, now=now)


def note_ends(
    tx: Transaction,
    ended: Sequence[tuple[Job, Verdict, int]],
    batches: Mapping[str | None, int],
    *,
    now: float,
) -> None:
    """Count the ends of many jobs in their own batches: once for each batch.

    Each entry is a job, how it ended, and how many of its batch ended so; `batches` are the rows.
    """
    tallies = rounds.added_by_ends(ended)
    asked = [_counting(tx, batches[id], tally) for id, tally in tallies.items()]
    for [row] in tx.together(asked):
        _settle(tx, row, now)


def note_arrivals(tx: Transaction, batch: int, *, jobs: int, counted: int) -> None:
    """Let the batch wait for more jobs, and count those of them that are to be counted."""
    added = rounds.added_by_arrival(jobs=jobs, counted=counted)
    tx.run("count_job", batch=batch, change=next_change(tx), **added)


def note_cancelled(tx: Transaction, batch: Row, *, now: float) -> int:
    """Count all counted jobs that have not ended as cancelled; return how many they are.

    The round ends if nothing is outstanding any more.
    """
    left = rounds.left(batch["total"], batch["completed"], batch["failed"], batch["cancelled"])
    added = {**rounds.NOTHING, "outstanding": -left, "cancelled": left}
    _count(tx, batch["id"], added, now)
    return left


def settle(tx: Transaction, batch: int, *, now: float) -> None:
    """End the batch's round if nothing is outstanding any more."""
    _count(tx, batch, rounds.NOTHING, now)


def _settle(tx: Transaction, row: Row, now: float) -> None:
    """End the round of this `count_job` row if nothing is outstanding, and nothing comes in."""
    if rounds.is_over(row["state"], row["outstanding"]) and not row["grows"]:
        stopping = bool(row["stopping"])
        state = rounds.end_state(
            stopping=stopping,
            total=row["total"],
            failed=row["failed"],
            cancelled=row["cancelled"],
            follow_ups_failed=row["follow_ups_failed"],
        )
        assert state in BATCH_TRANSITIONS[BatchState(row["state"])]
        tx.run(
            "set_round_state",
            batch=row["batch"],
            state=state,
            reason=rounds.end_reason(row["reason"], stopping=stopping),
            ended_at=now,
            change=next_change(tx),
        )


def _note_awaited(
    tx: Transaction,
    job: int,
    awaiting: Iterable[Row],
    state: JobState,
    *,
    code: str | None,
    now: float,
) -> None:
    for row in awaiting:
        if state is JobState.FAILED:
            new = {"id": next_job(tx), "job_id": new_job_id()}
            tx.run("share_failure", **new, job=job, batch=row["batch"])
        added = rounds.added_by_end(state, code=code, counted=False)
        _count(tx, row["batch"], added, now)
    tx.run("forget_awaiting", job=job)


def _count(tx: Transaction, batch: int, added: Mapping[str, int], now: float) -> None:
    for [row] in tx.together([_counting(tx, batch, added)]):
        _settle(tx, row, now)


def _counting(tx: Transaction, batch: int, added: Mapping[str, int]) -> Asked:
    """Return what counts in a batch's round, and returns that: a batch always has one."""
    return "count_job", {"batch": batch, "change": next_change(tx), **added}
