"""The parsed site as a value."""

from __future__ import annotations

import json
from collections.abc import Iterator

from mcp_server.content.site import Page, Section, Site
from mcp_server.content.workspace.loader import site_from_document, site_to_document


def test_a_section_is_found_in_a_site_without_looking_at_the_others() -> None:
    """Whatever the site's size: what it knows them by is made once, and is no part of the site."""
    looks = 0

    class Counted(tuple[Page, ...]):
        __slots__ = ()

        def __iter__(self) -> Iterator[Page]:
            nonlocal looks
            looks += 1
            return super().__iter__()

    sections = tuple(Section(page="p", id=f"s{n}", text=str(n)) for n in range(50))
    pages = Counted([Page(id="p", title="P", sections=sections)])
    site = Site(title="", description="", language="en", facts={}, pages=pages, templates={})
    assert [site.section(section.entity_id) for section in sections] == list(sections)
    assert (site.section("p/none"), looks) == (None, 1)
    back = site_from_document(site_to_document(site))
    assert back.section("p/s7") == sections[7]
    assert list(json.loads(site_to_document(site))) == [
        "title",
        "description",
        "language",
        "facts",
        "pages",
        "templates",
    ]
