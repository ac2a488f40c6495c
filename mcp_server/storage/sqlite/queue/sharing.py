"""Jobs of one key that several callers share: of a key at most one waits, and at most one runs.

A later job of the key joins the one that waits (dedup `coalesce`) or takes its place (`replace`),
and whichever batches asked wait for that one. Every function here is a part of somebody's
transaction.
"""

from __future__ import annotations

import sqlite3

from mcp_server.jobs.job import Dedup, JobState, NewJob
from mcp_server.storage.sqlite.file.transaction import Transaction
from mcp_server.storage.sqlite.queue import counters
from mcp_server.storage.sqlite.queue.rows import encoded

SHARED = frozenset({Dedup.COALESCE, Dedup.REPLACE})
"""What makes jobs of one key share."""


def waiting(tx: Transaction, key: str | None, *, except_id: int = 0) -> sqlite3.Row | None:
    """Return the job that waits under a shared key, if one does."""
    return None if key is None else tx.one("find_waiting", dedup_key=key, except_id=except_id)


def share(
    tx: Transaction, held: sqlite3.Row, job: NewJob, batch: sqlite3.Row | None, *, now: float
) -> None:
    """Let `job` join `held`, which waits under its key, or take its place there."""
    if batch is not None:
        join(tx, held["id"], batch["id"])
    if job.dedup is Dedup.REPLACE:
        _replace(tx, held, job, now=now)


def join(tx: Transaction, job: int, batch: int) -> None:
    """Let `batch` wait for `job`, unless it does already."""
    owner = tx.one("get_job_by_row", id=job)
    if owner is not None and owner["batch"] != batch and tx.run("await_job", job=job, batch=batch):
        counters.note_arrivals(tx, batch, jobs=1, counted=0)


def requeue(
    tx: Transaction, job: sqlite3.Row, state: JobState, *, crashed: bool, now: float
) -> None:
    """Return a running job to the queue; where another of its key waits, it joins that one."""
    other = joined(tx, job)
    if other is not None:
        absorb(tx, job, other, now=now)
    else:
        tx.run("return_job", id=job["id"], state=state, crashed=int(crashed))


def joined(tx: Transaction, job: sqlite3.Row) -> sqlite3.Row | None:
    """Return the job that waits in place of `job`, which would have to wait as well."""
    if job["dedup"] not in SHARED:
        return None
    return waiting(tx, job["dedup_key"], except_id=job["id"])


def absorb(tx: Transaction, job: sqlite3.Row, other: sqlite3.Row, *, now: float) -> None:
    """End `job`, whose work `other` will do; who waited for it waits for that one.

    Of two that replace each other it is the one that was handed in last whose work is done.
    """
    if job["dedup"] == Dedup.REPLACE and job["created_at"] > other["created_at"]:
        tx.run("take_place", id=other["id"], later=job["id"])
        _touch(tx, other)
    batches = [row["batch"] for row in tx.all("list_awaiting", job=job["id"])]
    for batch in [*batches, *([job["batch"]] if job["batch"] is not None else [])]:
        join(tx, other["id"], batch)
    reason = "another job of the same key does this work"
    tx.run("end_job", id=job["id"], state=JobState.COMPLETED, code="joined", reason=reason, now=now)
    counters.note_end(tx, job, JobState.COMPLETED, code="joined", now=now)


def hand_over(tx: Transaction, job: sqlite3.Row, *, now: float) -> None:
    """See to it that a cancelled job is done for the other batches that wait for it.

    By the job that waits under its key, or by one that the first of them gets for its own.
    """
    shared = job["dedup"] in SHARED
    heirs = [row["id"] for row in tx.all("list_heirs", job=job["id"])] if shared else []
    if not heirs:
        return
    other = waiting(tx, job["dedup_key"], except_id=job["id"])
    if other is None:
        heir = counters.next_job(tx)
        tx.run("inherit_job", id=heir, job=job["id"], batch=heirs[0], now=now)
        tx.run("forget_heir", job=job["id"], batch=heirs.pop(0))
    else:
        heir = other["id"]
    for batch in heirs:
        join(tx, heir, batch)


def _replace(tx: Transaction, held: sqlite3.Row, job: NewJob, *, now: float) -> None:
    tx.run(
        "replace_job",
        id=held["id"],
        kind=job.kind,
        payload=encoded(job.payload),
        subject=job.subject,
        priority=job.priority,
        dedup=job.dedup,
        requires=job.requires,
        max_retries=job.max_retries,
        state=JobState.SCHEDULED if job.delay_s > 0 else JobState.PENDING,
        due_at=now + job.delay_s,
        now=now,
    )
    _touch(tx, held)


def _touch(tx: Transaction, job: sqlite3.Row) -> None:
    """Say that something about the job has changed, to whoever watches its batch."""
    change = counters.next_change(tx)
    if job["batch_id"] is not None:
        tx.run("touch_batch", batch_id=job["batch_id"], change=change)
