"""From what stands to jobs: what a call drafts, promotes or takes back. Pure.

A plan is the list of (section, draft hash, base, live hash) that a call works from (R1). The jobs
carry it, and check it in the transaction that writes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pydantic import BaseModel

from mcp_server.content.actions.calls import ChangeCall, GenerateCall, Mode, Planned, Skipped
from mcp_server.content.actions.payloads import (
    GENERATE,
    PROMOTE,
    ROLLBACK,
    ContentGenerate,
    ContentPromote,
    ContentRollback,
    export_of,
)
from mcp_server.content.actions.selection import Selection
from mcp_server.content.drafting.prompt import DraftRequest, inputs_hash
from mcp_server.content.pages.folder import KeptEdits
from mcp_server.content.site import Section, Site
from mcp_server.entities.effects import RecordExport, SaveRevision, expect_hash
from mcp_server.entities.entity import Entity, Revision, is_slug, split_id
from mcp_server.jobs.job import Dedup, NewJob, Priority
from mcp_server.likeness import did_you_mean

STATIC = "has a static text in site.yaml"
"""Why a section is neither drafted nor promoted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is stored, as a plan sees it."""

    site: Site
    drafts: Mapping[str, Entity]
    live: Mapping[str, Entity]
    history: Mapping[str, Sequence[Revision]] = field(default_factory=dict[str, Sequence[Revision]])
    """Production revisions of each section, oldest first."""
    edited: Mapping[str, str] = field(default_factory=dict[str, str])
    """By page, why its file is not ours to overwrite (R23)."""
    missing: Mapping[str, str] = field(default_factory=dict[str, str])
    """By page, the file that was exported and is gone, although texts of it are live (R22)."""

    def live_hash(self, section: str) -> str | None:
        """Content hash of the live text, `None` where there is none."""
        return self.live[section].hash if section in self.live else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Jobs to queue, each beside what is said of it, and what was left out."""

    steps: tuple[tuple[Planned, NewJob], ...] = ()
    skipped: tuple[Skipped, ...] = ()
    files: Mapping[str, NewJob] = field(default_factory=dict[str, NewJob])
    """By the file as people are told of it, the job that writes it though no text changes."""

    @property
    def planned(self) -> tuple[Planned, ...]:
        """What is said of the jobs."""
        return tuple(planned for planned, _ in self.steps)

    @property
    def jobs(self) -> tuple[NewJob, ...]:
        """The jobs."""
        return (*(job for _, job in self.steps), *self.files.values())


def kept_effects(kept: KeptEdits, plan: Plan) -> tuple[object, ...]:
    """Return the changes that store kept edits of the pages that `plan` touches (R23)."""
    pages = {split_id(planned.section)[0] for planned in plan.planned}
    live = kept.live or {}
    saved = [
        SaveRevision(revision, expect_hash(live.get(revision.entity_id)))
        for revision in kept.revisions
        if split_id(revision.entity_id)[0] in pages
    ]
    recorded = [RecordExport(p, h) for p, h in (kept.files or {}).items() if p in pages]
    return (*saved, *recorded)


def digest_of(action: str, planned: Sequence[Planned]) -> str:
    """Return the digest of a promote or rollback: 16 hex digits of what its dry run shows."""
    rows = sorted([p.section, p.hash_from or "", p.hash_to or ""] for p in planned)
    text = json.dumps([action, rows])
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def mode_of(call: GenerateCall) -> Mode:
    """Return the mode that a call means: instructions alone mean `with-current`.

    "Make it warmer" is about the text that is there.
    """
    return call.mode or ("with-current" if call.instructions else "leave")


# Generate


def plan_generate(
    call: GenerateCall,
    selection: Selection,
    standing: Standing,
    *,
    model: str,
    requires: str | None,
    max_retries: int,
) -> Plan:
    """Return which of the selected sections are drafted, and why the others are not (R4)."""
    mode = mode_of(call)
    steps: list[tuple[Planned, NewJob]] = []
    skipped: list[Skipped] = []
    for id in selection.ids:
        section = standing.site.section(id)
        reason = _why_not_drafted(section, mode, selection, standing, id, model)
        if reason is not None:
            mistake = section is not None and _is_mistake(section, standing.site)
            skipped.append(Skipped(section=id, reason=reason, mistake=mistake))
            continue
        draft = standing.drafts.get(id)
        payload = ContentGenerate(
            section=id,
            mode=mode,
            instructions=call.instructions,
            draft=draft.hash if draft else None,
        )
        planned = Planned(section=id, change="redraft" if draft else "draft")
        job = _job(GENERATE, payload, id, claim="draft", requires=requires, retries=max_retries)
        steps.append((planned, job))
    skipped.sort(key=lambda each: not each.mistake)  # what is to be mended is told first
    return Plan(steps=tuple(steps), skipped=tuple(skipped))


