"""`search`: find texts by what they mean and by their words. It changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence

import anyio.to_thread

from mcp_server.content.actions.calls import Note, Quoted
from mcp_server.content.actions.first_look import FirstLook
from mcp_server.content.actions.reader import ContentReader
from mcp_server.content.actions.review_rows import Seen, seen_in
from mcp_server.content.actions.search_rows import Candidate, of_entity, of_section, of_site
from mcp_server.content.actions.searched import (
    FACT,
    OWN_TYPES,
    PAGE,
    SECTION,
    FoundRow,
    SearchCall,
    Searched,
    TextState,
)
from mcp_server.content.actions.site_texts import texts_of
from mcp_server.content.site import Site
from mcp_server.entities.entity import PREVIEW, PRODUCTION, page_of
from mcp_server.entities.store import EntityStore
from mcp_server.errors import InvalidPayload
from mcp_server.excerpt import in_quotes
from mcp_server.jobs.job import Origin
from mcp_server.likeness import did_you_mean
from mcp_server.meaning.finding import NONE_ASIDE, ONLY_NEAR, Aside, Finder, Ranked
from mcp_server.meaning.words import words_of

WIDTHS = (64, 256, 1_024)
"""How many texts are ranked: more where the first are not enough."""
SPARE = 3
"""Texts that are ranked for each row that is wanted: drafts and live texts of one section are one
row, and what has changed since is none."""
LOOKED_AT = 20
"""Sections whose pages are read, and whose files are looked at, together."""
STATES: Mapping[str, TextState] = {PRODUCTION: "live", PREVIEW: "draft"}
LOOKS = (
    "Not found yet: {} that nobody has looked at. A running server, or `pressroom worker`, does so "
    "now, in the background. Search again then."
)

BY_WHOM = "A worker does that in the background; without a server, `pressroom worker` does."


class SearchAction:
    """Finds sections, pages, facts, and the entities of plugins."""

    def __init__(
        self,
        reader: ContentReader,
        entities: EntityStore,
        finder: Finder,
        first_look: FirstLook,
        *,
        only_words: str | None,
        entity_types: Collection[str],
        why_not_embedded: Callable[[], Awaitable[str | None]],
    ) -> None:
        """`only_words`: what to say where nothing is found by its meaning.

        `entity_types` are those of plugins: one may have no entity that search knows yet.
        """
        self._reader, self._entities = reader, entities
        self._finder, self._first_look = finder, first_look
        self._only_words, self._entity_types = only_words, entity_types
        self._why_not_embedded = why_not_embedded
        self._texts: tuple[Site | None, Aside] = (None, NONE_ASIDE)

    async def __call__(self, call: SearchCall, origin: Origin) -> Searched:
        """Search until there are as many rows as were asked for.

        Raises:
            InvalidPayload: the query has no words, or a type or language is unknown; says which
                there are.
            Unavailable: the site cannot be read, and never could.
        """
        if not words_of(call.query):
            raise InvalidPayload("search", ["query has no words: write what to look for"])
        site, notes = await self._reader.site()
        await self._check(call, site)
        aside = await self._aside(site)
        wanted = SPARE * (call.cursor + call.limit)
        first, *wider = [each for each in WIDTHS if each >= wanted] or WIDTHS[-1:]

        async def found(width: int) -> tuple[Ranked, Sequence[Candidate]]:
            ranked = await self._finder.find(
                call.query, width=width, types=_stored_types(call), beside=aside
            )
            return ranked, _candidates(ranked, call, site)

        ranked, candidates = await found(first)
        rows = await self._rows(candidates, call, ranked)
        while wider and len(rows) < call.limit and not ranked.whole:
            ranked, candidates = await found(wider.pop(0))
            rows = await self._rows(candidates, call, ranked)
        return Searched(
            rows=tuple(row for _, row in rows),
            cursors=tuple(beyond for beyond, _ in rows),
            next_cursor=_next(rows, candidates, call),
            notes=(*notes, *await self._notes(ranked, origin)),
        )

    async def _check(self, call: SearchCall, site: Site) -> None:
        problems: list[str] = []
        strange = [type for type in call.types if type not in OWN_TYPES]
        if strange:
            stored = {*await self._finder.store.types()} - {PREVIEW, PRODUCTION}
            known = [*OWN_TYPES, *sorted(stored.union(self._entity_types))]
            problems += _unknown("type", [each for each in strange if each not in known], known)
        there = await anyio.to_thread.run_sync(_languages, site) if call.languages else ()
        unknown = [each for each in call.languages if not any(_is_in(one, each) for one in there)]
        problems += _unknown("language", unknown, sorted(there))
        if problems:
            raise InvalidPayload("search", problems)

    async def _aside(self, site: Site) -> Aside:
        if self._texts[0] is not site:
            self._texts = (site, await anyio.to_thread.run_sync(texts_of, site))
        return self._texts[1]

    async def _rows(
        self, candidates: Sequence[Candidate], call: SearchCall, ranked: Ranked
    ) -> list[tuple[int, FoundRow]]:
        """Return rows, each with the position after it, of what is still as it was found."""
        rows: list[tuple[int, FoundRow]] = []
        place = call.cursor
        while place < len(candidates) and len(rows) < call.limit:
            some = candidates[place : place + min(call.limit - len(rows), LOOKED_AT)]
            made = await self._made(some, call, ranked)
            found = [(place + at, row) for at, row in enumerate(made, 1) if row is not None]
            rows += found
            place += len(some)
        return rows

    async def _made(
        self, candidates: Sequence[Candidate], call: SearchCall, ranked: Ranked
    ) -> Sequence[FoundRow | None]:
        """Return the row of each, `None` for a text that is no longer there."""
        sections = [each.id for each in candidates if each.type == SECTION]
        content = await self._reader.look_at(sections) if sections else None
        others = {
            (each.type, each.id): await self._entities.get(each.type, each.id)
            for each in candidates
            if each.type not in OWN_TYPES
        }

        def make() -> Sequence[FoundRow | None]:
            seen = seen_in(content, sections) if content is not None else Seen()
            texts = {(each.type, each.id): each.text for each in self._texts[1].texts}
            made: list[FoundRow | None] = []
            for each in candidates:
                if any(match.hash is None for match in each.matches):
                    made.append(of_site(each, texts[each.type, each.id], ranked, content))
                elif each.type == SECTION and content is not None:
                    made.append(of_section(each, content, seen, call, ranked))
                else:
                    made.append(of_entity(each, others[each.type, each.id], ranked))
            return made

        return await anyio.to_thread.run_sync(make)

    async def _notes(self, ranked: Ranked, origin: Origin) -> Sequence[Note]:
        notes: list[Note] = []
        if unread := len(self._reader.unread):
            await self._first_look(origin)
            notes.append(LOOKS.format(f"{unread:,} page{'' if unread == 1 else 's'}"))
        if self._only_words is not None:
            notes.append(self._only_words)
        if ranked.trouble is not None:
            notes.append(Quoted("By words only, this time:", ranked.trouble))
        count = await self._finder.count()
        if left := count["left"]:
            texts = "text is" if left == 1 else "texts are"
            known = f"{count['known']:,} {'is' if count['known'] == 1 else 'are'} known"
            said = f"Partly: {left:,} {texts} still to be taken in, {known}."
            if (why := await self._why_not_embedded()) is not None:
                notes.append(Quoted(f"{said} New ones are found by their words only:", why))
            else:
                notes.append(f"{said} {BY_WHOM}")
        if ranked.respelled:
            notes.append(Quoted("Looked for, as it is spelled here:", ", ".join(ranked.respelled)))
        return notes


def _stored_types(call: SearchCall) -> frozenset[str] | None:
    """Return the types of stored entities that are asked for, `None` for all."""
    types = call.types or ((SECTION,) if call.states else ())
    if not types:
        return None
    drafts = {"draft", "withdrawn"}
    texts = {
        *([PRODUCTION] if not call.states or "live" in call.states else []),
        *([PREVIEW] if not call.states or drafts & {*call.states} else []),
    }
    others = {type for type in types if type not in OWN_TYPES and not call.states}
    return frozenset(others | (texts if SECTION in types else set()))


def _candidates(ranked: Ranked, call: SearchCall, site: Site) -> Sequence[Candidate]:
    """Return what was found and asked for, the best first; the texts of a section as one.

    A fact that is only near in meaning is no answer, where nobody asked for facts: there are many.
    """
    found: dict[tuple[str, str], Candidate] = {}
    for match in ranked.matches:
        type = SECTION if match.type in STATES else match.type
        if call.types and type not in call.types:
            continue
        if type == FACT and not call.types and match.why == ONLY_NEAR:
            continue
        if call.states and (type != SECTION or (match.hash is None and "live" not in call.states)):
            continue
        if call.languages and not _speaks(type, match.id, call.languages, site):
            continue
        key = (type, match.id)
        found.setdefault(key, Candidate(type, match.id)).matches.append(match)
    return list(found.values())


def _speaks(type: str, id: str, languages: Sequence[str], site: Site) -> bool:
    """Whether a text is in one of the languages. Those of plugins have none."""
    if type not in OWN_TYPES:
        return False
    section = id.partition(" ")[0] if type == FACT and "/" in id.partition(" ")[0] else id
    page = "" if type == FACT and section == id else id if type == PAGE else page_of(section)
    language = site.language_of(page) if page else site.language
    return any(_is_in(language, each) for each in languages)


def _is_in(language: str, asked: str) -> bool:
    """Whether a language is the one that was asked for: `de-AT` is `de`."""
    language, asked = language.lower(), asked.lower()
    return language == asked or language.startswith(f"{asked}-")


def _languages(site: Site) -> frozenset[str]:
    return frozenset({site.language, *(site.language_of(page.id) for page in site.pages)})


def _unknown(what: str, names: Sequence[str], known: Sequence[str]) -> Iterator[str]:
    for name in names:
        near = did_you_mean(name, known)
        yield f"there is no {what} {in_quotes(name)}{near} (there are: {', '.join(known)})"


def _next(
    rows: Sequence[tuple[int, FoundRow]], candidates: Sequence[Candidate], call: SearchCall
) -> int | None:
    if len(rows) < call.limit:
        return None
    return rows[-1][0] if rows[-1][0] < len(candidates) else None
