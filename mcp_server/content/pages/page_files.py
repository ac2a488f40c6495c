"""The exported files of a workspace: inspected before a call is planned, written by an export.

Methods that are not `async` touch files and block; callers run them in a thread.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread

from mcp_server.config import Workspace
from mcp_server.content.pages import disk
from mcp_server.content.pages.adoption import Adoption, adopt
from mcp_server.content.pages.edited import edited_sections
from mcp_server.content.pages.page_lock import PageLock
from mcp_server.content.site import Site
from mcp_server.entities.entity import Author, Entity, Revision
from mcp_server.folder import Folder, OpenFolder
from mcp_server.trust import Grants

OUTSIDE = Author(kind="person", name="edited file")
"""The author of a text that was found in an exported file."""

LOCKED_S = 2.0
"""How long to wait for a page's lock. The wait keeps one of the worker's lanes busy."""
LOOK_S = 0.05
"""How often to try the lock."""


@dataclass(frozen=True, slots=True)
class KeptEdits:
    """Texts that somebody wrote into exported files, to be kept as live before a file is replaced.

    That is what `force` does (R23).
    """

    revisions: tuple[Revision, ...] = ()
    live: Mapping[str, str | None] | None = None
    """By section, the hash of the live text that the edit was made to."""
    files: Mapping[str, str] | None = None
    """By page, the hash of the edited file; it counts as exported from then on."""


UNTRUSTED = (
    "content_dir in pressroom.toml names a folder outside the workspace, which counts once "
    "`pressroom trust` was run in the workspace's folder, in a terminal"
)


class PageFiles:
    """The folder that pages are exported to.

    It is resolved anew at each use, since it may become a link, or the user may permit it, at any
    time. A link is followed if it leads to a folder inside the workspace.
    """

    def __init__(
        self,
        root: Path,
        content_dir: Path,
        locks: Path,
        *,
        trusted: Callable[[], bool] = lambda: True,
    ) -> None:
        self._root, self.content_dir, self._locks = root, content_dir, locks
        self._trusted = trusted

    def shown(self, page: str) -> str:
        """Return a page's file as people are told of it, relative to the workspace."""
        path = self.content_dir / f"{page}.md"
        if not path.is_relative_to(self._root):
            return path.name
        shown = path.relative_to(self._root).as_posix()
        # `content_dir` may be any text: a sentence in it must not reach a chat.
        return shown if re.fullmatch(r"[\w./-]{1,200}", shown) else path.name

    @asynccontextmanager
    async def locked(self, page: str, *, within_s: float = LOCKED_S) -> AsyncGenerator[None]:
        """Keep everybody else, in this process or another, from exporting the page meanwhile.

        A lease is not enough: it runs out while a process is frozen, and the process then goes on
        where it was. This lock is the operating system's: a frozen process keeps it, a dead one
        does not.

        Raises:
            PageHeld: the lock was not free within so many seconds.
            ExportFailed: it cannot be taken, or the page can have no file.
        """
        name = disk.page_name(page)
        # Only for its checks: a folder that may not be used is refused before anybody waits.
        await anyio.to_thread.run_sync(self._folder, name)
        lock = PageLock(self._locks, page)
        deadline = anyio.current_time() + within_s
        try:
            while (holder := await anyio.to_thread.run_sync(lock.take)) is not None:
                if anyio.current_time() >= deadline:
                    raise disk.PageHeld(page, file=self.shown(page), holder=holder)
                await anyio.sleep(LOOK_S)
            yield
        finally:
            lock.release()

    def edited(
        self,
        pages: Collection[str],
        exported: Mapping[str, Sequence[str | None]],
    ) -> dict[str, str]:
        """Return, for each of the pages whose file must not be overwritten, the reason."""
        found: dict[str, str] = {}
        for page, state in self._inspected(sorted(pages), exported):
            if isinstance(state, disk.ExportFailed):  # a folder has its name, for example
                found[page] = str(state)
            elif state.state is disk.FileState.EDITED:
                found[page] = (
                    f"{self.shown(page)} was edited outside; `force` keeps that text as a live "
                    "revision first, or undo the edit"
                )
            elif state.state is disk.FileState.FOREIGN:
                found[page] = f"{self.shown(page)} was not written by Pressroom; move it away first"
        return found

    def inspect(self, page: str, ours: Sequence[str | None]) -> disk.PageFileState:
        """Return whose the page's file is.

        Raises:
            ExportFailed: it cannot be read.
        """
        [(_, state)] = self._inspected([page], {page: ours})
        if isinstance(state, disk.ExportFailed):
            raise state
        return state

    def write(self, page: str, text: str | None, *, replaces: str | None) -> None:
        """Make `text` the page's file, or remove that (`None`), if its hash is still `replaces`.

        The caller holds the page's lock.

        Raises:
            ExportFailed: it could not be done, or something else is there; the file is as it was.
        """
        name = disk.page_name(page)
        action = "removed" if text is None else "written"
        with disk.explained(self.content_dir / name, action):
            folder = self._folder(name)
            if text is None and not folder.path.exists():
                return
            with folder.opened(create=text is not None) as opened:
                if text is None:
                    disk.remove_page(opened, page, replaces=replaces)
                else:
                    disk.write_page(opened, page, text, replaces=replaces)

    def missing(self, pages: Collection[str]) -> Sequence[str]:
        """Return those pages that have no file, nor anything else of its name."""
        if not self._trusted():
            return ()
        # `lexists`: a link that leads nowhere has the name, too.
        return [p for p in pages if not os.path.lexists(self.content_dir / disk.page_name(p))]

    def edits_to_keep(
        self,
        pages: Collection[str],
        site: Site,
        live: Mapping[str, Entity],
        past: Mapping[str, Sequence[Revision]],
        exported: Mapping[str, Sequence[str | None]],
    ) -> KeptEdits:
        """Return the texts in edited files that are to be kept as live revisions.

        Skip text that matches an earlier live revision: the file is stale, not edited.
        """
        texts = {id: entity.current for id, entity in live.items()}
        revisions: list[Revision] = []
        files: dict[str, str] = {}
        for page, state in self._inspected(sorted(pages), exported):
            if isinstance(state, disk.ExportFailed):
                continue  # it cannot be read, and for the same reason export will not overwrite it
            if state.state is not disk.FileState.EDITED or state.text is None:
                continue
            assert state.hash is not None
            files[page] = state.hash
            for edited in edited_sections(site, page, state.text, texts):
                current = texts.get(edited.entity_id)
                revision = edited.revision(OUTSIDE, base=current.hash if current else None)
                known = {past.hash for past in past.get(edited.entity_id, ())}
                if revision.hash not in known:
                    revisions.append(revision)
        hashes = {id: revision.hash for id, revision in texts.items()}
        return KeptEdits(tuple(revisions), hashes, files)

    def adoption(self, site: Site) -> Adoption:
        """Return what the content folder of a fresh clone holds; nothing if it cannot be read."""
        try:
            with self._folder("").opened() as folder:
                return adopt(site, folder)
        except (disk.ExportFailed, OSError):
            return Adoption()

    def _inspected(
        self, pages: Sequence[str], exported: Mapping[str, Sequence[str | None]]
    ) -> Sequence[tuple[str, disk.PageFileState | disk.ExportFailed]]:
        """Look at the files of these pages, or say why one cannot be looked at."""
        missing = disk.PageFileState(disk.FileState.MISSING)
        try:
            with self._folder(_name_of(pages)).opened() as folder:
                return [(page, _inspect(folder, page, exported.get(page, ()))) for page in pages]
        except FileNotFoundError:
            return [(page, missing) for page in pages]
        except (disk.ExportFailed, OSError) as error:
            return [(page, self._failed(page, error)) for page in pages]

    def _folder(self, name: str) -> Folder:
        """Return the content folder, if it may be used.

        Raises:
            ExportFailed: it is a link that leads out of the workspace, or it lies outside and the
                user has not permitted that.
        """
        if not self._trusted():
            raise disk.page_failure(self.content_dir / name, "used", UNTRUSTED)
        real, root = self.content_dir.resolve(), self._root.resolve()
        if real.is_relative_to(root):
            # The resolved path, as `Folder` follows no link below its root.
            return Folder(root, *real.relative_to(root).parts)
        if self.content_dir.is_relative_to(self._root):
            reason = "its folder is a symbolic link that leads out of the workspace"
            raise disk.page_failure(self.content_dir / name, "used", reason)
        return Folder(self.content_dir)  # outside by an absolute path, which the user has permitted

    def _failed(self, page: str, error: disk.ExportFailed | OSError) -> disk.ExportFailed:
        path = self.content_dir / disk.page_name(page)
        if isinstance(error, disk.ExportFailed):
            return disk.page_failure(path, "used", error.reason)
        return disk.page_failure(path, "read", disk.in_words(error))


def page_files(workspace: Workspace, grants: Grants) -> PageFiles:
    """Return the page files of a workspace, as far as its user permits their use."""
    return PageFiles(
        workspace.root,
        workspace.content_dir,
        workspace.export_locks,
        trusted=grants.of_content_folder,
    )


def _inspect(
    folder: OpenFolder, page: str, ours: Sequence[str | None]
) -> disk.PageFileState | disk.ExportFailed:
    try:
        return disk.inspect_page(folder, page, ours)
    except disk.ExportFailed as failed:
        return failed


def _name_of(pages: Sequence[str]) -> str:
    return disk.page_name(pages[0]) if len(pages) == 1 else ""
