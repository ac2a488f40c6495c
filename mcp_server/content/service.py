"""Generate, promote, roll back, retry, review: from a call to a submitted batch.

Every queueing call is: look at what stands, plan (pure), submit in one transaction. A dry run stops
before the last step. What changed between looking and submitting is found out by the jobs, which
carry what the plan saw.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import anyio
import anyio.to_thread

from mcp_server.clock import Clock
from mcp_server.content import files, history
from mcp_server.content.calls import (
    Action,
    GenerateCall,
    NextCall,
    PromoteCall,
    RollbackCall,
    Selector,
    Skipped,
    Submitted,
)
from mcp_server.content.model import ModelChoice
from mcp_server.content.plan import (
    Plan,
    Standing,
    digest_of,
    mode_of,
    plan_generate,
    plan_promote,
    plan_rollback_of_batch,
    plan_undo,
    stands,
    with_live,
)
from mcp_server.content.review import Review
from mcp_server.content.reviewing import review_of
from mcp_server.content.selection import Selection, select
from mcp_server.content.site import Site
from mcp_server.content.workspace import SiteLoader, SiteProblems, site_to_document
from mcp_server.entities.entity import PREVIEW, PRODUCTION, split_id
from mcp_server.entities.store import EntityStore
from mcp_server.errors import InvalidPayload, InvalidTransition, NotFound
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.job import Batch, BatchState, Job, JobState, Origin
from mcp_server.jobs.store import NewBatch, Submission

STALE_TRIES_MAX = 20
"""How often a rollback of a batch that is running is planned again because it moved on."""


class ContentService:
    """What interfaces may do with the content of one workspace."""

    def __init__(
        self,
        loader: SiteLoader,
        entities: EntityStore,
        batches: BatchService,
        files: files.PageFiles,
        model: ModelChoice,
        clock: Clock,
        new_batch_id: Callable[[], str],
        *,
        max_retries: int,
    ) -> None:
        self._loader, self._entities, self._batches = loader, entities, batches
        self._files, self._model, self._clock = files, model, clock
        self._new_batch_id = new_batch_id
        self._max_retries = max_retries
        self._adopted = anyio.Lock()
        self._is_adopted = False

    # Drafting

    async def generate(self, call: GenerateCall, origin: Origin) -> Submitted:
        """Queue the drafting of the selected sections.

        Raises:
            NotFound: a page or section does not exist; names the nearest.
            Unavailable: the site cannot be read, and never could.
        """
        standing, notes = await self._standing()
        selection = select(call.selector, standing.site)
        plan = plan_generate(
            call,
            selection,
            standing,
            model=self._model.name,
            requires=self._model.ability,
            max_retries=self._max_retries,
        )
        notes += self._notes_on_model(call)
        answer = Submitted(
            action="generation",
            total_sections=len(plan.steps),
            planned=plan.planned,
            skipped=plan.skipped,
            model=self._model.name,
            notes=tuple(notes),
            dry_run=call.dry_run,
        )
        if call.dry_run:
            return answer
        terms = {"site": standing.site.hash, "model": self._model.name, "modelUrl": self._model.url}
        key = _key(call.tool, mode_of(call), call.instructions, selection.ids)
        return await self._submit(answer, plan, origin, call, terms=terms, arguments=key)

    # Making live

    async def promote(self, call: PromoteCall, origin: Origin) -> Submitted:
        """Queue the promotion of drafts: what the selector means, or what `batch_id` drafted.

        Raises:
            NotFound: a page, section or batch does not exist; names the nearest.
            InvalidPayload: `digest` is not that of what would be promoted now.
        """
        standing, notes = await self._standing()
        stored = {*standing.drafts, *standing.live}
        selection = select(call.selector, standing.site, stored)
        drafted = await self._drafted_by(call.batch_id, origin) if call.batch_id else None
        kept = await self._edits_to_keep(standing, selection.ids) if call.force else _NO_EDITS
        standing = with_live(standing, kept.revisions) if call.force else standing
        plan = plan_promote(call, selection, standing, drafted=drafted)
        answer = self._change("promotion", plan, standing, call, notes)
        if call.dry_run:
            return answer
        _check_digest(call.digest, answer)
        key = _key("promote", call.batch_id, call.force, call.digest, selection.ids)
        return await self._submit(
            answer,
            plan,
            origin,
            call,
            arguments=key,
            effects=kept.effects(plan),
            terms={"site": standing.site.hash},
        )

    async def rollback(self, call: RollbackCall, origin: Origin) -> Submitted:
        """Queue taking changes to the live texts back.

        Raises:
            NotFound: a page, section or batch does not exist; names the nearest.
            InvalidPayload: it is a generate batch (R16), or `digest` is not that of what would be
                taken back now.
        """
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
        self, call: RollbackCall, origin: Origin
    ) -> tuple[Submitted, Submission | None]:
        standing, notes = await self._standing(history=True)
        selection = select(call.selector, standing.site, {*standing.drafts, *standing.history})
        target = await self._target(call, selection, standing, origin)
        if isinstance(target, Submitted):
            return replace(target, notes=(*notes, *target.notes)), None
        kept = await self._edits_to_keep(standing, selection.ids) if call.force else _NO_EDITS
        standing = with_live(standing, kept.revisions) if call.force else standing
        exact = call.digest is not None
        if target is None:
            plan = plan_undo(selection.ids, standing, force=call.force, exact=exact)
        else:
            plan = plan_rollback_of_batch(
                target.id, selection.ids, standing, force=call.force, exact=exact
            )
            notes = [*notes, f"This takes back batch {target.id} ({target.kind})."]
        answer = self._change("rollback", plan, standing, call, notes)
        if call.dry_run:
            return answer, None
        _check_digest(call.digest, answer)
        unfinished = target is not None and not target.ended
        if unfinished and target is not None and not plan.steps:
            await self._batches.cancel(target.id, owner=origin.owner)
            note = "It was cancelled; nothing had been changed by it yet."
            return replace(answer, notes=(*answer.notes, note)), None
        submission = await self._put(
            answer,
            plan,
            origin,
            call,
            arguments=_key("rollback", target and target.id, call.force, selection.ids),
            terms={"site": standing.site.hash},
            effects=kept.effects(plan),
            cancels=(target.id, target.change) if unfinished and target is not None else None,
            about=target.id if target is not None else None,
        )
        return self._answered(answer, submission), submission

    async def _target(
        self, call: RollbackCall, selection: Selection, standing: Standing, origin: Origin
    ) -> Batch | Submitted | None:
        """Return the batch to take back, `None` for the last change to each named section.

        Where there is none to take back, or the last change was a rollback (R11), return what to
        answer.
        """
        if call.batch_id:
            batch = await self._batches.get(call.batch_id, owner=origin.owner)
            if batch.kind == "generate":
                await self._refuse_generate_batch(batch, standing, origin)
            return batch
        if selection.named:
            return None
        last, latest = await self._latest(standing, selection.pages, origin)
        if last is not None and last.kind == "rollback" and last.ended:
            return self._choose(last, latest)
        return latest or Submitted(
            action="rollback",
            total_sections=0,
            planned=(),
            notes=("Nothing to take back: no promotion of yours stands.",),
            dry_run=call.dry_run,
        )

    async def _latest(
        self, standing: Standing, pages: Sequence[str], origin: Origin
    ) -> tuple[Batch | None, Batch | None]:
        """Return the owner's last batch to change a live text, and the latest standing promote."""
        last: Batch | None = None
        for batch_id in history.batches_newest_first(standing.history, pages):
            batch = await self._own(batch_id, origin)
            if batch is None:
                continue
            last = last or batch
            if batch.kind == "promote" and stands(batch.id, standing, pages):
                return last, batch
        return last, None

    async def _own(self, batch_id: str, origin: Origin) -> Batch | None:
        try:
            return await self._batches.get(batch_id, owner=origin.owner)
        except NotFound:
            return None  # another owner's

    @staticmethod
    def _choose(last: Batch, latest: Batch | None) -> Submitted:
        calls = [_call_rollback(last.id, "puts back what was taken back")]
        if latest is not None:
            calls.append(_call_rollback(latest.id, "takes back one promotion more"))
        return Submitted(
            action="rollback",
            total_sections=0,
            planned=(),
            notes=(f"Nothing was changed: the last change was the rollback {last.id} itself.",),
            next_calls=tuple(calls),
        )

    async def _refuse_generate_batch(
        self, batch: Batch, standing: Standing, origin: Origin
    ) -> None:
        drafted = await self._entities.revisions_of_batch(batch.id)
        found = history.carriers(standing.history, drafted)
        carriers = [b for b in found if await self._own(b, origin) is not None]
        advice = (
            "Its text went live with: "
            + ", ".join(f'rollback {{"batchId": "{carrier}"}}' for carrier in carriers)
            if carriers
            else "None of its text went live, so there is nothing to take back."
        )
        raise InvalidPayload(
            "batchId", [f"{batch.id} wrote drafts and changed nothing that is live. {advice}"]
        )

    # Going on

    async def retry(
        self, batch_id: str, origin: Origin, *, request_key: str | None = None
    ) -> Submitted:
        """Take up again what failed, was cancelled or is paused (R17).

        Sections that failed with a conflict are left out, and the answer names the call that helps.

        Raises:
            NotFound: no such batch.
            InvalidTransition: it is running, or it was rolled back.
        """
        del request_key  # a retry of a running batch is refused, so a repeat does no harm
        batch = await self._batches.get(batch_id, owner=origin.owner)
        await self._refuse_after_rollback(batch)
        jobs = await self._batches.jobs(batch_id, owner=origin.owner)
        conflicts = [j for j in jobs if j.state is JobState.FAILED and j.code == "conflict"]
        terms, requires, notes = await self._terms_now(batch)
        submission = await self._batches.retry(
            batch_id,
            owner=origin.owner,
            terms=terms,
            requires=requires,
            leave_out=[job.id for job in conflicts if job.counted],
        )
        again = {JobState.PENDING, JobState.PROCESSING, JobState.SCHEDULED}
        jobs = await self._batches.jobs(batch_id, owner=origin.owner)
        taken = [j for j in jobs if submission.batch and j.counted and j.state in again]
        return Submitted(
            action=_ACTIONS[batch.kind],
            total_sections=len(taken),
            planned=tuple(history.planned_again(taken)),
            skipped=(*_held(submission.held), *_left_out(batch, conflicts)),
            batch_id=submission.batch.id if submission.batch else None,
            model=str(terms["model"]) if terms and "model" in terms else None,
            notes=tuple(notes),
        )

    async def _refuse_after_rollback(self, batch: Batch) -> None:
        for undoing in await self._batches.about(batch.id):
            if not await self._batches.about(undoing.id):  # and that was not taken back itself
                raise InvalidTransition(
                    f"batch {batch.id}",
                    state=f"rolled back by {undoing.id}",
                    action="retry",
                    advice=f'rollback {{"batchId": "{undoing.id}"}} puts it back.',
                )

    async def _terms_now(self, batch: Batch) -> tuple[dict[str, Any] | None, str | None, list[str]]:
        standing, notes = await self._standing()
        terms: dict[str, Any] = {"site": standing.site.hash}
        if batch.kind != "generate":
            return terms, None, notes
        terms |= {"model": self._model.name, "modelUrl": self._model.url}
        if batch.terms.get("model") != self._model.name:
            notes.append(f"It goes on with the model configured now, {self._model.name}.")
        if batch.terms.get("site") != standing.site.hash:
            notes.append("It goes on with site.yaml as it is now.")
        return terms, self._model.ability, notes

    # Looking

    async def review(
        self,
        selector: Selector,
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
        standing, _ = await self._standing()
        selection = select(selector, standing.site, {*standing.drafts, *standing.live})
        return review_of(
            standing, selection.ids, states=states, diff=diff, limit=limit, cursor=cursor
        )

    async def files_written(self, batch_id: str) -> Sequence[str]:
        """Return the files that this batch's changes were written to, as `content/menu.md`."""
        revisions = await self._entities.revisions_of_batch(batch_id)
        pages = {split_id(r.entity_id)[0] for r in revisions if r.type == PRODUCTION}
        exported = await self._entities.exported()
        written = sorted(page for page in pages if page in exported)
        return [
            self._files.shown(page) + ("" if exported[page][0] else " (removed)")
            for page in written
        ]

    # Looking at what stands

    async def _standing(self, *, history: bool = False) -> tuple[Standing, list[str]]:
        site, notes = await self._site()
        await self._adopt(site)
        drafts = await self._entities.get_all(PREVIEW)
        live = await self._entities.get_all(PRODUCTION)
        exported = await self._entities.exported()
        edited = await anyio.to_thread.run_sync(self._files.edited, exported, site, live)
        standing = Standing(
            site=site,
            drafts=drafts,
            live=live,
            history=await self._entities.histories(PRODUCTION) if history else {},
            edited=edited,
        )
        return standing, notes

    async def _site(self) -> tuple[Site, list[str]]:
        """Return the site as it is, or as it last was in order, and what to say about that."""
        try:
            site = await anyio.to_thread.run_sync(self._loader.load)
        except SiteProblems as problems:
            if self._loader.last_good is None:
                raise
            site = self._loader.last_good
            mistakes = "; ".join(problems.problems[:3])
            return site, [f"The site is used as it was before these mistakes: {mistakes}"]
        await self._entities.put_site(site.hash, site_to_document(site))
        return site, []

    async def _adopt(self, site: Site) -> None:
        """Take the files of a clone as the ground, once, where nothing was ever stored."""
        async with self._adopted:
            if not self._is_adopted:
                found = await anyio.to_thread.run_sync(self._files.adoption, site)
                await self._entities.adopt(found.revisions, found.files, now=self._clock.now())
                self._is_adopted = True

    async def _drafted_by(self, batch_id: str, origin: Origin) -> Mapping[str, bool]:
        batch = await self._batches.get(batch_id, owner=origin.owner)
        if batch.kind != "generate":
            raise InvalidPayload(
                "batchId", [f"{batch_id} is a {batch.kind} batch; promote takes one that drafted"]
            )
        revisions = await self._entities.revisions_of_batch(batch_id)
        ids = dict.fromkeys(r.entity_id for r in revisions if r.type == PREVIEW)
        return {
            id: history.is_still_of(batch_id, await self._entities.history(PREVIEW, id))
            for id in ids
        }

    async def _edits_to_keep(self, standing: Standing, ids: Sequence[str]) -> files.KeptEdits:
        pages = {split_id(id)[0] for id in ids} & set(standing.edited)
        past = await self._entities.histories(PRODUCTION)
        return await anyio.to_thread.run_sync(
            self._files.edits_to_keep, pages, standing.site, standing.live, past
        )

    # Submitting

    def _change(
        self,
        action: Action,
        plan: Plan,
        standing: Standing,
        call: PromoteCall | RollbackCall,
        notes: Sequence[str],
    ) -> Submitted:
        del standing
        placeholders = sum(planned.placeholder for planned in plan.planned)
        more = [
            f"{placeholders} of these are placeholders, written without a model."
            if placeholders > 1
            else "One of these is a placeholder, written without a model."
        ]
        return Submitted(
            action=action,
            total_sections=len(plan.steps),
            planned=plan.planned,
            skipped=plan.skipped,
            digest=digest_of(action, plan.planned) if plan.steps else None,
            notes=(*notes, *(more if placeholders else ())),
            dry_run=call.dry_run,
        )

    def _notes_on_model(self, call: GenerateCall) -> list[str]:
        if not self._model.is_composer:
            return []
        notes = ["No model is configured: the composer writes placeholders from the site's facts."]
        if call.instructions:
            notes.append("The composer cannot follow instructions; set `model` to have them heard.")
        return notes

    async def _submit(
        self,
        answer: Submitted,
        plan: Plan,
        origin: Origin,
        call: GenerateCall | PromoteCall,
        *,
        arguments: str,
        terms: Mapping[str, Any],
        effects: tuple[object, ...] = (),
    ) -> Submitted:
        submission = await self._put(
            answer, plan, origin, call, arguments=arguments, terms=terms, effects=effects
        )
        return self._answered(answer, submission)

    async def _put(
        self,
        answer: Submitted,
        plan: Plan,
        origin: Origin,
        call: GenerateCall | PromoteCall | RollbackCall,
        *,
        arguments: str,
        terms: Mapping[str, Any],
        effects: tuple[object, ...] = (),
        cancels: tuple[str, int] | None = None,
        about: str | None = None,
    ) -> Submission:
        jobs = self._batches.prepare(plan.jobs)
        works_from = [(job.subject, dict(job.payload)) for job in plan.jobs]
        return await self._batches.submit(
            NewBatch(
                id=self._new_batch_id(),
                kind=_KINDS[answer.action],
                origin=origin,
                jobs=jobs,
                terms=terms,
                submit_key=_key(origin.owner, arguments, works_from) if jobs else None,
                request_key=call.request_key,
                request_digest=_key(_asked(call)) if call.request_key else None,
                effects=effects,
                cancels=cancels,
                about=about,
            )
        )

    def _answered(self, answer: Submitted, submission: Submission) -> Submitted:
        if submission.conflict:
            raise InvalidTransition(
                "the live text", state="changing", action="go on", advice="Call again."
            )
        held = _held(submission.held)
        found = submission.batch
        if found is None and (only := _only_holder(submission, answer)):
            return replace(
                answer,
                planned=(),
                total_sections=only.total,
                batch_id=only.id,
                duplicate=True,
                paused_reason=only.reason if only.state is BatchState.PAUSED else None,
            )
        queued = tuple(p for p in answer.planned if p.section not in {s.section for s in held})
        duplicate = submission.duplicate
        return replace(
            answer,
            planned=queued if found else (),
            total_sections=found.total if found and duplicate else answer.total_sections,
            skipped=(*answer.skipped, *held),
            batch_id=found.id if found else None,
            duplicate=duplicate,
            paused_reason=found.reason if found and found.state is BatchState.PAUSED else None,
        )


_ACTIONS: Mapping[str, Action] = {
    "generate": "generation",
    "promote": "promotion",
    "rollback": "rollback",
}
_KINDS: Mapping[Action, str] = {action: kind for kind, action in _ACTIONS.items()}
_NO_EDITS = files.KeptEdits()


def _held(held: Mapping[str, Batch | None]) -> tuple[Skipped, ...]:
    """Return the sections that other batches hold, by their dedup keys (`draft:menu/hero`)."""
    return tuple(
        Skipped(
            section=key.partition(":")[2],
            reason="is in another unfinished batch",
            batch_id=batch.id if batch else None,
        )
        for key, batch in sorted(held.items())
    )


def _call_rollback(batch_id: str, why: str) -> NextCall:
    return NextCall(tool="rollback", arguments={"batchId": batch_id}, why=why)


def _left_out(batch: Batch, conflicts: Sequence[Job]) -> tuple[Skipped, ...]:
    helps = {
        "generate": "generate it anew",
        "promote": "promote it again, with force if the live text may go",
        "rollback": "roll the section back by name, or with force",
    }[batch.kind]
    return tuple(
        Skipped(section=job.subject, reason=f"is a conflict ({job.reason}); {helps}")
        for job in conflicts
    )


def _only_holder(submission: Submission, answer: Submitted) -> Batch | None:
    """Return the one unfinished batch of this kind that holds every section that is left (R2)."""
    holders = list(submission.held.values())
    if not holders or len(submission.held) < len(answer.planned):
        return None
    first = holders[0]
    same = first is not None and all(b is not None and b.id == first.id for b in holders)
    return first if same and first is not None and first.kind == _KINDS[answer.action] else None


def _check_digest(digest: str | None, answer: Submitted) -> None:
    if digest is not None and digest != answer.digest:
        raise InvalidPayload(
            "digest",
            [
                f"what would be changed is no longer what {digest!r:.40} stood for; nothing was "
                 "changed: look at a new dry run and pass its digest"
            ],
        )


def _asked(call: GenerateCall | PromoteCall | RollbackCall) -> dict[str, Any]:
    return {key: value for key, value in asdict(call).items() if key != "request_key"}


def _key(*parts: object) -> str:
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
