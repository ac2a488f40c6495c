"""What an owner sees of batches and jobs."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from mcp_server.errors import ID_LIKENESS, NotFound
from mcp_server.jobs.job import Batch, BatchState, Job, JobState
from mcp_server.jobs.records import Recorded, Tally
from mcp_server.jobs.store import JobStore


class BatchReads:
    """Batches and jobs, as their owner may see them.

    To anybody else they do not exist. `None` for an owner means everybody's.
    """

    def __init__(self, store: JobStore) -> None:
        self._store = store

    async def get(self, batch_id: str, *, owner: str | None) -> Batch:
        """Return a batch with the jobs that are being worked on.

        Raises:
            NotFound: the owner has no such batch; names the nearest.
        """
        batch = await self._store.batch(batch_id, running=True)
        if batch is None or not _is_of(owner, batch):
            raise await self._no_batch(batch_id, owner)
        return batch

    async def _no_batch(self, batch_id: str, owner: str | None) -> NotFound:
        if await self.is_own_job(batch_id, owner=owner):
            hint = f'It is the id of a job: status {{"jobId": "{batch_id}"}} shows it.'
            return NotFound("batch", batch_id, hint=hint)
        recent = await self._store.batches(owner=owner, limit=200)
        known, hint = [batch.id for batch in recent], "`status` lists the batches."
        return NotFound("batch", batch_id, known=known, likeness=ID_LIKENESS, hint=hint)

    async def is_own(self, batch_id: str, *, owner: str | None) -> bool:
        """Whether the batch is the owner's; to others its id is not told (R1)."""
        batch = await self._store.batch(batch_id)
        return batch is not None and _is_of(owner, batch)

    async def is_own_job(self, job_id: str, *, owner: str | None) -> bool:
        """Whether the owner has a job of this id, in a batch or not."""
        job = await self._store.job(job_id)
        return job is not None and _is_of(owner, job)

    async def list(
        self,
        *,
        owner: str | None,
        active: bool | None = None,
        limit: int,
        before: int | None = None,
    ) -> Sequence[Batch]:
        """Return the owner's batches, newest first, those before the `order` of `before`."""
        return await self._store.batches(owner=owner, active=active, before=before, limit=limit)

    async def list_since(
        self,
        since: float,
        *,
        owner: str | None,
        ids: Collection[str] | None = None,
        limit: int,
        before: int | None = None,
    ) -> Sequence[Batch]:
        """Return the owner's batches that have ended since then, or have not ended, as `list`.

        With `ids` only these.
        """
        return await self._store.batches_since(
            since, owner=owner, ids=ids, before=before, limit=limit
        )

    async def tallies(
        self, since: float, *, owner: str | None, ids: Collection[str] | None = None
    ) -> Sequence[Tally]:
        """Return how many batches `list_since` lists of each kind, and what they have done."""
        return await self._store.tallies(since, owner=owner, ids=ids)

    async def jobs(
        self,
        batch_id: str,
        *,
        owner: str | None,
        states: Collection[JobState] | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> Sequence[Job]:
        """Return the jobs of a batch that were not pruned, in the order they were handed in.

        With `states` only those, from position `after` among them.
        """
        await self.get(batch_id, owner=owner)
        return await self._store.jobs(batch_id, states=states, after=after, limit=limit)

    async def record(
        self,
        batch_id: str,
        *,
        owner: str | None,
        states: Collection[str] | None = None,
        after: int = 0,
        limit: int | None = None,
    ) -> Sequence[Recorded]:
        """Return what became of each job of a batch, also once it was pruned, in their order.

        Behind them what was left out while the batch was planned, with the state `SKIPPED`.
        """
        await self.get(batch_id, owner=owner)
        return await self._store.record(batch_id, states=states, after=after, limit=limit)

    async def job(self, job_id: str, *, owner: str | None) -> Job:
        """Return a job.

        Raises:
            NotFound: the owner has no such job, or it was pruned.
        """
        job = await self._store.job(job_id)
        if job is None or not _is_of(owner, job):
            hint = "Finished jobs are forgotten after a day."
            if await self.is_own(job_id, owner=owner):
                hint = f'It is the id of a batch: status {{"batchId": "{job_id}"}} shows it.'
            raise NotFound("job", job_id, hint=hint)
        return job

    async def alone(
        self, *, owner: str | None, active: bool, limit: int, before: int | None = None
    ) -> Sequence[Job]:
        """Return the owner's jobs outside any batch, newest first: the unfinished, or the ended.

        Of these those before the `order` of `before`.
        """
        return await self._store.alone(owner=owner, active=active, before=before, limit=limit)

    async def keyed(
        self, ranges: Sequence[tuple[str, str]], *, owner: str | None, limit: int
    ) -> Sequence[Job]:
        """Return the owner's jobs whose dedup key lies in one of these ranges, newest first.

        Each range is from the first text up to but not with the second, and no folder deeper. Ended
        jobs count, too, as long as they were not pruned.
        """
        return await self._store.keyed(ranges, owner=owner, limit=limit)

    async def about(self, batch_id: str) -> Sequence[Batch]:
        """Return the batches that are about this one (that take it back), newest first."""
        return await self._store.about(batch_id)

    async def under_way(self, *, owner: str | None, limit: int) -> Sequence[Batch | Job]:
        """Return the owner's unfinished batches, then his jobs outside any, that are not paused.

        What is scheduled counts, however late it is due.
        """
        return await self._store.under_way(owner=owner, limit=limit)

    async def paused(self, *, owner: str | None, limit: int) -> Sequence[Batch | Job]:
        """Return what is paused of the owner's `limit` newest unfinished batches, and of his jobs.

        Of jobs those outside any batch.
        """
        found: list[Batch | Job] = []
        found += await self._store.batches(owner=owner, active=True, limit=limit)
        found += await self._store.alone(owner=owner, active=True, limit=limit)
        return [each for each in found if each.state in (BatchState.PAUSED, JobState.PAUSED)]


def _is_of(owner: str | None, found: Batch | Job) -> bool:
    return found.origin.is_seen_by(owner)
