"""Which sections a selector means: unknown names are refused, with the nearest ones."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mcp_server.content.actions.calls import Selector
from mcp_server.content.site import Site
from mcp_server.entities.entity import PAGE_IDS, is_page_id, page_of, split_id
from mcp_server.errors import InvalidPayload, NotFound
from mcp_server.excerpt import in_quotes

NAMED_MAX = 5
"""Unknown pages or sections that a refusal names besides the first; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The selected sections in the order of `site.yaml`, then stored ones that it no longer has."""

    ids: tuple[str, ...]
    named: bool
    """Whether sections were named one by one. A page, or nothing at all, is a bulk selection."""
    pages: tuple[str, ...] = ()
    """The pages that were named, where no sections were."""


def select(selector: Selector, site: Site, stored: Collection[str] = ()) -> Selection:
    """Return what `selector` means among the site's sections and the `stored` ones.

    Raises:
        NotFound: no such page or section; names the nearest.
        InvalidPayload: an id is no slug, or a section is named without its page.
    """
    there = site.section_ids
    known = dict.fromkeys([*there, *sorted({id for id in stored if id not in there})])
    sections = _sections(selector)
    named = (selector.page, *selector.pages) if selector.page else selector.pages
    pages = tuple(dict.fromkeys(named))
    _check_pages(pages, known, site)
    for section in sections:
        _refuse_page(section, known, site)
        split_id(section)  # raises if it is no id
    if unknown := [section for section in sections if section not in known]:
        hint = f"{_others(unknown)}`review` lists the sections."
        raise NotFound("section", unknown[0], known=known, hint=hint)
    if sections:
        wanted = set(sections)
        chosen = tuple(id for id in known if id in wanted)
        # With `section`, a page only says where that one is; with `sections` it adds its own.
        if selector.section is None and pages:
            chosen += tuple(i for i in known if page_of(i) in pages and i not in wanted)
        return Selection(ids=chosen, named=True)
    if pages:
        ids = tuple(id for id in known if page_of(id) in pages)
        return Selection(ids=ids, named=False, pages=pages)
    return Selection(ids=tuple(known), named=False)


def pages_of(selector: Selector) -> frozenset[str] | None:
    """Return the pages on which all that `selector` means is; `None` where it names nothing."""
    named = {*selector.pages, *filter(None, [selector.page])}
    named |= {page_of(i) for i in (*selector.sections, selector.section or "") if "/" in i}
    bare = any("/" not in id for id in (*selector.sections, *filter(None, [selector.section])))
    return frozenset(named) if named or bare else None


def _sections(selector: Selector) -> list[str]:
    sections = list(selector.sections)
    if selector.section and "/" in selector.section:
        page = page_of(selector.section)
        if selector.page and selector.page != page:
            raise InvalidPayload(
                "section",
                [f"{in_quotes(selector.section)} is not on the page {in_quotes(selector.page)}"],
            )
        sections.append(selector.section)
    elif selector.section:
        if not selector.page:
            raise InvalidPayload(
                "section",
                [f"write it as page/section, or name the page of {in_quotes(selector.section)}"],
            )
        sections.append(f"{selector.page}/{selector.section}")
    return sections


def _check_pages(pages: Sequence[str], known: Collection[str], site: Site) -> None:
    if not pages:
        return
    for page in pages:
        if not is_page_id(page):
            what = f"{in_quotes(page)} is no id of a page; {PAGE_IDS}"
            raise InvalidPayload("page", [what])
    if all(site.page(page) is not None for page in pages):
        return
    there = {each.id for each in site.pages} | set(map(page_of, known))
    if unknown := [page for page in pages if page not in there]:
        hint = f"{_others(unknown)}`review` lists pages and sections."
        raise NotFound("page", unknown[0], known=sorted(there), hint=hint)


def _refuse_page(section: str, known: Collection[str], site: Site) -> None:
    """Refuse the id of a page in the place of a section's: pages in folders look like sections."""
    if section not in known and site.page(section) is not None:
        what = f"{in_quotes(section)} is a page; name it as page (on the command line: --page)"
        raise InvalidPayload("section", [what])


def _others(unknown: Sequence[str]) -> str:
    """Return which others are not there either: nobody has to mend one to learn of the next."""
    others = list(dict.fromkeys(unknown))[1:]
    named = ", ".join(map(in_quotes, others[:NAMED_MAX]))
    more = f" and {len(others) - NAMED_MAX} more" if len(others) > NAMED_MAX else ""
    return f"Nor is there {named}{more}. " if others else ""
