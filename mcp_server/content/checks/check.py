"""The door of the checks: one call that says what is to be said of a text. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice

from mcp_server.content.checks.addresses import unsaid_addresses
from mcp_server.content.checks.figures.unsaid import unsaid
from mcp_server.content.checks.glossary import avoided_words
from mcp_server.content.checks.headings import unfit_headings
from mcp_server.content.checks.language import asked_in, other_language
from mcp_server.content.checks.leftovers import leftovers_in
from mcp_server.content.checks.links import dead_links
from mcp_server.content.checks.objections import objectionable
from mcp_server.content.checks.prepare import prose_of, without_code
from mcp_server.content.checks.sources import FINDINGS_MAX, Sources
from mcp_server.content.checks.words import LANGUAGES
from mcp_server.content.site import Section, Site
from mcp_server.content.template import Template
from mcp_server.content.text.blocks import open_fence, section_mark
from mcp_server.entities.entity import Finding

LENGTH_MAX = 200_000
"""Characters of a text that are compared with its sources; a page of a site has a tenth of it."""


def check(
    text: str,
    *,
    section: Section,
    site: Site,
    template: Template | None,
    sources: Sources,
    anchors: Mapping[str, Collection[str]] | None = None,
    most: int | None = FINDINGS_MAX,
) -> tuple[Finding, ...]:
    """Return what is to be said of a text of `section`, the worst first, each once.

    *refused*: it must not be stored as a draft. *held*: a bulk promote leaves it out. *noted*: only
    told. `anchors` are the places within the site's pages, where they are known. There are `most`
    findings of each level, or all. It takes time in proportion to the length of the text.
    """
    levels = (
        _refused(text, template, sources),
        _misplaced(text, site, section, template, sources),
        _held(text, site, section, sources),
        _avoided(text, site),
        (
            Finding(level="noted", kind="dead link", piece=link)
            for link in dead_links(text, section.page, site, anchors or {})
        ),
    )
    found = dict.fromkeys(each for level in levels for each in islice(_once(level), most))
    return tuple(found)


def _once(found: Iterator[Finding]) -> Iterator[Finding]:
    """Yield each finding once: fifty times `TODO` leave room for a price."""
    seen: set[Finding] = set()
    for each in found:
        if each not in seen:
            seen.add(each)
            yield each


def _refused(text: str, template: Template | None, sources: Sources) -> Iterator[Finding]:
    for each in objectionable(text, template, sources.before):
        yield Finding(level="refused", kind=each.kind.value, piece=each.piece)
    if found := section_mark(text, sources.before or ""):
        yield Finding(level="refused", kind="section mark", piece=found)
    if (fence := open_fence(text)) and not open_fence(sources.before or ""):
        yield Finding(level="refused", kind="open code block", piece=fence)


def _misplaced(
    text: str, site: Site, section: Section, template: Template | None, sources: Sources
) -> Iterator[Finding]:
    for kind, line in unfit_headings(text, section, site, template, sources.before):
        yield Finding(level="refused", kind=kind, piece=line)


def _held(text: str, site: Site, section: Section, sources: Sources) -> Iterator[Finding]:
    if len(text) > LENGTH_MAX:
        yield Finding(level="held", kind="text too long to be checked")
        text = text[:LENGTH_MAX]
    prose, expected = prose_of(text), _languages(site, section, sources)
    for start, end in leftovers_in(prose):
        if not any(text[start:end] in each for each in sources.said):
            yield Finding(level="held", kind="unfinished text", piece=text[start:end])
    if expected is not None and (other := other_language(prose, expected)) is not None:
        yield Finding(level="held", kind="another language", piece=other)
    for start, end, kind in unsaid_addresses(without_code(text), sources.said):
        yield _unsaid(kind, text[start:end])
    for mention in unsaid(prose, text, sources, _read(expected, site)):
        yield _unsaid(mention.kind, text[mention.start : mention.end])


def _avoided(text: str, site: Site) -> Iterator[Finding]:
    for word, instead in avoided_words(
        prose_of(text[:LENGTH_MAX]) if site.glossary else "", site.glossary
    ):
        yield Finding(level="noted", kind="word to avoid", piece=f"{word} ({instead})")


def _unsaid(kind: str, piece: str) -> Finding:
    return Finding(level="held", kind=f"{kind} in no source", piece=" ".join(piece.split()))


def _languages(site: Site, section: Section, sources: Sources) -> tuple[str, ...] | None:
    """Return the languages that a text may be in; `None` where nobody can tell."""
    asked = asked_in(f"{section.brief}\n{sources.asked}")
    return None if asked is None else (site.language_of(section.page), *asked)


def _read(expected: tuple[str, ...] | None, site: Site) -> tuple[str, ...]:
    """Return the languages whose number words are read."""
    codes = {code.partition("-")[0].lower() for code in expected or ()}
    return tuple(code for code in LANGUAGES if code in codes or (not codes and site.language))
