"""Files that are there whole or not at all, and stay through a power cut.

It blocks, and expects to be alone with the file. A writer that is killed leaves its temporary file
to the next one.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress

from mcp_server.folder import PUBLIC, OpenFolder


def write(folder: OpenFolder, name: str, data: bytes, *, check: Callable[[], None]) -> None:
    """Make `data` the file's content, unless `check`, called one moment before that, raises.

    The file's permissions stay as they are.

    Raises:
        OSError: it could not be written; the file is as it was.
    """
    temporary = _temporary(name)
    try:
        _write_through(folder, temporary, data, _permissions(folder, name))
        check()
        folder.replace(temporary, name)
    finally:
        with suppress(OSError):  # the next writer takes it away
            folder.remove(temporary)
    folder.sync()


def remove(folder: OpenFolder, name: str, *, check: Callable[[], None]) -> None:
    """Remove the file, if there is one, unless `check` raises.

    Raises:
        OSError: it could not be removed.
    """
    folder.remove(_temporary(name))
    check()
    folder.remove(name)
    folder.sync()


def _temporary(name: str) -> str:
    return f".{name}.tmp"


def _permissions(folder: OpenFolder, name: str) -> int | None:
    found = folder.stat(name)
    return stat.S_IMODE(found.st_mode) if found is not None else None


def _write_through(folder: OpenFolder, name: str, data: bytes, permissions: int | None) -> None:
    folder.remove(name)
    with folder.open(name, "xb", permissions=PUBLIC) as file:  # a link in its place is not followed
        if permissions is not None and os.name == "posix":
            os.fchmod(file.fileno(), permissions)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
