"""Take one live text off production."""

from __future__ import annotations

from mcp_server import (
    PREVIEW,
    PRODUCTION,
    ContentUnpublish,
    JobContext,
    Outcome,
    Skip,
    handler,
    removal,
)


@handler("content-unpublish", ContentUnpublish, timeout_s=30)
async def content_unpublish(payload: ContentUnpublish, context: JobContext) -> Outcome:
    """Remove the live text, withdraw the draft. Safe to run twice: effects apply once."""
    if (locked := await context.why_locked(payload.section)) is not None:
        return Skip(locked)
    live = await context.entities.get(PRODUCTION, payload.section)
    draft = await context.entities.get(PREVIEW, payload.section)
    return removal(payload, live, draft)
