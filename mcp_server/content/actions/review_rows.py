"""Makes the rows of a review from what is stored of a site. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mcp_server.content.actions.generate import named
from mcp_server.content.actions.reviewed import ReviewedPage, ReviewRow, Room, SectionState
from mcp_server.content.site import Site
from mcp_server.content.text.diff import unified
from mcp_server.content.text.findings import findings_in, kinds_of
from mcp_server.entities.entity import Revision, split_id
from mcp_server.entities.store import Heads

OUTDATED = "the live text has moved since it was drafted: draft it anew, or promote it with force"
"""What helps where a promote would be a conflict (R7)."""
ROW_BYTES = 50
"""What a row takes at least beside its texts: its section and its state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The selected sections in the states that were asked for, and the counts of all selected."""

    states: Mapping[str, SectionState]
    """By section, in the order of `site.yaml`."""
    counts: Mapping[str, int]
    pages: tuple[ReviewedPage, ...]

    @property
    def ids(self) -> Sequence[str]:
        """The sections."""
        return tuple(self.states)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was read for some rows."""

    draft: Mapping[str, Revision] = field(default_factory=dict[str, Revision])
    live: Mapping[str, Revision] = field(default_factory=dict[str, Revision])
    edited: Mapping[str, str] = field(default_factory=dict[str, str])
    """By page, why its file is not ours to overwrite (R23)."""
    missing: Mapping[str, str] = field(default_factory=dict[str, str])
    """By page, the exported file that is gone (R22)."""


def chosen_of(
    site: Site, drafts: Heads, live: Heads, ids: Sequence[str], states: Collection[SectionState]
) -> Chosen:
    """Return those of the sections that are in one of `states`, or all if none are named."""
    found = dict[str, SectionState]((id, state_of(site, id, drafts, live)) for id in ids)
    asked = frozenset[str](states or found.values())
    chosen = dict[str, SectionState]((i, state) for i, state in found.items() if state in asked)
    return Chosen(states=chosen, counts=Counter(found.values()), pages=_pages(site, chosen))


def _pages(site: Site, states: Mapping[str, SectionState]) -> tuple[ReviewedPage, ...]:
    of_pages: dict[str, list[str]] = {}
    for id, state in states.items():
        of_pages.setdefault(id.partition("/")[0], []).append(state)
    titles = {page.id: page.title for page in site.pages}
    return tuple(
        ReviewedPage(page=page, title=titles.get(page), counts=Counter(found))
        for page, found in of_pages.items()
    )


def state_of(site: Site, id: str, drafts: Heads, live: Heads) -> SectionState:
    """Return in which state a section is; see `SectionState`."""
    section = site.section(id)
    if section is None:
        return "orphaned"
    if section.text is not None:
        return "static"
    return _stored_state(id, drafts, live)


def _stored_state(id: str, drafts: Heads, live: Heads) -> SectionState:
    draft, published = drafts.hash.get(id), live.hash.get(id)
    if draft is None:
        return "missing" if published is None else "live"
    if draft == published:
        return "live"
    if id in drafts.withdrawn:
        return "withdrawn"
    if drafts.base[id] != published:
        return "outdated"
    return "draft" if published is None else "changed"


def fitting(rows: Iterable[ReviewRow], room: Room) -> tuple[Sequence[ReviewRow], Room]:
    """Return the rows up to the one that uses up the room, and the room that is left.

    It counts what they take at least, so that no row is left out for which there is room. Rows
    beyond are not even made.
    """
    fit: list[ReviewRow] = []
    left = room.bytes
    for row in rows:
        fit.append(row)
        left -= ROW_BYTES + sum(min(len(text), room.text) for text in _shown(row))
        if left <= 0:
            break
    return fit, replace(room, bytes=left)


def _shown(row: ReviewRow) -> Iterable[str]:
    return (row.diff,) if row.diff is not None else filter(None, [row.draft or row.live])


def row_of(site: Site, id: str, state: SectionState, seen: Seen, *, diff: bool) -> ReviewRow:
    """Return the row of a section from its texts."""
    section = site.section(id)
    draft, live = seen.draft.get(id), seen.live.get(id)
    if section is not None and section.text is not None:
        draft = live = None  # what was drafted before the text stood in site.yaml is shown no more
    shown = draft or live
    static = section.text if section else None
    text = (shown.markdown if shown else static) or ""
    texts = (draft.markdown if draft else None, live.markdown if live else None)
    return ReviewRow(
        section=id,
        state=state,
        template=section.template if section else shown.template if shown else None,
        draft=texts[0] if draft else static,
        live=texts[1],
        draft_hash=draft.hash if draft else None,
        live_hash=live.hash if live else None,
        author=author_of(shown) if shown else None,
        placeholder=shown.is_placeholder if shown else False,
        batch_id=shown.batch_id if shown else None,
        diff=unified(texts[1], texts[0], id) if diff and draft else None,
        note=_note(site, id, state, seen),
        findings=tuple(kind.value for kind in kinds_of(findings_in(text))),
    )


def author_of(revision: Revision) -> str:
    """Return who wrote a text: the name of the model or interface, or what kind of author it is."""
    return revision.author.name or revision.author.kind


def _note(site: Site, id: str, state: SectionState, seen: Seen) -> str | None:
    section = site.section(id)
    if section is not None and section.text is None:
        if section.template is None:
            return "no template specified"
        if section.template not in site.templates:
            return f"{named(section.template)} does not exist"
    page = split_id(id)[0]
    if (file := seen.missing.get(page)) is not None:
        return f'{file} is missing; promote {{"page": "{page}"}} writes it again'
    if state == "outdated":
        return seen.edited.get(page, OUTDATED)
    return seen.edited.get(page)


def with_edits(
    rows: Sequence[ReviewRow], edits: Sequence[Revision], *, diff: bool
) -> Sequence[ReviewRow]:
    """Return the rows with the edits that somebody made in exported files (R23).

    Each row of an edited page names the sections that were edited. With `diff` the rows of those
    sections show the difference.
    """
    texts = {edit.entity_id: edit.markdown for edit in edits}
    pages: dict[str, list[str]] = {}
    for id in texts:
        pages.setdefault(split_id(id)[0], []).append(id)
    return [_with_edits(r, pages.get(split_id(r.section)[0], ()), texts, diff=diff) for r in rows]


def _with_edits(
    row: ReviewRow, ids: Sequence[str], texts: Mapping[str, str | None], *, diff: bool
) -> ReviewRow:
    if not ids:
        return row
    where = ids[0] if len(ids) == 1 else f"{ids[0]} and {len(ids) - 1} more"
    row = replace(row, note=f"{row.note or 'its file was edited outside'}; there: {where}")
    if not diff or row.section not in texts:
        return row
    # `row_of` shows the text of a static section as its draft.
    before = row.draft if row.state == "static" else row.live
    differs = unified(before, texts[row.section], row.section, name="file")
    return replace(row, diff="\n".join(filter(None, [row.diff, differs])))
