"""The files of pages that lie in the content folder: which there are, found again in no time.

A folder is listed again where its own times have changed: a file that comes, goes or is renamed
changes them, one that is written does not. No link below the content folder is followed.
The functions block: callers in an event loop run them in a thread.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from mcp_server.content.page_paths import EXTENSIONS, why_unusable
from mcp_server.folder import EntryKind, Folder, OpenFolder

PASSED_BY = frozenset({"node_modules", "bower_components", "vendor", "_site", "__pycache__"})
"""Folders of what tools have fetched or built. Hidden ones are passed by, too."""
FILES_MAX = 100_000
"""More are not listed: no site that we know of has a tenth of it."""
SETTLED_AFTER_S = 2.0
"""How long after a folder has changed its times are trusted. Some file systems count in steps: what
comes within the same step as our look changes them no more."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What lies in the content folder. `version` is another number where anything has changed."""

    paths: tuple[str, ...] = ()
    """Of the files that can be pages, sorted."""
    left_out: Mapping[str, str] = field(default_factory=dict[str, str])
    """By path of what is left out, the reason."""
    missing: str | None = None
    """Why the content folder itself cannot be read; then nothing is known of its files."""
    version: int = 0


class _Times(NamedTuple):
    """What changes where a folder's entries do. The second one cannot be set by anybody."""

    modified_ns: int
    changed_ns: int
    inode: int
    device: int


@dataclass(slots=True)
class _Seen:
    """One folder as it was listed, and when, by our clock, its times were first like this."""

    times: _Times
    since: float
    settled: bool
    files: tuple[str, ...]
    folders: tuple[str, ...]
    left_out: Mapping[str, str]


class Listing:
    """Lists one content folder. Any number of threads may ask."""

    def __init__(self, folder: Folder, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._monotonic = folder, monotonic
        self._lock = threading.Lock()
        self._seen: dict[str, _Seen] = {}
        self._last = Listed()

    def listed(self) -> Listed:
        """Return what is there now: the very same object as before where nothing has changed."""
        with self._lock:
            now = self._monotonic()
            try:
                found = self._walked(now)
            except OSError as error:
                self._seen.clear()
                found = Listed(missing=error.strerror or "it cannot be read")
            if (found.paths, found.left_out, found.missing) != (
                self._last.paths,
                self._last.left_out,
                self._last.missing,
            ):
                version = self._last.version + 1
                self._last = Listed(found.paths, found.left_out, found.missing, version)
            return self._last

    def _walked(self, now: float) -> Listed:
        before, self._seen = self._seen, {}
        waiting, changed = [""], False
        left_out: dict[str, str] = {}
        while waiting:
            path = waiting.pop()
            try:
                seen = self._look(path, before.get(path), now)
            except OSError as error:
                if not path:
                    raise
                left_out[path] = error.strerror or "the folder cannot be read"
                continue
            changed |= seen is not before.get(path)
            self._seen[path] = seen
            waiting += seen.folders
        if not changed and len(before) == len(self._seen) and not left_out:
            return self._last
        for seen in self._seen.values():
            left_out.update(seen.left_out)
        paths = sorted(file for seen in self._seen.values() for file in seen.files)
        left_out.update((path, "there are too many files") for path in paths[FILES_MAX:])
        return Listed(tuple(paths[:FILES_MAX]), dict(sorted(left_out.items())))

    def _look(self, path: str, before: _Seen | None, now: float) -> _Seen:
        """Return what is in a folder, read anew unless its times say that nothing has changed."""
        if before is not None and before.settled and path:  # the root is opened at each look
            found = os.lstat(f"{self._folder.path}/{path}")
            if stat.S_ISDIR(found.st_mode) and _times(found) == before.times:
                return before
        with self._folder.below(*path.split("/") if path else ()).opened() as opened:
            times = _times(opened.itself())  # before the names: what comes later shows in them
            files, folders, left_out = _entries(opened, f"{path}/" if path else "")
        since = before.since if before is not None and before.times == times else now
        seen = _Seen(times, since, now - since >= SETTLED_AFTER_S, files, folders, left_out)
        return before if before is not None and seen == before else seen


def _entries(
    opened: OpenFolder, prefix: str
) -> tuple[tuple[str, ...], tuple[str, ...], Mapping[str, str]]:
    files: list[str] = []
    folders: list[str] = []
    left_out: dict[str, str] = {}
    for name, kind in opened.kinds():
        path = prefix + name
        if name.startswith("."):
            continue
        if kind == "folder":
            folders += [] if name in PASSED_BY else [path]
        elif kind != "file":
            left_out |= _not_plain(path, kind)
        elif name.endswith(EXTENSIONS):
            if (why := why_unusable(path)) is None:
                files.append(path)
            else:
                left_out[_printable(path)] = why
    return tuple(files), tuple(folders), left_out


def _not_plain(path: str, kind: EntryKind) -> Mapping[str, str]:
    """Return why a link, a pipe or a device is left out, where it looks like a page or a folder."""
    if not path.endswith(EXTENSIONS) and "." in path.rpartition("/")[2]:
        return {}
    return {path: "it is a symbolic link" if kind == "link" else "it is not a regular file"}


def _printable(path: str) -> str:
    """Return a path without the halves of characters that stand for bytes that are no UTF-8."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _times(found: os.stat_result) -> _Times:
    return _Times(found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)
