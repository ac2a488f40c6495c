"""`rollback`: queue taking changes to the live texts back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import anyio.to_thread

from mcp_server.content.actions.answer import answer, on_digest
from mcp_server.content.actions.calls import ChangeCall, Note, Planned, Selector, Skipped, Submitted
from mcp_server.content.actions.locks import refuse_locked, why_untouchable
from mcp_server.content.actions.looks import look_effects, on_takeovers
from mcp_server.content.actions.plan import Plan
from mcp_server.content.actions.reader import ContentReader
from mcp_server.content.actions.restoration import restoration, same, text_of
from mcp_server.content.actions.rollback_target import (
    RollbackTarget,
    changed_since,
    note_on_cancelling,
    stands_whole,
)
from mcp_server.content.actions.rollback_to import check_going_back, plan_to_moment, plan_to_text
from mcp_server.content.actions.selection import Selection
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.actions.submit import Conditions, Submitter, key_of
from mcp_server.errors import InvalidTransition
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.job import Batch, NewJob, Origin
from mcp_server.jobs.records import Submission
from mcp_server.progress.verbs import ROLLBACK

LOOKS_MAX = 20
"""How often a rollback of a running batch is planned anew because the batch has moved on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What a rollback is planned from: the content, the selection and the batch to take back."""

    content: SiteContent
    selection: Selection
    target: Batch | None
    """`None`: the last change to each section."""
    notes: Sequence[Note]

    @property
    def unfinished(self) -> Batch | None:
        """The target, if it has not ended. The submitting transaction cancels it."""
        return None if self.target is None or self.target.ended else self.target

    def plan(self, call: ChangeCall) -> Plan:
        """Return the plan of the rollback of a batch, or of the last changes."""
        ids, exact = self.selection.ids, call.digest is not None
        if call.revision is not None:
            return plan_to_text(ids, call.revision, self.content, force=call.force, exact=exact)
        if call.as_of is not None:
            return plan_to_moment(ids, call.as_of, self.content, force=call.force, exact=exact)
        if self.target is None:
            return plan_undo(ids, self.content, force=call.force, exact=exact)
        named = bool(call.selector.section or call.selector.sections)
        return plan_rollback_of_batch(
            self.target.id, ids, self.content, named=named, force=call.force, exact=exact
        )

    def conditions(self, call: ChangeCall, plan: Plan) -> Conditions:
        """Return what the plan is submitted with."""
        about = self.target.id if self.target is not None else None
        return Conditions(
            terms={"site": self.content.site.hash},
            asked=key_of(ROLLBACK.kind, about, call.force, *_to(call)),
            key=key_of(ROLLBACK.kind, about, call.force, self.selection.ids, *_to(call)),
            effects=(*look_effects(self.content, plan.pages), *plan.put_back_effects),
            content=self.content,
            cancels=self.unfinished,
            about=about,
        )


class RollbackAction:
    """Queues the jobs that put back the earlier live texts."""

    def __init__(
        self,
        reader: ContentReader,
        submitter: Submitter,
        batches: BatchService,
        target: RollbackTarget,
    ) -> None:
        self._reader, self._submitter = reader, submitter
        self._batches, self._target = batches, target

    async def __call__(self, call: ChangeCall, origin: Origin) -> Submitted:
        """Look, plan, submit, answer; begin again if a running batch has moved on meanwhile.

        Raises:
            NotFound: a page, section or batch does not exist; names the nearest.
            InvalidPayload: it is a generate batch (R16), `digest` is not that of what would be
                taken back now, or `revision` was never live.
            InvalidTransition: what is named is locked, or a running batch moved on each of
                `LOOKS_MAX` times.
        """
        check_going_back(call)
        if before := await self._submitter.answered_before(ROLLBACK, call, origin):
            return before
        cancelled, about = False, call
        for _ in range(LOOKS_MAX):
            look = await self._look(about, origin, cancelled=cancelled)
            if isinstance(look, Submitted):
                if look.batch_id is not None:  # it repeats a rollback that is under way
                    await self._submitter.remember(ROLLBACK, call, look.batch_id, origin)
                return look
            plan = await anyio.to_thread.run_sync(look.plan, call)
            if call.dry_run:
                return answer(
                    ROLLBACK,
                    plan,
                    None,
                    notes=look.notes,
                    remarks=[*on_takeovers(look.content, plan.pages), *on_digest(plan, call)],
                    digest=await self._submitter.digest(ROLLBACK, plan, call),
                    dry_run=True,
                )
            faster = await self._submitter.check_digest(
                ROLLBACK, plan, call, look.selection.ids, look.content, origin
            )
            if faster is not None:
                return faster
            if cancelled and not plan.steps:
                note = "Nothing that was asked for had been changed by it yet."
                return answer(ROLLBACK, plan, None, notes=look.notes, remarks=[note])
            # The batch has changed nothing yet that could be taken back. Once it is cancelled, look
            # again: a job may have ended in between.
            if look.unfinished is not None and not plan.steps:
                cancelled = await self._cancel(look.unfinished, origin)
                about = replace(call, batch_id=look.unfinished.id)  # and not the one before it
                continue
            submission = await self._submitter.submit(
                ROLLBACK, plan, call, origin, look.conditions(call, plan)
            )
            if submission.stale:  # the batch to be cancelled has moved on: nothing was stored
                continue
            remarks = [
                *on_takeovers(look.content, plan.pages),
                *on_digest(plan, call),
                *_on_cancelling(look, submission),
            ]
            return answer(ROLLBACK, plan, submission, notes=look.notes, remarks=remarks)
        raise InvalidTransition(
            f"batch {call.batch_id}",
            state="moving on too fast",
            action="roll back",
            advice="Cancel it first, then roll it back.",
        )

    async def _look(
        self, call: ChangeCall, origin: Origin, *, cancelled: bool
    ) -> _Look | Submitted:
        """Return what there is to take back, or the answer if there is nothing."""
        content, selection, notes = await self._read(call, call.batch_id)
        refuse_locked(selection, content, "roll back")
        target = await self._target.find(call, selection, content, origin)
        if isinstance(target, Submitted):
            # The same call may have done it since this one looked for it.
            if faster := await self._submitter.answered_before(ROLLBACK, call, origin):
                return faster
            return replace(target, notes=(*notes, *target.notes))
        if target is not None:
            # Read once more, after the target: so the content is no older than the target's change
            # number. If the target changes after that, the submission is stale (R13).
            content, selection, notes = await self._read(call, target.id)
            notes.append(f"This takes back batch {target.id} ({target.kind}).")
            if cancelled or (call.dry_run and not target.ended):
                notes.append(note_on_cancelling(target, selection, dry_run=call.dry_run))
        meant = selection.ids if target is None else _changed_by(target.id, selection.ids, content)
        content = await self._reader.look(content, meant)
        if target is not None and _is_bare(call) and not stands_whole(target.id, content):
            return changed_since(target, call)
        return _Look(content=content, selection=selection, target=target, notes=notes)

    async def _read(
        self, call: ChangeCall, batch_id: str | None
    ) -> tuple[SiteContent, Selection, list[Note]]:
        """Read what the call names; if it names nothing, the pages of the batch, or all."""
        pages = await self._target.pages(batch_id) if batch_id else None
        return await self._reader.select(call.selector, pages, history=True)

    async def _cancel(self, batch: Batch, origin: Origin) -> bool:
        """Cancel a batch that has changed nothing selected yet; False if it has ended."""
        try:
            await self._batches.cancel(batch.id, owner=origin.owner)
        except InvalidTransition:
            return False
        return True


def _on_cancelling(look: _Look, submission: Submission) -> Sequence[Note]:
    """Return a note on the running batch that the rollback has cancelled, if there is one."""
    if look.unfinished is None or submission.batch is None or submission.duplicate:
        return ()
    return [note_on_cancelling(look.unfinished, look.selection, dry_run=False)]


def plan_rollback_of_batch(
    batch_id: str,
    ids: Sequence[str],
    content: SiteContent,
    *,
    named: bool,
    force: bool,
    exact: bool,
) -> Plan:
    """Return the plan that puts back what was live before a batch that changed live texts (R12).

    Decided for each section by hash. If its live text is what the batch wrote, the one before is
    restored. If it is the one before already, the section is skipped. Anything else is a conflict,
    unless `force`. Sections that the batch did not change are mentioned only if they were named, or
    if there are no others.
    """
    steps: list[tuple[Planned, NewJob]] = []
    skipped: list[Skipped] = []
    others: list[Skipped] = []
    for id in ids:
        history = content.history.get(id, ())
        written = [n for n, revision in enumerate(history) if revision.batch_id == batch_id]
        if not written:
            others.append(Skipped(section=id, reason="was not changed by that batch"))
            continue
        # The batch may have changed the section more than once: what counts is before its first
        # change, and what its last one wrote.
        before = text_of(history[written[0] - 1]) if written[0] > 0 else None
        live, wrote = content.live.get(id), text_of(history[written[-1]])
        if same(live.current if live else None, before):
            skipped.append(Skipped(section=id, reason="is what it was before that batch already"))
            continue
        if (why := why_untouchable(content, id)) is not None:
            skipped.append(Skipped(section=id, reason=why))
            continue
        stands = same(live.current if live else None, wrote)
        conflict = None if stands else "it was changed again after that batch"
        steps.append(restoration(id, before, content, conflict, force=force, exact=exact))
    if named or not (steps or skipped):
        skipped += others
    return Plan(steps=tuple(steps), skipped=tuple(skipped))


def plan_undo(ids: Sequence[str], content: SiteContent, *, force: bool, exact: bool) -> Plan:
    """Return the plan that undoes the last change to each section's live text (R14, P9)."""
    steps: list[tuple[Planned, NewJob]] = []
    skipped: list[Skipped] = []
    for id in ids:
        history = content.history.get(id, ())
        if not history:
            skipped.append(Skipped(section=id, reason="was never live"))
        elif (why := why_untouchable(content, id)) is not None:
            skipped.append(Skipped(section=id, reason=why))
        elif history[-1].author.kind == "adopted":
            reason = "nothing before it: its live text is the one Pressroom found"
            skipped.append(Skipped(section=id, reason=reason))
        else:
            before = text_of(history[-2]) if len(history) > 1 else None
            steps.append(restoration(id, before, content, None, force=force, exact=exact))
    return Plan(steps=tuple(steps), skipped=tuple(skipped))


def _is_bare(call: ChangeCall) -> bool:
    """Whether the call leaves it to us what is taken back (P12)."""
    return call.batch_id is None and call.selector == Selector()


def _to(call: ChangeCall) -> Sequence[object]:
    """Return which text or moment a call goes back to, if it names one."""
    return [each for each in (call.revision, call.as_of) if each is not None]


def _changed_by(batch_id: str, ids: Sequence[str], content: SiteContent) -> Sequence[str]:
    """Return those of the sections whose live text the batch has changed."""
    return [id for id in ids if any(r.batch_id == batch_id for r in content.history.get(id, ()))]
