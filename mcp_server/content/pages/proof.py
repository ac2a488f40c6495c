"""Proves of a page that was written into that it says what was asked, and all else as before (P8).

Pure. It reads the new bytes as anybody would, and compares.
"""

from __future__ import annotations

import codecs
from collections.abc import Collection, Mapping
from typing import Any, cast

import yaml

from mcp_server.content.pages.front_matter import FrontStyle, opens_front
from mcp_server.content.pages.layout import Blocked, Part
from mcp_server.content.pages.page_text import PageText, parse
from mcp_server.content.pages.yaml_value import as_read
from mcp_server.content.text.meta import meta_fields
from mcp_server.content.text.openings import left_open_more
from mcp_server.content.text.outline import headings
from mcp_server.content.text.shown import levelled
from mcp_server.errors import ServerError

BOM = codecs.BOM_UTF8
SECTIONS = "sections"
"""The key that exports wrote before pages.md; it is dropped with the next write."""
OPENS_FRONT = "it begins as front matter does, and nothing stands before it in the file"
ALIASES_MAX = 50
"""Stars in a front matter that is read as a whole: a few aliases can stand for a huge value."""


class SpliceRefused(ServerError):
    """The text cannot be put into the file; `section` is the one that stands in the way."""

    def __init__(self, reason: str, section: str = "") -> None:
        self.reason, self.section = reason, section
        super().__init__(f"section {section}: {reason}" if section else reason)


def prove(
    page: PageText, data: bytes, wanted: Mapping[str, str], declared: Mapping[str, Any]
) -> None:
    """Check the bytes `data` that `page` became by these texts and keys.

    Raises:
        SpliceRefused: something is not as asked, or changed without being asked for.
    """
    after = parse(data, page.layout)
    if isinstance(after, Blocked):
        raise _refused(page, wanted, f"with it, {after.reason}")
    for section, text in wanted.items():
        if (text_of(after, section) or "") != text:
            raise _refused(page, {section: text}, "it would be read otherwise than it was written")
    for section in _sections(page) | _sections(after):
        if section not in wanted and not _same(page, after, section):
            raise _refused(page, wanted, f"section {section} would change with it")
    if after.front is None and _opens_front(after) and not _opens_front(page):
        raise _refused(page, wanted, OPENS_FRONT)
    _prove_front(page, after, wanted, declared)


def text_of(page: PageText, section: str) -> str | None:
    """Return the text that a section has in the file, also one that the layout does not know."""
    span = page.spans.get(section)
    return span.text if span else page.strays.get(section)


def meta_part(page: PageText, section: str) -> Part | None:
    """Return the part of the layout that this section is, if its span is keys."""
    return next((part for part in page.layout.parts if part.section == section and part.keys), None)


def _opens_front(page: PageText) -> bool:
    scan = levelled(page.data)
    start = page.front.body if page.front else len(BOM) if page.data.startswith(BOM) else 0
    return opens_front(scan, start, page.layout.marks)


def _prove_front(
    page: PageText, after: PageText, wanted: Mapping[str, str], declared: Mapping[str, Any]
) -> None:
    asked: dict[str, Any] = {key: as_read(value) for key, value in declared.items()}
    for section, text in wanted.items():
        if part := meta_part(page, section):
            asked |= dict.fromkeys(part.keys) | meta_fields(text)
    touched = {SECTIONS, *asked}
    if _other_keys(page, touched) != _other_keys(after, touched):
        raise _refused(page, wanted, "other keys of the front matter would change with it")
    before, now = _loaded(page), _loaded(after)
    if before is None or not asked:
        return
    if now is None or any(now.get(key) != value for key, value in asked.items()):
        raise _refused(page, wanted, "the front matter would be read otherwise than it was asked")
    if any(now.get(key) != value for key, value in before.items() if key not in touched):
        raise _refused(page, wanted, "other keys of the front matter would be read otherwise")


def _loaded(page: PageText) -> dict[str, Any] | None:
    """Return the front matter as a reader of YAML has it; `None` if that one cannot read it."""
    if page.front is None or page.front.style is not FrontStyle.YAML:
        return {}
    source = page.data[page.front.start : page.front.end]
    if source.count(b"*") > ALIASES_MAX:
        return None
    try:
        loaded = cast("object", yaml.load(source, Loader=yaml.CBaseLoader))  # noqa: S506 - it makes texts only
    except (yaml.YAMLError, ValueError, RecursionError, TypeError):
        return None
    if loaded is None or loaded == "":
        return {}
    return cast("dict[str, Any]", loaded) if isinstance(loaded, dict) else None


def _refused(page: PageText, wanted: Mapping[str, str], otherwise: str) -> SpliceRefused:
    """Return why these texts cannot be written: what is wrong with one of them, if it is known."""
    style = page.layout.marks
    for section, text in wanted.items():
        if page.layout.split and headings(text.encode(), 0, style):
            reason = "it has a second-level heading, which would begin a section of its own"
            return SpliceRefused(reason, section)
        if reason := left_open_more(text_of(page, section) or "", text, style=style):
            return SpliceRefused(reason, section)
    return SpliceRefused(otherwise, next(iter(wanted), ""))


def _sections(page: PageText) -> set[str]:
    return page.spans.keys() | page.strays.keys()


def _same(page: PageText, after: PageText, section: str) -> bool:
    if section in page.spans and section in after.spans and not meta_part(page, section):
        return _span_bytes(page, section) == _span_bytes(after, section)
    return text_of(page, section) == text_of(after, section)


def _span_bytes(page: PageText, section: str) -> bytes:
    span = page.spans[section]
    return page.data[span.start : span.end]


def _other_keys(page: PageText, touched: Collection[str]) -> list[bytes]:
    keys = page.front.keys if page.front else ()
    return [page.data[key.start : key.end] for key in keys if key.name not in touched]
