"""What a worker looks for: work that it can do, work that is left, and who else works."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from mcp_server.jobs.job import JobState
from mcp_server.jobs.records import Host, Lag, Stats
from mcp_server.storage.sql.database import Database
from mcp_server.storage.sql.queue import claiming
from mcp_server.storage.sql.queue.rows import host_of, whole
from mcp_server.storage.sql.transaction import Row, Transaction

LINES_MAX = 200
"""Lines of ready jobs, one for each kind and priority, that are looked at for the oldest."""

FIRST_IN_LINE = 64
"""Of each line so many: the oldest is further back only where that many were put off."""


class WorkReads:
    """What of `jobs.store.JobStore` reads how the queue stands; each sees one snapshot."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claimable(self, *, kinds: Collection[str], abilities: Collection[str]) -> bool:
        return bool(
            await self._database.read(lambda tx: claiming.claimable(tx, kinds, abilities, limit=1))
        )

    async def work_before(self, *, now: float, horizon_s: float) -> bool:
        return await self._database.read(lambda tx: work_until(tx, now + horizon_s))

    async def lost(self, attempt_ids: Collection[str]) -> set[str]:
        rows = await self._database.read(
            lambda tx: tx.all("list_held", attempts=json.dumps(list(attempt_ids)))
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
            batches = found.setdefault(row["requires"], [])
            if row["batch_id"] is not None:
                batches.append(row["batch_id"])
        return found

    async def unknown_kinds(self, kinds: Collection[str]) -> Sequence[str]:
        known = json.dumps(sorted(kinds))
        return await self._database.read(
            lambda tx: [row["kind"] for row in tx.all("list_unknown_kinds", kinds=known)]
        )

    async def hosts(self, *, seen_after: float) -> Sequence[Host]:
        rows = await self._database.read(lambda tx: tx.all("list_hosts", seen_after=seen_after))
        return whole(host_of, rows)

    async def lag(self, *, now: float) -> Lag:
        def look(tx: Transaction) -> Lag:
            oldest = tx.one("oldest_due", now=now, first=FIRST_IN_LINE, lines_max=LINES_MAX)
            claim = tx.one("last_claim")
            due_at = oldest["due_at"] if oldest else None
            return Lag(
                oldest_due_s=None if due_at is None else max(0.0, now - due_at),
                last_claim_at=claim["value"] / 1000 if claim and claim["value"] else None,
            )

        return await self._database.read(look)

    async def stats(self) -> Stats:
        return stats_of(await self._database.read_aside(lambda tx: tx.all("count_jobs")))


def stats_of(rows: Sequence[Row]) -> Stats:
    """Return the figures of `count_jobs` rows: what has no row of its own is completed."""
    kinds: dict[str, dict[JobState, int]] = {}
    jobs = dict.fromkeys(JobState, 0)
    for row in rows:
        if row["state"] is None:
            jobs[JobState.COMPLETED] += row["jobs"]
            continue
        state = JobState(row["state"])
        kinds.setdefault(row["kind"], {})[state] = row["jobs"]
        jobs[state] += row["jobs"]
        jobs[JobState.COMPLETED] -= row["jobs"]
    return Stats(jobs=jobs, kinds=kinds)


def work_until(tx: Transaction, until: float) -> bool:
    """Whether anything is ready, runs, or is due until then."""
    row = tx.one("find_work", until=until)
    assert row is not None
    return bool(row["work"])
