"""What became of operations since a listener last looked. Only reads: no write knows of listeners.

Batches tell by their change numbers. Jobs outside any batch have none: new ones are found by their
row, which is never used again, and those that were not over when they were told of last are
compared with what they are now.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from mcp_server.jobs.job import Batch, Job, JobState
from mcp_server.jobs.records import Bookmark, News
from mcp_server.storage.sqlite.file.transaction import Transaction
from mcp_server.storage.sqlite.queue.rows import batch_of, job_of


class _Part(NamedTuple):
    """Rows in their order, and whether there may be more behind them."""

    rows: list[sqlite3.Row]
    more: bool


def bookmark(tx: Transaction, *, owner: str | None) -> Bookmark:
    """Return where somebody begins who listens from now on."""
    change = _value(tx, "last_change", "value")
    jobs = tuple(
        row["id"]
        for each in _owners(tx, owner)
        for row in tx.all("list_alone_rows_unfinished", owner=each)
    )
    return Bookmark(change=change, order=_newest_job(tx), began=change, complete=change, jobs=jobs)


def news(
    tx: Transaction,
    since: Bookmark,
    known: Mapping[int, JobState | None],
    *,
    owner: str | None,
    limit: int,
) -> News:
    """Return what became of operations since a bookmark."""
    present = _present_batches(tx, since, limit)
    changed = _page(tx.all("list_changed_batches", change=since.change, limit=limit), limit)
    fresh = _fresh_jobs(tx, since.order, owner, limit)
    moved, gone = _moved_jobs(tx, known)
    own = [row for row in (*present.rows, *changed.rows) if owner in (None, row["owner"])]
    change = changed.rows[-1]["change"] if changed.rows else since.change
    return News(
        batches=[*_earlier_ends(tx, own, since.complete), *map(batch_of, own)],
        jobs=[*moved, *(job_of(row) for row in fresh.rows if row["id"] not in known)],
        gone=gone,
        bookmark=since._replace(
            change=change,
            complete=since.complete if changed.more else change,
            order=fresh.rows[-1]["id"] if fresh.more else _newest_job(tx),
            under_way=present.rows[-1]["id"] if present.more else None,
        ),
        more=present.more or changed.more or fresh.more,
    )


def _present_batches(tx: Transaction, since: Bookmark, limit: int) -> _Part:
    """Those under way at the beginning, as long as they stay as they were: then a change tells."""
    if since.under_way is None:
        return _Part([], more=False)
    asked = {"after": since.under_way, "change": since.began, "limit": limit}
    return _page(tx.all("list_unfinished_after", **asked), limit)


def _earlier_ends(tx: Transaction, rows: list[sqlite3.Row], change: int) -> Iterator[Batch]:
    """Ends of rounds that a retry has followed before anybody looked."""
    again = [row["id"] for row in rows if row["round"] > 1]
    if again:
        ended = tx.all("list_round_ends", batches=json.dumps(again), change=change)
        yield from map(batch_of, ended)


def _fresh_jobs(tx: Transaction, order: int, owner: str | None, limit: int) -> _Part:
    """Jobs that were queued since, oldest first."""
    found: list[sqlite3.Row] = []
    for each in _owners(tx, owner):
        found += tx.all("list_alone_after", owner=each, after=order, limit=limit)
    return _page(sorted(found, key=lambda row: row["id"])[:limit], limit)


def _owners(tx: Transaction, owner: str | None) -> Iterator[str]:
    """The owner, or all who have jobs outside any batch."""
    if owner is not None:
        yield owner
        return
    after = ""
    while (row := tx.one("next_owner", after=after)) is not None and row["owner"] is not None:
        yield (after := row["owner"])


def _moved_jobs(
    tx: Transaction, known: Mapping[int, JobState | None]
) -> tuple[list[Job], set[int]]:
    """Return those that run or are something else by now, and those that are no more."""
    if not known:
        return [], set()
    rows = tx.all("list_job_states", jobs=json.dumps([*known]))
    states = {row["id"]: row["state"] for row in rows}
    moved = [
        id for id, state in states.items() if state == JobState.PROCESSING or state != known[id]
    ]
    rows = tx.all("list_alone_at", jobs=json.dumps(moved)) if moved else []
    return [job_of(row) for row in rows], known.keys() - states.keys()


def _newest_job(tx: Transaction) -> int:
    return _value(tx, "newest_job", "id")


def _value(tx: Transaction, name: str, column: str) -> int:
    row = tx.one(name)
    assert row is not None
    return row[column]


def _page(rows: list[sqlite3.Row], limit: int) -> _Part:
    return _Part(rows, more=len(rows) >= limit)
