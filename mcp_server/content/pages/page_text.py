"""A page's file, taken apart: which section's text stands where in its bytes. Pure.

`parse` says what a file holds and changes nothing; `splice.py` writes into it.
"""

from __future__ import annotations

import codecs
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mcp_server.content.pages.front_matter import (
    ONLY_YAML,
    FrontMatter,
    FrontStyle,
    find_front,
    scalar,
    unix,
)
from mcp_server.content.pages.layout import Blocked, Layout, MarkStyle, Part
from mcp_server.content.pages.mark_lines import unescaped
from mcp_server.content.pages.slug import unique_slugs
from mcp_server.content.text.meta import meta_text
from mcp_server.content.text.outline import headings, marks, merge_line
from mcp_server.content.text.shown import levelled

INTRO = "intro"
"""Of a page that is split by its headings: what stands before the first."""
META = "meta"
"""The usual name of a section in the front matter; no heading may take it."""


@dataclass(frozen=True, slots=True)
class Span:
    """A section's text in a file, and where it stands there.

    `text` has LF alone, no blank lines around it, and its marks without backslashes; of a `meta`
    section it is canonical (`meta_text`).
    """

    text: str
    start: int
    end: int
    line: int
    """Of the first line, beginning with 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageText:
    """A page's file and the sections in it."""

    data: bytes
    layout: Layout
    spans: Mapping[str, Span] = field(default_factory=dict[str, Span])
    """Of the layout's sections, those that are in the file, in the order of the file."""
    strays: Mapping[str, str] = field(default_factory=dict[str, str])
    """Texts of sections that the file has and the layout has not."""
    title: str = ""
    """The front matter's, "" where it has none."""
    front: FrontMatter | None = None
    marked: bool = False
    """Whether the file has a mark that counts."""


class Region(NamedTuple):
    """What stands between two marks, blank lines included."""

    section: str
    start: int
    end: int
    opening: int | None = None
    """Where its mark or heading begins."""


def parse(data: bytes, layout: Layout) -> PageText | Blocked:
    """Return what the file holds, or why it cannot be worked on (P6).

    Without a mark in it, the whole body is the first section beside `meta`. With marks, what stands
    before the first is nobody's.
    """
    opened = _opened(data, layout.marks)
    if isinstance(opened, Blocked):
        return opened
    scan, front, body = opened
    found = regions(scan, body, layout)
    if isinstance(found, Blocked):
        return found
    meta = _meta_spans(data, scan, front, layout)
    if isinstance(meta, Blocked):
        return meta
    spans, strays = dict(meta), dict[str, str]()
    ours = {part.section for part in layout.parts if not part.keys}
    line, at = 1, 0
    for region in found:
        line, at = line + scan.count(b"\n", at, region.start), region.start
        span = span_of(data, scan, region, layout, line)
        if region.section in ours or (layout.split and not ours):
            spans[region.section] = span
        else:
            strays[region.section] = span.text
    return PageText(
        data=data,
        layout=layout,
        spans=spans,
        strays=strays,
        title=front.title if front else "",
        front=front,
        marked=not layout.split and any(region.opening is not None for region in found),
    )


def split_sections(
    data: bytes, *, style: MarkStyle = MarkStyle.HTML, taken: Collection[str] = (META,)
) -> tuple[str, ...]:
    """Return the sections of a file that is split by its second-level headings, in order.

    `intro` is one if something stands before the first heading. `taken` are ids of other sections.
    A file that is blocked has none.
    """
    opened = _opened(data, style)
    if isinstance(opened, Blocked):
        return ()
    scan, _, body = opened
    return tuple(region.section for region in _split(scan, body, style, taken))


def front_value(data: bytes, key: str) -> str | None:
    """Return what a file's front matter says under a key; `None` if that is nothing, or a list."""
    opened = _opened(data, MarkStyle.HTML)
    if isinstance(opened, Blocked) or opened[1] is None:
        return None
    found = next((each for each in opened[1].keys if each.name == key), None)
    return scalar(data, found) if found is not None else None


def regions(scan: bytes, body: int, layout: Layout) -> Sequence[Region] | Blocked:
    """Return what stands between the marks or headings of a file whose body begins at `body`."""
    text_parts = [part.section for part in layout.parts if not part.keys]
    if layout.split:
        taken = {META} | {part.section for part in layout.parts if part.keys}
        return _split(scan, body, layout.marks, taken, keep_intro=INTRO in text_parts)
    found = [m for m in marks(scan, body, layout.page, layout.marks) if not m.backslashes]
    if not found:
        return [Region(section, body, len(scan)) for section in text_parts[:1]]
    seen = set[str]()
    for mark in found:
        if mark.section in seen:
            reason = f"the mark of section {mark.section} stands in it twice"
            return Blocked(reason, line_at(scan, mark.start))
        seen.add(mark.section)
    ends = [*(mark.start for mark in found[1:]), len(scan)]
    return [
        Region(mark.section, min(mark.end + 1, len(scan)), end, mark.start)
        for mark, end in zip(found, ends, strict=True)
    ]


