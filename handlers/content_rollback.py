"""Take one live text back."""

from __future__ import annotations

from dataclasses import replace

from mcp_server import (
    ANY,
    PRODUCTION,
    Author,
    ContentRollback,
    Done,
    Fail,
    JobContext,
    MarkWithdrawn,
    Outcome,
    Revision,
    SaveRemoval,
    SaveRevision,
    Skip,
    expect_hash,
    export_of,
    handler,
)


@handler("content-rollback", ContentRollback, timeout_s=30)
async def content_rollback(payload: ContentRollback, context: JobContext) -> Outcome:
    """Restore an earlier revision, or remove the text. Safe to run twice: effects apply once."""
    if (locked := await context.why_locked(payload.section)) is not None:
        return Skip(locked)
    if payload.blocked:
        return Fail("conflict", payload.blocked)
    live = await context.entities.get(PRODUCTION, payload.section)
    expects = ANY if payload.expect == "any" else expect_hash(payload.live)
    restored = await _restored(payload, context)
    if restored is None:
        return Fail("conflict", f"the revision of {payload.section} to go back to is gone")
    change = SaveRemoval if restored.is_removal else SaveRevision
    return Done(
        {"section": payload.section, "removed": restored.is_removal},
        (
            change(restored, expects),
            # R9: or the next bulk promote would publish again what is taken back here.
            *([MarkWithdrawn(payload.section, live.hash)] if live else []),
            export_of(payload.section),
        ),
    )


async def _restored(payload: ContentRollback, context: JobContext) -> Revision | None:
    """Return what is to be live: the revision to go back to, or a removal."""
    history = await context.entities.history(PRODUCTION, payload.section)
    if payload.restore is None:
        return Revision(
            type=PRODUCTION,
            entity_id=payload.section,
            template=history[-1].template if history else "",
            fields={},
            markdown=None,
            author=Author(kind="person", name="rollback"),
        )
    found = next((revision for revision in history if revision.id == payload.restore), None)
    if found is None:
        return None
    if found.author.kind == "adopted":
        # Restoring the adopted text is a change like any other: a later rollback may undo it. As
        # "adopted" it would be the ground, which rollback never takes away (R15).
        found = replace(found, author=Author(kind="person", name="adopted file"))
    return found.as_type(PRODUCTION)
