"""What looks at the page files have found, laid over what is stored (P1, P2). Pure.

The file is right: a text that somebody changed there counts as live in every plan and answer. It is
stored by the transaction that submits the plan, as far as the plan is about its page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mcp_server.content.actions.calls import Note
from mcp_server.content.actions.site_content import PageFound, SiteContent, Takeover
from mcp_server.content.existing.survey import look_at
from mcp_server.content.pages.look import Looked
from mcp_server.content.pages.page_text import Span
from mcp_server.content.pages.sight import Sight
from mcp_server.content.site import Site
from mcp_server.content.text.meta import meta_fields
from mcp_server.content.text.tree import same_text
from mcp_server.entities.effects import (
    KeepPage,
    MarkWithdrawn,
    SavePageFile,
    SaveRevision,
    expect_hash,
)
from mcp_server.entities.entity import PRODUCTION, Author, AuthorKind, Entity, Revision
from mcp_server.entities.page_files import Source, bytes_hash

NAMED_MAX = 3
"""Pages that the note on edited files names; the rest is counted."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a text was found: its page, its section, and whether it is the first one there."""

    page: str
    section: str
    kind: AuthorKind

    @property
    def id(self) -> str:
        return f"{self.page}/{self.section}"


def with_sights(
    content: SiteContent, sights: Mapping[str, Sight], shown: Mapping[str, str]
) -> SiteContent:
    """Return the content with what was found in the files of these pages.

    `shown` are the files as people are told of them.
    """
    found = {page: _found(content, page, sight, shown[page]) for page, sight in sights.items()}
    taken = [takeover for each in found.values() for takeover in each.takeovers]
    live = {**content.live, **{t.revision.entity_id: Entity(current=t.revision) for t in taken}}
    return replace(
        content,
        live=live,
        history={**content.history, **_longer(content.history, taken)},
        drafts={**content.drafts, **_withdrawn(content.drafts, taken)},
        found={**content.found, **found},
    )


def with_unpublished(content: SiteContent, today: str) -> SiteContent:
    """Return the content with the pages whose files say that they are not to appear (yet)."""
    found: dict[str, str] = {}
    for page, each in content.found.items():
        if each.looked is None or each.looked.data is None or each.blocked is not None:
            continue
        seen = look_at(each.looked.known.file, each.looked.data, today)
        if seen.draft or seen.future:
            found[page] = "it is a draft there" if seen.draft else "its date has yet to come"
    return replace(content, unpublished=found)


def look_effects(content: SiteContent, pages: Iterable[str]) -> tuple[object, ...]:
    """Return the effects that store what looks have found on these pages (P4)."""
    found = [content.found[page] for page in dict.fromkeys(pages) if page in content.found]
    return tuple(effect for each in found for effect in _effects(each))


def on_takeovers(content: SiteContent, pages: Iterable[str]) -> Sequence[Note]:
    """Return a note on the texts of these pages' files that are taken over."""
    said = [
        f"{each.file} was edited: {_names(each)} taken over"
        for page in dict.fromkeys(pages)
        if (each := content.found.get(page)) is not None
        and any(not takeover.is_ground for takeover in each.takeovers)
    ]
    if not said:
        return ()
    more = f"; and {len(said) - NAMED_MAX} more files" if len(said) > NAMED_MAX else ""
    return ["; ".join(said[:NAMED_MAX]) + more + "."]


def _names(found: PageFound) -> str:
    ids = [each.revision.entity_id for each in found.takeovers if not each.is_ground]
    more = f" and {len(ids) - NAMED_MAX} more" if len(ids) > NAMED_MAX else ""
    return ", ".join(ids[:NAMED_MAX]) + more


def _effects(found: PageFound) -> Iterator[object]:
    looked = found.looked
    if looked is None or not looked.moved or found.blocked is not None or found.saving:
        return
    yield SavePageFile(looked.known)
    if looked.data is not None:
        yield KeepPage(looked.known.page, looked.data, "taken" if looked.before else "met")
    for each in found.takeovers:
        yield SaveRevision(each.revision, expect_hash(each.replaces))
        if each.withdraws is not None:
            yield MarkWithdrawn(each.revision.entity_id, each.withdraws)


