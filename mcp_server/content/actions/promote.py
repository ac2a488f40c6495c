"""`promote`: queue making drafts the live texts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import anyio.to_thread

from mcp_server.content.actions.answer import answer, on_digest
from mcp_server.content.actions.calls import ChangeCall, Note, Planned, Skipped, Submitted
from mcp_server.content.actions.locks import refuse_locked, why_untouchable
from mcp_server.content.actions.looks import look_effects, on_takeovers
from mcp_server.content.actions.page_look import has_pending, pending_names
from mcp_server.content.actions.payloads import ContentPromote, export_of
from mcp_server.content.actions.plan import STATIC, Plan, new_job
from mcp_server.content.actions.reader import ContentReader
from mcp_server.content.actions.selection import Selection
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.actions.submit import Conditions, Submitter, key_of
from mcp_server.content.checks.told import held_by, why_held
from mcp_server.content.pages.splice import needs_marks
from mcp_server.content.text.findings import findings_in, kinds_of
from mcp_server.entities.entity import Entity, Finding, Revision, page_of, split_id
from mcp_server.errors import InvalidPayload
from mcp_server.excerpt import as_name
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.job import NewJob, Origin, Priority
from mcp_server.progress.verbs import GENERATE, PROMOTE

NAMED_MAX = 3
"""Drafts with findings that a note names; review has them all."""


class PromoteAction:
    """Queues the promotion of drafts: what the selector means, or what a batch drafted."""

    def __init__(self, reader: ContentReader, submitter: Submitter, batches: BatchService) -> None:
        self._reader, self._submitter, self._batches = reader, submitter, batches

    async def __call__(self, call: ChangeCall, origin: Origin) -> Submitted:
        """Read the content, plan, submit, answer. A dry run submits nothing.

        Raises:
            NotFound: a page, section or batch does not exist; names the nearest.
            InvalidTransition: what is named is locked.
            InvalidPayload: the batch is not one that drafts, or `digest` is not that of what would
                be promoted now.
        """
        if before := await self._submitter.answered_before(PROMOTE, call, origin):
            return before
        pages = await self._reader.drafted_pages(call.batch_id) if call.batch_id else None
        content, selection, notes = await self._reader.select(call.selector, pages)
        drafted = None
        if call.batch_id:
            notes += await self._still_drafting(call.batch_id, origin)
            drafted = await self._reader.drafted_by(call.batch_id)
        refuse_locked(selection, content, "promote")
        meant = [id for id in selection.ids if drafted is None or id in drafted]
        pending = [p for p in dict.fromkeys(map(page_of, meant)) if has_pending(content, p)]
        concerned = _concerned(meant, selection, content, pending)
        whole = {*pending, *(page_of(id) for id in meant if _is_further(id, content))}
        content = await self._reader.look(content, concerned, whole=whole)

        def look() -> tuple[Plan, int, Sequence[Note]]:  # in a thread: texts are parsed
            plan = plan_promote(call, selection, content, drafted=drafted)
            found, remark = _with_findings(plan, content)
            on_files = _on_files(plan, dry_run=call.dry_run)
            return plan, found, [*remark, *on_files, *_on_marks(plan, content)]

        plan, found, remarks = await anyio.to_thread.run_sync(look)
        submission = None
        if not call.dry_run:
            faster = await self._submitter.check_digest(
                PROMOTE, plan, call, selection.ids, content, origin
            )
            if faster is not None:
                return faster
            conditions = Conditions(
                terms={"site": content.site.hash},
                key=key_of(PROMOTE.kind, call.batch_id, call.force, call.digest, selection.ids),
                asked=key_of(PROMOTE.kind, call.force),
                effects=(*look_effects(content, plan.pages), *plan.put_back_effects),
                content=content,
            )
            submission = await self._submitter.submit(PROMOTE, plan, call, origin, conditions)
        return answer(
            PROMOTE,
            plan,
            submission,
            notes=notes,
            remarks=[*on_takeovers(content, plan.pages), *remarks, *on_digest(plan, call)],
            digest=await self._submitter.digest(PROMOTE, plan, call),
            with_findings=found,
            dry_run=call.dry_run,
        )

    async def _still_drafting(self, batch_id: str, origin: Origin) -> Sequence[str]:
        """Return a note if the batch is still drafting: only its drafts so far are promoted."""
        batch = await self._batches.get(batch_id, owner=origin.owner)
        if batch.kind != GENERATE.kind:
            raise InvalidPayload(
                "batchId", [f"{batch_id} is a {batch.kind} batch; promote takes one that drafted"]
            )
        if batch.ended:
            return ()
        return [f"{batch_id} is not over: {batch.completed} of {batch.total} are drafted so far."]


def _with_findings(plan: Plan, content: SiteContent) -> tuple[int, Sequence[str]]:
    """Return how many of the drafts have findings, and notes on them."""
    drafts = [content.drafts[planned.section].current for planned in plan.planned]
    held = [held_by(each, content.site) for each in drafts]
    listed = [_kinds_in(draft, found) for draft, found in zip(drafts, held, strict=True)]
    with_kinds = [place for place, kinds in enumerate(listed) if kinds]
    if not with_kinds:
        return 0, ()
    kinds = ", ".join(dict.fromkeys(kind for each in listed for kind in each))
    count = len(with_kinds)
    hold = "1 of these holds" if count == 1 else f"{count} of these hold"
    said = f"{hold} something to look at ({kinds}): review names it for each section."
    taken = [_taken(drafts[n], held[n]) for n in with_kinds[:NAMED_MAX] if held[n]]
    return count, [said, *taken]


def _kinds_in(draft: Revision, held: Sequence[Finding]) -> Sequence[str]:
    """Return the kinds of what is to be looked at in a draft, which is `held` for something or not.

    One of before the checks is read, and a placeholder, whose findings are only noted.
    """
    if draft.findings is not None and not draft.is_placeholder:
        return list(dict.fromkeys(each.kind for each in held))
    return [kind.value for kind in kinds_of(findings_in(draft.markdown or ""))]


def _taken(draft: Revision, held: Sequence[Finding]) -> str:
    """Return a note on a held draft that is promoted because somebody named it."""
    return f"{draft.entity_id} is taken, as it was named: {why_held(held)}."


def _on_files(plan: Plan, *, dry_run: bool) -> Sequence[str]:
    """Return a note on the missing files that are written again, if any are."""
    by = " by the call without dryRun" if dry_run else ""
    said = (("Missing, and written again", plan.files), ("Written as declared", plan.declared))
    return [f"{what}{by}: {_some(found)}." for what, found in said if found]


def _some(names: Collection[str]) -> str:
    first, *others = names
    return f"{first} and {len(others)} more" if others else first


def plan_promote(
    call: ChangeCall,
    selection: Selection,
    content: SiteContent,
    *,
    drafted: Mapping[str, bool] | None,
) -> Plan:
    """Return which drafts are made live.

    `drafted` is given for `batchId`: the sections which that batch drafted, and whether each
    current draft is still its own (R8). Then, and if sections are named, withdrawn drafts are
    promoted, too. Drafts that the checks hold are promoted only if sections are named. Files of
    their pages that were deleted are written again (P5).
    """
    steps: list[tuple[Planned, NewJob]] = []
    skipped: list[Skipped] = []
    held: list[Skipped] = []
    named = selection.named or drafted is not None
    for id in selection.ids:
        if drafted is not None and id not in drafted:
            continue
        reason = _why_not_promoted(id, content, named=named, drafted=drafted)
        if reason == "":  # not worth a line in the answer
            continue
        if reason is not None:
            skipped.append(Skipped(section=id, reason=reason))
            continue
        if not selection.named and (found := held_by(content.drafts[id].current, content.site)):
            held.append(Skipped(section=id, reason=_held_back(id, found)))
            continue
        steps.append(_promotion(call, content.drafts[id], content))
    meant = [id for id in selection.ids if drafted is None or id in drafted]
    back = _put_back(meant, selection, content)
    return Plan(
        steps=tuple(steps),
        skipped=(*held, *skipped),
        files=_missing_files(back, content),
        declared=_declared(meant, content),
        put_back=back,
    )


def _held_back(id: str, found: Sequence[Finding]) -> str:
    # The call first: what a text holds may be long, and is cut where there is no room.
    return f'is held; promote {{"section": "{id}"}} takes it: {why_held(found)}'


def _why_not_promoted(
    id: str, content: SiteContent, *, named: bool, drafted: Mapping[str, bool] | None
) -> str | None:
    """Return why a section is not promoted, `None` if it is; empty if it need not be told."""
    draft = content.drafts.get(id)
    if draft is None:
        return "has no draft; generate writes one" if named else ""
    if drafted is not None and not drafted[id]:
        return "was drafted anew since that batch; name the section to promote the newer draft"
    if content.is_live(id):
        return "is live already" if named else ""
    if not named and content.is_superseded(id):
        return ""
    if draft.withdrawn and not named:
        return "was taken back or unpublished; name the section to promote it again"
    return _why_not_written(id, content, named=named)


def _why_not_written(id: str, content: SiteContent, *, named: bool) -> str | None:
    """Return why a draft cannot go into its page's file, `None` if it can."""
    section = content.site.section(id)
    if section is None:
        return "is no longer in site.yaml"
    if section.text is not None:
        return STATIC
    if not named and (file := content.missing_file(id)) is not None:
        return f'{file} is missing; promote {{"page": "{section.page}"}} writes it again'
    return why_untouchable(content, id)