def _why_not_drafted(
    section: Section | None,
    mode: Mode,
    selection: Selection,
    standing: Standing,
    id: str,
    model: str,
) -> str | None:
    if section is None:
        return "is no longer in site.yaml"
    if (reason := _why_undraftable(section, standing.site)) is not None:
        return reason
    if mode == "leave":
        return _why_left(section, id, standing, model)
    draft = standing.drafts.get(id)
    if not selection.named and draft is not None and draft.current.author.kind == "person":
        return "its draft was written by a person; name the section to rewrite it"
    return None


def _why_undraftable(section: Section, site: Site) -> str | None:
    if section.text is not None:
        return STATIC
    if section.template is None:
        return f"Section {section.entity_id} has no template specified"
    if section.template not in site.templates:
        guess = did_you_mean(section.template, site.templates)
        return f"{named(section.template)} does not exist{guess}"
    return None


def named(template: str) -> str:
    """Return how a section's template is called; anything but a slug is not repeated."""
    return f"its template {template!r}" if is_slug(template) else "the template that it names"


def _is_mistake(section: Section, site: Site) -> bool:
    return section.text is None and section.template not in site.templates


def _why_left(section: Section, id: str, standing: Standing, model: str) -> str | None:
    """Return why mode `leave` leaves a section: it has a text, or a placeholder that is current."""
    draft, live = standing.drafts.get(id), standing.live.get(id)
    found = draft or live
    if found is None:
        return None
    for noun, entity in (("draft", draft), ("live text", live)):
        if entity is not None and not entity.current.is_placeholder:
            return f"has a {noun}; mode new rewrites it"
    template = standing.site.templates[section.template or ""]
    request = DraftRequest(site=standing.site, section=section, template=template, mode="leave")
    if found.current.inputs_hash == inputs_hash(request, model):
        return "its placeholder is written from these facts already; mode new rewrites it"
    return None


# Promote


def plan_promote(
    call: ChangeCall,
    selection: Selection,
    standing: Standing,
    *,
    drafted: Mapping[str, bool] | None,
) -> Plan:
    """Return which drafts are made live.

    `drafted` is given for `batchId`: the sections that batch drafted, and whether the current
    draft is still its (R8). Then, and where sections are named, withdrawn drafts are taken too.
    The files of their pages that somebody deleted are written again: nothing is lost by that (R22).
    """
    steps: list[tuple[Planned, NewJob]] = []
    skipped: list[Skipped] = []
    named = selection.named or drafted is not None
    for id in selection.ids:
        if drafted is not None and id not in drafted:
            continue
        reason = _why_not_promoted(id, standing, named=named, drafted=drafted)
        if reason == "":
            continue
        if reason is not None:
            skipped.append(Skipped(section=id, reason=reason))
            continue
        steps.append(_promotion(call, standing.drafts[id], standing))
    meant = [id for id in selection.ids if drafted is None or id in drafted]
    files = _missing_files(meant, standing)
    return Plan(steps=tuple(steps), skipped=tuple(skipped), files=files)


def _why_not_promoted(
    id: str, standing: Standing, *, named: bool, drafted: Mapping[str, bool] | None
) -> str | None:
    """Return why not; an empty text where that goes without saying."""
    draft = standing.drafts.get(id)
    if draft is None:
        return "has no draft; generate writes one" if named else ""
    if drafted is not None and not drafted[id]:
        return "was drafted anew since that batch; name the section to promote the newer draft"
    if draft.hash == standing.live_hash(id):
        return "is live already" if named else ""
    if draft.withdrawn and not named:
        return "was taken back by a rollback; name the section to promote it again"
    section = standing.site.section(id)
    if section is None:
        return "is no longer in site.yaml"
    return None if section.text is None else STATIC


def _missing_files(ids: Sequence[str], standing: Standing) -> Mapping[str, NewJob]:
    """Return the exports of these sections' pages whose file is gone, each once."""
    pages = {split_id(id)[0]: id for id in ids}
    return {
        file: export_of(pages[page]).job for page, file in standing.missing.items() if page in pages
    }


def _promotion(call: ChangeCall, draft: Entity, standing: Standing) -> tuple[Planned, NewJob]:
    revision = draft.current
    id, live = revision.entity_id, standing.live_hash(revision.entity_id)
    blocked = None if call.force else standing.edited.get(split_id(id)[0])
    moved = revision.base != live and not call.force
    planned = Planned(
        section=id,
        change="replace" if live else "publish",
        hash_from=live,
        hash_to=draft.hash,
        placeholder=revision.is_placeholder,
        conflict=blocked or ("the live text has moved since it was drafted" if moved else None),
    )
    payload = ContentPromote(
        section=id,
        draft=draft.hash,
        base=revision.base,
        live=live,
        expect=("live" if call.digest else "any") if call.force else "base",
        blocked=blocked,
    )
    return planned, _job(PROMOTE, payload, id, claim="change", priority=Priority.HIGH)


