"""Reads what plans are made from: the site, the drafts, the live texts and the files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import anyio
import anyio.to_thread

from mcp_server.clock import Clock
from mcp_server.content.actions import history
from mcp_server.content.actions.calls import Note, Quoted, Selector
from mcp_server.content.actions.once import NotesOnce
from mcp_server.content.actions.selection import Selection, pages_of, select
from mcp_server.content.actions.site_content import SiteContent, with_live
from mcp_server.content.pages.disk import ExportFailed
from mcp_server.content.pages.edited import is_static
from mcp_server.content.pages.page_files import KeptEdits, PageFiles
from mcp_server.content.site import Site
from mcp_server.content.workspace.loader import (
    SiteLoader,
    SiteProblems,
    site_from_document,
    site_to_document,
)
from mcp_server.entities.entity import PREVIEW, Entity, page_of, split_id
from mcp_server.entities.store import EntityStore, Heads
from mcp_server.errors import NotFound

LEFT_ALONE_NAMED_MAX = 3
"""Files that the note names which the first call in a clone gets; they are counted, too."""
EXPORTS_DURING_A_LOOK_MAX = 2
"""How often files are compared again because they were exported while we compared them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A site and what is stored of it, without the texts; and what a selector means there."""

    site: Site
    drafts: Heads
    live: Heads
    selection: Selection
    notes: Sequence[Note]


class ContentReader:
    """Reads one workspace. At the first read of a clone, its files are taken as the live texts."""

    def __init__(
        self, loader: SiteLoader, entities: EntityStore, files: PageFiles, clock: Clock
    ) -> None:
        self._loader, self._entities, self._files, self._clock = loader, entities, files, clock
        self._adopting = anyio.Lock()
        self._is_adopted = False
        self._left_alone: Sequence[Note] = ()
        self._once = NotesOnce()
        self._stored_site: str | None = None
        self._before_start: Site | None = None
        """The site as it was before this server started, once that was asked for."""

    async def read(
        self, pages: Collection[str] | None = None, *, history: bool = False
    ) -> tuple[SiteContent, list[Note]]:
        """Return the site with what is stored of these pages, or of all, and notes.

        `history` adds past live texts. No file of a page is looked at: `with_files` does that. So a
        call about one page takes as long on a site of thousands.

        Raises:
            Unavailable: the site cannot be read, and never could.
        """
        site, notes = await self.site()
        stored = await self._entities.snapshot(pages, history=history)
        content = SiteContent(
            site=site,
            drafts=stored.drafts,
            live=stored.live,
            history=stored.history,
            exported=stored.exported,
            locks=self._loader.locks if site is self._loader.last_good else {},
        )
        return content, notes

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
        site, notes = await self.site()
        named = pages_of(selector)
        try:
            drafts, live = await self._entities.heads(named)
            selection = await _meant(selector, site, drafts, live, removed=removed)
        except NotFound:  # only all that is stored says what is nearest
            drafts, live = await self._entities.heads()
            selection = await _meant(selector, site, drafts, live, removed=removed)
        return Outline(site=site, drafts=drafts, live=live, selection=selection, notes=notes)

    async def site(self) -> tuple[Site, list[Note]]:
        """Return the site, or the last one without mistakes together with a note on these.

        Raises:
            Unavailable: it cannot be read, and never could.
        """
        site, notes = await self._site()
        await self._adopt(site)
        return site, [*notes, *self._once.untold(self._left_alone, of="a clone")]

    def told(self, notes: Iterable[Note]) -> None:
        """Take the notes of an answer as told: those that a server says once are not said again."""
        self._once.told(notes)

    async def with_files(self, content: SiteContent, ids: Iterable[str]) -> SiteContent:
        """Return the content with the state of the files of these sections' pages."""
        pages = {split_id(id)[0] for id in ids}
        edited, missing = await self._looked(pages, content.site, content.live, content.exported)
        return replace(content, edited=edited, missing=missing)

    async def files_of(
        self, site: Site, ids: Iterable[str], live: Collection[str]
    ) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Return, by page of these sections, why its file is edited (R23), and the missing ones.

        `live` are the sections of these pages that are live.
        """
        pages = {split_id(id)[0] for id in ids}
        exported = {p: hashes for p in pages for hashes in [await self._exported(p)] if hashes}
        return await self._looked(pages, site, live, exported)

    async def _exported(self, page: str) -> Sequence[str | None]:
        return (await self._entities.exported(page)).get(page, ())

    async def _looked(
        self,
        pages: Collection[str],
        site: Site,
        live: Collection[str],
        exported: Mapping[str, Sequence[str | None]],
    ) -> tuple[Mapping[str, str], Mapping[str, str]]:
        edited = await edited_files(self._files, self._entities, pages, exported)
        return edited, await missing_files(self._files, pages, site, live, exported)

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

    async def edits_to_keep(self, content: SiteContent, ids: Sequence[str]) -> KeptEdits:
        """Return what somebody wrote into the files of these sections' pages (R23)."""
        pages = {split_id(id)[0] for id in ids} & set(content.edited)
        return await self.edits_on(pages, content.site, content.live) if pages else KeptEdits()

    async def edits_on(
        self, pages: Collection[str], site: Site, live: Mapping[str, Entity] | None = None
    ) -> KeptEdits:
        """Return what somebody wrote into the files of these pages, beside these live texts."""
        stored = await self._entities.snapshot(pages, history=True)
        return await anyio.to_thread.run_sync(
            self._files.edits_to_keep,
            pages,
            site,
            stored.live if live is None else live,
            stored.history,
            stored.exported,
        )

    async def keep_edits(
        self, content: SiteContent, ids: Sequence[str], *, force: bool
    ) -> tuple[SiteContent, KeptEdits]:
        """With `force`, first count what somebody wrote into the files as live text (R23)."""
        if not force:
            return content, KeptEdits()
        kept = await self.edits_to_keep(content, ids)
        return with_live(content, kept.revisions), kept

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

    async def _adopt(self, site: Site) -> None:
        """Take the files of a clone as the live texts, once, if nothing was ever stored.

        What is noted of it is on the files there that are left alone.
        """
        async with self._adopting:  # the first calls may come together, and one of them adopts
            if self._is_adopted:
                return
            found = await anyio.to_thread.run_sync(self._files.adoption, site)
            adopted = await self._entities.adopt(
                found.revisions, found.files, now=self._clock.now()
            )
            self._is_adopted = True
            self._left_alone = left_alone(found.skipped) if adopted else ()


