"""`review` with `brief`: what a drafter is given, for a chat that writes the section itself.

The chat hands the fields in by `edit`, which checks them as it does a model's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_server.content.actions.calls import Note, Selector
from mcp_server.content.actions.edit_draft import start_of
from mcp_server.content.actions.locks import locked_error
from mcp_server.content.actions.plan import STATIC
from mcp_server.content.actions.reader import ContentReader
from mcp_server.content.actions.related_texts import Asking, RelatedTexts
from mcp_server.content.actions.selection import Selection
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.drafting.page_text import page_text_for
from mcp_server.content.drafting.related import Related
from mcp_server.content.site import Section
from mcp_server.content.template import Field, FieldType, Template
from mcp_server.content.text.fields import (
    LINE_LENGTH_MAX,
    MARKDOWN_LENGTH_MAX,
    TEXT_LENGTH_MAX,
    URL_LENGTH_MAX,
)
from mcp_server.entities.entity import Revision
from mcp_server.errors import InvalidPayload
from mcp_server.excerpt import on_one_line

RULES = (
    "Write in {language}, for the visitors of the site; never mention rules, facts or yourself.",
    "Use only what the brief says: invent no names, numbers, prices, dates, quotes or links.",
    "If a fact is missing, write around it; what stands in no fact is held back at promotion.",
    "Plain Markdown within fields: no HTML, no template syntax; headings where a field says so.",
)
"""What a drafter is told, as far as a chat has to know it."""
RELATED_RULE = (
    "What stands under related is said in other sections: do not repeat or contradict it, and take "
    "no prices, numbers or names from it; link to its path where a visitor would want to read on."
)
"""What is told beside, where there is such a section."""
HASH_LENGTH = 12
"""Digits of a hash: enough to tell two apart."""

_LENGTHS = {
    FieldType.LINE: LINE_LENGTH_MAX,
    FieldType.TEXT: TEXT_LENGTH_MAX,
    FieldType.MARKDOWN: MARKDOWN_LENGTH_MAX,
    FieldType.URL: URL_LENGTH_MAX,
    FieldType.LIST: LINE_LENGTH_MAX,
}
"""Characters of a field that names no bound, of each item of a list of lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What a section is written from."""

    section: str
    rules: tuple[str, ...]
    document: Mapping[str, Any]
    """The material, as its people wrote it: data. Keys as on the wire."""
    fields: tuple[str, ...]
    """The fields to fill in; none where the section has no template, and is written as a text."""
    hash: str | None
    """Hash of the present text, for `contentHash`."""
    notes: tuple[Note, ...] = ()


class BriefAction:
    """Says what a section is written from."""

    def __init__(self, reader: ContentReader, related: RelatedTexts) -> None:
        self._reader, self._related = reader, related

    async def __call__(self, selector: Selector) -> Brief:
        """Return the brief of one section.

        Raises:
            NotFound: it does not exist; names the nearest.
            InvalidPayload: not one section is named, or nothing is written for it.
            InvalidTransition: it is locked.
        """
        content, selection, notes = await self._reader.select(selector)
        content = await self._reader.look(content, selection.ids, to_store=False)
        content = await self._reader.in_languages(content, selection.ids)
        section = _one(content, selection)
        site = content.site
        asking = Asking(
            site=site,
            section=section,
            template=site.templates.get(section.template or ""),
            drafts=content.drafts,
            live=content.live,
            page_text=page_text_for(section, site, content.drafts, content.live),
        )
        return brief_of(content, section, await self._related.of(asking), notes)


def brief_of(
    content: SiteContent, section: Section, related: Sequence[Related], notes: Sequence[Note]
) -> Brief:
    """Return the brief of a section."""
    id, site = section.entity_id, content.site
    template = site.templates.get(section.template or "")
    language = site.language_of(section.page)
    present = start_of(content, id)
    return Brief(
        section=id,
        rules=(
            *(rule.format(language=on_one_line(language, 60)) for rule in RULES),
            *((RELATED_RULE,) if related else ()),
        ),
        document=_document(content, section, template, present) | _related(related),
        fields=tuple(field.name for field in template.fields) if template is not None else (),
        hash=present.hash if present is not None else None,
        notes=tuple(notes),
    )


def _one(content: SiteContent, selection: Selection) -> Section:
    if not selection.named or len(selection.ids) != 1:
        what = 'is of one section: name it; review {"state": ["missing"]} lists those without text'
        raise InvalidPayload("brief", [what])
    (id,) = selection.ids
    if content.site.is_locked(id):
        raise locked_error(id, content, "write")
    section = content.site.section(id)
    if section is None:
        raise InvalidPayload("brief", [f"{id} is no longer in site.yaml"])
    if section.text is not None:
        raise InvalidPayload("brief", [f"{id} {STATIC}; a person changes it there"])
    return section


def _document(
    content: SiteContent, section: Section, template: Template | None, present: Revision | None
) -> dict[str, Any]:
    """Return the material; what is not there is left out, what may be long comes last."""
    site = content.site
    page = site.page(section.page)
    found: dict[str, Any] = {
        "section": section.entity_id,
        "kind": (template.title or template.name) if template else "",
        "prompt": template.prompt.strip() if template else "",
        "fields": [_field(field) for field in template.fields] if template else [],
        "brief": section.brief.strip(),
        "page": _described(page.title, page.description) if page else {},
        "site": _described(site.title, site.description),
        "sectionFacts": dict(section.facts),
        "facts": dict(site.facts),
        "current": _current(present),
        "pageText": page_text_for(section, site, content.drafts, content.live),
        "pages": [{"id": each.id, "title": each.title} for each in site.named_pages],
    }
    return {name: value for name, value in found.items() if value}


def _related(related: Sequence[Related]) -> dict[str, Any]:
    rows = [
        {
            "section": each.section,
            "pageTitle": each.title,
            "path": each.path,
            "hash": each.hash[:HASH_LENGTH],
            "text": each.text,
        }
        for each in related
    ]
    shown = [{name: value for name, value in row.items() if value} for row in rows]
    return {"related": shown} if shown else {}


def _described(title: str, description: str) -> dict[str, str]:
    described = {"title": title, "description": description}
    return {name: text for name, text in described.items() if text}


def _field(field: Field) -> dict[str, Any]:
    """Return what may stand in a field, as `edit` holds it to."""
    length = 0 if field.of else field.length_max or _LENGTHS.get(field.type, 0)
    found: dict[str, Any] = {
        "name": field.name,
        "type": field.type.value,
        "optional": not field.required,
        "description": field.description.strip(),
        "lengthMax": length,
        "choices": list(field.choices),
        "of": [_field(inner) for inner in field.of],
    }
    if field.type is FieldType.LIST:
        found |= {"itemsMin": field.items_min, "itemsMax": field.items_max}
    return {name: value for name, value in found.items() if value}


def _current(present: Revision | None) -> dict[str, Any]:
    if present is None:
        return {}
    fields = dict(present.fields)
    return {"fields": fields} if fields else {"text": present.markdown}
