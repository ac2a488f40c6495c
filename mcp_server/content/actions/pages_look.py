"""Looking at the files of many pages, for a call: what they say by now, and nothing is written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

import anyio
import anyio.to_thread

from mcp_server.content.actions.looks import with_sights
from mcp_server.content.actions.page_look import ask_of, layout_for, look_alone, with_kept
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.pages.layout import Layout
from mcp_server.content.pages.page_files import PageFiles
from mcp_server.content.pages.sight import Ask, Sight
from mcp_server.content.text.tree import same_text
from mcp_server.entities.entity import page_of
from mcp_server.entities.page_files import KnownFile
from mcp_server.entities.store import EntityStore
from mcp_server.errors import Overtaken

SETTLING_LOOKS_MAX = 3
"""How often a file that keeps changing is looked at again before it counts as being saved."""
OVERTAKEN_MAX = 10
"""How often pages that others have stored meanwhile are looked at again: each time they are fewer,
as during the first look at a big site."""


class PagesLook:
    """Looks at page files, and lays what they say over what is stored."""

    def __init__(self, entities: EntityStore, files: PageFiles) -> None:
        self._entities, self._files = entities, files

    async def __call__(
        self,
        content: SiteContent,
        ids: Iterable[str],
        *,
        to_store: bool = True,
        whole: Collection[str] = (),
    ) -> SiteContent:
        """Return the content with what the files of these sections' pages say by now (P1, P2).

        Where it is `to_store`, it waits until nobody can still be saving what is new there (P3).
        The files of the `whole` pages are read even if nothing has changed. Pages that somebody
        else has stored meanwhile are read and looked at again.

        Raises:
            Overtaken: others store one after the other.
        """
        sections = list(ids)
        pages = dict.fromkeys(page_of(id) for id in sections)
        layouts = await _layouts(content, pages)
        sights = await self._seen(content, layouts, whole, to_store=to_store)
        for _ in range(OVERTAKEN_MAX):
            moved = await self._overtaken(content, sights)
            if not moved:
                break
            content = await self._read_again(content, moved)
            again = await _layouts(content, sorted(moved))
            layouts |= again
            sights |= await self._seen(content, again, whole, to_store=to_store)
        else:
            raise Overtaken("the page files", action="go on")
        await self._remember(sights)
        content = await anyio.to_thread.run_sync(self._laid_over, content, sights, layouts)
        return await self._with_same(content, sections)

    async def _read_again(self, content: SiteContent, pages: Collection[str]) -> SiteContent:
        return content.with_stored(pages, await self._entities.snapshot(pages, history=True))

    async def _seen(
        self,
        content: SiteContent,
        layouts: Mapping[str, Layout],
        whole: Collection[str],
        *,
        to_store: bool,
    ) -> dict[str, Sight]:
        sights = await self._sights(content, layouts, whole)
        if to_store and any(sight.settles_in_s for sight in sights.values()):
            sights = await self._settled(content, layouts, sights)
        return sights

    async def _sights(
        self, content: SiteContent, layouts: Mapping[str, Layout], whole: Collection[str] = ()
    ) -> dict[str, Sight]:
        """Look at these pages; at one that is being written, once nobody writes it."""
        asks = await anyio.to_thread.run_sync(_asks, content, layouts, whole)  # maybe thousands
        open_ = {page for page, ask in asks.items() if ask.known and ask.known.intent}
        plain = [ask for page, ask in asks.items() if page not in open_]
        sights = await anyio.to_thread.run_sync(self._files.look, plain)
        for page in sorted(open_):
            sights[page] = await look_alone(asks[page], self._entities, self._files)
        return await with_kept(sights, asks, self._entities)

    async def _settled(
        self, content: SiteContent, layouts: Mapping[str, Layout], sights: dict[str, Sight]
    ) -> dict[str, Sight]:
        for _ in range(SETTLING_LOOKS_MAX):
            left = {page: each.settles_in_s for page, each in sights.items() if each.settles_in_s}
            if not left:
                break
            await anyio.sleep(max(left.values()))
            again = {page: layouts[page] for page in left}
            sights = {**sights, **await self._sights(content, again)}
        return sights

    async def _overtaken(self, content: SiteContent, sights: Mapping[str, Sight]) -> frozenset[str]:
        """Return the pages with new texts that were stored otherwise since the content was read.

        What was written there by Pressroom itself would be called an edit (P1).
        """
        edited = [
            page
            for page, sight in sights.items()
            if sight.looked is not None and (sight.looked.taken or sight.looked.ground)
        ]
        if not edited:
            return frozenset()
        now = await self._entities.page_files(edited)
        return frozenset(
            page for page in edited if _version(now.get(page)) != _version(content.files.get(page))
        )

    async def _remember(self, sights: Mapping[str, Sight]) -> None:
        """Remember the states of files that hold what is known: so they are not read again."""
        seen = [
            looked.known
            for sight in sights.values()
            if (looked := sight.looked) is not None
            and looked.before is not None
            and not looked.moved
            and looked.blocked is None
            and looked.known != looked.before
        ]
        if seen:
            await self._entities.put_seen(seen)

    def _laid_over(
        self, content: SiteContent, sights: Mapping[str, Sight], layouts: Mapping[str, Layout]
    ) -> SiteContent:
        shown = {page: self._files.shown(layout.file) for page, layout in layouts.items()}
        return with_sights(content, sights, shown)

    async def _with_same(self, content: SiteContent, ids: Iterable[str]) -> SiteContent:
        """Return the content with what differs in form only, such as by a formatter (P10)."""
        base: set[str] = set()
        live: set[str] = set()
        for id in ids:
            draft, now = content.drafts.get(id), content.live.get(id)
            if draft is None or now is None or draft.hash == now.hash:
                continue
            text = now.current.markdown or ""
            if await anyio.to_thread.run_sync(same_text, draft.current.markdown or "", text):
                live.add(id)
            if (was := draft.current.base) in (None, now.hash):
                continue
            earlier = await self._entities.with_hash(id, was)
            texts = [each.markdown or "" for each in earlier[:1]]
            if texts and await anyio.to_thread.run_sync(same_text, texts[0], text):
                base.add(id)
        return replace(content, same_base=frozenset(base), same_live=frozenset(live))


async def _layouts(content: SiteContent, pages: Iterable[str]) -> dict[str, Layout]:
    def make() -> dict[str, Layout]:
        found = {page: layout_for(content, page) for page in pages}
        return {page: layout for page, layout in found.items() if layout is not None}

    return await anyio.to_thread.run_sync(make)


def _asks(
    content: SiteContent, layouts: Mapping[str, Layout], whole: Collection[str]
) -> dict[str, Ask]:
    return {p: ask_of(content, layout, whole=p in whole) for p, layout in layouts.items()}


def _version(known: KnownFile | None) -> int:
    return 0 if known is None else known.version
