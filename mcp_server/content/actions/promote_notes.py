"""What the answer to a `promote` says beside its plan: findings, files, marks. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from mcp_server.content.actions.plan import Plan
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.checks.told import held_by, why_held
from mcp_server.content.pages.splice import needs_marks
from mcp_server.content.text.hazards import hazards_in, kinds_of
from mcp_server.entities.entity import Finding, Revision, page_of, split_id

NAMED_MAX = 3
"""Drafts with findings that a note names; review has them all."""


def with_findings(plan: Plan, content: SiteContent) -> tuple[int, Sequence[str]]:
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
    return [kind.value for kind in kinds_of(hazards_in(draft.markdown or ""))]


def _taken(draft: Revision, held: Sequence[Finding]) -> str:
    """Return a note on a held draft that is promoted because somebody named it."""
    return f"{draft.entity_id} is taken, as it was named: {why_held(held)}."


def on_files(plan: Plan, *, dry_run: bool) -> Sequence[str]:
    """Return a note on the missing files that are written again, if any are."""
    by = " by the call without dryRun" if dry_run else ""
    said = (("Missing, and written again", plan.files), ("Written as declared", plan.declared))
    return [f"{what}{by}: {_some(found)}." for what, found in said if found]


def on_marks(plan: Plan, content: SiteContent) -> Sequence[str]:
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


def _some(names: Collection[str]) -> str:
    first, *others = names
    return f"{first} and {len(others)} more" if others else first
