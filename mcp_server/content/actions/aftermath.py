"""What followed a batch: the files that it wrote, and the rollback that took it back."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from mcp_server.content.pages.page_files import PageFiles
from mcp_server.entities.store import EntityStore
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.job import Batch

REWRITTEN = "files"
"""In a batch's details: the pages of which it writes the files again, though no text changes."""


async def undone_by(batch: Batch, batches: BatchService, entities: EntityStore) -> Batch | None:
    """Return the rollback of the batch that still stands, `None` if there is none."""
    for undoing in await batches.about(batch.id):
        if undoing.ended and not await entities.pages_of_batch(undoing.id):
            continue  # it ended before it changed anything
        if await undone_by(undoing, batches, entities) is None:
            return undoing
    return None


async def files_written(
    batch: Batch, files: PageFiles, entities: EntityStore, *, failed: Collection[str]
) -> Sequence[str]:
    """Return the files that a batch has written, as `content/menu.md`, or removed.

    That is what it did at its time, whatever has become of them since. Without those of the
    `failed` pages: what their files hold was not written by this batch.
    """
    exported = await entities.exported()
    pages = dict.fromkeys(batch.details.get(REWRITTEN, ()), True)
    pages |= await entities.pages_of_batch(batch.id)
    return [
        files.shown(page) + ("" if has_text else " (removed)")
        for page, has_text in sorted(pages.items())
        if page in exported and page not in failed
    ]
