"""Makes the rows of a review from what is stored of a site. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mcp_server.content.actions.reviewed import ReviewedPage, ReviewRow, Room, SectionState
from mcp_server.content.actions.site_content import PageFound, SiteContent
from mcp_server.content.actions.undrafted import named
from mcp_server.content.checks.told import PLACEHOLDER
from mcp_server.content.pages.declared import differing
from mcp_server.content.site import Section, Site
from mcp_server.content.text.diff import by_words
from mcp_server.content.text.hazards import hazards_in, kinds_of
from mcp_server.entities.entity import Finding, Revision, page_of
from mcp_server.entities.store import Heads

UNCHECKED_LENGTH_MAX = 200_000
"""Characters of a text from before the checks, or of a file, that are looked at each time."""

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
    notes: Mapping[str, str] = field(default_factory=dict[str, str])
    """By section, what is to be said of its file."""


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
        drafts.hash.get(id) if id not in drafts.superseded else None,
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
    kinds = [kind.value for kind in kinds_of(hazards_in(text[:UNCHECKED_LENGTH_MAX]))]
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
    if id in seen.notes:
        return seen.notes[id]
    return OUTDATED if state == "outdated" else None


def seen_in(content: SiteContent, ids: Iterable[str]) -> Seen:
    """Return what was read of these sections, with what their files say (P1)."""
    return Seen(
        # A draft that somebody has gone on from in the file says nothing that is not said there.
        draft={
            id: entity.current
            for id, entity in content.drafts.items()
            if not content.is_superseded(id)
        },
        live={id: entity.current for id, entity in content.live.items()},
        notes={id: note for id in ids if (note := _file_note(content, id))},
    )


def state_in(content: SiteContent, id: str) -> SectionState:
    """Return in which state a section is, with what its file says by now."""
    draft = None if content.is_superseded(id) else content.drafts.get(id)
    live = content.live_hash(id)
    same = content.is_live(id)
    return state_with(
        content.site.section(id),
        None if draft is None else live if same else draft.hash,
        live,
        base=live if id in content.same_base or draft is None else draft.current.base,
        withdrawn=draft is not None and draft.withdrawn,
    )


def titles_in(content: SiteContent) -> Mapping[str, str]:
    """Return, by page, the titles in the front matter of the files that were read."""
    found = {page: each.looked for page, each in content.found.items()}
    return {page: look.page.title for page, look in found.items() if look and look.page}


def titled(page: ReviewedPage, titles: Mapping[str, str]) -> ReviewedPage:
    """Return a page with the title that its file has, where `site.yaml` says none."""
    return page if page.title != "" else replace(page, title=titles.get(page.page, ""))


def recounted(chosen: Chosen, rows: Sequence[ReviewRow]) -> Mapping[str, int]:
    """Return the counts with what the files of the rows say."""
    counts = Counter(chosen.counts)
    for row in rows:
        was = chosen.states[row.section]
        if row.state != was:
            counts[was] -= 1
            counts[row.state] += 1
    return {state: count for state, count in counts.items() if count}


def _file_note(content: SiteContent, id: str) -> str | None:
    page = page_of(id)
    if page in content.site.blocked:
        return content.site.blocked[page]
    found = content.found.get(page)
    return None if found is None else _on_found(content, id, found)


def _on_found(content: SiteContent, id: str, found: PageFound) -> str | None:
    page = page_of(id)
    if found.blocked is not None:
        return found.blocked
    if (gone := content.why_missing(id)) is not None:
        return f'{gone}; promote {{"page": "{page}"}} writes it again'
    if any(each.revision.entity_id == id and not each.is_ground for each in found.takeovers):
        return f"{found.file} was edited: this is its text, and it counts as live"
    if id in content.live and page in content.unpublished:
        why = content.unpublished[page]
        return f"live in {found.file}, and not published by your generator: {why}"
    return _on_front(found)


def _on_front(found: PageFound) -> str | None:
    """Return what is to be said of keys that the file has otherwise than `site.yaml` (P11)."""
    looked = found.looked
    if looked is None or looked.page is None:
        return None
    names = [name for name in differing(looked.page, looked.known.front) if ":" not in name]
    return (
        f"{found.file} has another {', '.join(names)} than site.yaml; it counts" if names else None
    )
