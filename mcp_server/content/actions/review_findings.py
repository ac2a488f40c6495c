"""In which sections the checks find something now, for `review`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import anyio.to_thread

from mcp_server.content.actions.between import (
    Vectors,
    compared_with,
    findings_between_texts,
    vectors_of,
)
from mcp_server.content.actions.calls import Selector
from mcp_server.content.actions.check import check_texts, texts_of
from mcp_server.content.actions.reader import ContentReader, Outline
from mcp_server.content.actions.review import own_batches
from mcp_server.content.actions.review_rows import Seen, chosen_of, fitting, row_of
from mcp_server.content.actions.reviewed import Reviewed, ReviewRow, Window
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.checks.told import PLACEHOLDER
from mcp_server.entities.entity import Entity, Revision
from mcp_server.entities.meaning import MeaningStore
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.job import Origin

SECTIONS_MAX = 500
"""Sections that one call checks: a cursor goes on, so that no call keeps its caller waiting."""


class FindingsAction:
    """Shows the selected sections in whose newest text something is found.

    They are checked anew: a link may lead nowhere since a page has gone, and another section may
    say otherwise by now.
    """

    def __init__(self, reader: ContentReader, batches: BatchService, meaning: MeaningStore) -> None:
        self._reader, self._batches, self._meaning = reader, batches, meaning

    async def __call__(self, selector: Selector, origin: Origin, window: Window) -> Reviewed:
        """Check until the window is full.

        Raises:
            NotFound: a page or section does not exist; names the nearest.
        """
        outline = await self._reader.outline(selector)
        content, _ = await self._reader.read()
        shown = outline.selection.ids[window.cursor : window.cursor + SECTIONS_MAX]
        content = await self._reader.look(content, shown, to_store=False)
        content = await self._reader.in_languages(content, shown)
        texts = texts_of(content, live=False)
        only = compared_with(shown, texts)
        compared = texts if only is None else {id: texts[id] for id in only if id in texts}
        vectors = await vectors_of(self._meaning, compared)
        found = await anyio.to_thread.run_sync(_found, outline, content, texts, vectors, window)
        return replace(found, rows=tuple(await own_batches(found.rows, self._batches, origin)))


def _found(
    outline: Outline,
    content: SiteContent,
    texts: Mapping[str, Revision | str],
    vectors: Vectors,
    window: Window,
) -> Reviewed:
    """Return the rows, each with the position after its own. In a thread: texts are parsed."""
    ids = outline.selection.ids
    chosen = chosen_of(outline.site, outline.drafts, outline.live, ids, ())
    beyond = min(window.cursor + SECTIONS_MAX, len(ids))
    shown = ids[window.cursor : beyond]
    found = check_texts(content, texts, only={*shown})
    between = findings_between_texts(content, texts, vectors, only=compared_with(shown, texts))
    rows: list[ReviewRow] = []
    cursors: list[int] = []
    for place, id in enumerate(shown, window.cursor + 1):
        own = (each for each in found.get(id, ()) if each != PLACEHOLDER)
        findings = (*own, *between.get(id, ()))
        if not findings:
            continue
        if len(rows) == window.limit:
            beyond = cursors[-1]
            break
        row = row_of(outline.site, id, chosen.states[id], _seen(content, id), diff=False)
        rows.append(replace(row, findings=findings))
        cursors.append(place)
    fit, _ = fitting(rows, window.room)
    place = beyond if len(fit) == len(rows) else cursors[len(fit) - 1]
    return Reviewed(
        rows=tuple(fit),
        counts={},
        cursors=tuple(cursors[: len(fit)]),
        next_cursor=place if place < len(ids) else None,
        about=_about(len(fit), window.cursor, place, len(ids)),
        notes=tuple(outline.notes),
    )


def _seen(content: SiteContent, id: str) -> Seen:
    draft, live = content.drafts.get(id), content.live.get(id)
    return Seen(draft=_current(id, draft), live=_current(id, live))


def _current(id: str, entity: Entity | None) -> dict[str, Revision]:
    return {} if entity is None else {id: entity.current}


def _about(rows: int, start: int, place: int, total: int) -> str:
    found = f"Something to look at in {rows:,} section{'' if rows == 1 else 's'}"
    if start == 0 and place >= total:
        return f"{found} of {total:,}."
    return f"{found}, of {start + 1:,} to {place:,} of {total:,}."
