"""Reads what plans are made from: the site, the drafts, the live texts and the files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import anyio
import anyio.to_thread

from mcp_server.clock import Clock
from mcp_server.content.actions import history
from mcp_server.content.actions.calls import Note, Quoted, Selector
from mcp_server.content.actions.looks import with_unpublished
from mcp_server.content.actions.once import NotesOnce
from mcp_server.content.actions.pages_look import PagesLook
from mcp_server.content.actions.selection import Selection, pages_of, select
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.actions.site_pages import SitePages
from mcp_server.content.expanded import doubts_of
from mcp_server.content.pages.page_files import PageFiles
from mcp_server.content.site import Site
from mcp_server.content.workspace.loader import (
    SiteLoader,
    SiteProblems,
    site_from_document,
    site_to_document,
)
from mcp_server.entities.entity import PREVIEW, page_of
from mcp_server.entities.store import EntityStore, Heads
from mcp_server.errors import NotFound

UNREAD_MAX = 200
"""Page files that are read for the first time by a call that asks about more."""
UNREAD = "not read yet"
"""Stands for the hash of a text in a file that nobody has read yet."""
FEW = 100
"""Up to so many sections are read one by one, without the others of their pages."""
WHOLE_MAX = 3
"""Pages whose files are read whole where somebody looks at them, though nothing has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A site and what is stored of it, without the texts; and what a selector means there."""

    site: Site
    drafts: Heads
    live: Heads
    selection: Selection
    notes: Sequence[Note]


class ContentReader:
    """Reads one workspace: its site, what is stored of it, and what its page files say."""

    def __init__(
        self, loader: SiteLoader, entities: EntityStore, files: PageFiles, clock: Clock
    ) -> None:
        self._loader, self._entities, self._files, self._clock = loader, entities, files, clock
        self._pages = SitePages(files, entities)
        self.look = PagesLook(entities, files)
        """Looks at page files."""
        self._once = NotesOnce()
        self._stored_site: str | None = None
        self._before_start: Site | None = None
        """The site as it was before this server started, once that was asked for."""

    async def read(
        self, pages: Collection[str] | None = None, *, history: bool = False
    ) -> tuple[SiteContent, list[Note]]:
        """Return the site with what is stored of these pages, or of all, and notes.

        `history` adds past live texts. No file of a page is looked at: `look` does that. So a
        call about one page takes as long on a site of thousands.

        Raises:
            Unavailable: the site cannot be read, and never could.
        """
        site, notes = await self.site(pages or ())
        stored = await self._entities.snapshot(pages, history=history)
        locks: Mapping[str, str] = self._loader.locks if self._is_present(site) else {}
        return replace(SiteContent.of(site, stored), locks=locks), notes

    async def select(
        self, selector: Selector, pages: Collection[str] | None = None, *, history: bool = False
    ) -> tuple[SiteContent, Selection, list[Note]]:
        """Do the same for the pages that `selector` names, and return what it means there.

        `pages` are the ones to read where it names none.

        Raises:
            NotFound: no such page or section; names the nearest, of all that is stored.
            InvalidPayload: an id is no slug, or a section is named without its page.
            Unavailable: as `read`.
        """
        named = pages_of(selector)
        content, notes = await self.read(pages if named is None else named, history=history)
        try:
            return content, await _selected(selector, content), notes
        except NotFound:
            content, notes = await self.read(history=history)
            return content, await _selected(selector, content), notes

    async def outline(self, selector: Selector, *, removed: bool = False) -> Outline:
        """Return the site and what is stored of the named pages, or of all, without the texts.

        With `removed`, sections that have no text any more can be selected, too.

        Raises:
            NotFound, InvalidPayload, Unavailable: as `select`.
        """
        named = pages_of(selector)
        site, notes = await self.site(named or ())
        try:
            drafts, live = await self._entities.heads(named)
            selection = await _meant(selector, site, drafts, live, removed=removed)
        except NotFound:  # only all that is stored says what is nearest
            drafts, live = await self._entities.heads()
            selection = await _meant(selector, site, drafts, live, removed=removed)
        live = await self._with_unread(site, live, selection)
        return Outline(site=site, drafts=drafts, live=live, selection=selection, notes=notes)

    async def look_at(self, ids: Sequence[str]) -> SiteContent:
        """Return what is stored of these sections, and what the files of their pages say by now.

        Nothing is stored of it, and nobody waits for what is being saved. Of few sections, the
        texts of their neighbours are not there.
        """
        pages = {page_of(id) for id in ids}
        content = await self._read_some(ids) if len(ids) <= FEW else None
        if content is None:
            content, _ = await self.read(pages)
        # Of a few pages, what their front matter says beside `site.yaml` is told, too (P11).
        whole = pages if len(pages) <= WHOLE_MAX else ()
        return await self.look(content, ids, to_store=False, whole=whole)

    async def _read_some(self, ids: Sequence[str]) -> SiteContent | None:
        """Return the site with these sections' texts alone, as large pages may have hundreds.

        `None`: a file has sections that the site no longer has, and it is read by what they are.
        """
        pages = {page_of(id) for id in ids}
        site, _ = await self.site(pages)
        stored = await self._entities.snapshot(pages, only=ids)
        content = SiteContent.of(site, stored)
        for page, known in stored.files.items():
            if any(site.section(f"{page}/{name}") is None for name in known.in_file):
                return None
        return content

    async def look_to_show(self, ids: Sequence[str]) -> SiteContent:
        """Do the same, and find out which of the pages their generator does not publish."""
        pages = {page_of(id) for id in ids}
        content, _ = await self.read(pages)
        content = await self.look(content, ids, to_store=False, whole=pages)
        today = datetime.fromtimestamp(self._clock.now(), UTC).date().isoformat()
        return await anyio.to_thread.run_sync(with_unpublished, content, today)

    async def _with_unread(self, site: Site, live: Heads, selection: Selection) -> Heads:
        """Return the live texts with those of page files that nobody has looked at yet.

        Of many, only the first are read; a text of each other file counts as live, as it is there.
        """
        read = {page_of(id) for id in live.revision} | {page_of(id) for id in live.removed}
        pages = dict.fromkeys(page_of(id) for id in selection.ids)
        unread = [page for page in pages if page not in read]
        if unread:
            there = await anyio.to_thread.run_sync(self._files.existing, site)
            unread = [page for page in unread if page in there]
        first = frozenset(unread[:UNREAD_MAX])
        if not first:
            return live
        content = await self.look_at([id for id in selection.ids if page_of(id) in first])
        found = {id: entity.hash for id, entity in content.live.items()}
        rest = frozenset(unread[UNREAD_MAX:])
        found |= {id: UNREAD for id in selection.ids if page_of(id) in rest}
        return replace(live, hash={**live.hash, **found})

    async def site(self, wanted: Collection[str] = ()) -> tuple[Site, list[Note]]:
        """Return the site, or the last one without mistakes together with a note on these.

        All sections of the `wanted` pages are in it; of others that nobody has looked at yet, a
        file's headings may not be.

        Raises:
            Unavailable: it cannot be read, and never could.
        """
        site, notes = await self._site()
        site = await self._pages.all(site, wanted)
        doubts = list(doubts_of(site, self._loader.patterns, {})) if self._is_present(site) else []
        return site, [*notes, *self._once.untold(_in_doubt(doubts), of=site.hash)]

    @property
    def unread(self) -> Sequence[str]:
        """The pages of which nobody has looked at the file yet, when the site was read last."""
        return self._pages.unread

    def told(self, notes: Iterable[Note]) -> None:
        """Take the notes of an answer as told: those that a server says once are not said again."""
        self._once.told(notes)

    async def in_languages(self, content: SiteContent, ids: Iterable[str]) -> SiteContent:
        """Return the content with the languages that the files of these sections' pages say."""
        pages = dict.fromkeys(page_of(id) for id in ids)
        return replace(content, site=await self._pages.with_languages(content.site, pages))

    async def drafted_by(self, batch_id: str) -> Mapping[str, bool]:
        """Return the sections that a batch drafted, and whether each draft is still its (R8)."""
        drafts = await self._entities.histories(PREVIEW, batch_id=batch_id)
        return {id: history.is_still_of(batch_id, past) for id, past in drafts.items()}

    async def drafted_pages(self, batch_id: str) -> Collection[str]:
        """Return the pages of which a batch has drafted sections."""
        return await self._entities.pages_of_batch(batch_id, type=PREVIEW)

    async def template_of(self, section: str, site_hash: str | None) -> str | None:
        """Return the template that a section has in a stored site, `None` if it is not known."""
        document = await self._entities.get_site(site_hash) if site_hash else None
        if document is None:
            return None
        with suppress(ValueError):  # another version may have written it differently
            site = await anyio.to_thread.run_sync(site_from_document, document)
            found = site.section(section)
            return None if found is None else found.template
        return None

    def _is_present(self, site: Site) -> bool:
        last = self._loader.last_good
        return last is not None and last.hash == site.hash

    async def _site(self) -> tuple[Site, list[Note]]:
        try:
            site = await anyio.to_thread.run_sync(self._loader.load)
        except SiteProblems as problems:
            site = self._loader.last_good or await self._stored_before()
            if site is None:
                raise
            mistakes = "; ".join(problems.problems[:3])
            return site, [Quoted("The site is used as it was before these mistakes:", mistakes)]
        if site.hash != self._stored_site:  # mostly equal: then a call that only reads never writes
            document = await anyio.to_thread.run_sync(site_to_document, site)
            await self._entities.put_site(site.hash, document)
            self._stored_site = site.hash
        return site, self._once.untold(_in_doubt(self._loader.doubts), of=site.hash)

    async def _stored_before(self) -> Site | None:
        """Return the newest site in the database; `None` if there is none that can be read."""
        if self._before_start is None:
            document = await self._entities.newest_site()
            with suppress(ValueError):  # another version may have written it differently
                if document is not None:
                    self._before_start = await anyio.to_thread.run_sync(
                        site_from_document, document
                    )
        return self._before_start


def _in_doubt(doubts: Sequence[str]) -> Sequence[Note]:
    said = "The site may not be meant as it is read:"
    return [Quoted(said, "; ".join(doubts[:2]))] if doubts else []


async def _selected(selector: Selector, content: SiteContent) -> Selection:
    stored = {*content.drafts, *content.live, *content.history}
    return await anyio.to_thread.run_sync(select, selector, content.site, stored)


async def _meant(selector: Selector, site: Site, *heads: Heads, removed: bool) -> Selection:
    def look() -> Selection:
        stored = set[str]().union(*(each.hash for each in heads))
        return select(selector, site, stored.union(*(h.removed for h in heads if removed)))

    return await anyio.to_thread.run_sync(look)
