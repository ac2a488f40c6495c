"""Folders whose files are opened only where they are plain files inside.

A workspace may come from a stranger, and may change while we work (a checkout of another branch).
A link in it, a pipe or a device must not lead a read or a write elsewhere, or make it wait. So each
opening is checked, at the descriptor where the platform can (`O_NOFOLLOW`, `dir_fd`), and elsewhere
by a look before and after it.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from io import BufferedReader, BufferedWriter
from pathlib import Path
from typing import BinaryIO, Literal, cast

PRIVATE = 0o600
"""Permissions of a file that is nobody's business but its user's."""
PUBLIC = 0o666
"""Permissions of any other file, less what the user's umask takes away."""

HAS_DIR_FD = {os.open, os.stat, os.mkdir, os.unlink, os.rename} <= os.supports_dir_fd
"""Whether files can be reached through an open folder, whatever its path leads to by now."""

_BASE = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOINHERIT", 0)
_UNFOLLOWED = getattr(os, "O_NOFOLLOW", 0)
_FOLDER_ONLY = getattr(os, "O_DIRECTORY", 0)
_NOT_WAITING = getattr(os, "O_NONBLOCK", 0)
"""Without it, opening a named pipe would wait for its other end."""
_FLAGS = {
    "rb": os.O_RDONLY,
    "ab": os.O_WRONLY | os.O_APPEND | os.O_CREAT,
    "xb": os.O_WRONLY | os.O_EXCL | os.O_CREAT,
}
_LINKING_TAGS = frozenset({0xA000000C, 0xA0000003})
"""Windows' tags of symbolic links and junctions. Files of a cloud drive have others, and are
plain files."""

OpenMode = Literal["rb", "ab", "xb"]
"""Read; append, made where it is missing; write what must not be there yet."""

EntryKind = Literal["file", "folder", "link", "other"]
"""What an entry of a folder is itself; a pipe or a device is `other`."""


def neutral_folder() -> Path:
    """Return the folder that our processes run in: one where nobody puts modules to import."""
    return Path(Path(sys.executable).anchor)


class NotPlain(OSError):
    """Something else than a plain file or folder has this name; `strerror` says what."""


class Folder:
    """One folder. Links in the path of `root` are its user's; below it none is followed."""

    def __init__(self, root: Path, *below: str) -> None:
        self._root, self._below = root, below

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._root.joinpath(*self._below)

    def below(self, *names: str) -> Folder:
        """Return a folder in this one."""
        return Folder(self._root, *self._below, *names)

    @contextmanager
    def opened(self, *, create: bool = False) -> Generator[OpenFolder]:
        """Hold it open; with `create` it is made where it is missing.

        Raises:
            NotPlain: a link, or something that is no folder, is in the way.
            OSError: it is not there, or cannot be opened.
        """
        if not HAS_DIR_FD:
            yield OpenFolder(self._looked_at(create=create), None)
            return
        if create:
            self._root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._root, os.O_RDONLY | _FOLDER_ONLY | _BASE)
        try:
            # One name at a time: `O_NOFOLLOW` refuses a link only at the end of a path.
            for name in self._below:
                inner = _open_folder(descriptor, name, create=create)
                os.close(descriptor)
                descriptor = inner
            yield OpenFolder(self.path, descriptor)
        finally:
            os.close(descriptor)

    def read(self, name: str, bytes_max: int) -> bytes:
        """Return at most `bytes_max + 1` bytes of a file; that last byte says it is too long.

        Raises:
            NotPlain: it is a link, a pipe, a device or a folder.
            OSError: it cannot be read.
        """
        with self.opened() as folder:
            return folder.read(name, bytes_max)

    def _looked_at(self, *, create: bool) -> Path:
        """Make sure that no part below the root is a link, where folders cannot be held open."""
        path = self._root
        if create:
            path.mkdir(parents=True, exist_ok=True)
        for name in self._below:
            path = path / name
            if create:
                with suppress(FileExistsError):
                    path.mkdir()
            if not stat.S_ISDIR(_plain(path.lstat(), path).st_mode):
                raise _not_a_folder(path)
        return path


