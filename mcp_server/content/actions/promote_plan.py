"""Which drafts a `promote` makes live, and why not the others. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from mcp_server.content.actions.calls import ChangeCall, Planned, Skipped
from mcp_server.content.actions.locks import why_untouchable
from mcp_server.content.actions.page_look import pending_names
from mcp_server.content.actions.payloads import ContentPromote, export_of
from mcp_server.content.actions.plan import STATIC, Plan, new_job
from mcp_server.content.actions.selection import Selection
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.checks.told import held_by, why_held
from mcp_server.entities.entity import Entity, Finding, page_of
from mcp_server.excerpt import as_name
from mcp_server.jobs.job import NewJob, Priority
from mcp_server.progress.verbs import PROMOTE


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
