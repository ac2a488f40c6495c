"""The site with the pages that its collections have by now (see `content.expanded`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

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
        known = await self._entities.known_paths()
        headings = await self._headings(site)
        away = await anyio.to_thread.run_sync(_away, listed.paths, known)
        key, last = (site.hash, listed.version, away, headings), self._last
        if last is not None and last[0] == key:
            return last[1]
        # What is as it was is taken from before: a new file costs little on a site of thousands.
        before = last[1] if last is not None and last[1].hash == site.hash else None
        paths = [*listed.paths, *away]
        make = partial(expanded, site, paths, headings, before=before)
        made = await anyio.to_thread.run_sync(make)
        self._last = (key, made)
        return made

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

    async def _headings(self, site: Site) -> Mapping[str, Sequence[str]]:
        """Return the sections of files whose headings are sections, as far as they are known."""
        if not any(collection.split for collection in site.collections):
            return {}
        return await self._entities.known_sections()


def _away(paths: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """Return the paths of pages that have no file any more, under any name."""
    if not (left := set(known).difference(paths)):
        return ()
    there = set(map(page_id_of, paths))
    return tuple(sorted(path for path in left if page_id_of(path) not in there))
