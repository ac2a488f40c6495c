"""The half of the job store that only reads: batches and jobs; `work.py` has the rest of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from mcp_server.jobs.job import Batch, Job, JobState
from mcp_server.jobs.records import (
    Cursor,
    Question,
    Recorded,
    Request,
    Tally,
    Updates,
)
from mcp_server.storage.sql.queue import following, record, submission, updates
from mcp_server.storage.sql.queue.rows import batch_of, job_of, whole
from mcp_server.storage.sql.queue.work import WorkReads
from mcp_server.storage.sql.transaction import EVERYTHING, Row, Transaction

STOPPED = frozenset({JobState.PAUSED, JobState.FAILED, JobState.CANCELLED})
"""States that are few, or all of a batch, and looked for by themselves."""


class JobReads(WorkReads):
    """The reading methods of `jobs.store.JobStore`; each sees one snapshot."""

    async def requested(self, request: Request, *, owner: str, now: float) -> Batch | None:
        return await self._database.read(
            lambda tx: batch_or_none(submission.requested(tx, request, owner=owner, now=now))
        )

    async def spent(self, request: Request, *, owner: str) -> Batch | None:
        return await self._database.read(
            lambda tx: batch_or_none(submission.spent(tx, request, owner=owner))
        )

    async def batch(
        self, batch_id: str, *, running: bool = False, failures: bool = False
    ) -> Batch | None:
        def look(tx: Transaction) -> Batch | None:
            row = tx.one("get_batch", batch_id=batch_id)
            if row is None:
                return None
            failed = updates.first_failures(tx, row) if failures else ()
            if not running:
                return batch_of(row, failures=failed)
            jobs = updates.running_jobs(tx, [row]).get(row["id"], ())
            waiting = updates.waiting_job(tx, row, jobs)
            return batch_of(row, running=whole(job_of, jobs), failures=failed, waiting=waiting)

        return await self._database.read(look)

    async def batches(
        self,
        *,
        owner: str | None,
        active: bool | None = None,
        before: int | None = None,
        limit: int,
    ) -> Sequence[Batch]:
        name = {None: "list_batches", True: "list_unfinished_batches", False: "list_ended_batches"}
        before = 2**62 if before is None else before
        return await self._database.read(
            lambda tx: _with_running(
                tx, tx.all(name[active], owner=owner, before=before, limit=limit)
            )
        )

    async def batches_since(
        self,
        since: float,
        *,
        owner: str | None,
        ids: Collection[str] | None = None,
        before: int | None = None,
        limit: int,
    ) -> Sequence[Batch]:
        asked = {"since": since, "owner": owner, "ids": _listed(ids), "limit": limit}
        before = 2**62 if before is None else before
        return await self._database.read(
            lambda tx: _with_running(tx, tx.all("list_batches_since", **asked, before=before))
        )

    async def tallies(
        self, since: float, *, owner: str | None, ids: Collection[str] | None = None
    ) -> Sequence[Tally]:
        asked = {"since": since, "owner": owner, "ids": _listed(ids)}
        rows = await self._database.read(lambda tx: tx.all("count_batches_since", **asked))
        return [Tally(row["kind"], row["batches"], row["done"]) for row in rows]

    async def about(self, batch_id: str) -> Sequence[Batch]:
        return await self._database.read(
            lambda tx: whole(batch_of, tx.all("list_batches_about", batch_id=batch_id))
        )

    async def jobs(
        self,
        batch_id: str,
        *,
        states: Collection[JobState] | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> Sequence[Job]:
        def look(tx: Transaction) -> Sequence[Job]:
            batch = tx.one("find_row_of_batch", batch_id=batch_id)
            wanted_states = frozenset(JobState) if states is None else states
            known = None if batch is None else following.states(tx, batch["id"])
            if known is not None:
                found = [id for id, state in known.items() if state in wanted_states]
                until = None if limit is None else after + limit
                rows = tx.all("list_jobs_at", jobs=json.dumps(found[after:until]))
                return following.shown(tx, rows)
            most = EVERYTHING if limit is None else limit
            page = {"batch_id": batch_id, "after": after, "limit": most}
            match sorted(states or ()):
                case [state] if state in STOPPED:
                    rows = tx.all("list_stopped_jobs", state=state, **page)
                case _:
                    wanted = None if states is None else json.dumps(sorted(states))
                    rows = tx.all("list_jobs", states=wanted, **page)
            return following.shown(tx, rows)

        return await self._database.read(look)

    async def record(
        self,
        batch_id: str,
        *,
        states: Collection[str] | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> Sequence[Recorded]:
        def look(tx: Transaction) -> Sequence[Recorded]:
            batch = tx.one("find_row_of_batch", batch_id=batch_id)
            if batch is None:
                return ()
            return record.read(tx, batch["id"], states, after=after, limit=limit)

        return await self._database.read(look)

    async def job(self, job_id: str) -> Job | None:
        rows = await self._database.read(
            lambda tx: following.shown(tx, tx.all("get_job", job_id=job_id))
        )
        return rows[0] if rows else None

    async def newest_with_key(self, dedup_key: str) -> Job | None:
        row = await self._database.read(lambda tx: tx.one("newest_with_key", dedup_key=dedup_key))
        return None if row is None else job_of(row)

    async def alone(
        self, *, owner: str | None, active: bool, before: int | None = None, limit: int
    ) -> Sequence[Job]:
        name = "list_alone_unfinished" if active else "list_alone"
        page = {"before": 2**62 if before is None else before, "limit": limit}

        def look(tx: Transaction) -> Sequence[Job]:
            rows = _of_each_owner(tx, name, owner, **page)
            return whole(job_of, [*reversed(rows[-limit:])])

        return await self._database.read(look)

    async def under_way(self, *, owner: str | None, limit: int) -> Sequence[Batch | Job]:
        def look(tx: Transaction) -> Sequence[Batch | Job]:
            batches = tx.all("list_batches_under_way", owner=owner, limit=limit)
            left = limit - len(batches)
            jobs = _of_each_owner(tx, "list_alone_under_way", owner, limit=left)
            return [*whole(batch_of, batches), *whole(job_of, jobs[:left])]

        return await self._database.read(look)

    async def last_change(self) -> int:
        row = await self._database.read(lambda tx: tx.one("last_change"))
        assert row is not None
        return row["value"]

    async def cursor(self, *, owner: str | None) -> Cursor:
        return await self._database.read(lambda tx: updates.cursor(tx, owner=owner))

    async def updates(self, questions: Sequence[Question], *, limit: int) -> Sequence[Updates]:
        return await self._database.read(
            lambda tx: [updates.updates(tx, each, limit=limit) for each in questions]
        )

    async def keyed(
        self, ranges: Sequence[tuple[str, str]], *, owner: str | None, limit: int
    ) -> Sequence[Job]:
        def look(tx: Transaction) -> Sequence[Job]:
            asked = {"ranges": json.dumps(ranges), "owner": owner, "limit": limit}
            return following.shown(tx, tx.all("list_keyed_jobs", **asked))

        return await self._database.read(look)

    @property
    def version(self) -> int:
        return self._database.version

    @property
    def trouble(self) -> str | None:
        return self._database.trouble

    async def wait_for_change(
        self, timeout_s: float, *, since: int, poll_s: float | None = None
    ) -> bool:
        return await self._database.wait_for_change(timeout_s, since=since, poll_s=poll_s)


def _listed(ids: Collection[str] | None) -> str | None:
    return None if ids is None else json.dumps(sorted(ids))


def batch_or_none(row: Row | None) -> Batch | None:
    """Return the batch of a row, if there is one."""
    return None if row is None else batch_of(row)


def _of_each_owner(tx: Transaction, name: str, owner: str | None, **page: int) -> list[Row]:
    """Return what a statement finds for an owner, or for everybody, oldest first."""
    owners = updates.owners_of(tx, owner)
    found = [row for each in owners for row in tx.all(name, owner=each, **page)]
    return sorted(found, key=lambda row: row["id"])


def _with_running(tx: Transaction, rows: Sequence[Row]) -> list[Batch]:
    running = updates.running_jobs(tx, rows)

    def present(row: Row) -> Batch:
        jobs = running.get(row["id"], ())
        waiting = updates.waiting_job(tx, row, jobs)
        return batch_of(row, running=whole(job_of, jobs), waiting=waiting)

    return whole(present, rows)
