"""Make one draft live."""

from __future__ import annotations

from mcp_server import PREVIEW, ContentPromote, JobContext, Outcome, Skip, handler, promotion


@handler("content-promote", ContentPromote, timeout_s=30)
async def content_promote(payload: ContentPromote, context: JobContext) -> Outcome:
    """Make the draft live. Safe to run twice: the effects are applied once, if nothing moved."""
    if (locked := await context.why_locked(payload.section)) is not None:
        return Skip(locked)
    return promotion(payload, await context.entities.get(PREVIEW, payload.section))
