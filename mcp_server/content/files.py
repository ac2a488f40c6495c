"""The exported files of a workspace, as planning looks at them: edited ones, and what to keep.

What is not `async` here touches files and blocks; callers run it in a thread.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread
from filelock import FileLock, Timeout

from mcp_server.content import export
from mcp_server.content.plan import Plan
from mcp_server.content.site import Site
from mcp_server.entities.effects import RecordExport, SaveRevision, expect_hash
from mcp_server.entities.entity import Author, Entity, Revision, split_id

OUTSIDE = Author(kind="person", name="edited file")
"""Who wrote a text that was found in an exported file."""

LOCKED_S = 2.0
"""How long to wait for another who is in the middle of writing a page's file; it holds a lane."""
LOOK_S = 0.05
"""How often to look whether they are done."""


@dataclass(frozen=True, slots=True)
class KeptEdits:
    """What somebody wrote into exported files, to be kept as live text before it is replaced."""

    revisions: tuple[Revision, ...] = ()
    live: Mapping[str, str | None] | None = None
    """By section, the hash of the live text that the edit was made to."""
    files: Mapping[str, str] | None = None
    """By page, the hash of the edited file; it counts as exported from then on."""

    def effects(self, plan: Plan) -> tuple[object, ...]:
        """Return the changes to submit with `plan`, for the pages that it touches (R23)."""
        pages = {split_id(planned.section)[0] for planned in plan.planned}
        live = self.live or {}
        saved = [
            SaveRevision(revision, expect_hash(live.get(revision.entity_id)))
            for revision in self.revisions
            if split_id(revision.entity_id)[0] in pages
        ]
        recorded = [RecordExport(p, h) for p, h in (self.files or {}).items() if p in pages]
        return (*saved, *recorded)


class PageFiles:
    """The folder that pages are exported to."""

    def __init__(self, root: Path, content_dir: Path, locks: Path) -> None:
        self._root, self.content_dir, self._locks = root, content_dir, locks

    def shown(self, page: str) -> str:
        """Return a page's file as people are told of it, relative to the workspace."""
        path = self.content_dir / f"{page}.md"
        return (
            path.relative_to(self._root).as_posix()
            if path.is_relative_to(self._root)
            else path.name
        )

    @asynccontextmanager
    async def locked(self, page: str, *, within_s: float = LOCKED_S) -> AsyncGenerator[None]:
        """Keep everybody else, in this process or another, from exporting the page meanwhile.

        A lease cannot: it runs out under a process that is frozen, which then goes on where it was.
        This lock is the operating system's: a frozen process keeps it, a dead one does not.

        Raises:
            PageHeld: the lock was not free within so many seconds.
            ExportFailed: it cannot be taken, or the page has no file.
        """
        await anyio.to_thread.run_sync(export.page_path, self.content_dir, page)
        lock = FileLock(self._locks / f"{page}.lock", thread_local=False)
        deadline = anyio.current_time() + within_s
        try:
            while (holder := await anyio.to_thread.run_sync(_take, lock)) is not None:
                if anyio.current_time() >= deadline:
                    raise export.PageHeld(page, file=self.shown(page), holder=holder)
                await anyio.sleep(LOOK_S)
            yield
        finally:
            lock.release()

    def edited(
        self,
        pages: Collection[str],
        exported: Mapping[str, Sequence[str | None]],
    ) -> dict[str, str]:
        """Return, by page, why its file is not ours to overwrite, on these pages."""
        found: dict[str, str] = {}
        for page in sorted(pages):
            try:
                state = self.inspect(page, exported.get(page, ()))
            except export.ExportFailed as failed:  # a folder in the way, say
                found[page] = str(failed)
                continue
            if state.state is export.FileState.EDITED:
                found[page] = (
                    f"{self.shown(page)} was edited outside; `force` keeps that text as a live "
                    "revision first, or undo the edit"
                )
            elif state.state is export.FileState.FOREIGN:
                found[page] = f"{self.shown(page)} was not written by Pressroom; move it away first"
        return found

    def inspect(self, page: str, ours: Sequence[str | None]) -> export.PageFileState:
        """Return whose the page's file is."""
        return export.inspect_page(export.page_path(self.content_dir, page), ours)

    def edits_to_keep(
        self,
        pages: Collection[str],
        site: Site,
        live: Mapping[str, Entity],
        past: Mapping[str, Sequence[Revision]],
        exported: Mapping[str, Sequence[str | None]],
    ) -> KeptEdits:
        """Return the texts of edited files that are not live, less what once was.

        What once was live is the file's way of saying that its export is still to come.
        """
        texts = {id: entity.current for id, entity in live.items()}
        revisions: list[Revision] = []
        files: dict[str, str] = {}
        for page in sorted(pages):
            try:
                state = self.inspect(page, exported.get(page, ()))
            except export.ExportFailed:
                continue  # nothing of it can be kept, and its export will not overwrite it
            if state.state is not export.FileState.EDITED or state.text is None:
                continue
            assert state.hash is not None
            files[page] = state.hash
            for edited in export.edited_sections(site, page, state.text, texts):
                current = texts.get(edited.entity_id)
                revision = edited.revision(OUTSIDE, base=current.hash if current else None)
                known = {past.hash for past in past.get(edited.entity_id, ())}
                if revision.hash not in known:
                    revisions.append(revision)
        hashes = {id: revision.hash for id, revision in texts.items()}
        return KeptEdits(tuple(revisions), hashes, files)

    def adoption(self, site: Site) -> export.Adoption:
        """Return what the folder of a clone holds."""
        return export.adopt(site, self.content_dir)


def _take(lock: FileLock) -> str | None:
    """Take the lock and sign it with our process id; return who has it if it is not free."""
    path = Path(lock.lock_file)
    with export.explained(path, "taken"):
        try:
            lock.acquire(blocking=False)
        except Timeout:
            with suppress(OSError):  # locked on Windows means locked for readers, too
                return path.read_text("ascii", errors="replace").strip()
            return ""
        path.write_text(str(os.getpid()), "ascii")
    return None
