"""Jobs that the transaction does which submits them: all of them, or the batch is not stored.

They are stored as completed, and counted: whoever looks at their batch sees that it has done them.
Every function here is a part of somebody's transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from mcp_server.jobs.records import NewBatch, WrittenBy
from mcp_server.jobs.rules import rounds
from mcp_server.storage.sql.queue import counters
from mcp_server.storage.sql.queue.rows import encoded
from mcp_server.storage.sql.transaction import Transaction

ApplyBy = Callable[[Transaction, object, WrittenBy], "str | None"]
"""Applies one effect of a job; returns why it cannot be, where it cannot."""


def do_at_once(
    tx: Transaction, new: NewBatch, batch: int, apply: ApplyBy, *, now: float
) -> str | None:
    """Store the jobs of a batch that are done at once, and apply their effects.

    Return the first conflict, if there is one: then nothing of it may stay.
    """
    if not new.at_once:
        return None
    tx.many("insert_done_job", _rows(tx, new, batch, now))
    for each in new.at_once:
        by = {"batch_id": new.id, "job_id": each.id}
        for effect in each.effects:
            if conflict := apply(tx, effect, by):
                return conflict
    added = rounds.added_at_once(len(new.at_once))
    tx.run("count_job", batch=batch, change=counters.next_change(tx), **added)
    return None


def _rows(tx: Transaction, new: NewBatch, batch: int, now: float) -> Iterator[Mapping[str, object]]:
    """Yield the values of `insert_done_job` for each job."""
    for number, each in enumerate(new.at_once, start=counters.next_job(tx)):
        yield {
            "id": number,
            "job_id": each.id,
            "kind": each.job.kind,
            "payload": encoded(each.job.payload),
            "subject": each.job.subject,
            "priority": each.job.priority,
            "batch": batch,
            "owner": new.origin.owner,
            "interface": new.origin.interface,
            "destination": new.origin.destination,
            "dedup": each.job.dedup,
            "dedup_key": each.job.dedup_key,
            "max_retries": each.job.max_retries,
            "result": encoded(each.result),
            "now": now,
        }
