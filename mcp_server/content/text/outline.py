"""What divides a page's text: marks and second-level headings; and merges under way. Pure."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple

from mcp_server.content.text.jsx import TAG_LINE, OpenElements
from mcp_server.content.text.mark_style import MarkStyle
from mcp_server.content.text.shown import (
    FENCE,
    HIDING,
    LIST_ITEM,
    RULE,
    Shown,
    line_start,
    lines,
)
from mcp_server.entities.entity import is_slug

_MARK = (
    rb"(?P<mark>%(open)s[ \t]*(?P<escape>\\*)section:[ \t]*+"
    rb"(?P<id>[^\n](?:[^ \t\n*-]++|[ \t]++(?!%(close)s[ \t]*+$)|(?!%(close)s[ \t]*+$)[*-])*+)"
    rb"[ \t]*+%(close)s[ \t]*+$)"
)
_ATX = rb"(?P<atx>(?P<atx_indent> {0,3})##(?!\S)[ \t]*(?P<title>[^\n]*)$)"
_UNDERLINE = rb"(?P<underline>(?P<underline_indent> {0,3})-+[ \t]*$)"
_BLOCK_NAMES = (
    b"address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details"
    b"|dialog|dir|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head"
    b"|header|hr|html|iframe|legend|li|link|main|menu|menuitem|nav|noframes|ol|optgroup|option|p"
    b"|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|track|ul"
)
_BLOCK = rb"(?P<block> {0,3}</?(?i:" + _BLOCK_NAMES + rb")(?=[\s/>]|$))"
_MERGE = (rb"(?P<ours><<<<<<< )", rb"(?P<middle>=======[ \t]*$)", rb"(?P<theirs>>>>>>>> )")

_MARKS = {
    MarkStyle.HTML: lines(_MARK % {b"open": rb"<!--", b"close": rb"-->"}, *HIDING[MarkStyle.HTML]),
    MarkStyle.MDX: lines(_MARK % {b"open": rb"\{/\*", b"close": rb"\*/\}"}, *HIDING[MarkStyle.MDX]),
}
_HEADINGS = {
    MarkStyle.HTML: lines(_ATX, _UNDERLINE, *HIDING[MarkStyle.HTML], _BLOCK),
    MarkStyle.MDX: lines(_ATX, _UNDERLINE, *HIDING[MarkStyle.MDX], TAG_LINE),
}
_MERGE_LINES = lines(*_MERGE)
_MERGE_LINES_SHOWN = lines(*_MERGE, FENCE)
_NO_PARAGRAPH = re.compile(rb" {0,3}(?:[>|]|#{1,6}(?:[ \t]|$))")
_BLANK = re.compile(rb"^[ \t]*$", re.MULTILINE)


class Mark(NamedTuple):
    """A line that opens a section, or would if it had no backslashes (`escape` is their place)."""

    section: str
    start: int
    end: int
    """Where the line ends; its line feed comes after that."""
    escape: int
    backslashes: int


class Heading(NamedTuple):
    """A second-level heading; a text of several lines is possible."""

    title: str
    start: int
    end: int


def marks(scan: bytes, start: int, page: str, style: MarkStyle) -> list[Mark]:
    """Return the lines from `start` on that open a section of `page`, or are escaped so as not to.

    The older form, `page/section`, counts where the page is this one. All else is a comment.
    """
    if b"section:" not in scan:
        return []
    found: list[Mark] = []
    for match, _ in Shown(scan, start).lines(_MARKS[style]):
        section = match["id"].decode("utf-8", "replace").removeprefix(f"{page}/")
        if is_slug(section):
            place, backslashes = match.start("escape"), len(match["escape"])
            found.append(Mark(section, line_start(match), match.end(), place, backslashes))
    return found


def headings(scan: bytes, start: int, style: MarkStyle) -> list[Heading]:
    """Return the second-level headings from `start` on that divide the page.

    Those in lists and HTML blocks do not, nor do those in an element of MDX.
    """
    shown, elements = Shown(scan, start), OpenElements()
    found: list[tuple[Heading, frozenset[int]]] = []
    raw_until = start
    for match, floor in shown.lines(_HEADINGS[style]):
        if line_start(match) < raw_until:
            continue
        if match.lastgroup == "block":
            raw_until = _blank_line(scan, match.end())
        elif match.lastgroup == "tag_line":
            elements.line(scan, line_start(match))
        elif heading := _heading(scan, shown, match, floor):
            found.append((heading, elements.now()))
    return [heading for heading, inside in found if inside <= elements.now()]


def left_hidden(scan: bytes, style: MarkStyle) -> str | None:
    """Return what opens a fence, comment or raw HTML that hides all that comes after the text."""
    return Shown(scan + b"\n\n", 0).left_hidden(_MARKS[style])


def merge_line(scan: bytes, body: int) -> int | None:
    """Return where a merge is under way: the place of its `<<<<<<< ` line.

    Its three lines count unless all of them stand in fenced code, as in an example of a merge. In
    a real one a fence may open or close between them.
    """
    if b"<<<<<<< " not in scan or b"\n=======" not in scan or b"\n>>>>>>> " not in scan:
        return None
    shown = {line_start(match) for match, _ in Shown(scan, body).lines(_MERGE_LINES_SHOWN)}
    opened: int | None = None
    divided = outside = False
    for match in _merge_lines(scan):
        if match.lastgroup == "ours":
            opened, divided, outside = line_start(match), False, False
        outside = outside or line_start(match) < body or line_start(match) in shown
        if match.lastgroup == "middle":
            divided = opened is not None
        elif match.lastgroup == "theirs" and divided:
            if outside:
                return opened
            opened, divided = None, False
    return None


def _merge_lines(scan: bytes) -> Iterator[re.Match[bytes]]:
    """Yield the lines that a merge may have left, in code or not."""
    start = len(codecs.BOM_UTF8) if scan.startswith(codecs.BOM_UTF8) else 0
    if first := _MERGE_LINES.here.match(scan, start):
        yield first
    yield from _MERGE_LINES.after.finditer(scan, start)


def _heading(scan: bytes, shown: Shown, match: re.Match[bytes], floor: int) -> Heading | None:
    start = line_start(match)
    indent = match["atx_indent" if match.lastgroup == "atx" else "underline_indent"]
    if indent and shown.in_list(start, len(indent)):
        return None
    if match.lastgroup == "atx":
        title = _without_closing_hashes(match["title"])
        return Heading(title.decode("utf-8", "replace").strip(), start, match.end())
    first = _paragraph(scan, start, floor)
    if first is None:
        return None
    title = scan[first:start].decode("utf-8", "replace")
    return Heading(" ".join(title.split()), first, match.end())


def _without_closing_hashes(title: bytes) -> bytes:
    bare = title.rstrip(b" \t").rstrip(b"#")
    return bare if not bare or bare.endswith((b" ", b"\t")) else title


def _paragraph(scan: bytes, end: int, floor: int) -> int | None:
    """Return where the paragraph begins whose last line ends at `end`; `None` if there is none."""
    first: int | None = None
    while end > floor:
        start = max(scan.rfind(b"\n", 0, end - 1) + 1, floor)
        line = scan[start : end - 1]
        if not line.strip() or RULE.match(line) or _NO_PARAGRAPH.match(line):
            break
        if LIST_ITEM.match(line):
            return None
        first, end = start, start
    # A line indented by four is code, unless it continues a paragraph.
    return None if first is None or scan.startswith((b"    ", b"\t"), first) else first


def _blank_line(scan: bytes, position: int) -> int:
    found = _BLANK.search(scan, position)
    return found.start() if found else len(scan)