class OpenFolder:
    """A folder that is held open: it stays the same one, whatever its name leads to by now."""

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self.path, self._descriptor = path, descriptor

    def open(self, name: str, mode: OpenMode, *, permissions: int = PRIVATE) -> BinaryIO:
        """Open a plain file.

        Raises:
            NotPlain: it is a link, a pipe, a device or a folder.
            OSError: it cannot be opened.
        """
        before = self._looked_at(name)
        flags = _FLAGS[mode] | _BASE | _UNFOLLOWED | _NOT_WAITING
        try:
            descriptor = os.open(self._at(name), flags, permissions, dir_fd=self._descriptor)
        except OSError as error:
            raise self._in_words(name, error) from None
        try:
            # Of the open file, not of its name, which may lead elsewhere by now.
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise NotPlain(errno.EINVAL, "it is not a regular file", self._named(name))
            if before is not None and (before.st_dev, before.st_ino) != (
                found.st_dev,
                found.st_ino,
            ):
                raise NotPlain(errno.ELOOP, "it was replaced a moment ago", self._named(name))
            return cast("BufferedReader | BufferedWriter", os.fdopen(descriptor, mode))
        except BaseException:
            os.close(descriptor)
            raise

    def read(self, name: str, bytes_max: int) -> bytes:
        """Return at most `bytes_max + 1` bytes of a file; that last byte says it is too long."""
        with self.open(name, "rb") as file:
            return file.read(bytes_max + 1)

    def write_whole(self, name: str, data: bytes) -> None:
        """Make a new file of `data` that survives a power cut; what had its name is removed."""
        self.remove(name)  # a link in its place is removed, not written through
        with self.open(name, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def overwrite(self, name: str, data: bytes) -> None:
        """Make `data` a file's content, in place, so that a lock on the file is kept."""
        with self.open(name, "ab") as file:
            file.truncate(0)
            file.write(data)

    def stat(self, name: str) -> os.stat_result | None:
        """Return what is known of an entry itself, also of a link; `None` where there is none."""
        try:
            return os.stat(self._at(name), dir_fd=self._descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def names(self) -> Sequence[str]:
        """Return the names of its entries, sorted."""
        here = self.path if self._descriptor is None else self._descriptor
        return sorted(os.listdir(here))  # noqa: PTH208 - a path cannot list what is held open

    def itself(self) -> os.stat_result:
        """Return what is known of the folder."""
        return self.path.stat() if self._descriptor is None else os.fstat(self._descriptor)

    def kinds(self) -> Sequence[tuple[str, EntryKind]]:
        """Return the names of its entries, and what each is, in no order."""
        with os.scandir(self.path if self._descriptor is None else self._descriptor) as entries:
            return [(entry.name, _kind(entry)) for entry in entries]

    def replace(self, source: str, target: str) -> None:
        """Rename an entry; what had the new name is replaced."""
        here = self._descriptor
        os.replace(self._at(source), self._at(target), src_dir_fd=here, dst_dir_fd=here)

    def remove(self, name: str) -> None:
        """Remove a file or a link, if there is one."""
        with suppress(FileNotFoundError):
            os.unlink(self._at(name), dir_fd=self._descriptor)

    def sync(self) -> None:
        """Make renames in this folder survive a power cut; Windows does so by itself."""
        if self._descriptor is not None:
            os.fsync(self._descriptor)

    def _looked_at(self, name: str) -> os.stat_result | None:
        """Look before opening, where `open` cannot be told not to follow links."""
        if _UNFOLLOWED or (found := self.stat(name)) is None:
            return None
        return _plain(found, self.path / name)

    def _at(self, name: str) -> str:
        assert name not in {"", ".", ".."}, "the name of an entry"
        assert "/" not in name, "the name of an entry"
        return name if self._descriptor is not None else os.fspath(self.path / name)

    def _named(self, name: str) -> str:
        return os.fspath(self.path / name)

    def _in_words(self, name: str, error: OSError) -> OSError:
        """Return the same error on every system: each fails in its own way on a link or a pipe."""
        found = self.stat(name)
        if found is not None and stat.S_ISLNK(found.st_mode):
            return NotPlain(errno.ELOOP, "it is a symbolic link", self._named(name))
        if found is not None and not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
            return NotPlain(errno.EINVAL, "it is not a regular file", self._named(name))
        return error


def _kind(entry: os.DirEntry[str]) -> EntryKind:
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "file" if entry.is_file(follow_symlinks=False) else "other"


def _open_folder(descriptor: int, name: str, *, create: bool) -> int:
    if create:
        with suppress(FileExistsError):
            os.mkdir(name, dir_fd=descriptor)
    try:
        flags = os.O_RDONLY | _FOLDER_ONLY | _BASE | _UNFOLLOWED
        return os.open(name, flags, dir_fd=descriptor)
    except OSError as error:
        if error.errno in {errno.ENOTDIR, errno.ELOOP}:
            found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            if stat.S_ISLNK(found.st_mode):
                raise NotPlain(errno.ELOOP, "a symbolic link is in the way", name) from None
        raise


def _plain(found: os.stat_result, path: Path) -> os.stat_result:
    """Return `found` unless it is a link or, on Windows, a junction."""
    tag = getattr(found, "st_reparse_tag", 0) if sys.platform == "win32" else 0
    if stat.S_ISLNK(found.st_mode) or tag in _LINKING_TAGS:
        raise NotPlain(errno.ELOOP, "it is a symbolic link", os.fspath(path))
    return found


def _not_a_folder(path: Path) -> NotADirectoryError:
    return NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), os.fspath(path))
