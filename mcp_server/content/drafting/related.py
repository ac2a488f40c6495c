"""Other sections of the site that are near to one: what a draft is not to repeat or contradict.

Pure. They are data, and never a source: no check takes a price, a number or a name from them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast
from urllib.parse import quote

from mcp_server.content.drafting.length import BYTES_PER_TOKEN, tokens_of
from mcp_server.content.page_paths import HOME
from mcp_server.content.site import Page, Section, Site
from mcp_server.content.template import Template
from mcp_server.entities.entity import Entity, Revision

RELATED_MAX = 5
"""Sections that are shown at most."""
SHARE = 2
"""One of several takes at most this part of the room: a half."""
ROOM_MIN = 40
"""Tokens: of a text that has less room, nothing is shown."""
NEAR_TEXT = 0.4
"""From this cosine on, two texts are about the same. Of the labelled sites (`tests.benchmarks.
search`), a tenth of all pairs are as near, most of them of one topic."""
NEAR_QUESTION = 0.3
"""The same of a question, which has fewer words: as `meaning.fusion` has it."""
QUESTION_LENGTH_MAX = 1_000
"""Characters of a question: what is embedded together."""
TITLE_LENGTH = 100
FENCE_TOKENS = 20
"""Of the marks around each text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """Another section: the beginning of its text, and where its page is."""

    section: str
    title: str
    """Of its page; empty where only the page's file says it."""
    path: str
    """By which a link leads there; empty where the site's generator makes it up."""
    text: str
    """As much of it as there is room for."""
    hash: str
    """Of the whole text."""

    @property
    def shown(self) -> str:
        """What a model is shown of it: its page in the first line, then its text."""
        page = {"section": self.section, "page_title": self.title, "path": self.path}
        head = {name: value for name, value in page.items() if value}
        return f"{json.dumps(head, ensure_ascii=False)}\n\n{self.text}"


def path_to(page: Page, site: Site) -> str:
    """Return the path that leads to a page, "" where it is not known.

    The pages that `site.yaml` names lie under their ids. What address a file of a collection has
    is for its generator to say, and for settings there that nobody reads here.
    """
    if page.collection:
        return ""
    home = next((id for id in HOME if site.page(id)), None)
    return "/" if page.id == home else f"/{quote(page.id)}"


def text_now(draft: Entity | None, live: Entity | None) -> Revision | None:
    """Return what a section says: its draft, or what is live. Placeholders say nothing.

    A draft that somebody took back does not count, nor one that was gone on from in a file: that
    is withdrawn, too.
    """
    for entity in (draft, live):
        if entity is not None and not entity.withdrawn and not entity.current.is_placeholder:
            return entity.current
    return None


def question_for(section: Section, site: Site, template: Template | None) -> str:
    """Return what a section is to be about, by which others are found before it has a text."""
    page = site.page(section.page)
    kind = (template.title or template.name) if template is not None else ""
    said = (
        page.title if page is not None else "",
        page.description if page is not None else "",
        kind,
        section.brief,
        *_values(section.facts),
    )
    return "\n".join(each.strip() for each in said if each.strip())[:QUESTION_LENGTH_MAX].strip()


def may_be_related(
    other: Section | None, section: Section, site: Site, *, language: str, same_page: bool = True
) -> bool:
    """Whether the text of another section may be shown with one: in its language, and drafted.

    `same_page`: one of its own page may be, too. What stands in `site.yaml` is among the sources
    already, and keys of front matter are no text.
    """
    if other is None or other.entity_id == section.entity_id or other.text is not None:
        return False
    if site.is_meta(other) or (other.page == section.page and not same_page):
        return False
    return _primary(site.language_of(other.page)) == _primary(language)


def fitting(found: Sequence[tuple[Section, Revision]], site: Site, tokens: int) -> list[Related]:
    """Return as many of the nearest texts as there is room for, the nearest first.

    All of them together have at most so many tokens; what is cut ends with a word.
    """
    shown: list[Related] = []
    for section, revision in found[:RELATED_MAX]:
        page = site.page(section.page)
        hash = revision.hash
        if page is None or hash is None:
            continue
        left = tokens - sum(_tokens_of(each) for each in shown)
        room = left if len(found) == 1 else min(left, tokens // SHARE)
        empty = Related(
            section=section.entity_id,
            title=page.title[:TITLE_LENGTH],
            path=path_to(page, site),
            text="",
            hash=hash,
        )
        room -= _tokens_of(empty)
        if room < ROOM_MIN:
            continue
        text = beginning((revision.markdown or "").strip(), room * BYTES_PER_TOKEN)
        shown.append(replace(empty, text=text))
    return shown


def beginning(text: str, bytes_max: int) -> str:
    """Return a text, or as much of it as so many bytes hold, to the end of a word.

    A `…` says that it goes on. Where words are not set apart, it ends with a letter.
    """
    data = text.encode("utf-8", "surrogatepass")
    if len(data) <= bytes_max:
        return text
    held = data[: max(bytes_max - 4, 0)].decode("utf-8", "ignore")
    at = max(held.rfind(blank) for blank in " \n\t")
    ends_here = text[len(held)].isspace()
    cut = held if ends_here or at < len(held) // 2 else held[:at]
    return f"{cut.rstrip()} …"


def _tokens_of(related: Related) -> int:
    return tokens_of(related.shown) + 1 + FENCE_TOKENS


def _primary(language: str) -> str:
    return language.partition("-")[0].lower()


def _values(value: object) -> Iterator[str]:
    """Yield what facts say, without their names."""
    if isinstance(value, Mapping):
        for each in cast("Mapping[Any, object]", value).values():
            yield from _values(each)
    elif isinstance(value, list | tuple):
        for each in cast("Sequence[object]", value):
            yield from _values(each)
    elif value is not None:
        yield str(value)
