"""What a page's file is seen to be by now, and whether somebody may just be saving it (P3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from mcp_server.content.pages import disk
from mcp_server.content.pages.layout import Layout
from mcp_server.content.pages.look import Found, Looked, look
from mcp_server.entities.page_files import KnownFile, Stat, bytes_hash
from mcp_server.folder import OpenFolder

SETTLED_S = 2.0
"""Seconds between two equal looks at new bytes: until then somebody may be saving them (P3)."""
OLD_S = 60.0
"""A file whose last change is so many seconds old is not being saved, whatever it holds."""


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


class Sights:
    """What was seen of pages' files, of which new bytes must be seen twice."""

    def __init__(self, monotonic: Callable[[], float], wall: Callable[[], float]) -> None:
        self._monotonic, self._wall = monotonic, wall
        self._new: dict[str, tuple[Stat | None, float]] = {}
        """By page, the state of a file with new bytes, and when it was first seen in it."""

    def of(self, ask: Ask, found: Found | None) -> Sight:
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
            self._new.pop(page, None)
        else:
            left = self.settles_in(page, found.stat)
        return Sight(
            looked=looked,
            settles_in_s=left,
            found=kept,
            modified_at=found.stat.modified_ns / 1e9 if found.stat is not None else 0.0,
            seen_at=self._wall(),
        )

    def settles_in(self, page: str, stat: Stat | None) -> float:
        """Return how long until new bytes are known to be saved; the first look begins the wait."""
        if stat is not None and self._age(stat) >= OLD_S:
            return 0.0
        now = self._monotonic()
        seen, since = self._new.get(page, (None, now))
        if seen != stat:
            since = now
        self._new[page] = (stat, since)
        return max(0.0, since + SETTLED_S - now)

    def _age(self, stat: Stat) -> float:
        return self._wall() - stat.changed_ns / 1e9


@dataclass(frozen=True, slots=True)
class Reached:
    """A folder that is held open; `None` where it is not there, or with the reason."""

    folder: OpenFolder | None
    problem: str | None


def found_in(reached: Reached, ask: Ask) -> Found | None:
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
    stat = stat_of(folder, name)
    if stat is None:
        return Found()
    if not ask.whole and _is_unchanged(ask, stat):
        return None
    data = disk.read_page(folder, name)
    # What was read belongs to a state only if that is still the file's.
    after = stat_of(folder, name)
    return Found(stat=stat if stat == after else None, data=data)


def stat_of(folder: OpenFolder, name: str) -> Stat | None:
    """Return the state of a file; `None` if there is none."""
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
