"""Forgetting finished jobs (R18): found by the reader, deleted by the writer in small steps.

What became of a batch's jobs is kept in its record. A batch is marked when its jobs are gone, so
that it is not looked at again: looking takes the same time however many batches there have been.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from mcp_server.storage.sql.queue import record
from mcp_server.storage.sql.transaction import Transaction

BATCHES_MAX = 200
"""Ended batches that are looked at in one step."""


@dataclass(frozen=True, slots=True)
class Prunable:
    """Jobs to forget, and batches of which they are the last, by the mark these get."""

    jobs: list[int] = field(default_factory=list[int])
    done: dict[int, list[int]] = field(default_factory=dict[int, list[int]])

    def __bool__(self) -> bool:
        return bool(self.jobs or self.done)


def find(tx: Transaction, *, completed_before: float, ended_before: float, limit: int) -> Prunable:
    """Return what may be forgotten next, at most `limit` jobs."""
    found = Prunable()
    ages = {"completed_before": completed_before, "ended_before": ended_before}
    for batch in tx.all("list_to_prune", **ages, limit=BATCHES_MAX):
        left = limit - len(found.jobs)
        if left <= 0:
            return found
        asked = {"batch": batch["id"], "until": batch["until"], "limit": left}
        jobs = [row["id"] for row in tx.all("list_prunable", **asked)]
        found.jobs.extend(jobs)
        if len(jobs) < left:
            found.done.setdefault(batch["until"], []).append(batch["id"])
    left = limit - len(found.jobs)
    alone = tx.all("list_alone_prunable", completed_before=completed_before, limit=left)
    found.jobs.extend(row["id"] for row in alone)
    return found


def prune(tx: Transaction, found: Prunable) -> int:
    """Forget what was found and is still over; return how many jobs."""
    for until, batches in found.done.items():
        tx.run("mark_pruned", batches=json.dumps(batches), until=until)
    if not found.jobs:
        return 0
    tx.run("note_newest_job")
    record.keep(tx, found.jobs)
    return tx.count("prune_jobs", jobs=json.dumps(found.jobs))
