"""The record of a batch: what became of each of its jobs, also once they were forgotten."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from itertools import count

from mcp_server.jobs.job import Job, JobState
from mcp_server.jobs.records import SKIPPED, Recorded
from mcp_server.storage.sql.queue import following
from mcp_server.storage.sql.transaction import EVERYTHING, Row, Transaction

LEFT_OUT = 2**62
"""The place of the first that was left out: behind every job."""

ALL = frozenset({*(state.value for state in JobState), SKIPPED})
FAILED: frozenset[str] = frozenset({JobState.FAILED})


def read(
    tx: Transaction,
    batch: int,
    states: Collection[str] | None,
    *,
    after: int,
    limit: int | None,
) -> Sequence[Recorded]:
    """Return what became of a batch's jobs, in the order they were handed in."""
    wanted = ALL if states is None else frozenset(states)
    known = following.states(tx, batch)
    if known is not None:
        found = [id for id, state in known.items() if state in wanted]
        return _behind(tx, batch, found, wanted, after=after, limit=limit)
    page = {"batch": batch, "after": after, "limit": EVERYTHING if limit is None else limit}
    if wanted == FAILED:
        return [_of_row(row) for row in tx.all("list_failed_record", **page)]
    rows = tx.all("list_record", states=json.dumps(sorted(wanted)), **page)
    return [_of_row(row) for row in rows]


def keep(tx: Transaction, jobs: Sequence[int]) -> None:
    """Keep what became of jobs that are about to be forgotten."""
    tx.run("put_record", jobs=json.dumps(jobs))


def put_left_out(tx: Transaction, batch: int, left_out: Iterable[tuple[str, str]]) -> None:
    """Keep what was left out while the batch was planned, each with the reason."""
    rows = (
        {"batch": batch, "place": place, "subject": subject, "reason": reason}
        for place, (subject, reason) in zip(count(LEFT_OUT), left_out, strict=False)
    )
    tx.many("put_left_out", rows)


def _behind(
    tx: Transaction,
    batch: int,
    found: Sequence[int],
    wanted: Collection[str],
    *,
    after: int,
    limit: int | None,
) -> Sequence[Recorded]:
    """Return the jobs that still follow what was said of their batch, then what was recorded."""
    until = None if limit is None else after + limit
    rows = tx.all("list_jobs_at", jobs=json.dumps(found[after:until]))
    shown = [_of_job(job) for job in following.shown(tx, rows)]
    if limit is not None and len(shown) >= limit:
        return shown
    rest = {
        "after": max(0, after - len(found)),
        "limit": EVERYTHING if limit is None else limit - len(shown),
    }
    recorded = tx.all("list_recorded", batch=batch, states=json.dumps(sorted(wanted)), **rest)
    return [*shown, *map(_of_row, recorded)]


def _of_job(job: Job) -> Recorded:
    return Recorded(
        subject=job.subject,
        state=job.state.value,
        counted=job.counted,
        round=job.round,
        code=job.code,
        reason=job.reason,
        id=job.id,
    )


def _of_row(row: Row) -> Recorded:
    return Recorded(
        subject=row["subject"],
        state=row["state"],
        counted=bool(row["counted"]),
        round=row["round"],
        code=row["code"],
        reason=row["reason"],
        id=row["job_id"],
    )
