"""`edit`: write or change a draft by hand, at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import anyio.to_thread

from mcp_server.content.actions.calls import EditCall
from mcp_server.content.actions.edit_draft import Change
from mcp_server.content.actions.edit_plan import WAYS, check_call, moved, plan_edit
from mcp_server.content.actions.edit_replace import Changes, plan_replace
from mcp_server.content.actions.edited import Edited, EditedSection
from mcp_server.content.actions.job_keys import key_of_claim
from mcp_server.content.actions.looks import look_effects
from mcp_server.content.actions.reader import ContentReader
from mcp_server.content.actions.review_rows import state_of
from mcp_server.content.actions.selection import Selection
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.text.diff import by_words
from mcp_server.entities.drafts import is_superseded
from mcp_server.entities.effects import Require, expect_hash
from mcp_server.entities.entity import PREVIEW, PRODUCTION, Author, Entity, Revision, page_of
from mcp_server.entities.store import EntityStore, Heads
from mcp_server.errors import InvalidPayload, InvalidTransition, Overtaken
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.job import Batch, Origin
from mcp_server.progress.verbs import verb_of


class EditAction:
    """Changes drafts in one transaction, which checks that they are still what was read."""

    def __init__(self, reader: ContentReader, entities: EntityStore, batches: BatchService) -> None:
        self._reader, self._entities, self._batches = reader, entities, batches

    async def __call__(self, call: EditCall, author: Author, origin: Origin) -> Edited:
        """Read the content, plan, save, answer. A dry run saves nothing.

        Raises:
            NotFound: a page or section does not exist; names the nearest.
            InvalidPayload: the call is not one edit, or what it gives does not fit.
            InvalidTransition: the section is static, locked, or is being made live or taken back.
            OtherText: the text is not what the call takes it for.
        """
        check_call(call)
        content, selection, notes = await self._reader.select(call.selector)
        content = await self._reader.look(content, selection.ids)
        content = await self._reader.in_languages(content, selection.ids)
        past = await self._past(call, selection)

        def plan() -> tuple[Changes, tuple[EditedSection, ...]]:
            found = _plan(call, selection, content, author, past)
            return found, tuple(_section(change, content) for change in found.changes)

        # In a thread: texts are parsed, checked and compared.
        planned, sections = await anyio.to_thread.run_sync(plan)
        effects = () if call.dry_run else _effects(planned.changes, content)
        await self._save(planned.changes, effects, content, origin)
        return Edited(
            way=next(way for way in WAYS if getattr(call, way) not in (None, False, ())),
            sections=sections,
            without=planned.without,
            locked=planned.locked,
            left=planned.left,
            dry_run=call.dry_run,
            notes=tuple(notes),
        )

    async def _past(self, call: EditCall, selection: Selection) -> Sequence[Revision]:
        """Return the revisions that the plan needs beside the content."""
        if call.restore is not None and _is_one(selection):
            return await self._entities.with_hash(selection.ids[0], call.restore)
        if call.discard and _is_one(selection):
            return await self._entities.history(PREVIEW, selection.ids[0])
        return ()

    async def _save(
        self,
        changes: Sequence[Change],
        effects: Sequence[object],
        content: SiteContent,
        origin: Origin,
    ) -> None:
        """Save all of it, or refuse: nothing is saved then."""
        free = [key_of_claim("change", change.section) for change in changes]
        applied = await self._batches.apply(effects, free=free, owner=origin.owner)
        if applied.held:
            raise _being_changed(applied.held)
        if applied.conflict is not None:
            raise await self._moved(changes, content)

    async def _moved(self, changes: Sequence[Change], content: SiteContent) -> Exception:
        """Return the error on the draft that changed while the edit was planned.

        Where none did, it was a live text or the page's file: the edit can be planned anew.
        """
        for change in changes:
            now = await self._entities.get(PREVIEW, change.section)
            was = content.drafts.get(change.section)
            if (now.hash if now else None) != (was.hash if was else None):
                return moved(change.section, now.current if now else None)
        return Overtaken(changes[0].section, action="edit")


def _plan(
    call: EditCall,
    selection: Selection,
    content: SiteContent,
    author: Author,
    past: Sequence[Revision],
) -> Changes:
    if not (selection.named or selection.pages):
        raise InvalidPayload("edit", ["name the section that is meant, as page/section"])
    if _is_one(selection):
        return Changes(changes=(plan_edit(call, selection.ids[0], content, author, past),))
    if not call.replace:
        raise InvalidPayload("edit", ["only replace takes several sections; name one section"])
    return plan_replace(call, selection.ids, content, author)


def _effects(changes: Sequence[Change], content: SiteContent) -> Sequence[object]:
    """Return what is saved, as long as the live texts are those that the bases are made of."""
    ids = [change.section for change in changes]
    same = [Require(PRODUCTION, id, expect_hash(content.live_hash(id))) for id in ids]
    found = look_effects(content, map(page_of, ids))
    return [*found, *same, *(change.effect for change in changes)]


def _is_one(selection: Selection) -> bool:
    return selection.named and len(selection.ids) == 1


def _section(change: Change, content: SiteContent) -> EditedSection:
    id, after, live = change.section, change.after, content.live.get(change.section)
    draft = None if after is None else Entity(current=after, withdrawn=after.withdrawn)
    # Somebody has gone on from it in the file: so it says nothing (P4).
    shown = None if is_superseded(draft, live) else after
    heads = _heads(id, shown), _heads(id, live.current if live else None)
    return EditedSection(
        section=id,
        state=state_of(content.site, id, *heads),
        hash=after.hash if after else None,
        diff=by_words(_words_of(change.before), _words_of(after)),
        findings=(after.findings or ()) if after else (),
        lost_fields=_has_fields(change.before) and after is not None and not after.fields,
    )


def _heads(id: str, text: Revision | None) -> Heads:
    """Return what is known of a section's draft, or of its live text."""
    if text is None or text.hash is None:
        return Heads()
    withdrawn = (id,) if text.withdrawn else ()
    return Heads(hash={id: text.hash}, base={id: text.base}, withdrawn=withdrawn)


def _words_of(text: Revision | None) -> str | None:
    return None if text is None else text.markdown


def _has_fields(text: Revision | None) -> bool:
    return text is not None and bool(text.fields)


def _being_changed(held: Mapping[str, Batch | None]) -> InvalidTransition:
    """Return the error on a section that a promote, rollback or the like is about to change."""
    key, batch = next(iter(sorted(held.items())))
    section = key.partition(":")[2]
    if batch is None:
        advice = "Wait until it is done."
        return InvalidTransition(section, state="in another batch", action="edit", advice=advice)
    return InvalidTransition(
        section,
        state=f"in the {verb_of(batch).noun} {batch.id}, which is under way",
        action="edit",
        advice=f'Wait for it with status {{"batchId": "{batch.id}"}}, or cancel it.',
    )
