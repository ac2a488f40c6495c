"""What `site.yaml` declares for a page's file, beside what the file holds (P11). Pure.

A declared key or static text is written into a file that we made, where it is new, and where the
file still holds what we wrote last. Anything else is the file's, and stays.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_server.content.pages.front_matter import FrontKey, FrontStyle, scalar
from mcp_server.content.pages.layout import Layout
from mcp_server.content.pages.page_text import PageText
from mcp_server.content.pages.yaml_value import as_read, read
from mcp_server.content.text.outline import marks
from mcp_server.content.text.shown import levelled
from mcp_server.entities.entity import text_hash

BLANKS = b"\xef\xbb\xbf \t\r\n"
"""What is nobody's text: blanks, line ends and the mark of byte order."""
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
    keys = {name: _of_key(page, key) for name, key in _keys(page).items()}
    return keys | {name: hash for name, hash in texts.items() if hash != text_hash("")}


def due(page: PageText, ours: Mapping[str, str]) -> Declared:
    """Return what of the declared is to be written; `ours` is what we wrote last, by name."""
    now, wanted = declared_in(page), _wanted(page.layout)
    editable = page.front is None or page.front.style is FrontStyle.YAML
    names = {name for name in wanted if _is_ours(name, now, ours) and now.get(name) != wanted[name]}
    front = {key: value for key, value in page.layout.front.items() if editable and key in names}
    static = {p.section: p.static for p in page.layout.parts if SECTION + p.section in names}
    return Declared(front=front, static=static)


def differing(page: PageText, ours: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of what is declared and stays as the file has it, for `review` to show."""
    now, wanted = declared_in(page), _wanted(page.layout)
    return tuple(n for n in wanted if now.get(n) != wanted[n] and not _is_ours(n, now, ours))


def outdated(page: PageText, ours: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of what we wrote into these bytes and what is declared otherwise now."""
    now, wanted = declared_in(page), _wanted(page.layout)
    return tuple(n for n in wanted if n in ours and n in now and now[n] != wanted[n])


def only_ours(page: PageText, ours: Mapping[str, str], *, front: bool = True) -> bool:
    """Whether the file holds nothing but sections, their marks, and declared things of ours.

    Without `front`, whatever its front matter holds.
    """
    now, keyed, scan = declared_in(page), page.front, levelled(page.data)
    body = keyed.body if keyed else 0
    if any(now.get(name) != ours.get(name) for name in now if name.startswith(SECTION)):
        return False
    found = [(m.start, m.end) for m in marks(scan, body, page.layout.page, page.layout.marks)]
    spans = [(s.start, s.end) for s in page.spans.values() if s.start >= body]
    owned = {key for part in page.layout.parts for key in part.keys}
    keys = [
        (key.start, key.end)
        for name, key in _keys(page).items()
        if name in owned or now[name] == ours.get(name)
    ]
    blank = _blank(page.data, body, len(page.data), [*found, *spans])
    if keyed is None or not front:
        return blank
    return blank and _blank(page.data, keyed.start, keyed.end, keys)


def pending(layout: Layout, ours: Mapping[str, str]) -> bool:
    """Whether something is declared otherwise than we wrote it last; the file may say more."""
    wanted = _wanted(layout)
    return bool(ours) and any(hash != ours.get(name) for name, hash in wanted.items())


def _is_ours(name: str, now: Mapping[str, str], ours: Mapping[str, str]) -> bool:
    """Whether the file holds what we wrote last; where we wrote nothing, nothing.

    Into a file that somebody else made nothing comes that it did not have.
    """
    return now.get(name) == ours.get(name) and (name in now or bool(ours))


def _wanted(layout: Layout) -> dict[str, str]:
    """Return the hashes of what is declared, by name. A static text that is empty is none."""
    static = {
        SECTION + part.section: text_hash(part.static) for part in layout.parts if part.static
    }
    return {key: _of_value(as_read(value)) for key, value in layout.front.items()} | static


def _keys(page: PageText) -> dict[str, FrontKey]:
    return {} if page.front is None else {key.name: key for key in reversed(page.front.keys)}


def _of_key(page: PageText, key: FrontKey) -> str:
    """Return the hash of a key's value, or of its source where that can't be read alone."""
    source = levelled(page.data[key.value : key.end]).decode("utf-8", "replace").strip()
    value = scalar(page.data, key)
    value = read(source) if value is None else value
    return _of_value(source if value is None else value)


def _of_value(value: object) -> str:
    data = json.dumps(value, sort_keys=True).encode()
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _blank(data: bytes, start: int, end: int, pieces: list[tuple[int, int]]) -> bool:
    """Whether nothing but blanks is left between `start` and `end` when the pieces are cut out."""
    for first, beyond in sorted(pieces):
        if data[start:first].strip(BLANKS):
            return False
        start = max(start, beyond)
    return not data[start:end].strip(BLANKS)
