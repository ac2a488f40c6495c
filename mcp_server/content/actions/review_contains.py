"""Which sections contain a text, for `review`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import anyio.to_thread

from mcp_server.content.actions.calls import Selector
from mcp_server.content.actions.contained import Needle
from mcp_server.content.actions.reader import ContentReader
from mcp_server.content.actions.review import own_batches
from mcp_server.content.actions.review_rows import (
    Seen,
    chosen_of,
    fitting,
    row_of,
    seen_in,
    state_in,
)
from mcp_server.content.actions.reviewed import Reviewed, ReviewRow, SectionState, Window
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.job import Origin

SECTIONS_AT_ONCE = 200
"""Sections whose texts are read together: a thread holds them, and nobody waits long for it."""
SECTIONS_MAX = 1_000
"""Sections that one call searches: a cursor goes on, so that no call keeps its caller waiting."""


class ContainingAction:
    """Shows the selected sections whose draft or live text contains a text."""

    def __init__(self, reader: ContentReader, batches: BatchService) -> None:
        self._reader, self._batches = reader, batches

    async def __call__(
        self,
        selector: Selector,
        origin: Origin,
        window: Window,
        *,
        contains: str,
        states: Collection[SectionState] = (),
    ) -> Reviewed:
        """Search until the window is full.

        Raises:
            NotFound: a page or section does not exist; names the nearest.
            InvalidPayload: `contains` has no words.
        """
        needle = Needle(contains)
        outline = await self._reader.outline(selector)
        chosen = await anyio.to_thread.run_sync(
            chosen_of, outline.site, outline.drafts, outline.live, outline.selection.ids, states
        )
        room, limit, cursor = window.room, window.limit, window.cursor
        last = min(len(chosen.ids), cursor + SECTIONS_MAX)
        rows: list[tuple[int, ReviewRow]] = []
        place = cursor
        while place < last and len(rows) < limit and room.bytes > 0:
            ids = chosen.ids[place : min(place + SECTIONS_AT_ONCE, last)]
            content = await self._reader.look_at(ids)
            found = await anyio.to_thread.run_sync(
                _searched, content, ids, needle, place, limit - len(rows)
            )
            fit, room = fitting((row for _, row in found), room)
            rows += found[: len(fit)]
            stopped = len(fit) < len(found) or len(rows) >= limit or room.bytes <= 0
            place = rows[-1][0] if stopped else place + len(ids)
        return Reviewed(
            rows=tuple(await own_batches([row for _, row in rows], self._batches, origin)),
            counts={},
            cursors=tuple(beyond for beyond, _ in rows),
            next_cursor=place if place < len(chosen.ids) else None,
            about=_about(len(rows), cursor, place, len(chosen.ids)),
            notes=tuple(outline.notes),
        )


def _searched(
    content: SiteContent, ids: Sequence[str], needle: Needle, place: int, limit: int
) -> Sequence[tuple[int, ReviewRow]]:
    """Return the rows of the sections that contain it, each with the position after its own."""
    rows: list[tuple[int, ReviewRow]] = []
    seen = seen_in(content, ids)
    for beyond, id in enumerate(ids, place + 1):
        if (row := _row(content, id, seen, needle)) is not None:
            rows.append((beyond, row))
        if len(rows) >= limit:
            break
    return rows


def _row(content: SiteContent, id: str, seen: Seen, needle: Needle) -> ReviewRow | None:
    draft, live = seen.draft.get(id), seen.live.get(id)
    section = content.site.section(id)
    static = section.text if section is not None else None
    if static is not None:
        found = needle.found(static, None)
    else:
        found = needle.found(draft.markdown if draft else None, live.markdown if live else None)
    if found is None:
        return None
    row = row_of(content.site, id, state_in(content, id), seen, diff=False)
    where = "site.yaml" if static is not None else found.where
    excerpts = found.excerpts
    return replace(
        row, found_in=where, draft=excerpts.get("draft"), live=excerpts.get("live"), findings=()
    )


def _about(rows: int, start: int, place: int, total: int) -> str:
    found = f"{rows:,} section{'' if rows == 1 else 's'} found"
    if start == 0 and place >= total:
        return f"{found} in {total:,}."
    return f"{found} in {start + 1:,} to {place:,} of {total:,}."