def plain_text(text: str) -> str:
    """Return `text` as a span has it: LF alone, and no blank lines around it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    inner = text.strip()
    if not inner:
        return ""
    at = text.index(inner)
    last = text.find("\n", at + len(inner))
    return text[text.rfind("\n", 0, at) + 1 : last if last >= 0 else None]


def line_at(scan: bytes, position: int) -> int:
    """Return the number of the line at `position`, beginning with 1."""
    return scan.count(b"\n", 0, position) + 1


def _opened(data: bytes, style: MarkStyle) -> tuple[bytes, FrontMatter | None, int] | Blocked:
    """Return the file with its line ends levelled, its front matter, and where its body begins."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return Blocked("it is not UTF-8", line_at(data, error.start))
    scan = levelled(data)
    start = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    front = find_front(data, scan, start, style)
    body = len(scan) if isinstance(front, Blocked) else front.body if front else start
    merge = merge_line(scan, body)
    if merge is not None:
        return Blocked("a merge is under way in it", line_at(scan, merge))
    return front if isinstance(front, Blocked) else (scan, front, body)


def _split(
    scan: bytes,
    body: int,
    style: MarkStyle,
    taken: Collection[str],
    *,
    keep_intro: bool = False,
) -> list[Region]:
    found = headings(scan, body, style)
    ids = unique_slugs([heading.title for heading in found], {INTRO, *taken})
    starts = [heading.start for heading in found] + [len(scan)]
    intro = Region(INTRO, body, starts[0])
    split = [
        Region(id, min(heading.end + 1, len(scan)), end, heading.start)
        for id, heading, end in zip(ids, found, starts[1:], strict=True)
    ]
    has_intro = keep_intro or not found or scan[body : starts[0]].decode().strip()
    return [intro, *split] if has_intro else split


def span_of(data: bytes, scan: bytes, region: Region, layout: Layout, line: int) -> Span:
    """Return the text between two marks; `scan` is `data` with its line ends levelled.

    `line` is the number of the line in which the region begins.
    """
    start, end = trimmed(data, scan, region.start, region.end)
    text = unix(data[start:end]).decode()
    if not layout.split:
        text = unescaped(text, layout.page, layout.marks)
    return Span(text, start, end, line + scan.count(b"\n", region.start, start))


def trimmed(data: bytes, scan: bytes, start: int, end: int) -> tuple[int, int]:
    """Return where the text between `start` and `end` stands, without blank lines around it.

    Where there is none, both are where one would be put: after a blank line.
    """
    chunk = scan[start:end]
    inner = chunk.strip()
    if not inner or not (b" "[0] < inner[0] < 0x80 and b" "[0] < inner[-1] < 0x80):
        inner = chunk.decode().strip().encode()  # there are blanks beyond ASCII
    if not inner:
        point = _empty_point(scan, start, end)
        return point, point
    at = chunk.index(inner)
    last = chunk.find(b"\n", at + len(inner))
    if last >= 0:
        end = start + last
        end -= data[end - 1 : end + 1] == b"\r\n"
    return start + chunk.rfind(b"\n", 0, at) + 1, end


def _empty_point(scan: bytes, start: int, end: int) -> int:
    """Return where a text is put between blank lines; at the beginning of a file, at once."""
    at_start = start in {0, len(codecs.BOM_UTF8)} and scan[:start] in {b"", codecs.BOM_UTF8}
    return start if at_start else scan.find(b"\n", start, end) + 1 or start


def _meta_spans(
    data: bytes, scan: bytes, front: FrontMatter | None, layout: Layout
) -> dict[str, Span] | Blocked:
    """Return the spans of the `meta` sections that have a key in the file."""
    spans: dict[str, Span] = {}
    for part in layout.parts:
        if part.keys and front is not None and front.style is not FrontStyle.HEADER:
            span = _meta_span(data, scan, front, part)
            if isinstance(span, Blocked):
                return span
            if span is not None:
                spans[part.section] = span
    return spans


def _meta_span(data: bytes, scan: bytes, front: FrontMatter, part: Part) -> Span | Blocked | None:
    if front.style is not FrontStyle.YAML:
        reason = f"its front matter is {front.style}, in which section {part.section} can't be kept"
        return Blocked(f"{reason}; {ONLY_YAML}", 1)
    owned = [key for key in front.keys if key.name in part.keys]
    values: dict[str, str] = {}
    for key in owned:
        value = scalar(data, key)
        if value is None or key.name in values:
            why = "has no plain text" if value is None else "comes twice"
            reason = f"`{key.name}` {why} in its front matter; section {part.section} needs one"
            return Blocked(reason, line_at(scan, key.start))
        values[key.name] = value
    if not owned:
        return None
    start, end = owned[0].start, max(key.end for key in owned)
    return Span(meta_text(values, part.keys), start, end, line_at(scan, start))
