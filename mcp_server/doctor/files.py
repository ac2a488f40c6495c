"""Checks of the exported files: those that are missing, and those we must not overwrite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import anyio.to_thread

from mcp_server.config import Workspace
from mcp_server.content.actions.reader import edited_files, missing_files
from mcp_server.content.pages.page_files import PageFiles, page_files
from mcp_server.content.site import Site
from mcp_server.content.workspace.loader import SiteLoader, SiteProblems
from mcp_server.doctor.diagnosis import Diagnosis, first_of
from mcp_server.entities.entity import split_id
from mcp_server.entities.store import EntityStore
from mcp_server.trust import Grants, StateFolder

FOUND_MAX = 5
"""Files that get a finding each; the rest are only counted."""


def without_database(workspace: Workspace) -> Diagnosis:
    """Say that there is no database; if the site has exported pages, it may have been deleted."""
    site = _site(workspace)
    pages = len(_files(workspace).adoption(site).files) if site is not None else 0
    if pages == 0:
        message = "there is none yet; the first call makes it"
        return Diagnosis(check="database", level="ok", message=message)
    return Diagnosis(
        check="database",
        level="warning",
        message=f"there is none, and {workspace.content_dir.name}/ holds {pages} of its pages",
        advice="In a fresh clone that is right: the first call takes them as live. Was it deleted? "
        "End every server of this workspace, then put back a copy, or go on with the pages.",
    )


async def of_files(workspace: Workspace, entities: EntityStore) -> AsyncIterator[Diagnosis]:
    """Check the file of every page, unless the site cannot be read."""
    site = await anyio.to_thread.run_sync(_site, workspace)
    if site is None:
        return
    files, stored = _files(workspace), await entities.snapshot()
    exported = stored.exported
    pages = {*(p.id for p in site.pages), *exported, *(split_id(i)[0] for i in stored.live)}
    missing = await missing_files(files, pages, site, stored.live, exported)
    edited = await edited_files(files, entities, pages, exported)
    found = [*_missing(missing), *_edited(edited, files.content_dir)]
    for finding in first_of(found, FOUND_MAX, "files"):
        yield finding
    if not found:
        # Pages whose newest record is a file that was written, not one that was removed.
        written = sum(hashes[:1] not in ((), (None,)) for hashes in exported.values())
        yield Diagnosis(check="files", level="ok", message=f"{written} exported, as they were")


def _missing(missing: Mapping[str, str]) -> Iterator[Diagnosis]:
    for page, file in missing.items():
        yield Diagnosis(
            check="files",
            level="warning",
            message=f"{file} is missing, and its page is live",
            advice=f'promote {{"page": "{page}"}} writes it again.',
        )


def _edited(edited: Mapping[str, str], folder: Path) -> Iterator[Diagnosis]:
    for page, why in edited.items():
        if (folder / f"{page}.md").is_file():
            advice = f'review {{"page": "{page}", "diff": true}} shows what differs.'
        else:
            advice = f'Move it away; promote {{"page": "{page}"}} writes the file again.'
        yield Diagnosis(check="files", level="warning", message=why, advice=advice)


def _files(workspace: Workspace) -> PageFiles:
    return page_files(workspace, Grants(workspace, StateFolder(workspace)))


def _site(workspace: Workspace) -> Site | None:
    try:
        return SiteLoader(workspace).load()
    except SiteProblems:
        return None
