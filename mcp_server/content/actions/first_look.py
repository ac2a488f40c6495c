"""The first look at a site that is there: in the background, some pages at a time (P2).

A call looks at its own pages at once. The rest is stored later, so that every page is kept as it
was met, and the next calls need not read it again.
"""

from __future__ import annotations

from collections.abc import Sequence

from mcp_server.content.actions.payloads import LOOK, ContentLook
from mcp_server.content.actions.reader import ContentReader
from mcp_server.jobs.job import Dedup, NewJob, Origin, Priority
from mcp_server.jobs.queue import JobQueue

PAGES_AT_ONCE = 100
"""Pages of one job: what it has stored stays, if the job is tried again."""


class FirstLook:
    """Queues the first look at the pages that nobody has looked at yet."""

    def __init__(self, reader: ContentReader, queue: JobQueue) -> None:
        self._reader, self._queue = reader, queue
        self._queued: set[str] = set()
        """The pages that were queued here. A blocked one stays unread; and while the first jobs
        are done, the rest would fall into other jobs each time, and be queued again."""

    async def __call__(self, origin: Origin) -> None:
        """Queue it, unless it is under way."""
        pages = [page for page in self._reader.unread if page not in self._queued]
        self._queued.update(pages)
        for start in range(0, len(pages), PAGES_AT_ONCE):
            await self._queue.enqueue(_job(pages[start : start + PAGES_AT_ONCE]), origin=origin)


def _job(pages: Sequence[str]) -> NewJob:
    return NewJob(
        kind=LOOK,
        payload=ContentLook(pages=tuple(pages)).model_dump(mode="json"),
        subject=pages[0],
        priority=Priority.LOW,
        dedup=Dedup.SKIP,
        dedup_key=f"look:{pages[0]}",
    )
