"""What `site.yaml` declares for a page's file, beside what the file holds (P11). Pure.

A declared key or static text is written where it is new, and where the file still holds what we
wrote last. Anything else is the file's, and stays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_server.content.pages.front_matter import FrontKey, FrontStyle, scalar
from mcp_server.content.pages.layout import Layout
from mcp_server.content.pages.outline import levelled, marks
from mcp_server.content.pages.page_text import PageText
from mcp_server.entities.entity import text_hash

SECTION = "section:"
"""Before the id of a static section, where its name stands among those of front-matter keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What is declared and is to be written into a file."""

    front: Mapping[str, Any] = field(default_factory=dict[str, Any])
    static: Mapping[str, str | None] = field(default_factory=dict[str, str | None])

    @property
    def names(self) -> tuple[str, ...]:
        """Return them as a plan names them: `title`, `section:imprint`."""
        return (*self.front, *(SECTION + section for section in self.static))


def declared_in(page: PageText) -> dict[str, str]:
    """Return the hashes of what the file holds, by key and by static section."""
    static = {p.section for p in page.layout.parts if p.static is not None}
    texts = {SECTION + s: text_hash(span.text) for s, span in page.spans.items() if s in static}
    return {name: _of_lines(page, key) for name, key in _keys(page).items()} | {
        name: hash for name, hash in texts.items() if hash != text_hash("")
    }


def due(page: PageText, ours: Mapping[str, str]) -> Declared:
    """Return what of the declared is to be written; `ours` is what we wrote last, by name."""
    now, layout = declared_in(page), page.layout
    editable = page.front is None or page.front.style is FrontStyle.YAML
    front = {
        key: value
        for key, value in (layout.front if editable else {}).items()
        if _is_ours(key, now, ours) and (key not in now or now[key] != _of_value(value))
    }
    static: dict[str, str | None] = {
        part.section: part.static
        for part in layout.parts
        if part.static is not None
        and _is_ours(SECTION + part.section, now, ours)
        and (now.get(SECTION + part.section) or text_hash("")) != text_hash(part.static)
    }
    return Declared(front=front, static=static)


def differing(page: PageText, ours: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of what is declared and stays as the file has it, for `review` to show."""
    now = declared_in(page)
    return tuple(
        name
        for name, hash in _hashes(page.layout).items()
        if hash is not None and now.get(name) != hash and not _is_ours(name, now, ours)
    )


def outdated(page: PageText, ours: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of what we once wrote into these bytes and what is declared otherwise now."""
    now = declared_in(page)
    return tuple(
        name
        for name, hash in _hashes(page.layout).items()
        if name in ours and name in now and now[name] not in {hash, None if hash else ours[name]}
    )


def only_ours(page: PageText, ours: Mapping[str, str]) -> bool:
    """Whether the file holds nothing but sections, their marks, and what we wrote of the declared."""
    now, front, scan = declared_in(page), page.front, levelled(page.data)
    body = front.body if front else 0
    static = {p.section for p in page.layout.parts if p.static is not None}
    if any(now.get(SECTION + s) != ours.get(SECTION + s) for s in static):
        return False
    found = [(m.start, m.end) for m in marks(scan, body, page.layout.page, page.layout.marks)]
    spans = [(s.start, s.end) for s in page.spans.values() if s.start >= body]
    owned = {key for part in page.layout.parts for key in part.keys}
    keys = [
        (key.start, key.end)
        for name, key in _keys(page).items()
        if name in owned or (name in now and now[name] == ours.get(name))
    ]
    blank = _blank(page.data, body, len(page.data), [*found, *spans])
    return blank and (front is None or _blank(page.data, front.start, front.end, keys))


def _is_ours(name: str, now: Mapping[str, str], ours: Mapping[str, str]) -> bool:
    """Whether the file holds what we wrote last; where we wrote nothing, nothing."""
    return now.get(name) == ours.get(name)


def _hashes(layout: Layout) -> dict[str, str | None]:
    static = {
        SECTION + p.section: text_hash(p.static) for p in layout.parts if p.static is not None
    }
    return {key: _of_value(value) for key, value in layout.front.items()} | static


def _keys(page: PageText) -> dict[str, FrontKey]:
    return {} if page.front is None else {key.name: key for key in reversed(page.front.keys)}


def _of_lines(page: PageText, key: FrontKey) -> str:
    """Return the hash of a key's value; of a list or a mapping, that of its lines."""
    value = scalar(page.data, key)
    if value is not None:
        return _of_text(value)
    lines = levelled(page.data[key.start : key.end]).decode("utf-8", "replace").splitlines()
    return _of_text("\n".join(line.rstrip() for line in lines))


def _of_value(value: object) -> str | None:
    """Return the hash that a declared value will have in a file; `None`: that shows once written."""
    match value:
        case bool():
            return _of_text("true" if value else "false")
        case str() | int() | float():
            return _of_text(str(value))
        case _:
            return None


def _of_text(value: str) -> str:
    return hashlib.blake2b(
        value.strip().encode("utf-8", "surrogatepass"), digest_size=16
    ).hexdigest()


def _blank(data: bytes, start: int, end: int, pieces: list[tuple[int, int]]) -> bool:
    """Whether nothing but blanks is left between `start` and `end` when the pieces are cut out."""
    for first, beyond in sorted(pieces):
        if data[start:first].strip(b"\xef\xbb\xbf \t\r\n"):
            return False
        start = max(start, beyond)
    return not data[start:end].strip(b"\xef\xbb\xbf \t\r\n")
