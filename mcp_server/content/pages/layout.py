"""What a page's file consists of: which section's text stands where. Pure.

    single    one section beside `meta`, and no mark in the file: its span is the whole body
    marks     several sections: each span begins after its mark, and ends at the next mark
    split     a section for each second-level heading: its span is what follows the heading, up to
              the next one; `intro` is what stands before the first

A `meta` section's span is the keys of the front matter that its template's fields name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from mcp_server.content.site import Page, Section, Site
from mcp_server.content.text.mark_style import MarkStyle
from mcp_server.content.text.visible import visible


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One section of a page, in the order of `site.yaml`."""

    section: str
    """Its id without the page."""
    keys: tuple[str, ...] = ()
    """The keys of the front matter that are its span; of a `meta` section only."""
    static: str | None = None
    """The text that `site.yaml` declares for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The parts of one page's file, and what `site.yaml` declares for its front matter."""

    page: str
    file: str
    """Its path in the content folder, such as `posts/2024/hello.md`."""
    parts: tuple[Part, ...] = ()
    split: bool = False
    front: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Declared keys (title, description, `front` of page or collection), less those of `meta`."""

    @property
    def marks(self) -> MarkStyle:
        """How marks are written in this file."""
        return MarkStyle.of(self.file)

    @property
    def hash(self) -> str:
        """Of what the spans are: 16 hex digits. What is declared does not count."""
        return _hash_of(self.split, tuple((part.section, *part.keys) for part in self.parts))


@lru_cache(maxsize=1024)
def _hash_of(split: bool, spans: tuple[tuple[str, ...], ...]) -> str:
    """Return the hash of a layout; thousands of pages of a collection have the same."""
    return hashlib.blake2b(json.dumps([split, spans]).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why a page's file cannot be worked on now, and in which line (P6)."""

    reason: str
    line: int | None = None


def with_orphans(layout: Layout, in_file: Mapping[str, tuple[str, ...]]) -> Layout:
    """Return the layout with the sections that are still in the file, and no longer in the site.

    `in_file`: by section, the keys of the front matter that are its span, if they are. Nothing
    removes them but a call that says so (P5).
    """
    if layout.split:
        return layout
    names = {part.section for part in layout.parts}
    orphans = tuple(Part(section=s, keys=keys) for s, keys in in_file.items() if s not in names)
    return replace(layout, parts=(*layout.parts, *orphans)) if orphans else layout


def layout_of(site: Site, page: Page, split_ids: Sequence[str] = ()) -> Layout:
    """Return what the file of `page` consists of.

    `split_ids` are the sections that a look at the file has found in it, where the page's sections
    are its headings; without, those are taken that the page is known to have.
    """
    collection = site.collection(page.collection) if page.collection else None
    split = collection is not None and collection.split
    sections = page.sections
    if split and split_ids:
        declared = _declared(site, page)
        known = {section.id for section in declared}
        sections = (*declared, *(Section(page=page.id, id=i) for i in split_ids if i not in known))
    parts = tuple(_part(site, section) for section in sections)
    owned = {key for part in parts for key in part.keys}
    # What nobody sees in `site.yaml` would stand in a file for good.
    front = {"title": visible(page.title), "description": visible(page.description)}
    declared_front = {key: value for key, value in front.items() if value} | dict(page.front)
    return Layout(
        page=page.id,
        file=page.file,
        parts=parts,
        split=split,
        front={key: value for key, value in declared_front.items() if key not in owned},
    )


def _part(site: Site, section: Section) -> Part:
    template = site.templates.get(section.template or "")
    keys = [field.name for field in template.fields] if template and template.front_matter else ()
    return Part(section=section.id, keys=tuple(keys), static=section.text)


def _declared(site: Site, page: Page) -> Sequence[Section]:
    """Return the sections of a split page that are no headings: `meta`."""
    return [section for section in page.sections if site.is_meta(section)]
