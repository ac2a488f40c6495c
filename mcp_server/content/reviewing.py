"""From what stands to the rows of a review. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from mcp_server.content.diff import unified
from mcp_server.content.plan import Standing
from mcp_server.content.review import Review, ReviewRow, SectionState
from mcp_server.entities.entity import Entity, split_id


def review_of(
    standing: Standing,
    ids: Sequence[str],
    *,
    states: Collection[str],
    diff: bool,
    limit: int,
    cursor: int,
) -> Review:
    """Return one page of rows from position `cursor`, those in `states` if any are named.

    The counts are those of all selected sections, whatever is shown.
    """
    counts: Counter[str] = Counter()
    chosen: list[str] = []
    for id in ids:
        state = state_of(standing, id)
        counts[state] += 1
        if not states or state in states:
            chosen.append(id)
    page = chosen[cursor : cursor + limit]
    return Review(
        rows=tuple(_row(standing, id, diff=diff) for id in page),
        counts=dict(counts),
        next_cursor=cursor + limit if len(chosen) > cursor + limit else None,
    )


def state_of(standing: Standing, id: str) -> SectionState:
    """Return in which state a section is; see `SectionState`."""
    section = standing.site.section(id)
    draft, live = standing.drafts.get(id), standing.live.get(id)
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


def _row(standing: Standing, id: str, *, diff: bool) -> ReviewRow:
    section = standing.site.section(id)
    draft, live = standing.drafts.get(id), standing.live.get(id)
    shown = draft or live
    texts = (
        draft.current.markdown if draft else None,
        live.current.markdown if live else None,
    )
    return ReviewRow(
        section=id,
        state=state_of(standing, id),
        template=section.template if section else shown.current.template if shown else None,
        draft=texts[0] if draft else section.text if section else None,
        live=texts[1],
        draft_hash=draft.hash if draft else None,
        live_hash=live.hash if live else None,
        author=shown.current.author.name or shown.current.author.kind if shown else None,
        placeholder=shown.current.is_placeholder if shown else False,
        batch_id=shown.current.batch_id if shown else None,
        diff=unified(texts[1], texts[0], id) if diff and draft else None,
        note=_note(standing, id),
    )


def _note(standing: Standing, id: str) -> str | None:
    section = standing.site.section(id)
    if section is not None and section.text is None:
        if section.template is None:
            return "no template specified"
        if section.template not in standing.site.templates:
            return f"its template {section.template!r} does not exist"
    return standing.edited.get(split_id(id)[0])
