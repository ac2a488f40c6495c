"""A page's file on the disk: how it is read, and what keeps it from being read or written.

The functions block: callers in an event loop run them in a thread.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mcp_server.entities.page_files import bytes_hash
from mcp_server.errors import ServerError
from mcp_server.folder import NotPlain, OpenFolder

PAGE_BYTES_MAX = 4 * 1024 * 1024
"""A larger file is no page, and is not read into memory."""

_IN_WORDS: Mapping[int, str] = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "permission is denied; the folder or the file may be read-only or in use",
    errno.EPERM: "permission is denied; the folder or the file may be read-only or in use",
    errno.EISDIR: "a folder of that name is in the way",
    errno.ENOTDIR: "its folder's name belongs to a file",
    errno.ELOOP: "a symbolic link is in the way",
    errno.EEXIST: "its folder's name belongs to a file",
}
"""The errors that people can mend, in words."""


class ExportFailed(ServerError):
    """The file of a page could not be read or written; nothing of it was changed."""

    def __init__(self, page: str, *, file: str, action: str, reason: str) -> None:
        self.page, self.file, self.reason = page, file, reason
        super().__init__(f"{file} cannot be {action}: {reason}")


class PageHeld(ExportFailed):
    """Another process holds the page's lock for too long: it may be frozen."""

    def __init__(self, page: str, *, file: str, holder: str) -> None:
        who = f"process {holder}" if holder else "another process"
        reason = f"{who} is in the middle of it and does not go on; let it go on, or end it"
        super().__init__(page, file=file, action="exported", reason=reason)


@contextmanager
def explained(path: Path, action: str) -> Generator[None]:
    """Turn what the operating system says into `ExportFailed`, without the folder's full path."""
    try:
        yield
    except OSError as error:
        raise page_failure(path, action, in_words(error)) from error


def expect(folder: OpenFolder, name: str, hash: str | None, action: str) -> None:
    """Fail if the file is not the one that was looked at: somebody has saved it in between.

    `hash`: of its bytes; `None`: there was none.
    """
    found: str | None = None
    try:
        found = bytes_hash(read_page(folder, name))
    except FileNotFoundError:
        if hash is not None and action == "written":  # what somebody removed stays away (P5)
            raise page_failure(folder.path / name, action, "it was removed a moment ago") from None
        return
    except ExportFailed as failed:
        raise page_failure(folder.path / name, action, failed.reason) from failed
    if found != hash:
        raise page_failure(folder.path / name, action, "it was changed a moment ago")


def read_page(folder: OpenFolder, name: str) -> bytes:
    """Return the file's bytes, if it can be a page at all."""
    data = folder.read(name, PAGE_BYTES_MAX)
    if len(data) > PAGE_BYTES_MAX:
        reason = f"it is larger than {PAGE_BYTES_MAX // 1024**2} MiB, which no page is"
        raise page_failure(folder.path / name, "read", reason)
    return data


def page_failure(path: Path, action: str, reason: str) -> ExportFailed:
    """Return the failure of one page's file."""
    folder = path.parent.name
    file = f"{folder}/{path.name}" if re.fullmatch(r"[\w.-]{1,64}", folder) else path.name
    return ExportFailed(path.stem, file=file, action=action, reason=reason)


def in_words(error: OSError) -> str:
    """Return an error of the operating system in words that help to mend it."""
    if isinstance(error, NotPlain):
        return f"{error.strerror}; put the file itself there, or remove what is there"
    number = error.errno or 0
    return _IN_WORDS.get(number) or os.strerror(number)
