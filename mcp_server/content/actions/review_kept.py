"""One text of the past, or one page's file as it was kept, read by its hash; for `review`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import anyio.to_thread

from mcp_server.content.actions.calls import Selector
from mcp_server.content.actions.history_rows import file_row, history_row
from mcp_server.content.actions.reader import ContentReader, Outline
from mcp_server.content.actions.review import own_batches
from mcp_server.content.actions.reviewed import Reviewed, ReviewRow, Window
from mcp_server.content.actions.rollback_to import HASH
from mcp_server.content.actions.selection import pages_of
from mcp_server.content.text.diff import capped
from mcp_server.entities.page_files import PageVersion
from mcp_server.entities.store import EntityStore
from mcp_server.errors import InvalidPayload
from mcp_server.excerpt import in_quotes
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.job import Origin

PART_BYTES_MAX = 16_000
"""Of a text, as JSON: what one answer has room for beside what it says of it."""
PART_LENGTHS = (16_000, 8_000)
PART_LENGTH_MIN = 4_000
"""Characters of a part. The least always has room: one that is shown takes four bytes at most."""


class KeptAction:
    """Shows one text that a history lists, whole: a long one in parts."""

    def __init__(self, reader: ContentReader, entities: EntityStore, batches: BatchService) -> None:
        self._reader, self._entities, self._batches = reader, entities, batches

    async def __call__(
        self, selector: Selector, origin: Origin, window: Window, *, digits: str
    ) -> Reviewed:
        """Return the text whose hash begins with `digits`, from the character at the cursor on.

        Raises:
            NotFound: a page or section does not exist; names the nearest.
            InvalidPayload: not one page or section is named, or nothing of it has such a hash.
        """
        outline = await self._reader.outline(selector, removed=True)
        page = next(iter(sorted(pages_of(selector) or ())), "")
        if len(outline.selection.ids) != 1 and selector != Selector(page=page):
            raise InvalidPayload("revision", ["name the one page or section that it belongs to"])
        if HASH.fullmatch(digits) is None:
            raise InvalidPayload("revision", [f"{in_quotes(digits)} is no hash; {_listing(page)}"])
        found = await self._found(page, outline, digits)
        if len(found) != 1:
            why = "several texts begin so: write more digits" if found else "nothing has this hash"
            raise InvalidPayload("revision", [f"{why}; {_listing(page)}"])
        row, beyond = await anyio.to_thread.run_sync(_part, found[0], window.cursor)
        return Reviewed(
            rows=tuple(await own_batches([row], self._batches, origin)),
            counts={},
            next_cursor=beyond,
            about="From the history.",
            notes=tuple(outline.notes),
        )

    async def _found(self, page: str, outline: Outline, digits: str) -> Sequence[ReviewRow]:
        """Return a row of each text or file with such a hash."""
        rows: dict[str | None, ReviewRow] = {}
        for id in outline.selection.ids:
            for revision in await self._entities.with_hash(id, digits):
                rows[revision.hash] = history_row(revision, outline.drafts, outline.live)
        # A file of nothing but one text has its hash; then it is the file.
        found = reversed(await self._entities.page_versions(page))
        first = {v.hash: v for v in found if (v.hash or "").startswith(digits)}
        rows.update({hash: await self._file(version) for hash, version in first.items()})
        return tuple(rows.values())

    async def _file(self, version: PageVersion) -> ReviewRow:
        data = await self._entities.page_bytes(version.hash or "")
        if data is None:
            return replace(file_row(version), note="its bytes in the database are damaged")
        try:
            text, note = data.decode("utf-8-sig"), None
        except UnicodeDecodeError:
            text, note = (
                data.decode("utf-8", "replace"),
                "not UTF-8: shown as far as it can be read",
            )
        return replace(file_row(replace(version, size=len(data)), file=text), note=note)


def _part(row: ReviewRow, start: int) -> tuple[ReviewRow, int | None]:
    """Return the row with as much of its text as fits, and where the rest begins."""
    text = (row.file or row.draft or row.live or "")[start:]
    parts = (capped(text, length) for length in PART_LENGTHS)
    least = capped(text, PART_LENGTH_MIN)
    part, more = next((part for part in parts if _fits(part[0])), least)
    beyond = start + len(part) + text.startswith("\n", len(part)) if more else None
    if row.file is not None:
        return replace(row, file=part), beyond
    return replace(row, draft=row.draft and part, live=row.live and part), beyond


def _fits(part: str) -> bool:
    return len(json.dumps(part, ensure_ascii=False).encode("utf-8", "replace")) <= PART_BYTES_MAX


def _listing(page: str) -> str:
    return f"review {json.dumps({'page': page, 'history': True})} lists them"
