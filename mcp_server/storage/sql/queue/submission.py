"""Handing in: a batch with all its jobs, a job alone, a follow-up.

Every function here is a part of somebody's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from mcp_server.jobs.job import Batch, BatchState, Dedup, NewJob, Origin
from mcp_server.jobs.json_text import dumped
from mcp_server.jobs.records import NewBatch, Request, Submission
from mcp_server.jobs.rules import coalescing, pauses, rounds
from mcp_server.jobs.rules.requests import REQUEST_KEY_S, check_digest, check_spent
from mcp_server.storage.sql.queue import counters, following, record, sharing, stopping
from mcp_server.storage.sql.queue.at_once import ApplyBy, do_at_once
from mcp_server.storage.sql.queue.rows import batch_of, encoded
from mcp_server.storage.sql.transaction import Row, Transaction

Apply = Callable[[Transaction, object], "str | None"]
"""Applies one effect of a submission; returns why it cannot be, where it cannot."""

HELD = "was in another unfinished batch"
"""Why a job is not queued whose key another holds; whose that is may be another owner's."""


def submit(
    tx: Transaction, new: NewBatch, apply: Apply, apply_by: ApplyBy, *, now: float
) -> Submission:
    """Store the batch, or find the one that it repeats. One transaction, all or nothing."""
    if (found := _found(tx, new, now)) is not None:
        return Submission(batch=batch_of(found), duplicate=True)
    if new.cancels and not _cancel_unmoved(tx, *new.cancels, now=now):
        return Submission(batch=None, stale=True)
    for effect in new.effects:
        if conflict := apply(tx, effect):
            return Submission(batch=None, conflict=conflict)
    keys = [coalescing.own_key(job.dedup, job.dedup_key) for _, job in new.jobs]
    at_once = [coalescing.own_key(job.dedup, job.dedup_key) for _, job, *_ in new.at_once]
    held = held_keys(tx, [key for key in (*keys, *at_once) if key is not None])
    jobs = coalescing.not_repeated(new.jobs, keys, held)
    if not (jobs or new.at_once) or not held.keys().isdisjoint(at_once):
        return Submission(batch=None, held=held)
    batch = _insert_batch(tx, new, now=now)
    remember(tx, new.request, owner=new.origin.owner, batch=batch, now=now)
    _spend(tx, new, batch=batch, now=now)
    if conflict := do_at_once(tx, new, batch, apply_by, now=now):
        return Submission(batch=None, conflict=conflict)
    insert_jobs(tx, jobs, origin=new.origin, batch=batch, now=now)
    if held or new.left_out:
        record.put_left_out(tx, batch, [*new.left_out, *_held(new.jobs, jobs)])
    if new.at_once:
        counters.settle(tx, batch, now=now)  # unless it waits for what follows
    stored = tx.one("get_batch_by_row", id=batch)
    assert stored is not None
    return Submission(batch=batch_of(stored), held=held)


def _held(
    asked: Sequence[tuple[str, NewJob]], queued: Sequence[tuple[str, NewJob]]
) -> Iterator[tuple[str, str]]:
    """Yield the subjects of the jobs that were not queued, with the reason."""
    there = {id for id, _ in queued}
    yield from ((job.subject, HELD) for id, job in asked if id not in there)


def insert_jobs(
    tx: Transaction,
    jobs: Sequence[tuple[str, NewJob]],
    *,
    origin: Origin,
    batch: int | None,
    now: float,
) -> None:
    """Store jobs; of those that share a key with one that waits, let the batch wait for that."""
    jobs = coalescing.merged(jobs)
    met = sharing.met(tx, [job for _, job in jobs], batch)
    new: list[tuple[str, NewJob]] = []
    for id, job in jobs:
        held = met.waiting.get(coalescing.shared_key(job.dedup, job.dedup_key))
        if held is None:
            new.append((id, job))
        else:
            sharing.share(tx, held, job, batch, now=now)
    tx.many("insert_job", _new_rows(new, met, origin, now))
    if batch is not None and new:
        counted = sum(job.counted for _, job in new)
        counters.note_arrivals(tx, batch, jobs=len(new), counted=counted)


def _new_rows(
    jobs: Sequence[tuple[str, NewJob]],
    met: sharing.Met,
    origin: Origin,
    now: float,
) -> Iterator[Mapping[str, object]]:
    """Yield the values of `insert_job` for each job."""
    batch = met.batch
    batch_state = None if batch is None else BatchState(batch["state"])
    usual = pauses.waiting_state(batch_state, counted=True)
    shared = {
        "batch": batch["id"] if batch else None,
        "round": batch["round"] if batch else 1,
        "owner": origin.owner,
        "interface": origin.interface,
        "destination": origin.destination,
        "now": now,
    }
    for number, (id, job) in enumerate(jobs, start=met.first):
        state = usual
        if job.delay_s or not job.counted:
            state = pauses.waiting_state(batch_state, counted=job.counted, delay_s=job.delay_s)
        yield {
            **shared,
            "id": number,
            "job_id": id,
            "kind": job.kind,
            "payload": encoded(job.payload),
            "subject": job.subject,
            "state": state,
            "priority": job.priority,
            "counted": job.counted,
            "dedup": job.dedup,
            "dedup_key": job.dedup_key,
            "requires": job.requires,
            "max_retries": job.max_retries,
            "due_at": now + job.delay_s,
            "now": coalescing.handed_in_at(now, met.running.get(job.dedup_key)),
        }


