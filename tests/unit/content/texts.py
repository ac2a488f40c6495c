"""A small site and what may stand of it: for what decides without a server or a database."""

from __future__ import annotations

from itertools import count
from typing import Any

from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.site import Page, Section, Site
from mcp_server.content.template import Field, FieldType, Template
from mcp_server.entities.entity import PREVIEW, PRODUCTION, Author, AuthorKind, Entity, Revision

NOTE = Template(
    name="note",
    title="Note",
    prompt="Write a short note.",
    fields=(Field(name="text", type=FieldType.TEXT),),
    format="{text}",
)

_numbers = count(1)


def site_of(*sections: Section) -> Site:
    """Make a site of these sections, on pages in the order in which they come first."""
    pages = dict.fromkeys(section.page for section in sections)
    return Site(
        title="Notes",
        description="",
        language="en",
        facts={},
        pages=tuple(
            Page(id=page, title=page, sections=tuple(s for s in sections if s.page == page))
            for page in pages
        ),
        templates={"note": NOTE},
    )


def note(id: str, *, template: str | None = "note", **different: Any) -> Section:
    """Make a section of the `note` template, unless another is named."""
    page, _, section = id.partition("/")
    return Section(page=page, id=section, template=template, **different)


SITE = site_of(note("home/hero"), note("home/news"), note("menu/hero"))


def text(id: str, says: str | None, *, by: AuthorKind = "model", **different: Any) -> Revision:
    """Make a stored revision, later than all before it; `None` says that there is no text."""
    made: dict[str, Any] = {
        "type": PREVIEW,
        "entity_id": id,
        "template": "note",
        "fields": {} if says is None else {"text": says},
        "markdown": says,
        "author": Author(kind=by),
        "id": next(_numbers),
    }
    return Revision(**(made | different))


def draft(id: str, says: str, *, withdrawn: bool = False, **different: Any) -> Entity:
    """Make a draft."""
    return Entity(current=text(id, says, **different), withdrawn=withdrawn)


def was_live(id: str, *says: tuple[str | None, str | None]) -> list[Revision]:
    """Make the history of a live text: what it said, and the batch that wrote it."""
    return [text(id, each, type=PRODUCTION, batch_id=batch) for each, batch in says]


def hash_of(id: str, says: str) -> str:
    """Return the content hash of a note that says this."""
    found = text(id, says).hash
    assert found is not None
    return found


def standing(
    *drafts: Entity, live: tuple[list[Revision], ...] = (), site: Site = SITE, **different: Any
) -> SiteContent:
    """Make what stands: these drafts, and live texts with these histories."""
    return SiteContent(
        site=site,
        drafts={each.current.entity_id: each for each in drafts},
        live={
            history[-1].entity_id: Entity(current=history[-1])
            for history in live
            if not history[-1].is_removal
        },
        history={history[0].entity_id: history for history in live},
        **different,
    )