def _concerned(
    meant: Sequence[str], selection: Selection, content: SiteContent, pending: Collection[str]
) -> Sequence[str]:
    """Return the sections of whose files something is to be known."""
    if selection.named or selection.pages:
        return meant
    return [id for id in meant if id in content.drafts or page_of(id) in pending]


def _is_further(id: str, content: SiteContent) -> bool:
    """Whether a draft is a further section of a file that is there: marks may come with it."""
    page, name = split_id(id)
    known = content.files.get(page)
    return (
        id in content.drafts
        and known is not None
        and known.hash is not None
        and name not in known.in_file
    )


def _on_marks(plan: Plan, content: SiteContent) -> Sequence[str]:
    """Return a note on the files that get marks, as they had one text only (P7)."""
    files: list[str] = []
    for page in plan.pages:
        found = content.found.get(page)
        text = found.looked.page if found is not None and found.looked is not None else None
        names = [
            split_id(each.section)[1] for each in plan.planned if page_of(each.section) == page
        ]
        if found is not None and text is not None and needs_marks(text, names):
            files.append(found.file)
    return [f"Marks that divide the sections come into {_some(files)}."] if files else []


def _declared(ids: Sequence[str], content: SiteContent) -> Mapping[str, NewJob]:
    """Return an export for each page into whose file something declared is to come (P11)."""
    first = {page_of(id): id for id in reversed(ids)}
    return {
        f"page {as_name(page)}: {', '.join(names)}": export_of(id).job
        for page, id in first.items()
        if (found := content.found.get(page)) is not None
        and not content.site.is_locked(id)
        and (names := pending_names(found))
    }


