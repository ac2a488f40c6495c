"""Makes the rows of a review from the site's content. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from mcp_server.content.actions.generate import named
from mcp_server.content.actions.reviewed import Reviewed, ReviewRow, SectionState
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.text.diff import unified
from mcp_server.content.text.findings import findings_in, kinds_of
from mcp_server.entities.entity import Entity, Revision, split_id

OUTDATED = "the live text has moved since it was drafted: draft it anew, or promote it with force"
"""What helps where a promote would be a conflict (R7)."""


def review_of(
    content: SiteContent,
    ids: Sequence[str],
    *,
    states: Collection[str],
    diff: bool,
    limit: int,
    cursor: int,
) -> Reviewed:
    """Return one page of rows from position `cursor`; only those in `states`, if any are named.

    The counts cover all selected sections, whatever is shown.
    """
    counts: Counter[str] = Counter()
    chosen: list[str] = []
    for id in ids:
        state = state_of(content, id)
        counts[state] += 1
        if not states or state in states:
            chosen.append(id)
    page = chosen[cursor : cursor + limit]
    return Reviewed(
        rows=tuple(_row(content, id, diff=diff) for id in page),
        counts=dict(counts),
        next_cursor=cursor + limit if len(chosen) > cursor + limit else None,
        missing_files=any(split_id(id)[0] in content.missing for id in chosen),
    )


def with_edits(review: Reviewed, edits: Sequence[Revision], *, diff: bool) -> Reviewed:
    """Return the review with the edits that somebody made in exported files (R23).

    Each row of an edited page names the sections that were edited. With `diff` the rows of those
    sections show the difference.
    """
    texts = {edit.entity_id: edit.markdown for edit in edits}
    pages: dict[str, list[str]] = {}
    for id in texts:
        pages.setdefault(split_id(id)[0], []).append(id)
    rows = [
        _with_edits(r, pages.get(split_id(r.section)[0], ()), texts, diff=diff) for r in review.rows
    ]
    return replace(review, rows=tuple(rows))


def _with_edits(
    row: ReviewRow, ids: Sequence[str], texts: Mapping[str, str | None], *, diff: bool
) -> ReviewRow:
    if not ids:
        return row
    where = ids[0] if len(ids) == 1 else f"{ids[0]} and {len(ids) - 1} more"
    row = replace(row, note=f"{row.note or 'its file was edited outside'}; there: {where}")
    if not diff or row.section not in texts:
        return row
    # `_row` shows the text of a static section as its draft.
    before = row.draft if row.state == "static" else row.live
    differs = unified(before, texts[row.section], row.section, name="file")
    return replace(row, diff="\n".join(filter(None, [row.diff, differs])))


def state_of(content: SiteContent, id: str) -> SectionState:
    """Return in which state a section is; see `SectionState`."""
    section = content.site.section(id)
    draft, live = content.drafts.get(id), content.live.get(id)
    if section is None:
        return "orphaned"
    if section.text is not None:
        return "static"
    if draft is None:
        return "missing" if live is None else "live"
    return _with_draft(draft, live)


def _with_draft(draft: Entity, live: Entity | None) -> SectionState:
    if live is not None and live.hash == draft.hash:
        return "live"
    if draft.withdrawn:
        return "withdrawn"
    if draft.current.base != (live.hash if live else None):
        return "outdated"
    return "draft" if live is None else "changed"


def _row(content: SiteContent, id: str, *, diff: bool) -> ReviewRow:
    section = content.site.section(id)
    draft, live = content.drafts.get(id), content.live.get(id)
    if section is not None and section.text is not None:
        draft = live = None  # what was drafted before the text stood in site.yaml is shown no more
    shown = draft or live
    text = (shown.current.markdown if shown else section.text if section else None) or ""
    texts = (
        draft.current.markdown if draft else None,
        live.current.markdown if live else None,
    )
    return ReviewRow(
        section=id,
        state=state_of(content, id),
        template=section.template if section else shown.current.template if shown else None,
        draft=texts[0] if draft else section.text if section else None,
        live=texts[1],
        draft_hash=draft.hash if draft else None,
        live_hash=live.hash if live else None,
        author=shown.current.author.shown if shown else None,
        placeholder=shown.current.is_placeholder if shown else False,
        locked=content.site.is_locked(id),
        batch_id=shown.current.batch_id if shown else None,
        diff=unified(texts[1], texts[0], id) if diff and draft else None,
        note=_note(content, id),
        findings=tuple(kind.value for kind in kinds_of(findings_in(text))),
    )


def _note(content: SiteContent, id: str) -> str | None:
    section = content.site.section(id)
    if section is not None and section.text is None:
        if section.template is None:
            return "no template specified"
        if section.template not in content.site.templates:
            return f"{named(section.template)} does not exist"
    page = split_id(id)[0]
    if (file := content.missing.get(page)) is not None:
        return f'{file} is missing; promote {{"page": "{page}"}} writes it again'
    if state_of(content, id) == "outdated":
        return content.edited.get(page, OUTDATED)
    return content.edited.get(page)
