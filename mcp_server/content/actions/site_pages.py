"""The site with the pages that its collections have by now (see `content.expanded`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import anyio.to_thread

from mcp_server.content.expanded import expanded, expanded_for
from mcp_server.content.page_paths import page_id_of
from mcp_server.content.pages.page_files import PageFiles
from mcp_server.content.site import Site
from mcp_server.entities.store import EntityStore


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
        headings = await self._headings(site)
        key = (site.hash, listed.version, known, headings)
        if self._last is None or self._last[0] != key:
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
        files = []
        if known is not None:
            ids |= {f"{page}/{section}" for section in known.in_file}
            files = [known.file]
        return await anyio.to_thread.run_sync(
            expanded_for, site, sorted(ids or {f"{page}/"}), files
        )

    async def _headings(self, site: Site) -> Mapping[str, tuple[str, ...]]:
        """Return the sections of files whose headings are sections, as far as they are known."""
        if not any(collection.split for collection in site.collections):
            return {}
        known = await self._entities.page_files(None)
        return {page: tuple(each.in_file) for page, each in known.items()}


def _all(
    site: Site, paths: Sequence[str], known: Sequence[str], headings: Mapping[str, tuple[str, ...]]
) -> Site:
    there = {page_id_of(path) for path in paths}
    away = [path for path in known if page_id_of(path) not in there]
    return expanded(site, [*paths, *away], headings)