def _found(content: SiteContent, page: str, sight: Sight, file: str) -> PageFound:
    looked, known = sight.looked, content.files.get(page)
    if looked is not None:
        known = looked.known
    gone = known.gone if known is not None else frozenset[str]()
    return PageFound(
        file=file,
        looked=looked,
        blocked=_why_blocked(sight, file),
        saving=sight.settles_in_s > 0,
        missing=known is not None and known.hash is None and bool(gone),
        gone=gone,
        takeovers=() if looked is None else tuple(_takeovers(content, looked, sight)),
    )


def _why_blocked(sight: Sight, file: str) -> str | None:
    if sight.looked is None:
        return None
    if (blocked := sight.looked.blocked) is None:
        return None
    line = f":{blocked.line}" if blocked.line is not None else ""
    return f"{file}{line}: {blocked.reason}"


def _takeovers(content: SiteContent, looked: Looked, sight: Sight) -> Iterator[Takeover]:
    if looked.data is None or looked.blocked is not None:
        return
    page, hash = looked.known.page, bytes_hash(looked.data)
    for section, span in looked.ground.items():
        source = Source(page_hash=hash, start=span.start, end=span.end)
        plain = span.text == looked.data[span.start : span.end].decode().replace("\r\n", "\n")
        place = _Place(page, section, "adopted")
        at = _live_since(content, place.id, sight)
        made = _revision(content, place, span, at, source if plain else None)
        yield Takeover(revision=made, replaces=content.live_hash(place.id), is_ground=True)
    for section, span in looked.taken.items():
        place = _Place(page, section, "file")
        made = _revision(content, place, span, _live_since(content, place.id, sight), None)
        replaced, draft = content.live.get(place.id), content.drafts.get(place.id)
        yield Takeover(
            revision=made,
            replaces=replaced.hash if replaced is not None else None,
            withdraws=_withdraws(made, replaced, draft),
        )


def _live_since(content: SiteContent, id: str, sight: Sight) -> float:
    """Return since when a text counts as live that was found in a file.

    That is when the file was changed. One that is older than the text before it, such as a backup,
    was put in its place later, nobody knows when: it counts since it was seen.
    """
    past = content.history.get(id) or [e.current for e in [content.live.get(id)] if e is not None]
    newest = past[-1].created_at if past else 0.0
    return sight.modified_at if sight.modified_at >= newest else max(sight.seen_at, newest)


def _withdraws(made: Revision, replaced: Entity | None, draft: Entity | None) -> str | None:
    """Return the draft that would undo somebody's edit at the next bulk promote (P4)."""
    if draft is None or replaced is None or draft.withdrawn:
        return None
    text, now = draft.current.markdown or "", made.markdown or ""
    was = replaced.current.markdown or ""
    # A formatter's pass is no edit: the draft still is what is live.
    return draft.hash if same_text(text, was) and not same_text(text, now) else None


def _revision(
    content: SiteContent, place: _Place, span: Span, at: float, source: Source | None
) -> Revision:
    template, fields = _described(content.site, place.id, span.text)
    made = Revision(
        type=PRODUCTION,
        entity_id=place.id,
        template=template,
        fields=fields,
        markdown=span.text,
        author=Author(kind=place.kind),
        source=source,
        created_at=at,
    )
    past = [e.current for e in (content.drafts.get(place.id), content.live.get(place.id)) if e]
    # The same text is the same, whoever brought it: what is known of its fields stays true.
    for each in (*past, *reversed(content.history.get(place.id, ()))):
        if each.fields and each.hash == made.hash:
            return replace(made, template=each.template, fields=each.fields)
    return made


def _described(site: Site, id: str, text: str) -> tuple[str, Mapping[str, object]]:
    section = site.section(id)
    name = (section.template if section is not None else None) or ""
    template = site.templates.get(name)
    if template is None or not template.front_matter:
        return name, {}
    return name, meta_fields(text)


def _longer(
    history: Mapping[str, Sequence[Revision]], taken: Sequence[Takeover]
) -> Mapping[str, Sequence[Revision]]:
    return {
        each.revision.entity_id: (*history.get(each.revision.entity_id, ()), each.revision)
        for each in taken
    }


def _withdrawn(drafts: Mapping[str, Entity], taken: Sequence[Takeover]) -> Mapping[str, Entity]:
    ids = [each.revision.entity_id for each in taken if each.withdraws is not None]
    return {id: replace(drafts[id], withdrawn=True) for id in ids}
