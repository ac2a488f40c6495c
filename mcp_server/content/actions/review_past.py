"""What `review` shows of the past: the history of texts, and what was live at a moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import anyio.to_thread

from mcp_server.content.actions.calls import Selector
from mcp_server.content.actions.history_rows import history_row, then_row
from mcp_server.content.actions.moments import said
from mcp_server.content.actions.reader import ContentReader, Outline
from mcp_server.content.actions.review import own_batches
from mcp_server.content.actions.review_rows import fitting, pages_of_states
from mcp_server.content.actions.reviewed import PastState, Reviewed, ReviewRow, Room, Window
from mcp_server.content.actions.selection import pages_of
from mcp_server.entities.entity import Revision
from mcp_server.entities.store import EntityStore, Heads
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.job import Origin

ROWS_AT_ONCE = 20
"""Texts that are read together: about as many as an answer has room for."""


class HistoryAction:
    """Shows the revisions of the selected sections, drafts and live texts, newest first."""

    def __init__(self, reader: ContentReader, entities: EntityStore, batches: BatchService) -> None:
        self._reader, self._entities, self._batches = reader, entities, batches

    async def __call__(self, selector: Selector, origin: Origin, window: Window) -> Reviewed:
        """Return the revisions before the one that the cursor names; from the newest, if it is 0.

        Raises:
            NotFound: a page or section does not exist; names the nearest.
        """
        outline = await self._reader.outline(selector, removed=True)
        ids = None if selector == Selector() else outline.selection.ids
        shown = min(window.limit, ROWS_AT_ONCE)
        before = window.cursor or None
        found = await self._entities.latest(ids, before=before, limit=shown + 1)
        rows = await anyio.to_thread.run_sync(_histories, found[:shown], outline, window.room)
        more = len(rows) < len(found)
        return Reviewed(
            rows=tuple(await own_batches(rows, self._batches, origin)),
            counts={},
            cursors=tuple(each.id for each in found[: len(rows)]),
            next_cursor=found[len(rows) - 1].id if more else None,
            about="History, newest first.",
            notes=tuple(outline.notes),
        )


class ThenAction:
    """Shows what was live at a moment."""

    def __init__(self, reader: ContentReader, entities: EntityStore, batches: BatchService) -> None:
        self._reader, self._entities, self._batches = reader, entities, batches

    async def __call__(
        self,
        selector: Selector,
        origin: Origin,
        window: Window,
        *,
        at: float,
    ) -> Reviewed:
        """Return the texts that were live just before the moment `at`.

        Raises:
            NotFound: a page or section does not exist; names the nearest.
        """
        outline = await self._reader.outline(selector, removed=True)
        then = await self._entities.live_before(at, pages_of(selector))
        ids = [id for id in outline.selection.ids if id in then.hash]
        cursor = window.cursor
        page = ids[cursor : cursor + min(window.limit, ROWS_AT_ONCE)]
        found = await self._entities.revisions([then.revision[id] for id in page])
        texts = [found[then.revision[id]] for id in page]
        rows = await anyio.to_thread.run_sync(_then, texts, outline.live, window.room)
        states = {id: _state(id, then, outline.live) for id in ids}
        beyond = cursor + len(rows)
        return Reviewed(
            rows=tuple(await own_batches(rows, self._batches, origin)),
            counts=Counter(states.values()),
            pages=pages_of_states(outline.site, states),
            next_cursor=beyond if beyond < len(ids) else None,
            about=f"Live texts as they were until {said(at)}.",
            notes=tuple(outline.notes),
        )


def _histories(found: Sequence[Revision], outline: Outline, room: Room) -> Sequence[ReviewRow]:
    return fitting((history_row(r, outline.drafts, outline.live) for r in found), room)[0]


def _then(found: Sequence[Revision], live: Heads, room: Room) -> Sequence[ReviewRow]:
    return fitting((then_row(revision, live) for revision in found), room)[0]


def _state(id: str, then: Heads, live: Heads) -> PastState:
    return "live now" if then.hash[id] == live.hash.get(id) else "was live"