def requested(tx: Transaction, request: Request, *, owner: str, now: float) -> Row | None:
    """Return the row of the batch that a request was answered with before (R2).

    Raises:
        InvalidPayload: the key was used for something else.
    """
    return _answered(request, tx.one("find_request", **_by_request(request, owner, now)))


def _by_request(request: Request, owner: str, now: float) -> Mapping[str, object]:
    return {"owner": owner, "request_key": request.key, "since": now - REQUEST_KEY_S}


def _answered(request: Request | None, row: Row | None) -> Row | None:
    if request is not None and row is not None:
        check_digest(request.digest, row["digest"])
    return row


def remember(
    tx: Transaction, request: Request | None, *, owner: str, batch: int, now: float
) -> None:
    """Let a request, if there is one, stand for the batch that it is answered with."""
    if request is not None:
        tx.run(
            "put_request",
            owner=owner,
            request_key=request.key,
            digest=request.digest,
            batch=batch,
            now=now,
        )


def spent(tx: Transaction, request: Request, *, owner: str) -> Row | None:
    """Return the row of the batch for which a request has spent what may be handed in once (R28).

    Raises:
        InvalidPayload: another request has, or another owner.
    """
    return _spent(request, tx.one("find_spent", request_key=request.key), owner)


def _spent(request: Request | None, row: Row | None, owner: str) -> Row | None:
    if request is not None and row is not None:
        own = row["batch_id"] if row["owner"] == owner else None
        check_spent(request.digest, row["digest"], batch_id=own)
    return row


def _found(tx: Transaction, new: NewBatch, now: float) -> Row | None:
    """Return the row of the batch that a new one repeats, if it does."""
    owner, asked = new.origin.owner, dict[str, Mapping[str, object]]()
    if new.request is not None:
        asked["find_request"] = _by_request(new.request, owner, now)
    if new.spends is not None:
        asked["find_spent"] = {"request_key": new.spends.key}
    if new.submit_key is not None:
        asked["find_unfinished"] = {"submit_key": new.submit_key}
    answers = zip(asked, tx.together(asked.items()), strict=True)
    found = {name: rows[0] for name, rows in answers if rows}
    earlier = _answered(new.request, found.get("find_request"))
    earlier = earlier or _spent(new.spends, found.get("find_spent"), owner)
    under_way = found.get("find_unfinished")
    if earlier is None and under_way is not None:
        remember(tx, new.request, owner=owner, batch=under_way["id"], now=now)
    return earlier or under_way


def _spend(tx: Transaction, new: NewBatch, *, batch: int, now: float) -> None:
    if new.spends is not None:
        values = {"request_key": new.spends.key, "digest": new.spends.digest}
        tx.run("put_spent", **values, batch=batch, now=now)


def _cancel_unmoved(tx: Transaction, batch_id: str, change: int, *, now: float) -> bool:
    row, jobs = stopping.to_cancel(tx, batch_id)
    if row is None or row["change"] != change or row["state"] not in rounds.UNFINISHED:
        return False
    stopping.cancel_rest(tx, row, jobs, reason="it is being rolled back", now=now)
    return True


def holder_of(tx: Transaction, job: NewJob) -> Row | None:
    """Return the job that a job outside any batch would repeat, join or replace."""
    if job.dedup in coalescing.SHARED:
        return sharing.waiting(tx, job.dedup_key)
    if job.dedup is Dedup.SKIP:
        return holder(tx, job.dedup_key)
    return None


def holder(tx: Transaction, key: str | None) -> Row | None:
    """Return the job that a job with this key and dedup `skip` would repeat, if there is one."""
    if key is None:
        return None
    return next(iter(_holders(tx, [key])), None)


def held_keys(
    tx: Transaction, keys: Collection[str], *, except_batch: int | None = None
) -> dict[str, Batch | None]:
    """Return, of these keys, those that are held, and the batch that does: that of the holder."""
    holders = _holders(tx, keys, except_batch) if keys else []
    ids = {job["batch"] for job in holders if job["batch"] is not None}
    rows = tx.together(counters.asking_batches(ids))
    batches = {row["id"]: batch_of(row) for [row] in rows}
    # Of each key the first stays.
    return {job["dedup_key"]: batches.get(job["batch"]) for job in reversed(holders)}


def _holders(tx: Transaction, keys: Collection[str], except_batch: int | None = None) -> list[Row]:
    """Return the jobs that hold these keys; of a key, the first is who is named for it.

    That is the job that is yet to be done. A batch that was taken up again without it holds the key
    as well, as it does all of its keys until its round ends: of such batches, the oldest.
    """
    # No batch has the number 0; with NULL, jobs outside any batch would be left out.
    asked = {"keys": json.dumps(list(keys)), "except_batch": except_batch or 0}
    [holders] = following.freed(tx, keys, [("find_holders", asked)])
    return holders


def _insert_batch(tx: Transaction, new: NewBatch, *, now: float) -> int:
    """Store a batch and its first round; return its row."""
    id = tx.insert(
        "insert_batch",
        batch_id=new.id,
        kind=new.kind,
        owner=new.origin.owner,
        interface=new.origin.interface,
        destination=new.origin.destination,
        details=dumped(new.details),
        about=new.about,
        now=now,
    )
    change = counters.next_change(tx)
    terms, key = dumped(new.terms), new.submit_key
    tx.run("insert_round", batch=id, terms=terms, submit_key=key, change=change)
    return id