def _in_doubt(doubts: Sequence[str]) -> Sequence[Note]:
    said = "The site may not be meant as it is read:"
    return [Quoted(said, "; ".join(doubts[:2]))] if doubts else []


def left_alone(skipped: Sequence[tuple[str, str]]) -> Sequence[Note]:
    """Return a note on the Markdown files that are not taken as live texts, if there are any."""
    if not skipped:
        return ()
    named = "; ".join(f"{name}: {why}" for name, why in skipped[:LEFT_ALONE_NAMED_MAX])
    count = "One Markdown file was" if len(skipped) == 1 else f"{len(skipped)} Markdown files were"
    return [Quoted(f"{count} found and left alone:", named)]


async def _selected(selector: Selector, content: SiteContent) -> Selection:
    stored = {*content.drafts, *content.live, *content.history}
    return await anyio.to_thread.run_sync(select, selector, content.site, stored)


async def _meant(selector: Selector, site: Site, *heads: Heads, removed: bool) -> Selection:
    def look() -> Selection:
        stored = set[str]().union(*(each.hash for each in heads))
        return select(selector, site, stored.union(*(h.removed for h in heads if removed)))

    return await anyio.to_thread.run_sync(look)


async def edited_files(
    files: PageFiles,
    entities: EntityStore,
    pages: Collection[str],
    exported: Mapping[str, Sequence[str | None]],
) -> Mapping[str, str]:
    """Return, by page, why its file is not ours to overwrite; `exported` is as it was stored.

    A file is compared with the record of its last export. An export makes its record before it
    writes; so a file that differs was edited only if its record is still the one compared with.
    """
    edited = await anyio.to_thread.run_sync(files.edited, pages, exported)
    for _ in range(EXPORTS_DURING_A_LOOK_MAX):
        if not edited:
            break
        before, exported = exported, await entities.exported()
        moved = {page for page in edited if before.get(page) != exported.get(page)}
        if not moved:
            break
        again = await anyio.to_thread.run_sync(files.edited, moved, exported)
        edited = {p: why for p, why in edited.items() if p not in moved} | again
    return edited


async def missing_files(
    files: PageFiles,
    pages: Collection[str],
    site: Site,
    live: Collection[str],
    exported: Mapping[str, Sequence[str | None]],
) -> Mapping[str, str]:
    """Return, by page, the files that were exported and are gone although sections are live (R22).

    An export records a file before it writes it, and locks the page meanwhile. So a file that looks
    missing is looked for again under the lock: it may just be being written.
    """
    written = [p for p in sorted(pages) if exported.get(p, (None,))[0] is not None]
    ids = [id for id in live if page_of(id) in written and not is_static(site, id)]
    shown = {split_id(id)[0] for id in ids}
    written = [page for page in written if page in shown]

    missing: dict[str, str] = {}
    for page in await anyio.to_thread.run_sync(files.missing, written):
        with suppress(ExportFailed):  # the lock is taken: somebody is writing it
            async with files.locked(page, within_s=0):
                if await anyio.to_thread.run_sync(files.missing, [page]):
                    missing[page] = files.shown(page)
    return missing
