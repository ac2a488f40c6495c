"""Headings that do not fit where a text stands on its page. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from mcp_server.content.site import Section, Site
from mcp_server.content.template import FieldType, Template
from mcp_server.content.text.blocks import levelled_headings

FIRST = "heading of the first level"
"""That is the page's title, and stands outside of its sections."""
SECOND = "heading of the second level"
"""In a file that is divided by them, it would begin another section."""


def unfit_headings(
    text: str, section: Section, site: Site, template: Template | None, before: str | None
) -> Iterator[tuple[str, str]]:
    """Yield what must not be in a text of prose, and the heading: the kind, and its line.

    A first-level heading stays where the text before has one.
    """
    if template is None or all(f.type is not FieldType.MARKDOWN for f in template.fields):
        return
    collection = site.collection_of(section.page)
    is_split = collection is not None and collection.split
    may_have_first = any(level == 1 for level, _ in levelled_headings(before or ""))
    for level, line in levelled_headings(text):
        if level == 1 and not may_have_first:
            yield FIRST, line
        elif level == 2 and is_split:
            yield SECOND, line
