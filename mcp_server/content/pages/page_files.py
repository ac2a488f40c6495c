"""The folder of the page files: looking at them, and writing them.

The functions that look and write block: callers in an event loop run them in a thread.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath

import anyio
import anyio.to_thread

from mcp_server.config import Workspace
from mcp_server.content.pages import atomic, disk
from mcp_server.content.pages.layout import Layout
from mcp_server.content.pages.listing import Listed, Listing
from mcp_server.content.pages.look import Found, Looked, look
from mcp_server.content.pages.page_lock import PageLock
from mcp_server.content.pages.write import Writing
from mcp_server.content.site import Site
from mcp_server.entities.page_files import KnownFile, Stat, bytes_hash
from mcp_server.errors import StorageError
from mcp_server.folder import Folder, OpenFolder
from mcp_server.trust import Grants

LOCKED_S = 2.0
"""How long to wait for a page's lock. The wait keeps one of the worker's lanes busy."""
LOOK_S = 0.05
"""How often to try the lock."""
GIT_S = 10.0
"""How long to wait for git: a lock that it has left behind must not hold a site up for good."""
SETTLED_S = 2.0
"""Seconds between two equal looks at new bytes: until then somebody may be saving them (P3)."""
OLD_S = 60.0
"""A file whose last change is so many seconds old is not being saved, whatever it holds."""

UNTRUSTED = (
    "content_dir in pressroom.toml names a folder outside the workspace, which counts once "
    "`pressroom trust` was run in the workspace's folder, in a terminal"
)


HoldPage = Callable[[str, float], AbstractContextManager[Callable[[], bool] | None]]
"""Holds a page, for at most so many seconds' wait, against other machines that share its folder.
Yields what says whether it is held still; `None`: somebody else has it. It blocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A page to look at: what its file consists of, what is remembered of it, and what is live."""

    layout: Layout
    known: KnownFile | None = None
    live: Mapping[str, str | None] = field(default_factory=dict[str, "str | None"])
    """By section (without the page), the hash of its live text."""
    whole: bool = False
    """Whether its text is needed even if nothing has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What one look at a page's file found; `looked` is `None` where nothing has changed."""

    looked: Looked | None = None
    settles_in_s: float = 0.0
    """How long until it is known that nobody is saving these bytes; 0: it is known."""
    found: Found | None = None
    """What `looked` was made from."""
    modified_at: float = 0.0
    """When the file was changed, as far as that is known."""
    seen_at: float = 0.0


