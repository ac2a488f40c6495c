"""Pressroom's rows, written by bare `sqlite3`: for the limit, and for tables that are full already.

The statements are not the product's own: what the product's statements cost is measured elsewhere.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal

from mcp_server.storage.sqlite.file.connection import Synchronous, open_file
from mcp_server.storage.sqlite.file.migrate import migrate

NEVER = 2.0**33
"""Due in the year 2242."""
OWNER = "benchmark"

BATCH = """
INSERT INTO batches (batch_id, kind, owner, interface, details, created_at)
VALUES (:batch_id, 'benchmark', :owner, 'test', '{}', :now)
"""
ROUND = """
INSERT INTO rounds (
    batch, number, state, terms, total, completed, outstanding, started_at, ended_at, change
) VALUES (
    :batch, 1, :state, '{}', :total, :completed, :outstanding, :ended_at, :ended_at, :change
)
"""
JOB = """
INSERT INTO jobs (
    job_id, kind, payload, subject, state, priority, batch, counted, owner, interface, dedup,
    max_retries, attempts, created_at, due_at, ended_at, result
) VALUES (
    :job_id, :kind, :payload, :subject, :state, :priority, :batch, 1, :owner, 'test', 'none',
    3, :attempts, :now, :due_at, :ended_at, :result
)
"""
CHANGE = "UPDATE counters SET value = value + 1 WHERE name = 'change' RETURNING value"

JobRow = dict[str, object]
PileState = Literal["pending", "scheduled", "completed"]

_numbers = itertools.count()


def some_id(prefix: str) -> str:
    """Return an id that is as long as Pressroom's, and sorts after those made before."""
    return f"{prefix}_{next(_numbers):026d}"


@contextmanager
def opened(path: Path, *, synchronous: Synchronous) -> Generator[sqlite3.Connection]:
    """Open the file with this version's schema."""
    migrate(path, synchronous=synchronous)
    with closing(open_file(path, synchronous=synchronous)) as connection:
        connection.row_factory = None  # tuples: the bare loop needs no names
        yield connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """Commit what is written inside; a benchmark that fails is over, so nothing is rolled back."""
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("COMMIT")


def next_change(connection: sqlite3.Connection) -> int:
    """Return the next change number."""
    return connection.execute(CHANGE).fetchone()[0]


def insert_batch(
    connection: sqlite3.Connection,
    count: int,
    *,
    state: PileState = "pending",
    priority: int = 0,
    owner: str = OWNER,
    kind: str = "noop",
) -> int:
    """Insert a batch with so many jobs, all in one state; return its row id."""
    done, now = state == "completed", time.time()
    names = {"batch_id": some_id("b"), "owner": owner, "now": now}
    row_id = connection.execute(BATCH, names).lastrowid
    assert row_id is not None
    connection.execute(
        ROUND,
        {
            "batch": row_id,
            "state": "completed" if done else "pending",
            "total": count,
            "completed": count if done else 0,
            "outstanding": 0 if done else count,
            "ended_at": now if done else None,
            "change": next_change(connection),
        },
    )
    rows = (
        job_row(number, now, batch=row_id, state=state, priority=priority, owner=owner, kind=kind)
        for number in range(count)
    )
    connection.executemany(JOB, rows)
    return row_id


def job_row(
    number: int,
    now: float,
    *,
    batch: int | None = None,
    state: PileState = "pending",
    priority: int = 0,
    owner: str = OWNER,
    kind: str = "noop",
) -> JobRow:
    """Return the values of one row of `jobs`."""
    done = state == "completed"
    return {
        "job_id": some_id("j"),
        "payload": json.dumps({"number": number}, separators=(",", ":")),
        "kind": kind,
        "subject": str(number),
        "owner": owner,
        "state": state,
        "priority": priority,
        "batch": batch,
        "attempts": int(done),
        "now": now,
        "due_at": NEVER if state == "scheduled" else now,
        "ended_at": now if done else None,
        "result": "{}" if done else None,
    }


def pile_up(path: Path, count: int, state: PileState, kind: str = "noop") -> None:
    """Fill a file with a batch of jobs that no worker comes to while there are others."""
    with opened(path, synchronous="NORMAL") as connection, transaction(connection):
        insert_batch(connection, count, state=state, priority=-10, kind=kind)