# Rollback


def plan_rollback_of_batch(
    batch_id: str,
    ids: Sequence[str],
    standing: Standing,
    *,
    named: bool,
    force: bool,
    exact: bool,
) -> Plan:
    """Return how to get back to what stood before a promote or rollback batch (R12).

    Section by section, by hash: live is what the batch wrote: restore what stood before; live is
    that already: skip; anything else: conflict, unless `force`. Sections that it did not change
    are told of where they were named, or where there are no others.
    """
    steps: list[tuple[Planned, NewJob]] = []
    skipped: list[Skipped] = []
    others: list[Skipped] = []
    for id in ids:
        history = standing.history.get(id, ())
        written = [n for n, revision in enumerate(history) if revision.batch_id == batch_id]
        if not written:
            others.append(Skipped(section=id, reason="was not changed by that batch"))
            continue
        before = _text(history[written[0] - 1]) if written[0] > 0 else None
        live, wrote = standing.live_hash(id), history[written[-1]].hash
        earlier = before.hash if before else None
        if live == earlier:
            skipped.append(Skipped(section=id, reason="is what it was before that batch already"))
            continue
        conflict = None if live == wrote else "it was changed again after that batch"
        steps.append(_restoration(id, before, standing, conflict, force=force, exact=exact))
    if named or not (steps or skipped):
        skipped += others
    return Plan(steps=tuple(steps), skipped=tuple(skipped))


def plan_undo(ids: Sequence[str], standing: Standing, *, force: bool, exact: bool) -> Plan:
    """Return how to undo the last change to the live text of each section (R14, R15)."""
    steps: list[tuple[Planned, NewJob]] = []
    skipped: list[Skipped] = []
    for id in ids:
        history = standing.history.get(id, ())
        if not history:
            skipped.append(Skipped(section=id, reason="was never live"))
        elif history[-1].author.kind == "adopted":
            reason = "nothing before it: its live text is the one Pressroom found"
            skipped.append(Skipped(section=id, reason=reason))
        else:
            before = _text(history[-2]) if len(history) > 1 else None
            steps.append(_restoration(id, before, standing, None, force=force, exact=exact))
    return Plan(steps=tuple(steps), skipped=tuple(skipped))


def stands(batch_id: str, standing: Standing, pages: Sequence[str] = ()) -> bool:
    """Whether a live text is still the one this batch wrote (R10), on these pages if any."""
    written = _written(batch_id, standing, pages)
    return any(standing.live_hash(id) == last.hash for id, last in written.items() if last.hash)


def _written(batch_id: str, standing: Standing, pages: Sequence[str]) -> dict[str, Revision]:
    """Return the last revision of each section that the batch made."""
    return {
        id: revision
        for id, history in standing.history.items()
        if not pages or split_id(id)[0] in pages
        for revision in history
        if revision.batch_id == batch_id
    }


def _text(revision: Revision) -> Revision | None:
    return None if revision.is_removal else revision


def _restoration(
    id: str,
    before: Revision | None,
    standing: Standing,
    conflict: str | None,
    *,
    force: bool,
    exact: bool,
) -> tuple[Planned, NewJob]:
    live = standing.live_hash(id)
    blocked = None if force else (conflict or standing.edited.get(split_id(id)[0]))
    planned = Planned(
        section=id,
        change="restore" if before else "remove",
        hash_from=live,
        hash_to=before.hash if before else None,
        placeholder=before.is_placeholder if before else False,
        conflict=blocked,
    )
    payload = ContentRollback(
        section=id,
        live=live,
        restore=before.id if before else None,
        expect="any" if force and not exact else "live",
        blocked=blocked,
    )
    return planned, _job(ROLLBACK, payload, id, claim="change", priority=Priority.HIGH)


def with_live(standing: Standing, revisions: Sequence[Revision]) -> Standing:
    """Return what stands once `revisions` have become live (edits that `force` keeps, R23)."""
    live = {**standing.live, **{r.entity_id: Entity(current=r) for r in revisions}}
    return replace(standing, live=live, edited={})


def _job(
    kind: str,
    payload: BaseModel,
    section: str,
    *,
    claim: str,
    priority: int = Priority.NORMAL,
    requires: str | None = None,
    retries: int = 3,
) -> NewJob:
    return NewJob(
        kind=kind,
        payload=payload.model_dump(mode="json", exclude_none=True),
        subject=section,
        priority=priority,
        max_retries=retries,
        dedup=Dedup.SKIP,
        dedup_key=f"{claim}:{section}",
        requires=requires,
    )
