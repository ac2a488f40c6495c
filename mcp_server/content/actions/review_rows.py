"""Makes the rows of a review from what is stored of a site. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mcp_server.content.actions.reviewed import ReviewedPage, ReviewRow, Room, SectionState
from mcp_server.content.actions.undrafted import named
from mcp_server.content.checks.told import PLACEHOLDER
from mcp_server.content.site import Section, Site
from mcp_server.content.text.diff import by_words
from mcp_server.content.text.findings import findings_in, kinds_of
from mcp_server.entities.entity import Finding, Revision, page_of, split_id
from mcp_server.entities.store import Heads

UNCHECKED_LENGTH_MAX = 200_000
"""Characters of a text from before the checks, or of a file, that are looked at each time."""

OUTDATED = "the live text has moved since it was drafted: draft it anew, or promote it with force"
"""What helps where a promote would be a conflict (R7)."""
IN_FILE = "In its file:"
"""Goes before the difference between the live text and what somebody wrote into the file."""
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
    return Chosen(
        states=chosen, counts=Counter(found.values()), pages=pages_of_states(site, chosen)
    )


def pages_of_states(site: Site, states: Mapping[str, str]) -> tuple[ReviewedPage, ...]:
    """Return the pages of these sections, with how many are in each state."""
    of_pages: dict[str, list[str]] = {}
    for id, state in states.items():
        of_pages.setdefault(page_of(id), []).append(state)
    titles = {page.id: page.title for page in site.pages}
    return tuple(
        ReviewedPage(page=page, title=titles.get(page), counts=Counter(found))
        for page, found in of_pages.items()
    )


def state_of(site: Site, id: str, drafts: Heads, live: Heads) -> SectionState:
    """Return in which state a section is; see `SectionState`."""
    return state_with(
        site.section(id),
        drafts.hash.get(id),
        live.hash.get(id),
        base=drafts.base.get(id),
        withdrawn=id in drafts.withdrawn,
    )


def state_with(
    section: Section | None,
    draft: str | None,
    live: str | None,
    *,
    base: str | None,
    withdrawn: bool,
) -> SectionState:
    """Return the state of a section with a draft and a live text of these hashes, if any."""
    if section is None or section.text is not None:
        return "orphaned" if section is None else "static"
    if draft is None:
        return "missing" if live is None else "live"
    if draft == live:
        return "live"
    if withdrawn:
        return "withdrawn"
    if base != live:
        return "outdated"
    return "draft" if live is None else "changed"


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
    texts = (draft.markdown if draft else None, live.markdown if live else None)
    return ReviewRow(
        section=id,
        state=state,
        template=section.template if section else shown.template if shown else None,
        draft=texts[0] if draft else static,
        live=texts[1],
        draft_hash=draft.hash if draft else None,
        live_hash=live.hash if live else None,
        author=shown.author.shown if shown else None,
        placeholder=shown.is_placeholder if shown else False,
        locked=site.is_locked(id),
        batch_id=shown.batch_id if shown else None,
        diff=by_words(texts[1], texts[0]) if diff and draft else None,
        note=_note(site, id, state, seen),
        findings=findings_of(shown) if shown else _unchecked(static or ""),
    )


def findings_of(revision: Revision) -> tuple[Finding, ...]:
    """Return what the checks found in a text; of one that was never checked, what is no text."""
    if revision.findings is not None:
        return tuple(each for each in revision.findings if each != PLACEHOLDER)
    return _unchecked(revision.markdown or "")


def _unchecked(text: str) -> tuple[Finding, ...]:
    kinds = [kind.value for kind in kinds_of(findings_in(text[:UNCHECKED_LENGTH_MAX]))]
    if len(text) > UNCHECKED_LENGTH_MAX:
        kinds.append("text too long to be checked")
    return tuple(Finding(level="noted", kind=kind) for kind in kinds)


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
    differs = f"{IN_FILE}\n{by_words(before, texts[row.section])}"
    return replace(row, diff="\n".join(filter(None, [row.diff, differs])))