def _put_back(meant: Sequence[str], selection: Selection, content: SiteContent) -> frozenset[str]:
    """Return the named sections that somebody took out of their files (P5)."""
    if not (selection.named or selection.pages):
        return frozenset()
    missing = [id for id in meant if _absent_file(id, content) is not None]
    return frozenset(id for id in missing if why_untouchable(content, id) is None)


def _absent_file(id: str, content: SiteContent) -> str | None:
    """Return the file of a section's page, if it has none and is to have the section's text."""
    return content.missing_file(id) or content.unwritten_file(id)


def _missing_files(ids: Collection[str], content: SiteContent) -> Mapping[str, NewJob]:
    """Return one export for each of these sections' pages, by file."""
    files = {_absent_file(id, content) or "": id for id in ids}
    return {file: export_of(id).job for file, id in files.items()}


def _expected(call: ChangeCall, *, returns: bool) -> Literal["base", "live", "any"]:
    if call.force:
        return "live" if call.digest else "any"
    return "live" if returns else "base"


def _promotion(call: ChangeCall, draft: Entity, content: SiteContent) -> tuple[Planned, NewJob]:
    revision = draft.current
    id, live = revision.entity_id, content.live_hash(revision.entity_id)
    # Somebody named it though it is withdrawn, and there is no text that it would replace (R27).
    returns = draft.withdrawn and live is None
    base = live if id in content.same_base else revision.base
    moved = base != live and not call.force and not returns
    planned = Planned(
        section=id,
        change="replace" if live else "publish",
        hash_from=live,
        hash_to=draft.hash,
        placeholder=revision.is_placeholder,
        conflict="the live text has moved since it was drafted" if moved else None,
    )
    payload = ContentPromote(
        section=id,
        draft=draft.hash,
        base=base,
        live=live,
        expect=_expected(call, returns=returns),
    )
    return planned, new_job(PROMOTE.job_kind, payload, id, claim="change", priority=Priority.HIGH)
