"""The half of the job store that only reads: batches, jobs, figures, who takes part."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence

from mcp_server.jobs.job import Batch, Job, JobState
from mcp_server.jobs.store import Host, Request, Stats
from mcp_server.storage.sqlite import accounts, submission
from mcp_server.storage.sqlite.connection import Transaction
from mcp_server.storage.sqlite.database import POLL_S, Database
from mcp_server.storage.sqlite.rows import batch_of, host_of, job_of


class JobReads:
    """The reading methods of `jobs.store.JobStore`; each sees one snapshot."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def requested(self, request: Request, *, owner: str, now: float) -> Batch | None:
        row = await self._database.read(
            lambda tx: submission.requested(tx, request, owner=owner, now=now)
        )
        return batch_or_none(row)

    async def batch(self, batch_id: str, *, running: bool = False) -> Batch | None:
        def look(tx: Transaction) -> Batch | None:
            row = tx.one("get_batch", batch_id=batch_id)
            if row is None:
                return None
            return _with_running(tx, [row])[0] if running else batch_of(row)

        return await self._database.read(look)

    async def batches(
        self, *, owner: str, active: bool | None = None, before: int | None = None, limit: int
    ) -> Sequence[Batch]:
        return await self._database.read(
            lambda tx: _with_running(
                tx,
                tx.all(
                    "list_batches",
                    owner=owner,
                    active=None if active is None else int(active),
                    before=before if before is not None else 2**62,
                    limit=limit,
                ),
            )
        )

    async def about(self, batch_id: str) -> Sequence[Batch]:
        rows = await self._database.read(lambda tx: tx.all("list_batches_about", batch_id=batch_id))
        return [batch_of(row) for row in rows]

    async def jobs(
        self,
        batch_id: str,
        *,
        states: Collection[JobState] | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> Sequence[Job]:
        rows = await self._database.read(
            lambda tx: tx.all(
                "list_jobs",
                batch_id=batch_id,
                states=None if states is None else json.dumps(sorted(states)),
                after=after,
                limit=-1 if limit is None else limit,
            )
        )
        return [job_of(row) for row in rows]

    async def job(self, job_id: str) -> Job | None:
        row = await self._database.read(lambda tx: tx.one("get_job", job_id=job_id))
        return None if row is None else job_of(row)

    async def changes_after(self, change: int, *, limit: int) -> Sequence[Batch]:
        rows = await self._database.read(
            lambda tx: tx.all("list_changed_batches", change=change, limit=limit)
        )
        return [batch_of(row) for row in rows]

    async def last_change(self) -> int:
        row = await self._database.read(lambda tx: tx.one("last_change"))
        assert row is not None
        return row["value"]

    async def stats(self, *, now: float) -> Stats:
        def look(tx: Transaction) -> Stats:
            counts = {JobState(row["state"]): row["jobs"] for row in tx.all("count_jobs")}
            oldest, claim = tx.one("oldest_due"), tx.one("last_claim")
            due_at = oldest["due_at"] if oldest else None
            return Stats(
                jobs={state: counts.get(state, 0) for state in JobState},
                oldest_due_s=None if due_at is None else max(0.0, now - due_at),
                last_claim_at=claim["value"] / 1000 if claim and claim["value"] else None,
            )

        return await self._database.read(look)

    async def claimable(self, *, kinds: Collection[str], abilities: Collection[str]) -> bool:
        rows = await self._database.read(
            lambda tx: tx.all(
                "claim_candidates",
                kinds=json.dumps(sorted(kinds)),
                abilities=json.dumps(sorted(abilities)),
                limit=1,
            )
        )
        return bool(rows)

    async def work_before(self, *, now: float, horizon_s: float) -> bool:
        return await self._database.read(lambda tx: work_until(tx, now + horizon_s))

    @property
    def version(self) -> int:
        return self._database.version

    async def wait_for_change(
        self, timeout_s: float, *, since: int, poll_s: float = POLL_S
    ) -> bool:
        return await self._database.wait_for_change(timeout_s, since=since, poll_s=poll_s)

    async def lost(self, attempt_ids: Collection[str]) -> set[str]:
        rows = await self._database.read(
            lambda tx: tx.all("list_claims", attempts=json.dumps(list(attempt_ids)))
        )
        return set(attempt_ids) - {row["attempt_id"] for row in rows}

    async def next_due(self) -> float | None:
        row = await self._database.read(lambda tx: tx.one("next_due"))
        return None if row is None else row["due_at"]

    async def unclaimable(
        self, *, kinds: Collection[str], abilities: Collection[str]
    ) -> Mapping[str, Sequence[str]]:
        rows = await self._database.read(
            lambda tx: tx.all(
                "list_unclaimable",
                kinds=json.dumps(sorted(kinds)),
                abilities=json.dumps(sorted(abilities)),
            )
        )
        found: dict[str, list[str]] = {}
        for row in rows:
            found.setdefault(row["requires"], []).append(row["batch_id"])
        return found

    async def hosts(self, *, seen_after: float) -> Sequence[Host]:
        rows = await self._database.read(lambda tx: tx.all("list_hosts", seen_after=seen_after))
        return [host_of(row) for row in rows]


def batch_or_none(row: sqlite3.Row | None) -> Batch | None:
    """Return the batch of a row, if there is one."""
    return None if row is None else batch_of(row)


def work_until(tx: Transaction, until: float) -> bool:
    """Whether anything is ready, runs, or is due until then."""
    row = tx.one("find_work", until=until)
    assert row is not None
    return bool(row["work"])


def _with_running(tx: Transaction, rows: Sequence[sqlite3.Row]) -> list[Batch]:
    running: dict[int, list[Job]] = {}
    ids = json.dumps([row["id"] for row in rows if row["state"] in accounts.UNFINISHED])
    for row in tx.all("list_running_jobs", batches=ids):
        running.setdefault(row["batch"], []).append(job_of(row))
    return [batch_of(row, running.get(row["id"], ())) for row in rows]
