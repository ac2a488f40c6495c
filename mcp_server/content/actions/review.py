"""`review`: show the state and the texts of each section. It changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import anyio.to_thread

from mcp_server.content.actions.calls import Selector
from mcp_server.content.actions.reader import ContentReader
from mcp_server.content.actions.review_rows import (
    chosen_of,
    fitting,
    pages_of_states,
    recounted,
    row_of,
    seen_in,
    state_in,
    titled,
    titles_in,
)
from mcp_server.content.actions.reviewed import Reviewed, ReviewRow, Room, SectionState, Window
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.job import Origin

ROWS_AT_ONCE = 20
"""Rows whose texts are read together: about as many as an answer has room for."""


class ReviewAction:
    """Shows the selected sections: the state of each, its texts, and what would change.

    The states of all are known from their hashes. Texts and files are read of the rows shown, so
    that what somebody changed in a file is seen there.
    """

    def __init__(self, reader: ContentReader, batches: BatchService) -> None:
        self._reader, self._batches = reader, batches

    async def __call__(
        self,
        selector: Selector,
        origin: Origin,
        window: Window,
        *,
        states: Collection[SectionState] = (),
        diff: bool = False,
    ) -> Reviewed:
        """Read the site, and the rows that the window shows.

        The counts cover all selected sections, whatever is shown; the rows are only of those in
        one of `states`, if any are named.

        Raises:
            NotFound: a page or section does not exist; names the nearest.
        """
        outline = await self._reader.outline(selector)
        room, cursor = window.room, window.cursor
        chosen = await anyio.to_thread.run_sync(
            chosen_of, outline.site, outline.drafts, outline.live, outline.selection.ids, states
        )
        ids = chosen.ids[cursor : cursor + window.limit]
        rows: list[ReviewRow] = []
        titles: dict[str, str] = {}
        missing = False
        while len(rows) < len(ids) and room.bytes > 0:
            some = ids[len(rows) : len(rows) + ROWS_AT_ONCE]
            content = await self._reader.look_to_show(some)
            made, room = await anyio.to_thread.run_sync(_made, some, content, diff, room)
            missing = missing or any(content.missing_file(row.section) for row in made)
            titles |= titles_in(content)
            rows += made
        shown = cursor + len(rows)
        pages = chosen.pages
        # What the files of the rows say by now counts, too.
        if moved := {r.section: r.state for r in rows if r.state != chosen.states[r.section]}:
            now = {**chosen.states, **moved}
            pages = await anyio.to_thread.run_sync(pages_of_states, outline.site, now)
        return Reviewed(
            rows=tuple(await own_batches(rows, self._batches, origin)),
            counts=recounted(chosen, rows),
            pages=tuple(titled(page, titles) for page in pages),
            next_cursor=shown if shown < len(chosen.ids) else None,
            missing_files=missing,
            notes=tuple(outline.notes),
        )


async def own_batches(
    rows: Sequence[ReviewRow], batches: BatchService, origin: Origin
) -> Sequence[ReviewRow]:
    """Return the rows without the batches of other owners."""
    named = {row.batch_id for row in rows if row.batch_id is not None}
    own = {id for id in named if await batches.is_own(id, owner=origin.owner)}
    return [r if r.batch_id in own else replace(r, batch_id=None) for r in rows]


def _made(
    ids: Sequence[str], content: SiteContent, diff: bool, room: Room
) -> tuple[Sequence[ReviewRow], Room]:
    """Return the rows for which there is room, and the room that is left."""
    site, seen = content.site, seen_in(content, ids)
    rows = (row_of(site, id, state_in(content, id), seen, diff=diff) for id in ids)
    return fitting(rows, room)
