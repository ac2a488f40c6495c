"""Generate, promote, roll back, retry, review: from a call to a submitted batch.

Every queueing call is: look at what stands, plan (pure), submit in one transaction. A dry run stops
before the last step. What changed between looking and submitting is found out by the jobs, which
carry what the plan saw.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import anyio.to_thread

from mcp_server.content.actions.calls import (
    ChangeCall,
    GenerateCall,
    Note,
    Selector,
    Skipped,
    Submitted,
)
from mcp_server.content.actions.changes import promotion, rollback
from mcp_server.content.actions.plan import (
    Plan,
    Standing,
    kept_effects,
    mode_of,
    plan_generate,
    with_live,
)
from mcp_server.content.actions.reader import StandingReader
from mcp_server.content.actions.review_rows import review_of, with_edits
from mcp_server.content.actions.reviewed import Review
from mcp_server.content.actions.rollback_target import RollbackTarget, note_on_cancelling
from mcp_server.content.actions.selection import Selection, select
from mcp_server.content.actions.submit import (
    ACTIONS,
    Conditions,
    Submitter,
    answered_before,
    check_digest,
    key_of,
    skipped_as_held,
)
from mcp_server.content.drafting.errors import UNTRUSTED_MODEL
from mcp_server.content.drafting.model import ModelChoice
from mcp_server.content.pages.folder import KeptEdits, PageFiles
from mcp_server.entities.store import EntityStore
from mcp_server.errors import InvalidPayload, InvalidTransition, Unavailable
from mcp_server.jobs.batch import BatchService, retry_request
from mcp_server.jobs.job import Batch, Job, JobState, Origin
from mcp_server.jobs.records import Submission
from mcp_server.trust import Grants

STALE_TRIES_MAX = 20
"""How often a rollback of a batch that is running is planned again because it moved on."""

CONFLICT = "conflict"
"""The code of a job whose text, or file, somebody changed: trying again does not help (R17)."""


class ContentService:
    """What interfaces may do with the content of one workspace."""

    def __init__(
        self,
        reader: StandingReader,
        entities: EntityStore,
        batches: BatchService,
        submitter: Submitter,
        files: PageFiles,
        model: ModelChoice,
        *,
        grants: Grants,
        model_problem: str | None = None,
        max_retries: int,
    ) -> None:
        self._reader, self._entities, self._batches = reader, entities, batches
        self._submitter, self._files, self._model = submitter, files, model
        self._grants, self._model_problem = grants, model_problem
        self._target = RollbackTarget(entities, batches)
        self._max_retries = max_retries

    # Drafting

    async def generate(self, call: GenerateCall, origin: Origin) -> Submitted:
        """Queue the drafting of the selected sections.

        Raises:
            NotFound: a page or section does not exist; names the nearest.
            Unavailable: the site cannot be read, and never could; or the workspace names a model
                that its user has not trusted.
        """
        if repeated := await self._submitter.repeated(call, "generation", origin):
            return repeated
        if not call.dry_run:
            await self._refuse_untrusted_model()
        standing, notes = await self._reader.read()

        def look() -> tuple[Selection, Plan]:
            selection = select(call.selector, standing.site)
            plan = plan_generate(
                call,
                selection,
                standing,
                model=self._model.name,
                requires=self._model.ability,
                max_retries=self._max_retries,
            )
            return selection, plan

        selection, plan = await anyio.to_thread.run_sync(look)  # thousands take a while
        answer = Submitted(
            action="generation",
            total_sections=len(plan.steps),
            planned=plan.planned,
            skipped=plan.skipped,
            model=self._model.name,
            notes=(*notes, *self._notes_on_model(call)),
            dry_run=call.dry_run,
        )
        if call.dry_run:
            return answer
        conditions = Conditions(
            terms=self._drafting_terms(standing),
            key=key_of(call.tool, mode_of(call), call.instructions, selection.ids),
            asked=key_of(mode_of(call), call.instructions),
        )
        answer, _ = await self._submitter.submit(answer, plan, call, origin, conditions)
        return answer

    # Making live

    async def promote(self, call: ChangeCall, origin: Origin) -> Submitted:
        """Queue the promotion of drafts: what the selector means, or what `batch_id` drafted.

        Raises:
            NotFound: a page, section or batch does not exist; names the nearest.
            InvalidPayload: the batch drafted nothing, or `digest` is not that of what would be
                promoted now.
        """
        if repeated := await self._submitter.repeated(call, "promotion", origin):
            return repeated
        standing, notes = await self._reader.read()
        stored = {*standing.drafts, *standing.live}
        selection = await anyio.to_thread.run_sync(select, call.selector, standing.site, stored)
        drafted = None
        if call.batch_id:
            notes = [*notes, *await self._still_drafting(call.batch_id, origin)]
            drafted = await self._reader.drafted_by(call.batch_id)
        standing, kept = await self._keeping_edits(standing, selection.ids, force=call.force)
        plan, answer = await anyio.to_thread.run_sync(
            promotion, call, selection, standing, drafted, notes
        )
        if call.dry_run:
            return answer
        check_digest(call.digest, answer)
        conditions = Conditions(
            terms={"site": standing.site.hash},
            key=key_of("promote", call.batch_id, call.force, call.digest, selection.ids),
            asked=key_of("promote", call.force),
            effects=kept_effects(kept, plan),
        )
        answer, _ = await self._submitter.submit(answer, plan, call, origin, conditions)
        return answer

    async def rollback(self, call: ChangeCall, origin: Origin) -> Submitted:
        """Queue taking changes to the live texts back.

        Raises:
            NotFound: a page, section or batch does not exist; names the nearest.
            InvalidPayload: it is a generate batch (R16), or `digest` is not that of what would be
                taken back now.
        """
        if repeated := await self._submitter.repeated(call, "rollback", origin):
            return repeated
        for _ in range(STALE_TRIES_MAX):
            answer, submission = await self._try_rollback(call, origin)
            if submission is None or not submission.stale:
                return answer
        raise InvalidTransition(
            f"batch {call.batch_id}",
            state="moving on too fast",
            action="roll back",
            advice="Cancel it first, then roll it back.",
        )

    async def _try_rollback(
        self, call: ChangeCall, origin: Origin, *, cancelled: bool = False
    ) -> tuple[Submitted, Submission | None]:
        standing, selection, notes = await self._changed(call)
        target = await self._target.find(call, selection, standing, origin)
        if isinstance(target, Submitted):
            return replace(target, notes=(*notes, *target.notes)), None
        if target is not None:
            # Again: what stands now is at least what stood at the target's change number, and the
            # submission is stale if the target moves on from there (R13).
            standing, selection, notes = await self._changed(call)
            notes.append(f"This takes back batch {target.id} ({target.kind}).")
            if cancelled or (call.dry_run and not target.ended):
                notes.append(note_on_cancelling(target, selection, dry_run=call.dry_run))
        standing, kept = await self._keeping_edits(standing, selection.ids, force=call.force)
        plan, answer = await anyio.to_thread.run_sync(
            rollback, call, target, selection.ids, standing, notes
        )
        if call.dry_run:
            return answer, None
        check_digest(call.digest, answer)
        unfinished = None if target is None or target.ended else target
        if cancelled and not plan.steps:
            note = "Nothing that was asked for had been changed by it yet."
            return replace(answer, notes=(*answer.notes, note)), None
        if unfinished is not None and not plan.steps:
            try:
                await self._batches.cancel(unfinished.id, owner=origin.owner)
            except InvalidTransition:  # it has ended in the meantime
                return await self._try_rollback(call, origin)
            return await self._try_rollback(call, origin, cancelled=True)
        conditions = Conditions(
            terms={"site": standing.site.hash},
            asked=key_of("rollback", target and target.id, call.force),
            key=key_of("rollback", target and target.id, call.force, selection.ids),
            effects=kept_effects(kept, plan),
            cancels=unfinished,
            about=target.id if target is not None else None,
        )
        answer, submission = await self._submitter.submit(answer, plan, call, origin, conditions)
        if unfinished is not None and submission.batch and not submission.duplicate:
            note = note_on_cancelling(unfinished, selection, dry_run=False)
            answer = replace(answer, notes=(*answer.notes, note))
        return answer, submission

    async def _changed(self, call: ChangeCall) -> tuple[Standing, Selection, list[Note]]:
        """Return what stands with its history, what of it the call means, and what to say."""
        standing, notes = await self._reader.read(history=True)
        stored = {*standing.drafts, *standing.history}
        selection = await anyio.to_thread.run_sync(select, call.selector, standing.site, stored)
        return standing, selection, notes

    async def _keeping_edits(
        self, standing: Standing, ids: Sequence[str], *, force: bool
    ) -> tuple[Standing, KeptEdits]:
        """With `force`, take what somebody wrote into the files as live before going on (R23)."""
        if not force:
            return standing, KeptEdits()
        kept = await self._reader.edits_to_keep(standing, ids)
        return with_live(standing, kept.revisions), kept

    async def _still_drafting(self, batch_id: str, origin: Origin) -> Sequence[str]:
        """Say that a batch goes on drafting, if it does; what is promoted is what it has by now."""
        batch = await self._batches.get(batch_id, owner=origin.owner)
        if batch.kind != "generate":
            raise InvalidPayload(
                "batchId", [f"{batch_id} is a {batch.kind} batch; promote takes one that drafted"]
            )
        if batch.ended:
            return ()
        return [f"{batch_id} is not over: {batch.completed} of {batch.total} are drafted so far."]

    # Going on

    async def retry(
        self, batch_id: str, origin: Origin, *, request_key: str | None = None
    ) -> Submitted:
        """Take up again what failed, was cancelled or is paused (R17).

        Sections that failed with a conflict are left out, and the answer names the call that helps.

        Raises:
            NotFound: no such batch.
            InvalidTransition: it is running, or it was rolled back.
            Unavailable: it would draft with a model that the workspace's user has not trusted.
        """
        batch = await self._batches.get(batch_id, owner=origin.owner)
        request = retry_request(request_key, batch_id)
        if repeated := await self._batches.requested(request, owner=origin.owner):
            return answered_before(repeated)
        await self._refuse_after_rollback(batch)
        failed = await self._batches.jobs(batch_id, owner=origin.owner, states=[JobState.FAILED])
        conflicts = [job for job in failed if job.code == CONFLICT and job.counted]
        terms, requires, notes = await self._terms_now(batch)
        submission = await self._batches.retry(
            batch_id,
            owner=origin.owner,
            terms=terms,
            requires=requires,
            leave_out=[CONFLICT],
            request_key=request_key,
        )
        again = submission.batch
        taken_up = again.total - again.finished if again else 0
        return Submitted(
            action=ACTIONS[batch.kind],
            total_sections=taken_up,
            planned=(),
            taken_up=taken_up,
            skipped=(*skipped_as_held(submission.held), *_left_out(batch, conflicts)),
            batch_id=again.id if again else None,
            model=terms.get("model"),
            notes=tuple(notes),
        )

    async def _refuse_after_rollback(self, batch: Batch) -> None:
        if (undoing := await self.undone_by(batch)) is not None:
            raise InvalidTransition(
                f"batch {batch.id}",
                state=f"rolled back by {undoing.id}",
                action="retry",
                advice=f'rollback {{"batchId": "{undoing.id}"}} puts it back.',
            )

    async def undone_by(self, batch: Batch) -> Batch | None:
        """Return the rollback that took the batch back and was not taken back itself."""
        for undoing in await self._batches.about(batch.id):
            if undoing.ended and not await self._entities.pages_of_batch(undoing.id):
                continue  # it was given up before it changed anything
            if await self.undone_by(undoing) is None:
                return undoing
        return None

    async def _terms_now(self, batch: Batch) -> tuple[dict[str, Any], str | None, list[Note]]:
        standing, notes = await self._reader.read()
        if batch.kind != "generate":
            return {"site": standing.site.hash}, None, notes
        await self._refuse_untrusted_model()
        terms = self._drafting_terms(standing)
        if batch.terms.get("model") != self._model.name:
            notes.append(f"It goes on with the model configured now, {self._model.name}.")
        if batch.terms.get("site") != standing.site.hash:
            notes.append("It goes on with site.yaml as it is now.")
        return terms, self._model.ability, notes

    # Looking

    async def review(
        self,
        selector: Selector,
        origin: Origin,
        *,
        states: Collection[str] = (),
        diff: bool = False,
        limit: int,
        cursor: int = 0,
    ) -> Review:
        """Return what stands in each selected section.

        Raises:
            NotFound: a page or section does not exist; names the nearest.
        """
        standing, notes = await self._reader.read()

        def look() -> Review:
            selection = select(selector, standing.site, {*standing.drafts, *standing.live})
            return review_of(
                standing, selection.ids, states=states, diff=diff, limit=limit, cursor=cursor
            )

        found = await anyio.to_thread.run_sync(look)
        kept = await self._reader.edits_to_keep(standing, [row.section for row in found.rows])
        found = with_edits(found, kept.revisions, diff=diff)
        batches = {row.batch_id for row in found.rows if row.batch_id is not None}
        own = {id for id in batches if await self._batches.is_own(id, owner=origin.owner)}
        rows = [r if r.batch_id in own else replace(r, batch_id=None) for r in found.rows]
        return replace(found, rows=tuple(rows), notes=tuple(notes))

    async def files_written(self, batch_id: str, *, failed: Collection[str] = ()) -> Sequence[str]:
        """Return the files that this batch's changes were written to, as `content/menu.md`.

        Less those of the `failed` pages: whatever their files say, it is not this batch's doing.
        """
        pages = await self._entities.pages_of_batch(batch_id)
        exported = await self._entities.exported()
        written = [page for page in pages if page in exported and page not in failed]
        return [
            self._files.shown(page) + ("" if exported[page][0] else " (removed)")
            for page in written
        ]

    def _drafting_terms(self, standing: Standing) -> dict[str, Any]:
        """Return what a round of drafting is promised."""
        model = self._model
        return {"site": standing.site.hash, "model": model.name, "modelUrl": model.url}

    async def _refuse_untrusted_model(self) -> None:
        """Refuse to queue what would only pause: nothing is sent where nobody said it may be."""
        name, url = self._model.name, self._model.url
        if await anyio.to_thread.run_sync(self._grants.of_model, name, url) == "untrusted":
            raise Unavailable(f"Nothing was queued: {UNTRUSTED_MODEL} Then call again.")

    def _notes_on_model(self, call: GenerateCall) -> list[str]:
        if not self._model.is_composer:
            return [self._model_problem] if self._model_problem else []
        notes = ["No model is configured: the composer writes placeholders from the site's facts."]
        if call.instructions:
            notes.append("The composer cannot follow instructions; set `model` to have them heard.")
        return notes


def _left_out(batch: Batch, conflicts: Sequence[Job]) -> tuple[Skipped, ...]:
    helps = {
        "generate": "generate it anew",
        "promote": "promote it again, with force if the live text may go",
        "rollback": "roll the section back by name, or with force",
    }[batch.kind]
    return tuple(
        Skipped(section=job.subject, reason=f"is a conflict; {helps} ({job.reason})")
        for job in conflicts
    )
