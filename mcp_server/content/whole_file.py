"""Files that are there whole or not at all, and stay through a power cut.

It blocks, and expects to be alone with the file. A writer that is killed leaves its temporary file
to the next one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def write(path: Path, data: bytes, *, check: Callable[[], None]) -> None:
    """Make `data` the file's content, unless `check`, called one moment before that, raises.

    The folder is made where it is missing; the file's permissions stay as they are.

    Raises:
        OSError: it could not be written; the file is as it was.
    """
    temporary = _temporary(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _write_through(temporary, data)
        with suppress(FileNotFoundError):
            shutil.copymode(path, temporary)
        check()
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def remove(path: Path, *, check: Callable[[], None]) -> None:
    """Remove the file, if there is one, unless `check` raises.

    Raises:
        OSError: it could not be removed.
    """
    _temporary(path).unlink(missing_ok=True)
    check()
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        _sync_folder(path.parent)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.tmp")


def _write_through(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    with path.open("xb") as file:  # a link in its place is not followed
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut; Windows does so by itself and cannot open a folder."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
