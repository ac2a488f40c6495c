"""What `status` lists: batches, and jobs outside any, newest first and page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import merge

from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.job import Batch, BatchState, Job, JobState

ACTIVE_MAX = 200
"""Unfinished operations that are counted and listed; sections are in one each, jobs of plugins may
be more."""

JOBS = 2**32
"""Batches and jobs are numbered apart: a cursor is the number of a batch times this, and of a job.
Clients take it for a number below 2⁵³."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: with batches and jobs older than these; `None`: with the newest."""

    batch: int | None = None
    job: int | None = None

    @staticmethod
    def of(cursor: int | None) -> Place:
        """Return the place that a cursor stands for."""
        return Place() if cursor is None else Place(*divmod(cursor, JOBS))

    def after(self, shown: Sequence[Batch | Job], found: Sequence[Batch | Job]) -> int:
        """Return the cursor behind what was shown of what was found from here on."""
        batch = _behind(self.batch, _batches(shown), _batches(found))
        return batch * JOBS + _behind(self.job, _jobs(shown), _jobs(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """What an owner has under way, what ended, and what is listed of both on this page."""

    active: Sequence[Batch | Job]
    """As many as are counted."""
    latest: Batch | Job | None
    """What was queued last of those that ended."""
    first: Sequence[Batch | Job]
    """Listed on the first page only, before the others."""
    rest: Sequence[Batch | Job]
    """Those that go on from page to page: more than there are rows, where there are more."""
    place: Place

    @property
    def listed(self) -> Sequence[Batch | Job]:
        """What can be listed on this page."""
        return [*self.first, *self.rest]

    @property
    def paused(self) -> int:
        """How many of the unfinished ones stand still."""
        return sum(each.state in (BatchState.PAUSED, JobState.PAUSED) for each in self.active)

    def cursor_after(self, rows: int) -> int | None:
        """Return the cursor of what comes after the first `rows`, `None` if nothing does."""
        if rows >= len(self.listed) or not self.rest:
            return None
        return self.place.after(self.rest[: max(0, rows - len(self.first))], self.rest)


async def read_operations(
    batches: BatchService, *, owner: str, cursor: int | None, rows: int, active_only: bool
) -> Operations:
    """Return the page of `rows` operations that begins at `cursor`: what runs, then what ended."""
    place = Place.of(cursor)
    active = await _read(batches, Place(), owner=owner, active=True, limit=ACTIVE_MAX + 1)
    rest = await _read(batches, place, owner=owner, active=active_only, limit=rows + 1)
    if active_only or cursor is not None:
        ended = await _read(batches, Place(), owner=owner, active=False, limit=1)
    else:
        ended = rest
    return Operations(
        active=active,
        latest=ended[0] if ended else None,
        first=() if active_only or cursor is not None else active[:ACTIVE_MAX],
        rest=rest,
        place=place,
    )


async def newest_active(batches: BatchService, *, owner: str) -> Batch | Job | None:
    """Return the operation that was queued last of those that have not ended."""
    found = await _read(batches, Place(), owner=owner, active=True, limit=1)
    return found[0] if found else None


async def _read(
    batches: BatchService, place: Place, *, owner: str, active: bool, limit: int
) -> list[Batch | Job]:
    """Return `limit` of both, newest first; each keeps its own order, whatever its clock said."""
    found = await batches.list(owner=owner, active=active, before=place.batch, limit=limit)
    alone = await batches.alone(owner=owner, active=active, before=place.job, limit=limit)
    return list(merge(found, alone, key=lambda each: -each.created_at))


def _behind(start: int | None, shown: Sequence[int], found: Sequence[int]) -> int:
    """Return the number before which the next page begins, of one of the two."""
    if shown:
        return shown[-1]
    if start is not None:
        return start
    return found[0] + 1 if found else 0


def _batches(operations: Sequence[Batch | Job]) -> list[int]:
    return [each.order for each in operations if isinstance(each, Batch)]


def _jobs(operations: Sequence[Batch | Job]) -> list[int]:
    return [each.order for each in operations if isinstance(each, Job)]
