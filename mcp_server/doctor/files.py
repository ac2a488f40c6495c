"""Checks of the page files: those that are missing, blocked, or changed since they were written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping

import anyio.to_thread

from mcp_server.config import Workspace
from mcp_server.content.actions.looks import with_sights
from mcp_server.content.actions.page_look import ask_of, layout_for
from mcp_server.content.actions.site_content import PageFound, SiteContent
from mcp_server.content.actions.site_pages import away_paths
from mcp_server.content.expanded import expanded
from mcp_server.content.pages.page_files import PageFiles, page_files
from mcp_server.content.site import Site
from mcp_server.content.workspace.loader import SiteLoader, SiteProblems
from mcp_server.doctor.diagnosis import Diagnosis, first_of
from mcp_server.entities.page_files import KnownFile
from mcp_server.entities.store import EntityStore
from mcp_server.trust import Grants, StateFolder

FOUND_MAX = 5
"""Files that get a finding each; the rest are only counted."""


def without_database(workspace: Workspace) -> Diagnosis:
    """Say that there is no database; if the site has page files, it may have been deleted."""
    site = _site(workspace)
    there = _files(workspace).existing(site) if site is not None else ()
    if not there:
        message = "there is none yet; the first call makes it"
        return Diagnosis(check="database", level="ok", message=message)
    return Diagnosis(
        check="database",
        level="warning",
        message=f"there is none, and {workspace.content_dir.name}/ holds {len(there)} of its pages",
        advice="In a fresh clone that is right: what the files say is live. Was it deleted? "
        "End every server of this workspace, then put back a copy, or go on with the pages.",
    )


async def of_files(workspace: Workspace, entities: EntityStore) -> AsyncIterator[Diagnosis]:
    """Check the file of every page, unless the site cannot be read."""
    stored = await entities.snapshot()
    site = await anyio.to_thread.run_sync(_site, workspace, stored.files)
    if site is None:
        return
    content = SiteContent.of(site, stored)
    looked = await anyio.to_thread.run_sync(_looked, content, _files(workspace))
    found = [each for page, of_page in looked.found.items() for each in _said(page, of_page)]
    for finding in first_of(found, FOUND_MAX, "files"):
        yield finding
    if not found:
        there = sum(known.hash is not None for known in looked.files.values())
        yield Diagnosis(check="files", level="ok", message=f"{there} known, as they were")


def _looked(content: SiteContent, files: PageFiles) -> SiteContent:
    pages = dict.fromkeys([*(page.id for page in content.site.pages), *content.files])
    layouts = {page: layout for page in pages if (layout := layout_for(content, page)) is not None}
    sights = files.look([ask_of(content, layout) for layout in layouts.values()])
    shown = {page: files.shown(layout.file) for page, layout in layouts.items()}
    return with_sights(content, sights, shown)


def _said(page: str, found: PageFound) -> Iterator[Diagnosis]:
    if found.blocked is not None:
        advice = "Nothing is drafted, promoted or taken back on this page until that is mended."
        yield Diagnosis(check="files", level="warning", message=found.blocked, advice=advice)
    elif found.missing:
        yield Diagnosis(
            check="files",
            level="warning",
            message=f"{found.file} is missing, and its page is live",
            advice=f'promote {{"page": "{page}"}} writes it again.',
        )
    elif any(not each.is_ground for each in found.takeovers):
        yield Diagnosis(
            check="files",
            level="ok",
            message=f"{found.file} was edited; what it says is live",
        )


def _files(workspace: Workspace) -> PageFiles:
    return page_files(workspace, Grants(workspace, StateFolder(workspace)))


def _site(workspace: Workspace, known: Mapping[str, KnownFile] | None = None) -> Site | None:
    """Return the site with the pages that its collections have, also of files that are away."""
    try:
        site = SiteLoader(workspace).load()
    except SiteProblems:
        return None
    stored = known or {}
    there = _files(workspace).listed().paths
    away = away_paths(there, [each.file for each in stored.values()])
    headings = {page: tuple(each.in_file) for page, each in stored.items()}
    return expanded(site, [*there, *away], headings)
