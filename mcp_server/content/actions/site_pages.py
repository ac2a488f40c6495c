"""The site with the pages that its collections have by now (see `content.expanded`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice

import anyio.to_thread

from mcp_server.content.expanded import expanded, expanded_for
from mcp_server.content.page_paths import language_said, page_id_of
from mcp_server.content.pages.page_files import PageFiles
from mcp_server.content.pages.page_text import front_value, split_sections
from mcp_server.content.site import Site
from mcp_server.content.text.mark_style import MarkStyle
from mcp_server.entities.entity import page_of
from mcp_server.entities.page_files import bytes_hash
from mcp_server.entities.store import EntityStore

UNREAD_MAX = 200
"""Files that are read to know their sections, of those that nobody has looked at yet."""


class SitePages:
    """Finds the pages of one workspace's collections."""

    def __init__(self, files: PageFiles, entities: EntityStore) -> None:
        self._files, self._entities = files, entities
        self._last: tuple[object, Site] | None = None
        self._parsed: dict[str, tuple[bytes, Sequence[str]]] = {}
        """By path, the bytes of a file that nobody has looked at yet, and its sections."""
        self.unread: tuple[str, ...] = ()
        """Pages whose file is there, and that nobody has looked at yet; of the last look."""

    async def all(self, site: Site, wanted: Collection[str] = ()) -> Site:
        """Return the site with all pages; those whose file was taken away are pages still (P5).

        The sections of the `wanted` pages are known, even if nobody has looked at these yet.
        """
        if not site.collections:
            return site
        listed = await anyio.to_thread.run_sync(self._files.listed)
        known = await self._entities.known_paths()
        headings = await self._headings(site, listed.paths, wanted)
        away = await anyio.to_thread.run_sync(away_paths, listed.paths, known)
        key, last = (site.hash, listed.version, away, headings), self._last
        if last is not None and last[0] == key:
            self.unread = await anyio.to_thread.run_sync(_unread, last[1], listed.paths, known)
            return last[1]
        if await self._move_along(listed.paths, known):
            return await self.all(site, wanted)
        # What is as it was is taken from before: a new file costs little on a site of thousands.
        before = last[1] if last is not None and last[1].hash == site.hash else None
        paths = [*listed.paths, *away]
        make = partial(expanded, site, paths, headings, before=before)
        made = await anyio.to_thread.run_sync(make)
        self.unread = await anyio.to_thread.run_sync(_unread, made, listed.paths, known)
        self._last = (key, made)
        return made

    async def of_page(self, site: Site, page: str) -> Site:
        """Return the site with one page, without looking at the content folder."""
        if not site.collections:
            return site
        known = (await self._entities.page_files([page])).get(page)
        drafts, live = await self._entities.heads([page])
        ids = {*drafts.revision, *live.revision}
        files: list[str] = []
        if known is not None:
            ids |= {f"{page}/{section}" for section in known.in_file}
            files = [known.file]
        languages = await self._languages(site, page, files)
        made = partial(expanded_for, site, sorted(ids or {f"{page}/"}), files, languages=languages)
        return await anyio.to_thread.run_sync(made)

    async def of_sections(self, site: Site, ids: Collection[str]) -> Site:
        """Return the site with the pages of these sections, without looking at the folder."""
        if not site.collections:
            return site
        pages = {page_of(id) for id in ids}
        known = await self._entities.page_files(pages)
        files = [each.file for each in known.values()]
        made = await anyio.to_thread.run_sync(expanded_for, site, sorted(ids), files)
        return await self.with_languages(made, pages)

    async def with_languages(self, site: Site, pages: Iterable[str]) -> Site:
        """Return the site with the languages that these pages' files say.

        Of the other pages only those are known that a path or `site.yaml` says: of thousands, no
        file is read for that.
        """
        keys = {each.id: each.language_key for each in site.collections if each.language_key}

        def read() -> Site:
            found = [page for id in pages if (page := site.page(id)) is not None]
            keyed = [page for page in found if page.collection in keys]
            said = {page.id: self._said([page.file], keys[page.collection]) for page in keyed}
            return site.in_languages({page: code for page, code in said.items() if code})

        return await anyio.to_thread.run_sync(read) if keys else site

    async def _move_along(self, paths: Sequence[str], known: Sequence[str]) -> bool:
        """Let texts and history go with files that somebody has renamed; return if any did.

        Such a file is gone, and another with the very same bytes is there that nobody has seen.
        """
        there, seen = frozenset(paths), frozenset(known)
        if seen <= there or there <= seen:
            return False
        files = await self._entities.page_files(None)
        away = [each for each in files.values() if each.file not in there and each.hash]
        counts = Counter(each.hash for each in away)
        gone = {each.hash: each for each in away if counts[each.hash] == 1 and each.hash}
        new = [path for path in paths if path not in seen and page_id_of(path) not in files]
        sizes = {each.stat.size for each in gone.values() if each.stat is not None}
        for hash in [hash for hash, each in gone.items() if each.stat is None]:
            data = await self._entities.page_bytes(hash)  # we have written it, and not looked since
            sizes |= set() if data is None else {len(data)}
        found = await anyio.to_thread.run_sync(self._hashes, new, sizes)
        moved = False
        for hash, where in found.items():
            if hash in gone and len(where) == 1:
                [path] = where
                moved |= await self._entities.move_page(gone[hash].page, page_id_of(path), path)
        return moved

    def _hashes(self, paths: Sequence[str], sizes: Collection[int]) -> Mapping[str, Sequence[str]]:
        """Return the files of these sizes by their hash: of a big site, few have to be read."""
        found: dict[str, list[str]] = {}
        fitting = [path for path, size in self._files.sizes(paths).items() if size in sizes]
        for path in fitting[:UNREAD_MAX]:
            if (data := self._files.read(path)) is not None:
                found.setdefault(bytes_hash(data), []).append(path)
        return found

    async def _headings(
        self, site: Site, paths: Sequence[str], wanted: Collection[str]
    ) -> Mapping[str, Sequence[str]]:
        """Return the sections of files whose headings are sections, as far as they are known.

        Of those that nobody has looked at yet, the wanted ones and the first are read.
        """
        split = [collection for collection in site.collections if collection.split]
        if not split:
            return {}
        known = await self._entities.known_sections()

        def read() -> Mapping[str, Sequence[str]]:
            first = [path for path in paths if page_id_of(path) in wanted] if wanted else []
            new = (path for path in (*first, *paths) if page_id_of(path) not in known)
            fitting = (path for path in new if any(each.fits(path) for each in split))
            chosen = dict.fromkeys(islice(fitting, UNREAD_MAX))
            return self._read_headings(chosen, first or chosen)

        return {**known, **await anyio.to_thread.run_sync(read)}

    def _read_headings(
        self, paths: Iterable[str], again: Collection[str]
    ) -> Mapping[str, Sequence[str]]:
        """Return the sections of these files; those that may have changed are read `again`."""
        before, parsed = self._parsed, dict[str, tuple[bytes, Sequence[str]]]()
        for path in paths:
            was = before.get(path)
            data = self._files.read(path) if was is None or path in again else was[0]
            if was is not None and was[0] == data:
                parsed[path] = was
            elif data is not None:
                parsed[path] = (data, split_sections(data, style=MarkStyle.of(path)))
        self._parsed = parsed  # at last: another call may be reading them, too
        return {page_id_of(path): sections for path, (_, sections) in parsed.items()}

    async def _languages(self, site: Site, page: str, files: Sequence[str]) -> Mapping[str, str]:
        """Return the language that a page's file says, where its collection has a key for that."""
        collection = site.collection_of(page)
        key = collection.language_key if collection is not None else ""
        said = await anyio.to_thread.run_sync(self._said, files, key) if key else ""
        return {page: said} if said else {}

    def _said(self, files: Iterable[str], key: str) -> str:
        """Return the language that one of these files says under a key, "" if none does."""
        found = map(self._files.read, files)
        said = [language_said(front_value(data, key) or "") for data in found if data is not None]
        return next((code for code in said if code), "")


def away_paths(paths: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Return the paths of pages that have no file any more, under any name."""
    if not (left := set(known).difference(paths)):
        return ()
    there = set(map(page_id_of, paths))
    return tuple(sorted(path for path in left if page_id_of(path) not in there))


def _unread(site: Site, paths: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    new = frozenset(paths) - frozenset(known)
    return tuple(page.id for page in site.pages if page.file in new)
