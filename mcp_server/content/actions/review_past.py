"""What `review` shows of the past: the history of texts, and what was live at a moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import merge

import anyio.to_thread

from mcp_server.content.actions.calls import Selector
from mcp_server.content.actions.history_rows import file_row, history_row, then_row
from mcp_server.content.actions.moments import said
from mcp_server.content.actions.reader import ContentReader, Outline
from mcp_server.content.actions.review import own_batches
from mcp_server.content.actions.review_rows import fitting, pages_of_states
from mcp_server.content.actions.reviewed import PastState, Reviewed, ReviewRow, Room, Window
from mcp_server.content.actions.selection import pages_of
from mcp_server.entities.entity import Revision
from mcp_server.entities.page_files import PageVersion
from mcp_server.entities.store import EntityStore, Heads
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.job import Origin

ROWS_AT_ONCE = 20
"""Texts that are read together: about as many as an answer has room for."""


FILES = 2**26
"""Texts and kept files are numbered separately. A cursor holds both: the number of a text times
this, plus the number of a file. It stays below 2⁵³ up to 67 million files and twice the texts."""

Past = Revision | PageVersion


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part of a history begins: with what is older than these; `None` for the newest."""

    text: int | None = None
    file: int | None = None

    @staticmethod
    def of(cursor: int) -> Place:
        """Return the place that a cursor encodes."""
        return Place(*divmod(cursor, FILES)) if cursor else Place()

    def after(self, shown: Sequence[Past], found: Sequence[Past]) -> int:
        """Return the cursor of what follows, where `shown` of what was `found` was shown."""
        text = _behind(self.text, _ids(shown, Revision), _ids(found, Revision))
        return text * FILES + _behind(self.file, _ids(shown, PageVersion), _ids(found, PageVersion))


class HistoryAction:
    """Shows all texts of the selected sections, and their pages' files as they were kept.

    Newest first. Of the whole site only texts are shown: each page has a file that was met once.
    """

    def __init__(self, reader: ContentReader, entities: EntityStore, batches: BatchService) -> None:
        self._reader, self._entities, self._batches = reader, entities, batches

    async def __call__(self, selector: Selector, origin: Origin, window: Window) -> Reviewed:
        """Return what is older than the cursor says; from the newest, if it is 0.

        Raises:
            NotFound: a page or section does not exist; names the nearest.
        """
        outline = await self._reader.outline(selector, removed=True)
        shown, place = min(window.limit, ROWS_AT_ONCE), Place.of(window.cursor)
        found = await self._past(selector, outline, place, shown + 1)
        rows = await anyio.to_thread.run_sync(_histories, found[:shown], outline, window.room)
        cursors = [place.after(found[: row + 1], found) for row in range(len(rows))]
        return Reviewed(
            rows=tuple(await own_batches(rows, self._batches, origin)),
            counts={},
            cursors=tuple(cursors),
            next_cursor=cursors[-1] if len(rows) < len(found) else None,
            about="History, newest first.",
            notes=tuple(outline.notes),
        )

    async def _past(
        self, selector: Selector, outline: Outline, place: Place, limit: int
    ) -> Sequence[Past]:
        """Return so many texts and as many files, newest first: more than are shown.

        Of what is not shown the next part begins with the first, be it a text or a file.
        """
        if selector == Selector():
            return await self._entities.latest(None, before=place.text, limit=limit)
        ids = outline.selection.ids
        texts = await self._entities.latest(ids, before=place.text, limit=limit)
        pages = pages_of(selector) or ()
        files = await self._entities.kept(pages, before=place.file, limit=limit)
        # Merged, not sorted: a text that was taken over counts from when its file was changed.
        return list(merge(texts, files, key=lambda each: -_moment(each)))


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


def _histories(found: Sequence[Past], outline: Outline, room: Room) -> Sequence[ReviewRow]:
    return fitting((_row(each, outline) for each in found), room)[0]


def _row(past: Past, outline: Outline) -> ReviewRow:
    if isinstance(past, PageVersion):
        return file_row(past)
    return history_row(past, outline.drafts, outline.live)


def _moment(past: Past) -> float:
    return past.at if isinstance(past, PageVersion) else past.created_at


def _ids(found: Sequence[Past], kind: type[Past]) -> Sequence[int]:
    return [each.id for each in found if isinstance(each, kind)]


def _behind(start: int | None, shown: Sequence[int], found: Sequence[int]) -> int:
    """Return the number below which the next part begins, of texts or of files."""
    if shown:
        return shown[-1]
    if start is not None:
        return start
    return found[0] + 1 if found else 1


def _then(found: Sequence[Revision], live: Heads, room: Room) -> Sequence[ReviewRow]:
    return fitting((then_row(revision, live) for revision in found), room)[0]


def _state(id: str, then: Heads, live: Heads) -> PastState:
    return "live now" if then.hash[id] == live.hash.get(id) else "was live"
