"""Writes and removes files whole or not at all, so that they survive a power cut.

The functions block. The caller must be the file's only writer, as the temporary file has a fixed
name: what a killed writer leaves of it, the next one removes.
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
        # On the disk before the rename: a power cut must not keep the new name and lose the data.
        _write_through(folder, temporary, data, _permissions(folder, name))
        check()
        folder.replace(temporary, name)
    finally:
        with suppress(OSError):  # the next writer removes it
            folder.remove(temporary)
    folder.sync()


def remove(folder: OpenFolder, name: str, *, check: Callable[[], None]) -> None:
    """Remove the file, if there is one, unless `check` raises.

    Raises:
        OSError: it could not be removed.
    """
    clear_up(folder, name)
    check()
    folder.remove(name)
    folder.sync()


def clear_up(folder: OpenFolder, name: str) -> None:
    """Remove what a killed writer of the file has left, if there is anything.

    Raises:
        OSError: it could not be removed.
    """
    folder.remove(_temporary(name))


def _temporary(name: str) -> str:
    return f".{name}.tmp"


def _permissions(folder: OpenFolder, name: str) -> int | None:
    found = folder.stat(name)
    return stat.S_IMODE(found.st_mode) if found is not None else None


def _write_through(folder: OpenFolder, name: str, data: bytes, permissions: int | None) -> None:
    folder.remove(name)
    # "x": if somebody puts a link there meanwhile, opening fails instead of following it.
    with folder.open(name, "xb", permissions=PUBLIC) as file:
        if permissions is not None and os.name == "posix":
            os.fchmod(file.fileno(), permissions)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
