"""Looking at one page's file from a job: before a model is paid, and before the file is written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import anyio
import anyio.to_thread

from mcp_server.content.actions.looks import look_effects, with_sights
from mcp_server.content.actions.site_content import PageFound, SiteContent
from mcp_server.content.pages.declared import SECTION, due, pending
from mcp_server.content.pages.disk import PageHeld
from mcp_server.content.pages.layout import Layout, layout_of, with_orphans
from mcp_server.content.pages.look import look
from mcp_server.content.pages.page_files import PageFiles
from mcp_server.content.pages.sight import Ask, Sight
from mcp_server.content.pages.write import is_static
from mcp_server.content.site import Site
from mcp_server.entities.entity import Entity, split_id
from mcp_server.entities.page_files import KnownFile
from mcp_server.entities.store import EntityStore

LOOKS_MAX = 5
"""How often a page that keeps changing is looked at again."""

Store = Callable[[Sequence[object]], Awaitable[str | None]]
"""Applies effects now; returns the conflict where one does not apply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLook:
    """What is stored of a page, and what its file says by now."""

    layout: Layout
    content: SiteContent
    found: PageFound
    settles_in_s: float
    """How long until it is known that nobody is saving it; 0: it is known (P3)."""
    overtaken: tuple[str, ...] = ()
    """Sections that were to be written, and that somebody has changed in the file since (P1)."""

    @property
    def effects(self) -> tuple[object, ...]:
        """What stores what was found; empty where that is stored already."""
        return look_effects(self.content, [self.layout.page])

    @property
    def live(self) -> Mapping[str, str | None]:
        """The live texts by section, without the page."""
        return {
            section: entity.current.markdown if entity is not None else None
            for section, entity in live_on(self.content, self.layout).items()
        }

    @property
    def taken_off(self) -> Collection[str]:
        """The sections that were live once and are not any more, without the page."""
        return {split_id(id)[1] for id in self.content.history if id not in self.content.live}


def layout_for(content: SiteContent, page: str) -> Layout | None:
    """Return what a page's file consists of, with what the site no longer has (P5).

    `None`: the site has no such page, and no file of it was ever seen.
    """
    found, known = content.site.page(page), content.files.get(page)
    in_file = tuple(known.in_file) if known is not None else ()
    if found is not None:
        layout = layout_of(content.site, found, split_ids=in_file)
    elif known is not None:
        layout = Layout(page=page, file=known.file)
    else:
        return None
    return with_orphans(layout, {name: _keys(content, f"{page}/{name}") for name in in_file})


def _keys(content: SiteContent, id: str) -> tuple[str, ...]:
    """Return the keys of the front matter that a section's live text stands in, if it does."""
    live = content.live.get(id)
    template = content.site.templates.get(live.current.template) if live is not None else None
    if template is None or not template.front_matter:
        return ()
    return tuple(field.name for field in template.fields)


def has_pending(content: SiteContent, page: str) -> bool:
    """Whether `site.yaml` declares something for a page that may have to be written (P11)."""
    layout, known = layout_for(content, page), content.files.get(page)
    if layout is None:
        return False
    if known is None or known.hash is None:
        return is_static(layout) and not (known is not None and known.gone)
    return pending(layout, known.front)


def pending_names(found: PageFound) -> Sequence[str]:
    """Return what of the declared is to be written into a page's file."""
    looked = found.looked
    if looked is None or looked.blocked is not None or looked.missing:
        return ()
    if looked.page is None:
        return ("static text",) if is_static(looked.layout) else ()
    names = due(looked.page, looked.known.front).names
    texts = ["static text"] if any(name.startswith(SECTION) for name in names) else []
    return [*(name for name in names if not name.startswith(SECTION)), *texts]


def ask_of(content: SiteContent, layout: Layout, *, whole: bool = False) -> Ask:
    """Return the question for a page's file."""
    live = live_on(content, layout)
    return Ask(
        layout=layout,
        known=content.files.get(layout.page),
        live={name: entity.hash if entity is not None else None for name, entity in live.items()},
        whole=whole,
    )


