"""What a text may draw on: all that its owner has said. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from mcp_server.content.site import Section, Site
from mcp_server.content.template import Template
from mcp_server.entities.entity import PREVIEW, Revision

_LIST = re.compile(r"[^\W\d_][^,.\d]{1,39}(?:, ?[^\W\d_][^,.\d]{1,39}){2,11}")
"""A fact that lists things in a line: `brakes, gears, tyres`."""
LISTED_MAX = 12
"""Items of a list that somebody may count and say so: `our six loaves`."""


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
    counts: frozenset[int] = frozenset()
    """How long the lists among the facts are."""
    counted: frozenset[tuple[str, int]] = frozenset()
    """The same with the names of the lists: `rooms`, 3."""

    @property
    def said(self) -> tuple[str, ...]:
        """All texts that count as said."""
        return tuple(each for each in (*self.texts, self.asked, self.before or "") if each)


def sources_of(
    site: Site,
    section: Section,
    *,
    instructions: str = "",
    material: str | None = None,
    before: Revision | None = None,
) -> Sources:
    """Return what a text of `section` may draw on."""
    template = site.templates.get(section.template or "")
    facts = [site.facts, *(each.facts for each in _neighbours(site, section))]
    said = [*_described(site), *(section.brief for section in _neighbours(site, section))]
    said += [each.text for each in site.sections() if each.text]
    return Sources(
        texts=(
            "\n".join(line for each in facts for line in _lines(each)),
            "\n".join(said),
            "\n".join(_words_of(template)) if template else "",
            material or "",
        ),
        asked=instructions,
        before=_said_before(before) if before is not None else None,
        counts=frozenset(n for each in facts for _, n in _counts(each) if 1 < n <= LISTED_MAX),
        counted=frozenset(
            (name.lower(), n) for each in facts for name, n in (*_counts(each), *_groups(each))
        ),
    )


def _said_before(revision: Revision) -> str:
    """Return a text without what it is held for, unless it is live: then somebody has said yes."""
    text = revision.markdown or ""
    if revision.type == PREVIEW:
        for finding in revision.findings or ():
            if finding.level == "held" and finding.piece:
                text = text.replace(finding.piece, " ")
    return text


def _neighbours(site: Site, section: Section) -> Sequence[Section]:
    """Return the sections of the page, `section` among them."""
    page = site.page(section.page)
    return page.sections if page is not None else (section,)


def _described(site: Site) -> Iterator[str]:
    yield from (site.title, site.description)
    for page in site.pages:
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


def fact_lines(facts: Mapping[str, Any]) -> str:
    """Return facts as the lines in which they are compared."""
    return "\n".join(_lines(facts))
