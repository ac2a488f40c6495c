"""Composes the text of a page's file from the live texts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mcp_server.content.pages.page_file import (
    ExportedSection,
    PageFile,
    render_page,
)
from mcp_server.content.site import Section, Site
from mcp_server.content.text.visible import visible
from mcp_server.entities.entity import Revision


def compose_page(site: Site, page_id: str, live: Mapping[str, Revision]) -> str | None:
    """Return the text of the page's file, `None` if nothing is live and there should be no file.

    Static texts alone make no file. `live` may hold other pages' sections and removals; both are
    ignored. Sections come in the order of `site.yaml`, orphaned ones last (R24).
    """
    page = site.page(page_id)
    sections = sections_on(page.sections if page else (), live_on(page_id, live))
    if all(section.template is None for section in sections):
        return None
    return render_page(
        PageFile(
            title=visible(page.title) if page else page_id,
            description=visible(page.description) if page else "",
            sections=sections,
        )
    )


def live_on(page_id: str, live: Mapping[str, Revision]) -> dict[str, Revision]:
    """Return the live revisions of one page; a removal is not live."""
    prefix = f"{page_id}/"
    return {key: r for key, r in live.items() if key.startswith(prefix) and not r.is_removal}


def sections_on(
    planned: Sequence[Section], live: Mapping[str, Revision]
) -> tuple[ExportedSection, ...]:
    """Return the sections a file holds: those of the site in order, then the orphaned ones."""
    known = [section.entity_id for section in planned]
    texts = {s.entity_id: _static(s) for s in planned if s.text is not None}
    order = known + sorted(live.keys() - set(known))
    # A static text replaces a live one of the same section: `site.yaml` has made it static since.
    exported = {key: _exported(revision) for key, revision in live.items()} | texts
    return tuple(exported[key] for key in order if key in exported)


def _static(section: Section) -> ExportedSection:
    return ExportedSection(entity_id=section.entity_id, markdown=(section.text or "").strip("\n"))


def _exported(revision: Revision) -> ExportedSection:
    assert revision.markdown is not None, "a removal is not exported"
    return ExportedSection(
        entity_id=revision.entity_id,
        markdown=revision.markdown,
        template=revision.template,
        fields=revision.fields,
    )
