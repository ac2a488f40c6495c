"""What a text may draw on: all that its owner has said. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from mcp_server.content.site import Section, Site
from mcp_server.content.template import Template
from mcp_server.entities.entity import PREVIEW, Revision

_LIST = re.compile(r"[^\W\d_][^,.\d]{1,39}(?:, ?[^\W\d_][^,.\d]{1,39}){2,11}")
"""A fact that lists things in a line: `brakes, gears, tyres`."""
OTHER_LANGUAGE = "another language"
"""The kind of finding in a text that is in none of its languages."""
FINDINGS_MAX = 50
"""Findings of one level that are kept of a text: who has so many writes it anew."""
LISTED_MAX = 12
"""Items of a list that somebody may count and say so: `our six loaves`."""

BEFORE_LENGTH_MAX = 200_000
"""Characters of the text that was there: a page's file may have megabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What counts as said by the owner. Texts of other sections never do."""

    texts: tuple[str, ...] = ()
    """Facts (a line each, `name: value`), briefs, static texts, pasted material."""
    asked: str = ""
    """Instructions: their facts count, and a language that they ask for is the text's language."""
    before: str | None = None
    """The text that was there: the current draft, or else the live text. What that is held for
    itself is left out: it does not become true by being repeated."""
    is_in_language: bool = True
    """Whether that is not held for its language."""
    counts: frozenset[int] = frozenset()
    """How long the lists among the facts are."""
    counted: frozenset[tuple[str, int]] = frozenset()
    """The same with the names of the lists: `rooms`, 3."""

    @property
    def said(self) -> tuple[str, ...]:
        """All texts that count as said."""
        return tuple(each for each in (*self.texts, self.asked, self.before or "") if each)


class SiteSources:
    """The sources of the texts of one site. What they share is put together once."""

    def __init__(self, site: Site) -> None:
        self._site = site
        # Each once: a collection has the same text on thousands of pages.
        static = dict.fromkeys(each.text for each in site.sections() if each.text)
        self._shared = ("\n".join(_lines(site.facts)), "\n".join([*_described(site), *static]))
        self._counts = frozenset(_named_counts(site.facts))

    def of(
        self,
        section: Section,
        *,
        instructions: str = "",
        material: str | None = None,
        before: Revision | None = None,
    ) -> Sources:
        """Return what a text of `section` may draw on."""
        template = self._site.templates.get(section.template or "")
        beside = _neighbours(self._site, section)
        facts = [line for each in beside for line in _lines(each.facts)]
        counts = self._counts.union(*(_named_counts(each.facts) for each in beside))
        return Sources(
            texts=(
                *self._shared,
                "\n".join([*facts, *(each.brief for each in beside)]),
                "\n".join(_words_of(template)) if template else "",
                material or "",
            ),
            asked=instructions,
            before=_said_before(before) if before is not None else None,
            is_in_language=before is None or not _is_held_for(before, OTHER_LANGUAGE),
            counts=frozenset(n for _, n, is_list in counts if is_list and 1 < n <= LISTED_MAX),
            counted=frozenset((name.lower(), n) for name, n, _ in counts),
        )


def sources_of(
    site: Site,
    section: Section,
    *,
    instructions: str = "",
    material: str | None = None,
    before: Revision | None = None,
) -> Sources:
    """Return what one text of a site may draw on."""
    sources = SiteSources(site)
    return sources.of(section, instructions=instructions, material=material, before=before)


def _is_held_for(revision: Revision, kind: str) -> bool:
    """Whether a draft is held for this; what is live, somebody has said yes to."""
    found = (each.kind for each in revision.findings or () if each.level == "held")
    return revision.type == PREVIEW and kind in found


def _said_before(revision: Revision) -> str:
    """Return a text without what it is held for, unless it is live: then somebody has said yes.

    One that is held for as much as is kept may be held for more, and says nothing.
    """
    text = (revision.markdown or "")[:BEFORE_LENGTH_MAX]
    if revision.type != PREVIEW:
        return text
    held = [each.piece for each in revision.findings or () if each.level == "held"]
    if len(held) >= FINDINGS_MAX:
        return ""
    for piece in filter(None, held):  # its blanks are single ones, those of the text need not be
        text = re.sub(r"\s+".join(map(re.escape, piece.split())), " ", text)
    return text


def _neighbours(site: Site, section: Section) -> Sequence[Section]:
    """Return the sections of the page, `section` among them."""
    page = site.page(section.page)
    return page.sections if page is not None else (section,)


def _described(site: Site) -> Iterator[str]:
    yield from (site.title, site.description)
    for page in site.named_pages:
        yield from (page.title, page.description)


def _words_of(template: Template) -> Iterator[str]:
    yield template.format
    yield from _lines(template.phrases)


def _lines(value: object, name: str = "") -> Iterator[str]:
    """Yield facts as lines; each has the name it stands under, as that often says the unit.

    An item of a list, such as a day and its times, is one line.
    """
    match value:
        case Mapping():
            for key, inner in cast("Mapping[object, object]", value).items():
                yield from _lines(inner, str(key))
        case list() | tuple():
            for inner in cast("Sequence[object]", value):
                yield " — ".join(_lines(inner, name))
        case None | bool():
            pass
        case _:
            yield f"{name}: {value}" if name else str(value)


def _named_counts(facts: object) -> Iterator[tuple[str, int, bool]]:
    """Yield names, how much stands under them, and whether that is a list."""
    yield from ((name, count, True) for name, count in _counts(facts))
    yield from ((name, count, False) for name, count in _groups(facts))


def _counts(value: object, name: str = "") -> Iterator[tuple[str, int]]:
    """Yield how many items lists and groups of facts have, and their names."""
    match value:
        case Mapping():
            for key, inner in cast("Mapping[object, object]", value).items():
                yield from _counts(inner, str(key))
        case list() | tuple():
            listed = cast("Sequence[object]", value)
            yield name, len(listed)
            for inner in listed:
                yield from _counts(inner, name)
        case str() if _LIST.fullmatch(value):
            yield name, value.count(",") + 1
        case _:
            pass


def _groups(value: object, name: str = "") -> Iterator[tuple[str, int]]:
    """Yield how many facts stand under a name: `menus: {small: 39 €, large: 54 €}`."""
    if isinstance(value, Mapping):
        facts = cast("Mapping[object, object]", value)
        if name:
            yield name, len(facts)
        for key, inner in facts.items():
            yield from _groups(inner, str(key))
