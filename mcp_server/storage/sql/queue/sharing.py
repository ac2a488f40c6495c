"""Jobs that share a key, as `jobs.rules.coalescing` has it: which one waits, and who waits for it.

Every function here is a part of somebody's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from mcp_server.jobs.job import Dedup, JobState, NewJob
from mcp_server.jobs.rules import coalescing, pauses
from mcp_server.storage.sql.queue import counters, following
from mcp_server.storage.sql.queue.rows import encoded
from mcp_server.storage.sql.transaction import Asked, Row, Transaction


class Met(NamedTuple):
    """What jobs meet that come in."""

    first: int
    """The number of the first of them."""
    batch: Row | None
    """The one that they come into, if any."""
    waiting: Mapping[str | None, Row]
    """By the keys that they share, jobs that wait."""
    running: Mapping[str | None, float]
    """By key, when what runs was handed in, where it may come back and replace these."""


def met(tx: Transaction, jobs: Sequence[NewJob], batch: int | None) -> Met:
    """Return what these jobs meet, no two of which share a key."""
    shared = [coalescing.shared_key(job.dedup, job.dedup_key) for job in jobs]
    keys = [key for key in shared if key is not None]
    its = counters.asking_batches([] if batch is None else [batch])
    if not keys:  # as in nearly all large batches
        [number], *batches = tx.together([("next_job", {}), *its])
        return Met(number["id"], next((row for [row] in batches), None), {}, {})
    asked: list[Asked] = [*its, ("next_job", {}), ("list_replacing", {})]
    found = following.freed(tx, keys, [*asked, *map(_asking_waiting, keys)])
    [number], running, *waiting = found[len(its) :]
    return Met(
        first=number["id"],
        batch=next((row for [row] in found[: len(its)]), None),
        waiting={row["dedup_key"]: row for rows in waiting for row in rows},
        running=_handed_in(running),
    )


def waiting(tx: Transaction, key: str | None, *, except_id: int = 0) -> Row | None:
    """Return the job that waits under a shared key, if one does."""
    if key is None:
        return None
    [rows] = following.freed(tx, [key], [_asking_waiting(key, except_id)])
    return next(iter(rows), None)


def share(tx: Transaction, held: Row, job: NewJob, batch: int | None, *, now: float) -> None:
    """Let `job` join `held`, which waits under its key, or take its place there."""
    if batch is not None:
        join(tx, held["id"], batch)
    if job.dedup is Dedup.REPLACE:
        replace(tx, held, job, now=now)


def join(tx: Transaction, job: int, batch: int) -> None:
    """Let `batch` wait for `job`, unless it does already."""
    owner = tx.one("get_job_by_row", id=job)
    if (
        owner is not None
        and owner["batch"] != batch
        and tx.count("await_job", job=job, batch=batch)
    ):
        counters.note_arrivals(tx, batch, jobs=1, counted=0)


def requeue(tx: Transaction, job: Row, state: JobState, *, crashed: bool, now: float) -> None:
    """Return a running job to the queue; where another of its key waits, it joins that one."""
    other = joined(tx, job)
    if other is not None:
        absorb(tx, job, other, now=now)
    else:
        tx.run("return_job", id=job["id"], state=state, crashed=int(crashed))


def joined(tx: Transaction, job: Row) -> Row | None:
    """Return the job that waits in place of `job`, which would have to wait as well."""
    key = coalescing.shared_key(job["dedup"], job["dedup_key"])
    return waiting(tx, key, except_id=job["id"])


def absorb(tx: Transaction, job: Row, other: Row, *, now: float) -> None:
    """End `job`, whose work `other` will do; who waited for it waits for that one."""
    if coalescing.takes_place(
        job["dedup"], created_at=job["created_at"], other_created_at=other["created_at"]
    ):
        tx.run("take_place", id=other["id"], later=job["id"])
        _touch(tx, other)
    batches = [row["batch"] for row in tx.all("list_awaiting", job=job["id"])]
    for batch in [*batches, *([job["batch"]] if job["batch"] is not None else [])]:
        join(tx, other["id"], batch)
    state, code, reason = JobState.COMPLETED, coalescing.JOINED, coalescing.JOINED_REASON
    tx.run("end_job", id=job["id"], state=state, code=code, reason=reason, now=now)
    counters.note_end(tx, job, state, code=code, now=now)


def hand_over(tx: Transaction, job: Row, *, now: float) -> None:
    """See to it that a cancelled job is done for the other batches that wait for it."""
    key = coalescing.shared_key(job["dedup"], job["dedup_key"])
    batches = [] if key is None else [row["id"] for row in tx.all("list_heirs", job=job["id"])]
    if not batches:
        return
    other = waiting(tx, key, except_id=job["id"])
    first, others = coalescing.heirs(batches, other_waits=other is not None)
    if other is not None:
        heir = other["id"]
    else:
        heir = counters.next_job(tx)
        new = {"id": heir, "job_id": counters.new_job_id()}
        tx.run("inherit_job", **new, job=job["id"], batch=first, now=now)
        tx.run("forget_heir", job=job["id"], batch=first)
    for batch in others:
        join(tx, heir, batch)


def replace(tx: Transaction, held: Row, job: NewJob, *, now: float) -> None:
    """Let `job` take the place of `held`, which waits."""
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
        state=pauses.waiting_state(None, counted=job.counted, delay_s=job.delay_s),
        due_at=now + job.delay_s,
        now=coalescing.handed_in_at(
            now, held["created_at"], _handed_in(tx.all("list_replacing")).get(job.dedup_key)
        ),
    )
    _touch(tx, held)


def _asking_waiting(key: str, except_id: int = 0) -> Asked:
    return "find_waiting", {"dedup_key": key, "except_id": except_id}


def _handed_in(running: Iterable[Row]) -> Mapping[str | None, float]:
    return {row["dedup_key"]: row["created_at"] for row in running}


def _touch(tx: Transaction, job: Row) -> None:
    """Say that something about the job has changed, to whoever watches its batch."""
    change = counters.next_change(tx)
    if job["batch_id"] is not None:
        tx.run("touch_batch", batch_id=job["batch_id"], change=change)