def live_on(content: SiteContent, layout: Layout) -> Mapping[str, Entity | None]:
    """Return the live texts of a page by section; `None` of one that was live, and is not."""
    known = content.files.get(layout.page)
    was = known.in_file.keys() | known.gone if known is not None else frozenset[str]()
    found: dict[str, Entity | None] = {}
    for section in dict.fromkeys([*(part.section for part in layout.parts), *sorted(was)]):
        entity = content.live.get(f"{layout.page}/{section}")
        if entity is not None or section in was:
            found[section] = entity
    return found


async def look_alone(ask: Ask, entities: EntityStore, files: PageFiles) -> Sight:
    """Look at a page that was about to be written, while nobody can be writing it (P1).

    While somebody is, nothing is said of it: he has looked at it himself.
    """
    page = ask.layout.page
    try:
        async with files.locked(ask.layout):
            known = (await entities.page_files([page])).get(page)
            again = await anyio.to_thread.run_sync(files.look, [replace(ask, known=known)])
            return again[page]
    except PageHeld:
        return Sight()


async def with_kept(
    sights: Mapping[str, Sight], asks: Mapping[str, Ask], entities: EntityStore
) -> dict[str, Sight]:
    """Return the sights, with those made again that need the bytes of before (P6).

    They tell whether a text that has lost its mark is still in the file.
    """
    found = dict(sights)
    for page, sight in sights.items():
        looked, ask = sight.looked, asks[page]
        if looked is None or sight.found is None or looked.missing or not looked.gone:
            continue
        kept = [await entities.page_bytes(hash) for hash in _hashes(ask.known)]
        texts = [data for data in kept if data is not None]
        again = partial(look, ask.layout, ask.known, sight.found, ask.live, kept=texts)
        found[page] = replace(sight, looked=await anyio.to_thread.run_sync(again))
    return found


def _hashes(known: KnownFile | None) -> Iterator[str]:
    if known is None:
        return
    intended = known.intent.hash if known.intent is not None else None
    yield from filter(None, [known.hash, intended])


async def look_and_store(
    site: Site, page: str, entities: EntityStore, files: PageFiles, store: Store, *, alone: bool
) -> PageLook | None:
    """Return what a page's file says by now, once it is stored; `None` if there is no such page.

    It waits until nobody can still be saving the file. `alone`: the caller holds the page's lock.
    """
    overtaken: tuple[str, ...] = ()
    look = await _look(site, page, entities, files, alone=alone)
    for _ in range(LOOKS_MAX):
        if look is None:
            break
        if look.settles_in_s > 0:
            await anyio.sleep(look.settles_in_s)
        elif effects := look.effects:
            found = tuple(_overtaken(look))
            if await store(effects) is None:
                overtaken += found
        else:
            return replace(look, overtaken=overtaken)
        look = await _look(site, page, entities, files, alone=alone)
    return look and replace(look, overtaken=overtaken)


async def _look(
    site: Site, page: str, entities: EntityStore, files: PageFiles, *, alone: bool
) -> PageLook | None:
    stored = await entities.snapshot([page], history=True)
    content = SiteContent.of(site, stored)
    layout = layout_for(content, page)
    if layout is None:
        return None
    ask = ask_of(content, layout, whole=True)
    if not alone and ask.known is not None and ask.known.intent is not None:
        sight = await look_alone(ask, entities, files)
    else:
        sight = (await anyio.to_thread.run_sync(files.look, [ask]))[page]
    sight = (await with_kept({page: sight}, {page: ask}, entities))[page]
    shown = {page: files.shown(layout.file)}
    content = await anyio.to_thread.run_sync(with_sights, content, {page: sight}, shown)
    return PageLook(
        layout=layout,
        content=content,
        found=content.found[page],
        settles_in_s=sight.settles_in_s,
    )


def _overtaken(look: PageLook) -> Iterator[str]:
    """Yield the sections of which both the live text and the file have moved."""
    known = look.content.files.get(look.layout.page)
    written: Mapping[str, str] = known.in_file if known is not None else {}
    for each in look.found.takeovers:
        id = each.revision.entity_id
        if not each.is_ground and each.replaces != written.get(split_id(id)[1]):
            yield id
