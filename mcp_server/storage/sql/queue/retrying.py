"""Taking a batch up again: its paused round, or the next one, for what failed or was cancelled.

Every function here is a part of somebody's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from mcp_server.jobs.job import Batch, BatchState, Json
from mcp_server.jobs.json_text import dumped
from mcp_server.jobs.records import Request, Submission
from mcp_server.jobs.rules import coalescing, pauses, retries
from mcp_server.jobs.rules.following import What
from mcp_server.storage.sql.queue import counters, following, sharing, stopping, submission
from mcp_server.storage.sql.queue.rows import batch_of
from mcp_server.storage.sql.transaction import Row, Transaction

Held = Mapping[str, Batch | None]
"""By a key that another batch holds, that batch."""


def retry(
    tx: Transaction,
    batch_id: str,
    *,
    terms: Json | None,
    requires: str | None,
    leave_out: Collection[str],
    request: Request | None,
    limit: int,
    now: float,
) -> Submission | None:
    """Go on with a paused round, or open the next one; what it takes up follows.

    `None`: jobs still follow what was said before; that comes first.
    """
    batch = tx.one("get_batch", batch_id=batch_id)
    assert batch is not None, "the caller has looked"
    kept = dumped(terms) if terms is not None else batch["terms"]
    way = retries.way(BatchState(batch["state"]))
    if way is retries.Way.NOTHING:
        remember(tx, batch, request, now=now)
        return Submission(batch=batch_of(batch), duplicate=True)
    if tx.all("list_following_of", batch=batch["id"]):
        return None
    if way is retries.Way.RESUME:
        _resume(tx, batch, kept, requires, now=now)
    else:
        held = _held_if_nothing(tx, batch, leave_out, limit)
        if held is not None:
            return Submission(batch=None, held=held)
        _open_next_round(tx, batch, kept)
        following.say(tx, batch["id"], What.RETRY, now=now, requires=requires, leave_out=leave_out)
    remember(tx, batch, request, now=now)
    return Submission(batch=stored(tx, batch["id"]))


def remember(tx: Transaction, batch: Row, request: Request | None, *, now: float) -> None:
    """Let a request for a retry stand for the batch."""
    submission.remember(tx, request, owner=batch["owner"], batch=batch["id"], now=now)


def take_up(tx: Transaction, said: Row, jobs: Sequence[int], *, last: bool) -> Held:
    """Take up those of these jobs that are to be; return what others hold of them.

    With the last of them the round may end: other jobs may do all of its work.
    """
    batch, now = tx.one("get_batch_by_row", id=said["batch"]), said["said_at"]
    assert batch is not None, "a batch row never goes away"
    leave_out = json.loads(said["leave_out"])
    found, held = _retryable(tx, batch["id"], batch["round"], jobs, leave_out)
    if found:
        counted = sum(job["counted"] for job in found)
        counters.note_arrivals(tx, batch["id"], jobs=len(found), counted=counted)
        _restart(tx, batch, found, said["requires"], now=now)
    if last:
        following.forget(tx, said)
        counters.settle(tx, batch["id"], now=now)
    return held


def stored(tx: Transaction, batch: int) -> Batch:
    """Return a batch as it is by now."""
    row = tx.one("get_batch_by_row", id=batch)
    assert row is not None
    return batch_of(row)


def _resume(tx: Transaction, batch: Row, terms: str, requires: str | None, *, now: float) -> None:
    tx.run("mark_resumed", batch=batch["id"], code=pauses.RESUMED, requires=requires)
    following.say(tx, batch["id"], What.RESUME, now=now, requires=requires)
    stopping.resume_round(tx, batch, terms)


def _held_if_nothing(
    tx: Transaction, batch: Row, leave_out: Collection[str], limit: int
) -> Held | None:
    """Return what others hold of a batch of which nothing is to be taken up; else `None`."""
    held: dict[str, Batch | None] = {}
    after, until = 0, 2**62
    while True:
        part = {"batch": batch["id"], "after": after, "until": until}
        jobs = [row["id"] for row in tx.all("list_next_of_batch", **part, limit=limit)]
        found, others = _retryable(tx, batch["id"], batch["round"] + 1, jobs, leave_out)
        if found:
            return None
        held |= others
        if len(jobs) < limit:
            return held
        after = jobs[-1]


def _retryable(
    tx: Transaction, batch: int, round: int, jobs: Sequence[int], leave_out: Collection[str]
) -> tuple[list[Row], Held]:
    """Return those of these jobs that the round takes up, and what others hold of them."""
    found = [
        job
        for job in tx.all("list_retryable", jobs=json.dumps(jobs))
        if retries.takes_up(counted=bool(job["counted"]), code=job["code"], leave_out=leave_out)
    ]
    keys = [coalescing.own_key(job["dedup"], job["dedup_key"]) for job in found]
    asked = [key for key in keys if key is not None]
    held = submission.held_keys(tx, asked, except_batch=batch)
    own = {"keys": json.dumps(asked), "batch": batch, "round": round}
    taken: set[str] = set()
    if asked:
        taken = {row["dedup_key"] for row in tx.all("list_keys_of_round", **own)}
    return coalescing.not_repeated(found, keys, held.keys() | taken), held


def _open_next_round(tx: Transaction, batch: Row, terms: str) -> None:
    last, change = {"batch": batch["id"], "number": batch["round"]}, counters.next_change(tx)
    tx.run("mark_followed", **last)
    tx.run("insert_next_round", **last, terms=terms, total=0, outstanding=0, change=change)
    tx.run("reopen_batch", id=batch["id"])


def _restart(
    tx: Transaction,
    batch: Row,
    jobs: Sequence[Row],
    requires: str | None,
    *,
    now: float,
) -> None:
    """Queue jobs again; those that share a key one by one, for another may do their work."""
    alone = [job["id"] for job in jobs if job["dedup"] not in coalescing.SHARED]
    asked = {"round": batch["round"], "requires": requires, "now": now}
    tx.run("restart_jobs", jobs=json.dumps(alone), **asked)
    for job in jobs:
        if job["dedup"] not in coalescing.SHARED:
            continue
        other = sharing.joined(tx, job)
        if other is None:
            tx.run("restart_jobs", jobs=json.dumps([job["id"]]), **asked)
        else:
            tx.run("move_job", id=job["id"], round=batch["round"])
            sharing.absorb(tx, job, other, now=now)
    if batch["state"] == BatchState.PAUSED:
        tx.run("pause_jobs", jobs=json.dumps([job["id"] for job in jobs]))
