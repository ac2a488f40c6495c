"""Looks up the sections that are related to one: for a draft, and for a brief."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from mcp_server.content.actions.site_pages import SitePages
from mcp_server.content.drafting.related import (
    NEAR_QUESTION,
    NEAR_TEXT,
    RELATED_MAX,
    Related,
    fitting,
    may_be_related,
    question_for,
    text_now,
)
from mcp_server.content.site import Section, Site
from mcp_server.content.template import Template
from mcp_server.entities.entity import PREVIEW, PRODUCTION, Entity, Revision
from mcp_server.entities.store import EntityStore
from mcp_server.meaning.near import Near, Neighbours

TYPES = (PREVIEW, PRODUCTION)
READ_AT_ONCE = RELATED_MAX
"""Texts that are read together; then the next, where some are not what their sections say now."""
LOOKED_AT = 128
"""Texts that are looked at: each section may have two, and as many again in other languages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """The section that others are looked for, and what its page says."""

    site: Site
    section: Section
    template: Template | None
    drafts: Mapping[str, Entity]
    """Of its page, as are the live texts."""
    live: Mapping[str, Entity]
    page_text: str = ""
    """What of its page is shown already."""


class RelatedTexts:
    """Finds the sections of one workspace that are near to one of them in meaning.

    Where nothing is known of meanings, there are none: nobody waits for that.
    """

    def __init__(
        self, entities: EntityStore, pages: SitePages, neighbours: Neighbours, *, tokens_max: int
    ) -> None:
        self._entities, self._pages, self._neighbours = entities, pages, neighbours
        self.tokens_max = tokens_max if neighbours.can_find else 0
        """The most tokens that all of them have together."""

    async def of(self, asking: Asking) -> tuple[Related, ...]:
        """Return the texts to show with a section, the nearest first."""
        template = asking.template
        if not self.tokens_max or (template is not None and not template.related):
            return ()
        near = await self._near(asking)
        site = await self._pages.of_sections(asking.site, {each.id for each in near})
        candidates, found = _candidates(near, asking, site), list[tuple[Section, Revision]]()
        while len(found) < RELATED_MAX and (some := [*islice(candidates, READ_AT_ONCE)]):
            found += await self._present(some)
        return tuple(fitting(found[:RELATED_MAX], site, self.tokens_max))

    async def _near(self, asking: Asking) -> Sequence[Near]:
        """Return the texts that are clearly near, by the section's own text if it has one."""
        id = asking.section.entity_id
        own = text_now(asking.drafts.get(id), asking.live.get(id))
        if own is not None:
            near = await self._neighbours.of_text(own.type, id, types=TYPES, count=LOOKED_AT)
            if near is not None:
                return [each for each in near if each.cosine >= NEAR_TEXT]
        question = question_for(asking.section, asking.site, asking.template)
        near = await self._neighbours.of_question(question, types=TYPES, count=LOOKED_AT)
        return [each for each in near if each.cosine >= NEAR_QUESTION]

    async def _present(
        self, candidates: Sequence[tuple[Near, Section]]
    ) -> Sequence[tuple[Section, Revision]]:
        """Return the texts that were found, of those that are what their sections say now."""
        stored = await self._entities.snapshot((), only={near.id for near, _ in candidates})
        found: list[tuple[Section, Revision]] = []
        for near, section in candidates:
            now = text_now(stored.drafts.get(near.id), stored.live.get(near.id))
            if now is not None and now.hash == near.hash:
                found.append((section, now))
        return found


def _candidates(near: Sequence[Near], asking: Asking, site: Site) -> Iterator[tuple[Near, Section]]:
    """Yield what may be shown, the nearest first; a text that is draft and live once."""
    seen = set[tuple[str, str]]()
    asked = asking.section
    language = asking.site.language_of(asked.page)
    for each in near:
        other = site.section(each.id)
        key = (each.id, each.hash)
        if other is None or key in seen:
            continue
        seen.add(key)
        same_page = not asking.page_text
        if may_be_related(other, asked, site, language=language, same_page=same_page):
            yield each, other
