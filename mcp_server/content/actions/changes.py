"""What one job changes in the live text and the draft of its section.

Decided alike by the job's handler, and by a call with a digest, which changes all at once. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mcp_server.content.actions.payloads import (
    ContentPromote,
    ContentRollback,
    ContentUnpublish,
    export_of,
)
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.entities.effects import (
    ABSENT,
    ANY,
    Expectation,
    MarkWithdrawn,
    Require,
    SaveRemoval,
    SaveRevision,
    expect_hash,
)
from mcp_server.entities.entity import ADOPTED, PREVIEW, PRODUCTION, Author, Entity, Revision
from mcp_server.jobs.job import NewJob
from mcp_server.jobs.outcome import Done, Fail
from mcp_server.progress.verbs import PROMOTE, ROLLBACK, UNPUBLISH


def promotion(payload: ContentPromote, draft: Entity | None) -> Done | Fail:
    """Make the draft the live text, if it is the one that was planned on."""
    if payload.blocked:
        return _conflict(payload.blocked)
    if draft is None or (draft.hash != payload.draft and payload.expect != "any"):
        return _conflict(f"the draft of {payload.section} has changed since it was planned")
    match payload.expect:
        case "any":
            expects: Expectation = ANY
        case "live":
            expects = expect_hash(payload.live)
        case "base":
            expects = expect_hash(payload.base)
    return Done(
        {"section": payload.section},
        (
            # The draft may still change between the read and the commit.
            Require(PREVIEW, payload.section, draft.hash),
            SaveRevision(draft.current.as_type(PRODUCTION), expects),
            export_of(payload.section),
        ),
    )


def restoration(
    payload: ContentRollback, live: Entity | None, history: Sequence[Revision]
) -> Done | Fail:
    """Put back an earlier live text, or remove the text where there was none."""
    if payload.blocked:
        return _conflict(payload.blocked)
    expects = ANY if payload.expect == "any" else expect_hash(payload.live)
    restored = _restored(payload, history)
    if restored is None:
        return _conflict(f"the revision of {payload.section} to go back to is gone")
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


def removal(payload: ContentUnpublish, live: Entity | None, draft: Entity | None) -> Done | Fail:
    """Take the live text off production, and withdraw the draft, whatever it says (R27)."""
    if payload.blocked:
        return _conflict(payload.blocked)
    if live is None:
        return _conflict(f"{payload.section} is not live any more")
    expects = ANY if payload.expect == "any" else expect_hash(payload.live)
    return Done(
        {"section": payload.section, "removed": True},
        (
            SaveRemoval(_nothing(payload.section, live.current.template, "unpublish"), expects),
            *_withdrawals(live, draft),
            export_of(payload.section),
        ),
    )


def change_of(job: NewJob, content: SiteContent) -> Done | Fail:
    """Return what a planned job changes, from the content that its plan saw.

    For a rollback that holds the history of its section.
    """
    id = job.subject
    match job.kind:
        case PROMOTE.job_kind:
            return promotion(ContentPromote.model_validate(job.payload), content.drafts.get(id))
        case ROLLBACK.job_kind:
            asked = ContentRollback.model_validate(job.payload)
            return restoration(asked, content.live.get(id), content.history.get(id, ()))
        case UNPUBLISH.job_kind:
            taken = ContentUnpublish.model_validate(job.payload)
            return removal(taken, content.live.get(id), content.drafts.get(id))
        case _:
            raise AssertionError(f"{job.kind} changes no live text")


def _withdrawals(live: Entity, draft: Entity | None) -> Sequence[object]:
    """Return what keeps a section that goes off from being published again in bulk.

    Where there is no draft, the text that goes becomes one: else the next drafting of everything
    would write the section anew, and pay for it.
    """
    section = live.current.entity_id
    if draft is None:
        kept = _by_hand(live.current).as_type(PREVIEW)
        return (SaveRevision(kept, ABSENT), MarkWithdrawn(section, live.hash))
    return tuple(MarkWithdrawn(section, hash) for hash in dict.fromkeys([live.hash, draft.hash]))


def _restored(payload: ContentRollback, history: Sequence[Revision]) -> Revision | None:
    """Return what is to be live: the revision to go back to, or a removal."""
    if payload.restore is None:
        template = history[-1].template if history else ""
        return _nothing(payload.section, template, "rollback")
    found = next((revision for revision in history if revision.id == payload.restore), None)
    return None if found is None else _by_hand(found).as_type(PRODUCTION)


def _by_hand(revision: Revision) -> Revision:
    """Return a text that was read from a file as one that a batch brings back.

    Bringing it back is a change like any other, which a later rollback may undo. As "adopted" it
    would be the ground, which rollback never takes away, and as "file" no batch's.
    """
    if not revision.author.in_file:
        return revision
    return replace(revision, author=Author(kind="person", name=ADOPTED))


def _nothing(section: str, template: str, by: str) -> Revision:
    """Return the revision that says that there is no live text."""
    return Revision(
        type=PRODUCTION,
        entity_id=section,
        template=template,
        fields={},
        markdown=None,
        author=Author(kind="person", name=by),
    )


def _conflict(reason: str) -> Fail:
    return Fail("conflict", reason)