class PageFiles:
    """The folder of the page files.

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
        hold: HoldPage | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._root, self.content_dir, self._locks = root, content_dir, locks
        self._inside = _inside(root, content_dir)
        self._trusted, self._monotonic, self._wall = trusted, monotonic, wall
        self._hold = hold
        self._held: dict[str, Callable[[], bool]] = {}
        """By page that is held against other machines, whether it still is."""
        self._sighted: dict[str, tuple[Stat | None, float]] = {}
        """By page, the state of a file with new bytes, and when it was first seen in it."""
        self._listing: tuple[Path, Listing] | None = None

    def shown(self, file: str) -> str:
        """Return a page's file as people are told of it, relative to the workspace."""
        if self._inside is None:
            return file
        shown = f"{self._inside}{file}"
        # `content_dir` may be any text: a sentence in it must not reach a chat.
        return shown if re.fullmatch(r"[\w./-]{1,400}", shown) else file

    @asynccontextmanager
    async def locked(self, layout: Layout, *, within_s: float = LOCKED_S) -> AsyncGenerator[None]:
        """Keep everybody else, in this process or another, from writing the page meanwhile.

        A lease is not enough: it runs out while a process is frozen, and the process then goes on
        where it was. This lock is the operating system's: a frozen process keeps it, a dead one
        does not.

        Raises:
            PageHeld: the lock was not free within so many seconds.
            ExportFailed: it cannot be taken.
        """
        # Only for its checks: a folder that may not be used is refused before anybody waits.
        await anyio.to_thread.run_sync(self._folder, layout.file)
        lock = PageLock(self._locks, layout.page)
        deadline = anyio.current_time() + within_s
        try:
            while (holder := await anyio.to_thread.run_sync(lock.take)) is not None:
                if anyio.current_time() >= deadline:
                    raise disk.PageHeld(layout.page, file=self.shown(layout.file), holder=holder)
                await anyio.sleep(LOOK_S)
            async with self._held_everywhere(layout, deadline):
                await anyio.to_thread.run_sync(self._clear_up, layout)
                yield
        finally:
            lock.release()

    @asynccontextmanager
    async def _held_everywhere(self, layout: Layout, deadline: float) -> AsyncGenerator[None]:
        """Hold the page against other machines, too, where some share its folder."""
        if self._hold is None:
            yield
            return
        page, within_s = layout.page, max(0.0, deadline - anyio.current_time())
        holding = self._hold(page, within_s)
        held: Callable[[], bool] | None = None
        try:
            with anyio.CancelScope(shield=True):
                held = await anyio.to_thread.run_sync(holding.__enter__)
        except StorageError as error:
            raise disk.page_failure(self.content_dir / layout.file, "held", str(error)) from error
        try:
            if held is None:
                raise disk.PageHeld(page, file=self.shown(layout.file), holder="")
            self._held[page] = held
            yield
        finally:
            self._held.pop(page, None)
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(holding.__exit__, None, None, None)

    def _clear_up(self, layout: Layout) -> None:
        """Remove what a writer that was killed has left of a page; a write says what it cannot."""
        path = PurePosixPath(layout.file)
        with (
            suppress(OSError, disk.ExportFailed),
            self._folder(layout.file, *path.parts[:-1]).opened() as folder,
        ):
            atomic.clear_up(folder, path.name)

    def listed(self) -> Listed:
        """Return the files in the content folder that can be pages (P5: if it can be read)."""
        try:
            folder = self._folder("")
        except disk.ExportFailed as failed:
            return Listed(missing=failed.reason)
        if self._listing is None or self._listing[0] != folder.path:
            self._listing = (folder.path, Listing(folder, self._monotonic))
        return self._listing[1].listed()

    def existing(self, site: Site) -> frozenset[str]:
        """Return the pages of an expanded site that have a file."""
        there = frozenset(self.listed().paths)
        return frozenset(page.id for page in site.pages if page.file in there)

    def read(self, file: str) -> bytes | None:
        """Return a page file's bytes as they are; `None` if there is none, or it cannot be read."""
        path = PurePosixPath(file)
        try:
            with self._folder("", *path.parts[:-1]).opened() as folder:
                return disk.read_page(folder, path.name)
        except (disk.ExportFailed, OSError):
            return None

    def sizes(self, files: Iterable[str]) -> dict[str, int]:
        """Return how many bytes each of these files has, without reading any."""
        folders: dict[tuple[str, ...], list[str]] = {}
        for file in files:
            folders.setdefault(PurePosixPath(file).parts[:-1], []).append(file)
        found: dict[str, int] = {}
        for folder, those in folders.items():
            with self._reached(folder) as reached, suppress(OSError):
                for file in those if reached.folder is not None else ():
                    assert reached.folder is not None, "it was reached"
                    if (stat := _stat(reached.folder, PurePosixPath(file).name)) is not None:
                        found[file] = stat.size
        return found

    def look(self, asks: Iterable[Ask]) -> dict[str, Sight]:
        """Return, by page, what the files of these pages are by now (P2).

        A file is read only where its state differs from what is remembered, or its text is needed.
        """
        found: dict[str, Sight] = {}
        for folder, those in _by_folder(asks).items():
            with self._reached(folder) as reached:
                for ask in those:
                    found[ask.layout.page] = self._sight(ask, _found(reached, ask))
        return found

    async def begin_waits(self, layouts: Iterable[Layout]) -> None:
        """Begin the wait for all of these files that may just be being saved, reading none (P3).

        Who looks at one after the other then waits once, and not for each.
        """
        await anyio.to_thread.run_sync(self._see_all, [Ask(layout=each) for each in layouts])

    def _see_all(self, asks: Sequence[Ask]) -> None:
        for folder, those in _by_folder(asks).items():
            with self._reached(folder) as reached, suppress(OSError):
                for ask in those if reached.folder is not None else ():
                    assert reached.folder is not None, "it was reached"
                    name = PurePosixPath(ask.layout.file).name
                    if (stat := _stat(reached.folder, name)) is not None:
                        self._settles_in(ask.layout.page, stat)

    def write(self, layout: Layout, writing: Writing) -> KnownFile:
        """Write or remove the page's file, if its bytes are still those that were looked at.

        Returns what is to be remembered of it from now on. The caller holds the page's lock.

        Raises:
            ExportFailed: it could not be done, or something else is there; the file is as it was.
        """
        path = PurePosixPath(layout.file)
        action = "removed" if writing.data is None else "written"
        with disk.explained(self.content_dir / path, action):
            folder = self._folder(layout.file, *path.parts[:-1])
            if writing.data is None and not folder.path.exists():
                return writing.after
            with folder.opened(create=writing.data is not None) as opened:
                check = partial(self._expect, opened, layout, writing, action)
                if writing.data is None:
                    atomic.remove(opened, path.name, check=check)
                else:
                    atomic.write(opened, path.name, writing.data, check=check)
        return writing.after

    def _expect(self, folder: OpenFolder, layout: Layout, writing: Writing, action: str) -> None:
        """Fail if the file is not what was looked at, or another machine may be writing it."""
        name = PurePosixPath(layout.file).name
        disk.expect(folder, name, writing.replaces, action)
        if self._hold is not None and not self._held.get(layout.page, bool)():
            reason = "the page is no longer held against other machines"
            raise disk.page_failure(self.content_dir / layout.file, action, reason)

    async def git_is_done(self) -> None:
        """Wait until git does not change files here, but not for ever: it may have been killed."""
        with anyio.move_on_after(GIT_S):
            while await anyio.to_thread.run_sync(self._git_is_busy):
                await anyio.sleep(LOOK_S)

    def _git_is_busy(self) -> bool:
        """Whether git is changing files here: its index is locked meanwhile."""
        here = self.content_dir
        parents = [here, *here.parents][: 1 + len(here.parts)]
        repository = next((each for each in parents if (each / ".git").is_dir()), None)
        return repository is not None and (repository / ".git" / "index.lock").exists()

    def _sight(self, ask: Ask, found: Found | None) -> Sight:
        """Return what was found, and whether somebody may just be saving it."""
        page = ask.layout.page
        if found is None:
            return Sight()
        recent = found.stat is not None and self._age(found.stat) < SETTLED_S
        # A file may change twice within one tick of the clock: its state tells nothing yet.
        kept = replace(found, stat=None) if recent else found
        looked = look(ask.layout, ask.known, kept, ask.live)
        left = 0.0
        if found.data is None or _is_known(ask.known, bytes_hash(found.data)):
            self._sighted.pop(page, None)
        else:
            left = self._settles_in(page, found.stat)
        return Sight(
            looked=looked,
            settles_in_s=left,
            found=kept,
            modified_at=found.stat.modified_ns / 1e9 if found.stat is not None else 0.0,
            seen_at=self._wall(),
        )

    def _settles_in(self, page: str, stat: Stat | None) -> float:
        if stat is not None and self._age(stat) >= OLD_S:
            return 0.0
        now = self._monotonic()
        seen, since = self._sighted.get(page, (None, now))
        if seen != stat:
            since = now
        self._sighted[page] = (stat, since)
        return max(0.0, since + SETTLED_S - now)

    def _age(self, stat: Stat) -> float:
        return self._wall() - stat.changed_ns / 1e9

    @contextmanager
    def _reached(self, below: tuple[str, ...]) -> Generator[_Reached]:
        """Hold a folder of page files open, or say why it cannot be looked into."""
        try:
            with self._folder("", *below).opened() as folder:
                yield _Reached(folder, None)
                return
        except FileNotFoundError:
            why = None
        except disk.ExportFailed as failed:
            why = failed.reason
        except OSError as error:
            why = disk.in_words(error)
        yield _Reached(None, why)

    def _folder(self, name: str, *below: str) -> Folder:
        """Return the content folder, or one below it, if it may be used.

        Raises:
            ExportFailed: it is a link that leads out of the workspace, or it lies outside and the
                user has not permitted that.
        """
        if not self._trusted():
            raise disk.page_failure(self.content_dir / name, "used", UNTRUSTED)
        real, root = self.content_dir.resolve(), self._root.resolve()
        if real.is_relative_to(root):
            # The resolved path, as `Folder` follows no link below its root.
            return Folder(root, *real.relative_to(root).parts, *below)
        if self.content_dir.is_relative_to(self._root):
            reason = "its folder is a symbolic link that leads out of the workspace"
            raise disk.page_failure(self.content_dir / name, "used", reason)
        # Outside by an absolute path, which the user has permitted.
        return Folder(self.content_dir, *below)


