"""Lists operations for `status`: batches, and jobs or edits outside any, newest first, in pages."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge

from mcp_server.entities.entity import Author
from mcp_server.entities.store import About, Edit
from mcp_server.interfaces.services import Services
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.job import Batch, BatchState, Job, JobState
from mcp_server.jobs.records import Tally

ACTIVE_MAX = 200
"""Unfinished operations that are counted and listed. A section is only in one unfinished batch, so
few come from us; plugins may queue more."""

JOBS = 2**32
"""Batches and jobs are numbered separately. A cursor holds both: the number of a batch times this,
plus the number of a job; or, of what has changed, of an edit. It has to stay below 2⁵³, as clients
may read numbers as floats."""

LISTED = Batch | Job | Edit


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: with batches and jobs older than these, `None` for the newest."""

    batch: int | None = None
    job: int | None = None

    @staticmethod
    def of(cursor: int | None) -> Place:
        """Return the place that a cursor encodes."""
        return Place() if cursor is None else Place(*divmod(cursor, JOBS))

    def after(self, shown: Sequence[LISTED], found: Sequence[LISTED]) -> int:
        """Return the cursor of the next page, where `shown` of what was `found` was shown."""
        batch = _behind(self.batch, _batches(shown), _batches(found))
        return batch * JOBS + _behind(self.job, _others(shown), _others(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """An owner's unfinished and ended operations, and which of them this page lists."""

    active: Sequence[Batch | Job]
    """The unfinished ones, up to one more than `ACTIVE_MAX`."""
    latest: Batch | Job | None
    """The ended one that was queued last."""
    first: Sequence[Batch | Job]
    """Listed before the others, and on the first page only: the unfinished ones."""
    rest: Sequence[Batch | Job]
    """Listed page by page. One more than asked for was read, to see whether more follow."""
    place: Place

    @property
    def listed(self) -> Sequence[Batch | Job]:
        """What can be listed on this page."""
        return [*self.first, *self.rest]

    @property
    def paused(self) -> int:
        """How many of the unfinished ones are paused."""
        return sum(each.state in (BatchState.PAUSED, JobState.PAUSED) for each in self.active)

    def cursor_after(self, rows: int) -> int | None:
        """Return the cursor of what follows the first `rows`, `None` if nothing does."""
        if rows >= len(self.listed) or not self.rest:
            return None
        return self.place.after(self.rest[: max(0, rows - len(self.first))], self.rest)


async def read_operations(
    batches: BatchService, *, owner: str | None, cursor: int | None, rows: int, active_only: bool
) -> Operations:
    """Return the page of `rows` operations from `cursor` on: unfinished ones, then ended ones."""
    place = Place.of(cursor)
    active, rest = await asyncio.gather(  # together, so that they are one hop
        _read(batches, Place(), owner=owner, active=True, limit=ACTIVE_MAX + 1),
        _read(batches, place, owner=owner, active=active_only, limit=rows + 1),
    )
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What has happened since a time, to the site or to one section or page of it."""

    listed: Sequence[Batch | Edit]
    """One more than asked for was read, to see whether more follow."""
    tallies: Sequence[Tally]
    edits: Mapping[Author, int]
    place: Place

    def cursor_after(self, rows: int) -> int | None:
        """Return the cursor of what follows the first `rows`, `None` if nothing does."""
        if rows >= len(self.listed):
            return None
        return self.place.after(self.listed[:rows], self.listed)


async def read_changes(
    services: Services,
    *,
    owner: str | None,
    since: float,
    about: About | None = None,
    also: Collection[str] = (),
    cursor: int | None,
    rows: int,
) -> Changes:
    """Return the page of `rows` batches and edits since then, from `cursor` on.

    With `about` only those that concern a section or a page, and the batches in `also`.
    """
    content, batches, place = services.content, services.batches, Place.of(cursor)
    ids = None if about is None else {*await content.batches_about(about), *also}
    found, edited, tallies, edits = await asyncio.gather(  # together, so that they are one hop
        batches.list_since(since, owner=owner, ids=ids, before=place.batch, limit=rows + 1),
        content.edits(about, since=since, before=place.job, limit=rows + 1),
        batches.tallies(since, owner=owner, ids=ids),
        content.edit_counts(about, since=since),
    )
    listed = list(merge(found, edited, key=lambda each: -each.created_at))
    return Changes(listed=listed, tallies=tallies, edits=edits, place=place)


async def newest_active(batches: BatchService, *, owner: str) -> Batch | Job | None:
    """Return the unfinished operation that was queued last."""
    found = await _read(batches, Place(), owner=owner, active=True, limit=1)
    return found[0] if found else None


async def _read(
    batches: BatchService, place: Place, *, owner: str | None, active: bool, limit: int
) -> list[Batch | Job]:
    """Return up to `limit` batches and as many jobs outside any, merged newest first."""
    found, alone = await asyncio.gather(
        batches.list(owner=owner, active=active, before=place.batch, limit=limit),
        batches.alone(owner=owner, active=active, before=place.job, limit=limit),
    )
    # Merged, not sorted: the order within each must stay even where the clock was set back, as the
    # cursor depends on it.
    return list(merge(found, alone, key=lambda each: -each.created_at))


def _behind(start: int | None, shown: Sequence[int], found: Sequence[int]) -> int:
    """Return the number below which the next page begins, for batches or for jobs."""
    if shown:
        return shown[-1]
    if start is not None:
        return start
    return found[0] + 1 if found else 0


def _batches(operations: Sequence[LISTED]) -> list[int]:
    return [each.order for each in operations if isinstance(each, Batch)]


def _others(operations: Sequence[LISTED]) -> list[int]:
    return [each.order for each in operations if not isinstance(each, Batch)]
