"""The site with the pages that its collections have by now (see `content.expanded`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial

import anyio.to_thread

from mcp_server.content.expanded import expanded, expanded_for
from mcp_server.content.page_paths import page_id_of
from mcp_server.content.pages.page_files import PageFiles
from mcp_server.content.pages.page_text import front_value, split_sections
from mcp_server.content.site import Site
from mcp_server.content.text.mark_style import MarkStyle
from mcp_server.entities.page_files import bytes_hash
from mcp_server.entities.store import EntityStore

UNREAD_MAX = 200
"""Files that are read to know their sections, of those that nobody has looked at yet."""


class SitePages:
    """Finds the pages of one workspace's collections."""

    def __init__(self, files: PageFiles, entities: EntityStore) -> None:
        self._files, self._entities = files, entities
        self._last: tuple[object, Site] | None = None

    async def all(self, site: Site) -> Site:
        """Return the site with all pages; those whose file was taken away are pages still (P5)."""
        if not site.collections:
            return site
        listed = await anyio.to_thread.run_sync(self._files.listed)
        known = tuple(await self._entities.known_paths())
        headings = await self._headings(site, listed.paths)
        key = (site.hash, listed.version, known, headings)
        if self._last is None or self._last[0] != key:
            if await self._move_along(listed.paths, known):
                return await self.all(site)
            made = await anyio.to_thread.run_sync(_all, site, listed.paths, known, headings)
            self._last = (key, made)
        return self._last[1]

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

    async def _move_along(self, paths: Sequence[str], known: Sequence[str]) -> bool:
        """Let texts and history go with files that somebody has renamed; return if any did.

        Such a file is gone, and another with the very same bytes is there that nobody has seen.
        """
        there, seen = frozenset(paths), frozenset(known)
        if seen <= there or there <= seen:
            return False
        files = await self._entities.page_files(None)
        gone = {each.hash: each for each in files.values() if each.file not in there and each.hash}
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

    async def _headings(self, site: Site, paths: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """Return the sections of files whose headings are sections, as far as they are known.

        Of those that nobody has looked at yet, the first are read.
        """
        split = [collection for collection in site.collections if collection.split]
        if not split:
            return {}
        known = await self._entities.page_files(None)
        unread = [p for p in paths if page_id_of(p) not in known and any(c.fits(p) for c in split)]
        read = await anyio.to_thread.run_sync(self._read_headings, unread[:UNREAD_MAX])
        return {**{page: tuple(each.in_file) for page, each in known.items()}, **read}

    def _read_headings(self, paths: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        found = {path: self._files.read(path) for path in paths}
        return {
            page_id_of(path): split_sections(data, style=MarkStyle.of(path))
            for path, data in found.items()
            if data is not None
        }

    async def _languages(self, site: Site, page: str, files: Sequence[str]) -> Mapping[str, str]:
        """Return the language that a page's file says, where its collection has a key for that."""
        collection = site.collection_of(page)
        if collection is None or not collection.language_key:
            return {}
        for file in files:
            data = await anyio.to_thread.run_sync(self._files.read, file)
            if data is not None and (said := front_value(data, collection.language_key)):
                return {page: said}
        return {}


def _all(
    site: Site, paths: Sequence[str], known: Sequence[str], headings: Mapping[str, tuple[str, ...]]
) -> Site:
    there = {page_id_of(path) for path in paths}
    away = [path for path in known if page_id_of(path) not in there]
    return expanded(site, [*paths, *away], headings)
