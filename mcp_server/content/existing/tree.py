"""The folder of a site as detection looks at it: names, and the texts of a few small files."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mcp_server.folder import Folder

CONFIG_BYTES_MAX = 256 * 1024
"""A generator's settings are far smaller."""


@dataclass(frozen=True, slots=True)
class Names:
    """What lies in one folder, links left out."""

    files: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()


class Tree(Protocol):
    """A folder with everything below it. Paths are relative to it, with `/`; it is `""` itself."""

    def names(self, folder: str) -> Names:
        """Return what lies in a folder; nothing where it is none, or cannot be read."""
        ...

    def text(self, path: str) -> str:
        """Return the text of a small file; nothing where it is none, or cannot be read."""
        ...


class DiskTree:
    """A folder on the disk. What cannot be read counts as not there: nothing depends on it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self, folder: str) -> Names:
        """Return what lies in a folder."""
        files, folders = set[str](), set[str]()
        with suppress(OSError), os.scandir(self._root / folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.add(entry.name)
                elif entry.is_file(follow_symlinks=False):
                    files.add(entry.name)
        return Names(frozenset(files), frozenset(folders))

    def text(self, path: str) -> str:
        """Return the text of a small file."""
        *below, name = path.split("/")
        with suppress(OSError):
            data = Folder(self._root, *below).read(name, CONFIG_BYTES_MAX)
            return data.decode("utf-8-sig", "replace")
        return ""


def joined(folder: str, name: str) -> str:
    """Return the path of what lies in a folder; either may be the tree itself."""
    return f"{folder}/{name}" if folder and name else folder or name
