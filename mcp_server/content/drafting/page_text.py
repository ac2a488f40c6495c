"""What the other sections of a page say, for a section that is written from them: `meta`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mcp_server.content.site import Section, Site
from mcp_server.entities.drafts import is_superseded
from mcp_server.entities.entity import Entity
from mcp_server.excerpt import shortened

PAGE_TEXT_LENGTH_MAX = 6_000
"""Characters: as much as a title and a description can be made from; the end is left out."""


def page_text_for(
    section: Section, site: Site, drafts: Mapping[str, Entity], live: Mapping[str, Entity]
) -> str:
    """Return the texts of a page's other sections, if the section is keys of its front matter.

    Of each the draft, or what is live where nobody has drafted anything since. "" for others.
    """
    page = site.page(section.page)
    if page is None or not site.is_meta(section):
        return ""
    others = [each for each in page.sections if not site.is_meta(each)]
    return shortened("\n\n".join(_texts(others, drafts, live)), PAGE_TEXT_LENGTH_MAX)


def _texts(
    sections: list[Section], drafts: Mapping[str, Entity], live: Mapping[str, Entity]
) -> Iterator[str]:
    for section in sections:
        draft, present = drafts.get(section.entity_id), live.get(section.entity_id)
        shown = present if draft is None or is_superseded(draft, present) else draft
        if section.text:
            yield section.text
        elif shown is not None and (text := (shown.current.markdown or "").strip()):
            yield text
