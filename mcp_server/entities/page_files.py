"""What is remembered of a page's file: its state when it was last seen, and what was to be written.

The file is what is live (P1). The database is its history; so what it remembers of a file is only
good for telling whether somebody has changed it since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

VersionKind = Literal["met", "taken", "before", "after"]
"""Why a page's bytes were kept: as it was first met, as somebody had changed it when it was taken
over, and before and after a write of ours (P9)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """What tells without reading a file that it has not changed (P2)."""

    size: int
    modified_ns: int
    changed_ns: int
    inode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What a file is about to become, recorded before the rename; the next look settles it (P1)."""

    hash: str | None
    """Of the file's bytes; `None`: it is to be removed."""
    in_file: Mapping[str, str] = field(default_factory=dict[str, str])
    front: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFile:
    """A page's file as it was last seen. Sections are named without their page."""

    page: str
    file: str
    """Its path in the content folder, such as `posts/2024/hello.md`."""
    layout: str
    """Hash of what its spans are; when that changes, `in_file` is recorded anew (P1)."""
    stat: Stat | None = None
    hash: str | None = None
    """Of its bytes; `None`: there was no file."""
    in_file: Mapping[str, str] = field(default_factory=dict[str, str])
    """By section, the hash of the text that its span held, or was confirmed to hold (`inFile`)."""
    gone: frozenset[str] = frozenset()
    """Sections that somebody took out of the file. They come back only by name (P5)."""
    front: Mapping[str, str] = field(default_factory=dict[str, str])
    """By what `site.yaml` declares (a key of the front matter, or a static section), the hash of
    what we wrote last (P11)."""
    intent: Intent | None = None
    version: int = 0
    """How often this was stored; 0 if it never was. Storing it again expects that (P1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageVersion:
    """A page's bytes as they were kept. `before`: of a write, what it replaced."""

    page: str
    hash: str | None
    """`None`: there was no file (of what a write replaced, or left)."""
    kind: VersionKind
    before: str | None = None
    at: float = 0.0
    batch_id: str | None = None
    id: int = 0
    """Larger means later."""
    size: int | None = None
    """How many bytes there are; only where that was asked for, and they are not damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a text stands in the bytes of a page that are kept: it needs no copy (P9)."""

    page_hash: str
    start: int
    end: int


def bytes_hash(data: bytes) -> str:
    """Return the hash of a file's bytes: 32 hex digits."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()