@dataclass(frozen=True, slots=True)
class _Reached:
    """A folder that is held open; `None` where it is not there, or with the reason."""

    folder: OpenFolder | None
    problem: str | None


def page_files(
    workspace: Workspace,
    grants: Grants,
    hold: HoldPage | None = None,
    kind: type[PageFiles] = PageFiles,
) -> PageFiles:
    """Return the page files of a workspace, as far as its user permits their use."""
    return kind(
        workspace.root,
        workspace.content_dir,
        workspace.export_locks,
        trusted=grants.of_content_folder,
        hold=hold,
    )


def _inside(root: Path, content_dir: Path) -> str | None:
    """Return what a page's path in the workspace begins with, `None` where it lies outside."""
    if not content_dir.is_relative_to(root):
        return None
    inside = content_dir.relative_to(root).as_posix()
    return "" if inside == "." else f"{inside}/"


def _by_folder(asks: Iterable[Ask]) -> Mapping[tuple[str, ...], Sequence[Ask]]:
    found: dict[str, list[Ask]] = {}
    for ask in asks:
        found.setdefault(ask.layout.file.rpartition("/")[0], []).append(ask)
    return {PurePosixPath(folder).parts: those for folder, those in found.items()}


def _found(reached: _Reached, ask: Ask) -> Found | None:
    """Return what is there; `None` if it is what is remembered, and is not needed."""
    if reached.problem is not None:
        return Found(problem=reached.problem)
    if reached.folder is None:
        return Found()
    name = ask.layout.file.rpartition("/")[2]
    try:
        return _read(reached.folder, name, ask)
    except FileNotFoundError:
        return Found()
    except disk.ExportFailed as failed:
        return Found(problem=failed.reason)
    except OSError as error:
        return Found(problem=disk.in_words(error))


def _read(folder: OpenFolder, name: str, ask: Ask) -> Found | None:
    stat = _stat(folder, name)
    if stat is None:
        return Found()
    if not ask.whole and _is_unchanged(ask, stat):
        return None
    data = disk.read_page(folder, name)
    # What was read belongs to a state only if that is still the file's.
    after = _stat(folder, name)
    return Found(stat=stat if stat == after else None, data=data)


def _stat(folder: OpenFolder, name: str) -> Stat | None:
    found = folder.stat(name)
    if found is None:
        return None
    return Stat(
        size=found.st_size,
        modified_ns=found.st_mtime_ns,
        changed_ns=found.st_ctime_ns,
        inode=found.st_ino,
    )


def _is_unchanged(ask: Ask, stat: Stat) -> bool:
    known = ask.known
    return (
        known is not None
        and known.stat == stat
        and known.intent is None
        and known.layout == ask.layout.hash
        and known.file == ask.layout.file
    )


def _is_known(known: KnownFile | None, hash: str) -> bool:
    if known is None:
        return False
    return hash in (known.hash, known.intent.hash if known.intent else None)
