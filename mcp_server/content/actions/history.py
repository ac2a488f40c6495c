"""Answers questions about the history of live texts and drafts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mcp_server.entities.drafts import draft_stack
from mcp_server.entities.entity import Revision, split_id


def batches_newest_first(
    histories: Mapping[str, Sequence[Revision]], pages: Sequence[str] = ()
) -> list[str]:
    """Return the batches that changed live texts, latest change first; of these pages, if any."""
    revisions = [
        revision
        for id, history in histories.items()
        if not pages or split_id(id)[0] in pages
        for revision in history
        if revision.batch_id is not None
    ]
    revisions.sort(key=lambda revision: revision.id, reverse=True)
    return list(dict.fromkeys(r.batch_id for r in revisions if r.batch_id is not None))


def carriers(histories: Mapping[str, Sequence[Revision]], drafted: Iterable[Revision]) -> list[str]:
    """Return the batches that made these drafts live, latest first (R16)."""
    texts = {(revision.entity_id, revision.hash) for revision in drafted}
    found = {
        revision.batch_id
        for id, history in histories.items()
        for revision in history
        if (id, revision.hash) in texts
    }
    return [batch for batch in batches_newest_first(histories) if batch in found]


def is_still_of(batch_id: str, drafts: Sequence[Revision]) -> bool:
    """Whether the present draft is the batch's own, or an edit of that one by hand (R8).

    `drafts` are all that the section has had, and the discards, oldest first.
    """
    # Backwards over edits, until the draft that they edited.
    for revision in reversed(draft_stack(drafts)):
        if revision.batch_id == batch_id:
            return True
        # A placeholder that was restored stays one; nobody drafted it anew.
        if revision.batch_id is not None and not revision.author.by_hand:
            return False
    return False
