"""Make one draft live."""

from __future__ import annotations

from mcp_server import (
    ANY,
    PREVIEW,
    PRODUCTION,
    ContentPromote,
    Done,
    Expectation,
    Fail,
    JobContext,
    Outcome,
    Require,
    SaveRevision,
    Skip,
    expect_hash,
    export_of,
    handler,
)


@handler("content-promote", ContentPromote, timeout_s=30)
async def content_promote(payload: ContentPromote, context: JobContext) -> Outcome:
    """Make the draft live. Safe to run twice: the effects are applied once, if nothing moved."""
    if (locked := await context.why_locked(payload.section)) is not None:
        return Skip(locked)
    if payload.blocked:
        return Fail("conflict", payload.blocked)
    draft = await context.entities.get(PREVIEW, payload.section)
    if draft is None or (draft.hash != payload.draft and payload.expect != "any"):
        return Fail("conflict", f"the draft of {payload.section} has changed since it was planned")
    live = draft.current.as_type(PRODUCTION)
    return Done(
        {"section": payload.section},
        (
            # The draft may still change between the read above and the commit.
            Require(PREVIEW, payload.section, draft.hash),
            SaveRevision(live, _expected(payload)),
            export_of(payload.section),
        ),
    )


def _expected(payload: ContentPromote) -> Expectation:
    match payload.expect:
        case "any":
            return ANY
        case "live":
            return expect_hash(payload.live)
        case "base":
            return expect_hash(payload.base)
