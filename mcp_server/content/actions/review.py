"""`review`: show the state and the texts of each section. It changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial

import anyio.to_thread

from mcp_server.content.actions.calls import Selector
from mcp_server.content.actions.reader import ContentReader, Outline
from mcp_server.content.actions.review_rows import Chosen, Seen, chosen_of, fitting, row_of
from mcp_server.content.actions.review_rows import with_edits as rows_with_edits
from mcp_server.content.actions.reviewed import Reviewed, ReviewRow, Room, SectionState, Window
from mcp_server.entities.entity import page_of, split_id
from mcp_server.entities.store import EntityStore
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.job import Origin

ROWS_AT_ONCE = 20
"""Rows whose texts are read together: about as many as an answer has room for."""


class ReviewAction:
    """Shows the selected sections: the state of each, its texts, and what would change.

    The states of all are known from their hashes. Texts and files are read of the rows shown.
    """

    def __init__(self, reader: ContentReader, entities: EntityStore, batches: BatchService) -> None:
        self._reader, self._entities, self._batches = reader, entities, batches

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
        chosen, live = await anyio.to_thread.run_sync(_chosen, outline, states, window)
        ids = chosen.ids[cursor : cursor + window.limit]
        rows: list[ReviewRow] = []
        missing = False
        while len(rows) < len(ids) and room.bytes > 0:
            some = ids[len(rows) : len(rows) + ROWS_AT_ONCE]
            seen = await self._seen(outline, some, live)
            made, room = await anyio.to_thread.run_sync(
                _made, outline, chosen, some, seen, diff, room
            )
            rows += await self._with_edits(outline, made, seen.edited, diff=diff)
            missing = missing or bool(seen.missing)
        shown = cursor + len(rows)
        return Reviewed(
            rows=tuple(await own_batches(rows, self._batches, origin)),
            counts=chosen.counts,
            pages=chosen.pages,
            next_cursor=shown if shown < len(chosen.ids) else None,
            missing_files=missing,
            notes=tuple(outline.notes),
        )

    async def _seen(self, outline: Outline, ids: Sequence[str], on_pages: Collection[str]) -> Seen:
        """Return the texts of these sections, as they were when their states were read."""
        drafts, live = _of(outline.drafts.revision, ids), _of(outline.live.revision, ids)
        found = await self._entities.revisions({*drafts.values(), *live.values()})
        edited, missing = await self._reader.files_of(outline.site, ids, on_pages)
        return Seen(
            draft={id: found[number] for id, number in drafts.items() if number in found},
            live={id: found[number] for id, number in live.items() if number in found},
            edited=edited,
            missing=missing,
        )

    async def _with_edits(
        self, outline: Outline, rows: Sequence[ReviewRow], edited: Collection[str], *, diff: bool
    ) -> Sequence[ReviewRow]:
        pages = {split_id(row.section)[0] for row in rows} & {*edited}
        if not pages:
            return rows
        kept = await self._reader.edits_on(pages, outline.site)
        return await anyio.to_thread.run_sync(
            partial(rows_with_edits, rows, kept.revisions, diff=diff)
        )


async def own_batches(
    rows: Sequence[ReviewRow], batches: BatchService, origin: Origin
) -> Sequence[ReviewRow]:
    """Return the rows without the batches of other owners."""
    named = {row.batch_id for row in rows if row.batch_id is not None}
    own = {id for id in named if await batches.is_own(id, owner=origin.owner)}
    return [r if r.batch_id in own else replace(r, batch_id=None) for r in rows]


def _chosen(
    outline: Outline, states: Collection[SectionState], window: Window
) -> tuple[Chosen, Collection[str]]:
    """Return what is chosen, and what is live on the pages of the rows that the window shows."""
    ids = outline.selection.ids
    chosen = chosen_of(outline.site, outline.drafts, outline.live, ids, states)
    shown = chosen.ids[window.cursor : window.cursor + window.limit]
    pages = {split_id(id)[0] for id in shown}
    return chosen, [id for id in outline.live.hash if page_of(id) in pages]


def _made(
    outline: Outline, chosen: Chosen, ids: Sequence[str], seen: Seen, diff: bool, room: Room
) -> tuple[Sequence[ReviewRow], Room]:
    """Return the rows for which there is room, and the room that is left."""
    site, states = outline.site, chosen.states
    return fitting((row_of(site, id, states[id], seen, diff=diff) for id in ids), room)


def _of(revisions: Mapping[str, int], ids: Sequence[str]) -> Mapping[str, int]:
    return {id: revisions[id] for id in ids if id in revisions}
