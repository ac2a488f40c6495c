"""The rows of `search`: what was found, as its text is by now. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from mcp_server.content.actions.review_rows import Seen
from mcp_server.content.actions.searched import SECTION, FoundRow, SearchCall, TextState
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.actions.snippets import snippet
from mcp_server.entities.entity import Entity, page_of
from mcp_server.meaning.finding import SOME_WORDS, Match, Ranked
from mcp_server.meaning.words import indexed

SITE_FILE = "site.yaml"


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may become a row: a section with all of its texts that were found, or another text."""

    type: str
    id: str
    matches: list[Match] = field(default_factory=list[Match])


def of_section(
    each: Candidate, content: SiteContent, seen: Seen, call: SearchCall, ranked: Ranked
) -> FoundRow | None:
    """Return the row of a section: of the text that is the better answer, live or draft."""
    if content.is_static(each.id):
        return None
    draft, live = seen.draft.get(each.id), seen.live.get(each.id)
    entity = content.drafts.get(each.id)
    texts: list[tuple[TextState, str, str | None]] = []
    if live is not None:
        texts.append(("live", live.markdown or "", live.hash))
    if draft is not None and not content.is_live(each.id):
        withdrawn = entity is not None and entity.withdrawn
        texts.append(("withdrawn" if withdrawn else "draft", draft.markdown or "", draft.hash))
    matches = {match.hash: match for match in each.matches}
    there: list[tuple[Match | None, TextState, str]] = [
        (matches.get(hash), state, text)
        for state, text, hash in texts
        if not call.states or state in call.states
    ]
    best = max(there, key=lambda found: found[0].score if found[0] else -2, default=None)
    if best is None:
        return None
    match, state, text = best
    if match is None and not _has_words(text, ranked):
        return None  # somebody has changed it in the file since, and it says so no more
    page = content.found.get(page_of(each.id))
    return FoundRow(
        type=SECTION,
        id=each.id,
        file=page.file if page is not None and state == "live" else None,
        state=state,
        snippet=snippet(text, ranked.words),
        why=SOME_WORDS if match is None else match.why,
        clear=match is None or match.is_clear,
        note=seen.notes.get(each.id),
    )


def of_site(
    each: Candidate, text: str, ranked: Ranked, content: SiteContent | None
) -> FoundRow | None:
    match = next(match for match in each.matches if match.hash is None)
    if each.type == SECTION and content is not None and not content.is_static(each.id):
        return None
    return FoundRow(
        type=each.type,
        id=each.id,
        file=SITE_FILE,
        state="live" if each.type == SECTION else None,
        snippet=snippet(text, ranked.words),
        why=match.why,
        clear=match.is_clear,
    )


def of_entity(each: Candidate, entity: Entity | None, ranked: Ranked) -> FoundRow | None:
    match = each.matches[0]
    if entity is None or entity.hash != match.hash:
        return None
    return FoundRow(
        type=each.type,
        id=each.id,
        snippet=snippet(entity.current.markdown or "", ranked.words),
        why=match.why,
        clear=match.is_clear,
    )


def _has_words(text: str, ranked: Ranked) -> bool:
    words = indexed(text)
    return any(f" {word} " in words for word in ranked.words)
