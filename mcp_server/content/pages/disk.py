"""A page's file on the disk: whose it is, and how it is read, written and removed.

The functions block: callers in an event loop run them in a thread.
"""

from __future__ import annotations

import codecs
import errno
import hashlib
import os
import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from mcp_server.content.pages import atomic
from mcp_server.content.pages.page_file import (
    parse_page,
    sections_of,
)
from mcp_server.entities.entity import is_slug
from mcp_server.errors import InvalidPayload, ServerError
from mcp_server.excerpt import in_quotes
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


class FileState(StrEnum):
    """Whose a page's file is. Only `edited` and `foreign` stand in the way of an export."""

    MISSING = "missing"
    """There is no file. If somebody deleted it, that is no conflict: writing it again loses
    nothing."""
    OURS = "ours"
    """It is what export wrote. Line ends and a byte order mark may differ, as git changes them."""
    EDITED = "edited"
    """Export wrote it or it holds sections of the page, and its text is not what export wrote."""
    FOREIGN = "foreign"
    """Export did not create it, and it holds no section of the page: never touched."""


@dataclass(frozen=True, slots=True)
class PageFileState:
    """Whose the file is, the hash of its bytes and its text; both `None` where it is missing."""

    state: FileState
    hash: str | None = None
    text: str | None = None

    @property
    def writable(self) -> bool:
        """Whether export may write or remove the file."""
        return self.state in (FileState.MISSING, FileState.OURS)


def page_name(page_id: str) -> str:
    """Return the name of the page's file.

    Raises:
        InvalidPayload: the id is no slug.
    """
    if not is_slug(page_id):
        raise InvalidPayload("page", [f"{in_quotes(page_id)} is not a slug (a-z, 0-9, - and _)"])
    return f"{page_id}.md"


def file_hash(data: bytes) -> str:
    """Return the hash by which export recognises a file: 32 hex digits."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def inspect_page(folder: OpenFolder, page_id: str, ours: Sequence[str | None]) -> PageFileState:
    """Return whose the page's file is (R22).

    `ours` are the hashes that export recorded for the page, newest first, `None` where it recorded
    a removal. The newest may belong to a write that never happened, because of a crash.

    Raises:
        ExportFailed: the file cannot be read, or is a link.
    """
    name = page_name(page_id)
    with explained(folder.path / name, "read"):
        try:
            data = read_page(folder, name)
        except FileNotFoundError:
            return PageFileState(FileState.MISSING)
    text = decoded(data)
    return PageFileState(_whose(page_id, data, text, ours), file_hash(data), text)


def write_page(folder: OpenFolder, page_id: str, text: str, *, replaces: str | None) -> None:
    """Make `text` the file's content, whole or not at all, and on the disk when this returns.

    `replaces` is the hash of the present file (`None`: there is none), checked right before it is
    replaced. The file's permissions stay as they are. The caller holds the page's lock
    (`PageFiles.locked`).

    Raises:
        ExportFailed: it could not be written, or something else is there; the file is as it was.
    """
    name = page_name(page_id)
    with explained(folder.path / name, "written"):
        check = partial(expect, folder, name, replaces, "written")
        atomic.write(folder, name, text.encode(), check=check)


def remove_page(folder: OpenFolder, page_id: str, *, replaces: str | None) -> None:
    """Remove the file, if there is one and its hash is still `replaces`.

    Raises:
        ExportFailed: it could not be removed, or something else is there.
    """
    name = page_name(page_id)
    with explained(folder.path / name, "removed"):
        check = partial(expect, folder, name, replaces, "removed")
        atomic.remove(folder, name, check=check)


@contextmanager
def explained(path: Path, action: str) -> Generator[None]:
    """Turn what the operating system says into `ExportFailed`, without the folder's full path."""
    try:
        yield
    except OSError as error:
        raise page_failure(path, action, in_words(error)) from error


def _whose(page_id: str, data: bytes, text: str, ours: Sequence[str | None]) -> FileState:
    if {file_hash(data), file_hash(_unix(data))} & set(ours):
        return FileState.OURS
    # After a removal that export recorded, a new file of that name is somebody else's.
    created = bool(ours) and ours[0] is not None
    if created or sections_of(parse_page(text), page_id):
        return FileState.EDITED
    return FileState.FOREIGN


def _unix(data: bytes) -> bytes:
    """Undo what a checkout (Windows line ends) or an editor (a byte order mark) adds."""
    return data.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n")


def expect(folder: OpenFolder, name: str, hash: str | None, action: str) -> None:
    """Fail if the file is not the one that was inspected: somebody has saved it in between."""
    try:
        found = file_hash(read_page(folder, name))
    except FileNotFoundError:
        return  # it was deleted meanwhile: nothing is lost
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


def decoded(data: bytes) -> str:
    """Return the text somebody saved, in whatever encoding their editor chose."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


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
