"""`review`: show the state and the texts of each section. It changes nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import anyio.to_thread

from mcp_server.content.actions.calls import Selector
from mcp_server.content.actions.reader import ContentReader
from mcp_server.content.actions.review_rows import review_of, with_edits
from mcp_server.content.actions.reviewed import Reviewed
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.job import Origin


class ReviewAction:
    """Shows the selected sections: the state of each, its texts, and what would change."""

    def __init__(self, reader: ContentReader, batches: BatchService) -> None:
        self._reader, self._batches = reader, batches

    async def __call__(
        self,
        selector: Selector,
        origin: Origin,
        *,
        states: Collection[str] = (),
        diff: bool = False,
        limit: int,
        cursor: int = 0,
    ) -> Reviewed:
        """Read the site, choose a page of rows, and add what somebody wrote into the files.

        Raises:
            NotFound: a page or section does not exist; names the nearest.
        """
        content, selection, notes = await self._reader.select(selector)
        content = await self._reader.with_files(content, selection.ids)

        def look() -> Reviewed:  # in a thread: texts are parsed
            return review_of(
                content, selection.ids, states=states, diff=diff, limit=limit, cursor=cursor
            )

        found = await anyio.to_thread.run_sync(look)
        kept = await self._reader.edits_to_keep(content, [row.section for row in found.rows])
        found = await self._of_owner(with_edits(found, kept.revisions, diff=diff), origin)
        return replace(found, notes=tuple(notes))

    async def _of_owner(self, found: Reviewed, origin: Origin) -> Reviewed:
        """Return the rows without the batches of other owners."""
        batches = {row.batch_id for row in found.rows if row.batch_id is not None}
        own = {id for id in batches if await self._batches.is_own(id, owner=origin.owner)}
        rows = [r if r.batch_id in own else replace(r, batch_id=None) for r in found.rows]
        return replace(found, rows=tuple(rows))
