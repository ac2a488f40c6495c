"""`unpublish`: queue taking live texts off production."""

from __future__ import annotations

from collections.abc import Sequence

import anyio.to_thread

from mcp_server.content.actions.answer import answer, on_digest
from mcp_server.content.actions.calls import (
    ChangeCall,
    Note,
    Planned,
    Selector,
    Skipped,
    Submitted,
)
from mcp_server.content.actions.locks import refuse_locked, why_untouchable
from mcp_server.content.actions.looks import look_effects, on_takeovers
from mcp_server.content.actions.payloads import ContentUnpublish
from mcp_server.content.actions.plan import Plan, new_job
from mcp_server.content.actions.reader import ContentReader
from mcp_server.content.actions.selection import Selection
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.actions.submit import Conditions, Submitter, key_of
from mcp_server.entities.entity import split_id
from mcp_server.errors import InvalidPayload
from mcp_server.jobs.job import NewJob, Origin, Priority
from mcp_server.progress.verbs import UNPUBLISH

PAGES_NAMED_MAX = 3
"""Pages that lose their file which an answer names; the rest is counted."""


class UnpublishAction:
    """Queues the removal of live texts; what is drafted of them is withdrawn (R27)."""

    def __init__(self, reader: ContentReader, submitter: Submitter) -> None:
        self._reader, self._submitter = reader, submitter

    async def __call__(self, call: ChangeCall, origin: Origin) -> Submitted:
        """Read the content, plan, submit, answer. A dry run submits nothing.

        Raises:
            InvalidPayload: nothing is named, or `digest` is not that of what would go now.
            NotFound: a page or section does not exist; names the nearest.
            InvalidTransition: what is named is locked.
        """
        _check_named(call.selector)
        if before := await self._submitter.answered_before(UNPUBLISH, call, origin):
            return before
        content, selection, notes = await self._reader.select(call.selector)
        refuse_locked(selection, content, "unpublish")
        content = await self._reader.look(content, selection.ids)
        plan = await anyio.to_thread.run_sync(plan_unpublish, call, selection, content)
        submission = None
        if not call.dry_run:
            faster = await self._submitter.check_digest(
                UNPUBLISH, plan, call, selection.ids, content, origin
            )
            if faster is not None:
                return faster
            conditions = Conditions(
                terms={"site": content.site.hash},
                key=key_of(UNPUBLISH.kind, call.force, call.digest, selection.ids),
                asked=key_of(UNPUBLISH.kind, call.force),
                effects=look_effects(content, plan.pages),
                content=content,
            )
            submission = await self._submitter.submit(UNPUBLISH, plan, call, origin, conditions)
        return answer(
            UNPUBLISH,
            plan,
            submission,
            notes=notes,
            remarks=[
                *on_takeovers(content, plan.pages),
                *_on_pages(plan, content),
                *on_digest(plan, call),
            ],
            digest=await self._submitter.digest(UNPUBLISH, plan, call),
            dry_run=call.dry_run,
        )


def _check_named(selector: Selector) -> None:
    """Refuse a call that names nothing: no slip may take down a whole site."""
    if selector == Selector():
        what = "say what is to go: page, pages, section or sections"
        raise InvalidPayload(
            UNPUBLISH.kind, [f"{what}; for the whole site name all its pages (review lists them)"]
        )


def plan_unpublish(call: ChangeCall, selection: Selection, content: SiteContent) -> Plan:
    """Return which live texts are removed, with the hashes that the call saw."""
    steps: list[tuple[Planned, NewJob]] = []
    skipped: list[Skipped] = []
    for id in selection.ids:
        live = content.live_hash(id)
        if live is not None and (why := why_untouchable(content, id)) is not None:
            skipped.append(Skipped(section=id, reason=why))
        elif live is not None:
            steps.append(_removal(call, id, live))
        elif reason := _why_left(id, content, named=selection.named):
            skipped.append(Skipped(section=id, reason=reason))
    return Plan(steps=tuple(steps), skipped=tuple(skipped))


def _why_left(id: str, content: SiteContent, *, named: bool) -> str | None:
    """Return what is to be said of a section that is not live, if anything is."""
    section = content.site.section(id)
    if section is not None and section.text is not None:
        return "has a static text, which is taken out in site.yaml" if named else None
    draft = content.drafts.get(id)
    if draft is not None and not draft.withdrawn:
        return "is not live; but a promote of everything would make its draft live"
    return "is not live" if named else None


def _removal(call: ChangeCall, id: str, live: str) -> tuple[Planned, NewJob]:
    planned = Planned(section=id, change="remove", hash_from=live)
    # With a digest, even `force` removes only the text that the dry run showed.
    payload = ContentUnpublish(
        section=id,
        live=live,
        expect="any" if call.force and not call.digest else "live",
    )
    job = new_job(UNPUBLISH.job_kind, payload, id, claim="change", priority=Priority.HIGH)
    return planned, job


def _on_pages(plan: Plan, content: SiteContent) -> Sequence[Note]:
    """Return a note on the pages of which nothing stays live, and so no file."""
    gone = {planned.section for planned in plan.planned}
    staying = {
        split_id(id)[0] for id in content.live if id not in gone and not content.is_static(id)
    }
    pages = list(dict.fromkeys(split_id(id)[0] for id in gone if split_id(id)[0] not in staying))
    if not pages:
        return ()
    named = ", ".join(sorted(pages)[:PAGES_NAMED_MAX])
    more = f" and {len(pages) - PAGES_NAMED_MAX} more" if len(pages) > PAGES_NAMED_MAX else ""
    what = "its file goes" if len(pages) == 1 else "their files go"
    kept = "unless somebody wrote more into it"
    return [
        f"Nothing stays live of {named}{more}: {what} too, {kept}. rollback brings back what went."
    ]
