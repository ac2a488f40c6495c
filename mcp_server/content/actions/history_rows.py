"""Makes the rows of a history, and of what was live at a moment. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from mcp_server.content.actions.review_rows import findings_of
from mcp_server.content.actions.reviewed import PastState, ReviewRow
from mcp_server.entities.entity import PRODUCTION, Revision
from mcp_server.entities.page_files import PageVersion, VersionKind
from mcp_server.entities.store import Heads

FILE_STATES: Mapping[VersionKind, PastState] = {
    "met": "file as met",
    "taken": "file taken over",
    "before": "file before a write",
    "after": "file written",
}


def file_row(version: PageVersion, *, file: str | None = None) -> ReviewRow:
    """Return the row of a page's file as it was kept: when, why, and how large it was."""
    return ReviewRow(
        section=version.page,
        state=FILE_STATES[version.kind] if version.hash is not None else "file removed",
        file=file,
        file_hash=version.hash,
        size=version.size,
        batch_id=version.batch_id,
        when=version.at,
    )


def history_row(revision: Revision, drafts: Heads, live: Heads) -> ReviewRow:
    """Return the row of a revision: who wrote it, when, from what, and whether it still counts.

    What a draft cost is not said again of the live text that it became.
    """
    is_draft = revision.type != PRODUCTION
    return ReviewRow(
        section=revision.entity_id,
        state=past_state(revision, drafts, live),
        draft=revision.markdown if is_draft else None,
        live=None if is_draft else revision.markdown,
        draft_hash=revision.hash if is_draft else None,
        live_hash=None if is_draft else revision.hash,
        author=None if revision.is_removal else revision.author.shown,
        placeholder=revision.is_placeholder,
        batch_id=revision.batch_id,
        when=revision.created_at,
        findings=findings_of(revision),
        instructions=revision.instructions or None,
        related=revision.related,
        input_tokens=revision.input_tokens if is_draft else None,
        output_tokens=revision.output_tokens if is_draft else None,
        cost_usd=revision.cost_usd if is_draft else None,
    )


def past_state(revision: Revision, drafts: Heads, live: Heads) -> PastState:
    """Return what a revision is, or was."""
    id = revision.entity_id
    if not revision.effective:
        return "draft kept aside"
    if revision.is_removal:
        return "removed" if revision.type == PRODUCTION else "draft discarded"
    if revision.type == PRODUCTION:
        return "live now" if live.revision.get(id) == revision.id else "was live"
    return "draft now" if drafts.revision.get(id) == revision.id else "was draft"


def then_row(revision: Revision, live: Heads) -> ReviewRow:
    """Return the row of a text that was live at a moment; equal words of now are `live now`."""
    same = live.hash.get(revision.entity_id) == revision.hash
    return ReviewRow(
        section=revision.entity_id,
        state="live now" if same else "was live",
        live=revision.markdown,
        live_hash=revision.hash,
        author=revision.author.shown,
        placeholder=revision.is_placeholder,
        batch_id=revision.batch_id,
        when=revision.created_at,
        findings=findings_of(revision),
    )
