"""What became of operations since a subscriber was last told. Only reads: no write knows of him.

Batches tell by their change numbers. Jobs outside any batch have none: new ones are found by their
row, which is never used again, and those that were not over when they were told of last are
compared with what they are now.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from mcp_server.jobs.job import OURS, Batch, BatchState, Job, JobState
from mcp_server.jobs.records import Cursor, Question, Updates
from mcp_server.jobs.rules.rounds import UNFINISHED
from mcp_server.storage.sql.queue.rows import batch_of, job_of, whole
from mcp_server.storage.sql.transaction import Row, Transaction

FAILURES_MAX = 10
"""Of a batch: how many of its failures are read with it."""
NEXT_DUE_MAX = 256
"""Among how many jobs the one is looked for that says why its batch waits."""


class _Part(NamedTuple):
    """Rows in their order, and whether there may be more behind them."""

    rows: list[Row]
    more: bool


def cursor(tx: Transaction, *, owner: str | None) -> Cursor:
    """Return where somebody begins who subscribes from now on."""
    change = _value(tx, "last_change", "value")
    jobs = tuple(
        row["id"]
        for each in owners_of(tx, owner)
        for row in tx.all("list_alone_rows_unfinished", owner=each)
    )
    return Cursor(change=change, order=_newest_job(tx), began=change, complete=change, jobs=jobs)


def updates(tx: Transaction, question: Question, *, limit: int) -> Updates:
    """Return what became of operations since a cursor."""
    since, owner, known = question.cursor, question.owner, question.known
    present = _present_batches(tx, since, limit)
    changed = _page(tx.all("list_changed_batches", change=since.change, limit=limit), limit)
    fresh = _fresh_jobs(tx, since.order, owner, limit) if question.only is None else NOTHING
    moved, gone = _moved_jobs(tx, known)
    own = [row for row in (*present.rows, *changed.rows) if _is_asked_for(row, question)]
    change = changed.rows[-1]["change"] if changed.rows else since.change
    damaged: list[str] = []
    return Updates(
        batches=[
            *whole(batch_of, _earlier_ends(tx, own, since.complete), damaged),
            *whole(_present(tx, own), own, damaged),
        ],
        jobs=whole(
            job_of, [*moved, *(row for row in fresh.rows if row["id"] not in known)], damaged
        ),
        gone=gone,
        cursor=since._replace(
            change=change,
            complete=since.complete if changed.more else change,
            order=fresh.rows[-1]["id"] if fresh.more else _newest_job(tx),
            under_way=present.rows[-1]["id"] if present.more else None,
        ),
        more=present.more or changed.more or fresh.more,
        damaged=damaged[0] if damaged else None,
    )


def running_jobs(tx: Transaction, batches: Sequence[Row]) -> Mapping[int, Sequence[Row]]:
    """Return the rows of what is being worked on, by the rows of these batches."""
    running: dict[int, list[Row]] = {}
    ids = json.dumps([row["id"] for row in batches if row["state"] in UNFINISHED])
    for row in tx.all("list_running_jobs", batches=ids):
        running.setdefault(row["batch"], []).append(row)
    return running


def first_failures(tx: Transaction, batch: Row) -> Sequence[Job]:
    """Return the first jobs of a batch that failed, less those that somebody damaged."""
    if not batch["failed"] and batch["state"] != BatchState.FAILED:
        return ()
    page = {"batch_id": batch["batch_id"], "after": 0, "limit": FAILURES_MAX}
    return whole(job_of, tx.all("list_stopped_jobs", state=JobState.FAILED, **page))


def waiting_job(tx: Transaction, batch: Row, running: Sequence[Row]) -> Job | None:
    """Return the job for which a batch waits, if none of it is running."""
    if running or batch["state"] not in (BatchState.PENDING, BatchState.PROCESSING):
        return None
    found = tx.all("find_next_scheduled", batch=batch["id"], first=NEXT_DUE_MAX)
    return next(iter(whole(job_of, found)), None)


NOTHING = _Part([], more=False)


def _is_asked_for(batch: Row, question: Question) -> bool:
    if question.only is not None and batch["batch_id"] not in question.only:
        return False
    return question.owner in (None, batch["owner"])


def _present(tx: Transaction, rows: Sequence[Row]) -> Callable[[Row], Batch]:
    """Return what makes batches of these rows, as they are now."""
    running = running_jobs(tx, rows)
    return lambda row: batch_of(
        row,
        running=whole(job_of, running.get(row["id"], ())),
        failures=first_failures(tx, row),
        waiting=waiting_job(tx, row, running.get(row["id"], ())),
    )


def _present_batches(tx: Transaction, since: Cursor, limit: int) -> _Part:
    """Those under way at the beginning, as long as they stay as they were: then a change tells."""
    if since.under_way is None:
        return NOTHING
    asked = {"after": since.under_way, "change": since.began, "limit": limit}
    return _page(tx.all("list_unfinished_after", **asked), limit)


def _earlier_ends(tx: Transaction, rows: list[Row], change: int) -> Sequence[Row]:
    """Ends of rounds that a retry has followed before anybody looked."""
    again = [row["id"] for row in rows if row["round"] > 1]
    if not again:
        return []
    return tx.all("list_round_ends", batches=json.dumps(again), change=change)


def _fresh_jobs(tx: Transaction, order: int, owner: str | None, limit: int) -> _Part:
    """Jobs that were queued since, oldest first."""
    found: list[Row] = []
    for each in owners_of(tx, owner):
        found += tx.all("list_alone_after", owner=each, after=order, limit=limit)
    return _page(sorted(found, key=lambda row: row["id"])[:limit], limit)


def owners_of(tx: Transaction, owner: str | None) -> Iterator[str]:
    """The owner, or all who have jobs outside any batch; what is Pressroom's own is nobody's."""
    if owner is not None:
        yield owner
        return
    after = ""
    while (row := tx.one("next_owner", after=after)) is not None and row["owner"] is not None:
        after = row["owner"]
        if after != OURS.owner:
            yield after


def _moved_jobs(
    tx: Transaction, known: Mapping[int, JobState | None]
) -> tuple[Sequence[Row], set[int]]:
    """Return those that run or are something else by now, and those that are no more."""
    if not known:
        return [], set()
    rows = tx.all("list_job_states", jobs=json.dumps([*known]))
    states = {row["id"]: row["state"] for row in rows}
    moved = [
        id for id, state in states.items() if state == JobState.PROCESSING or state != known[id]
    ]
    rows = tx.all("list_jobs_at", jobs=json.dumps(moved)) if moved else []
    return rows, known.keys() - states.keys()


def _newest_job(tx: Transaction) -> int:
    return _value(tx, "newest_job", "id")


def _value(tx: Transaction, name: str, column: str) -> int:
    row = tx.one(name)
    assert row is not None
    return row[column]


def _page(rows: list[Row], limit: int) -> _Part:
    return _Part(rows, more=len(rows) >= limit)
