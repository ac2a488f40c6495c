"""What followed a batch: the files that it wrote, and the rollback that took it back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mcp_server.content.pages.page_files import PageFiles
from mcp_server.entities.entity import PRODUCTION
from mcp_server.entities.store import EntityStore
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.job import Batch

REWRITTEN = "files"
"""In a batch's details: the pages of which it writes the files again, though no text changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """What the rollback `by` has taken back of a batch: `sections` of the `total` it changed."""

    by: Batch
    sections: int
    total: int

    @property
    def is_whole(self) -> bool:
        """Whether it is over, and nothing that the batch did still stands."""
        return self.by.ended and self.sections == self.total


async def taken_back(
    batch: Batch, batches: BatchService, entities: EntityStore
) -> TakenBack | None:
    """Return what a rollback that still stands has taken back of the batch, if there is one.

    That is counted in texts: the counts of a batch are those of its last round only.
    """
    by = await undone_by(batch, batches, entities)
    if by is None:
        return None
    changed = await _changed_by(batch, entities)
    taken = changed & await _changed_by(by, entities)
    return TakenBack(by=by, sections=len(taken), total=len(changed))


async def _changed_by(batch: Batch, entities: EntityStore) -> set[str]:
    """Return the sections whose live texts a batch has changed, in any of its rounds."""
    revisions = await entities.revisions_of_batch(batch.id)
    return {revision.entity_id for revision in revisions if revision.type == PRODUCTION}


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
    pages = dict.fromkeys(batch.details.get(REWRITTEN, ()), True)
    pages |= await entities.pages_of_batch(batch.id)
    known = await entities.page_files(pages)
    return [
        files.shown(known[page].file) + ("" if has_text else " (removed)")
        for page, has_text in sorted(pages.items())
        if page in known and page not in failed
    ]
