"""The sections that somebody changed in a page's file, read back by their templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mcp_server.content.pages.compose import live_on, sections_on
from mcp_server.content.pages.page_file import (
    ExportedSection,
    PageFile,
    body_of,
    parse_page,
    sections_of,
)
from mcp_server.content.site import Site
from mcp_server.content.template import Template
from mcp_server.content.text import markdown
from mcp_server.entities.entity import PRODUCTION, Author, Revision
from mcp_server.errors import InvalidPayload


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedSection:
    """A section as somebody wrote it in the page's file. `fields` is empty if they do not fit."""

    entity_id: str
    template: str
    fields: Mapping[str, Any]
    markdown: str

    def revision(self, author: Author, *, base: str | None = None) -> Revision:
        """Return the text as a production revision, not yet stored."""
        return Revision(
            type=PRODUCTION,
            entity_id=self.entity_id,
            template=self.template,
            fields=self.fields,
            markdown=self.markdown,
            author=author,
            base=base,
        )


def read_back(site: Site, section: ExportedSection, live: Revision | None) -> EditedSection | None:
    """Return the section if its text was edited, else `None`.

    The text to compare with is that of `site.yaml` for a static section, the live one for others.
    """
    planned = site.section(section.entity_id)
    static = planned.text if planned else None
    expected = static if static is not None else live.markdown if live else None
    if expected is not None and _plain(expected) == _plain(section.markdown):
        return None
    if live is not None and section.fields == live.fields:
        section = replace(section, fields={})  # the front matter still describes the old text
    return taken(site, section, live.template if live else "")


def taken(site: Site, section: ExportedSection, fallback: str = "") -> EditedSection:
    """Return the section as its body says; `fallback` is its template if the file names none."""
    planned = site.section(section.entity_id)
    name = section.template or fallback or (planned.template if planned else None) or ""
    text = section.markdown.replace("\r\n", "\n")
    return EditedSection(
        entity_id=section.entity_id,
        template=name,
        fields=_fields(site.templates.get(name), section.fields, text),
        markdown=text,
    )


def is_static(site: Site, entity_id: str) -> bool:
    """Whether the section's text is that of `site.yaml`."""
    section = site.section(entity_id)
    return section is not None and section.text is not None


def _fields(template: Template | None, stated: Mapping[str, Any], text: str) -> Mapping[str, Any]:
    """Return the fields of `text`: what the front matter states, unless the body differs (R24).

    Without its template a text cannot be parsed, so the stated fields stay.
    """
    if template is None or _renders_to(template, stated, text):
        return stated
    try:
        return markdown.parse(template, text)
    except markdown.MarkdownMismatch:
        return {}


def _renders_to(template: Template, fields: Mapping[str, Any], text: str) -> bool:
    try:
        return _plain(markdown.render(template, fields)) == _plain(text)
    except (InvalidPayload, ValueError, TypeError, LookupError, AttributeError):
        return False  # people wrote the front matter: its fields may be any JSON


def _plain(text: str) -> str:
    """Return `text` without what no reader sees: Windows line ends, empty lines around it."""
    return text.replace("\r\n", "\n").strip("\n").rstrip()


def edited_sections(
    site: Site, page_id: str, text: str, live: Mapping[str, Revision]
) -> tuple[EditedSection, ...]:
    """Return the sections of an edited file that differ from the live text, in the file's order.

    No word of the file's body is lost: text outside any section belongs to the section above it, or
    to the first one. A section that was deleted from the file is not returned, as writing it again
    loses nothing. A static section is returned if its text is not that of `site.yaml`. White space
    at the end and line ends make no difference.
    """
    shown = live_on(page_id, live)
    return tuple(
        edited
        for section in _found(site, page_id, parse_page(text), shown)
        if (edited := read_back(site, section, shown.get(section.entity_id))) is not None
    )


def _found(
    site: Site, page_id: str, file: PageFile, live: Mapping[str, Revision]
) -> Sequence[ExportedSection]:
    """Return the page's sections in the file. If it has none, all its text is the first one's."""
    found = sections_of(file, page_id)
    text = "" if found else body_of(file)
    if not text.strip():
        return tuple(found.values())
    page = site.page(page_id)
    planned = page.sections if page else ()
    ids = [s.entity_id for s in sections_on(planned, live) if s.template is not None]
    # For a page with nothing live: the first section that can have a text of its own.
    ids += [section.entity_id for section in planned if section.text is None]
    return [ExportedSection(entity_id=first, markdown=text) for first in ids[:1]]
