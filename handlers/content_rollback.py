"""Take one live text back."""

from __future__ import annotations

from mcp_server import PRODUCTION, ContentRollback, JobContext, Outcome, Skip, handler, restoration


@handler("content-rollback", ContentRollback, timeout_s=30)
async def content_rollback(payload: ContentRollback, context: JobContext) -> Outcome:
    """Restore an earlier revision, or remove the text. Safe to run twice: effects apply once."""
    if (locked := await context.why_locked(payload.section)) is not None:
        return Skip(locked)
    live = await context.entities.get(PRODUCTION, payload.section)
    history = await context.entities.history(PRODUCTION, payload.section)
    return restoration(payload, live, history)
