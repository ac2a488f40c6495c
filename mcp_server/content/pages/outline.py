"""What divides a page's text: marks and second-level headings, outside code and comments. Pure.

It works on bytes, so that what it finds are places in the file. `levelled` gives a file with any
line ends the same places with LF alone, which all of this expects.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mcp_server.content.pages.layout import MarkStyle
from mcp_server.entities.entity import is_slug

LIST_LINES_MAX = 400
"""Lines that are looked at above an indented line to find the list item that it may belong to."""

_MARK = rb"(?P<mark>^%s[ \t]*(?P<escape>\\*)section:[ \t]*(?P<id>[^\n]+?)[ \t]*%s[ \t]*$)"
_FENCE = rb"(?P<fence>^(?P<indent> {0,3})(?P<ticks>`{3,}(?=[^`\n]*$)|~{3,}))"
_LIQUID = rb"(?P<liquid>^[ \t]*\{%-?[ \t]*(?P<tag>highlight|codeblock|comment)\b)"
_SHORTCODE = rb"(?P<shortcode>^[ \t]*\{\{[<%][ \t]*highlight\b)"
_COMMENT = {MarkStyle.HTML: rb"(?P<html>^ {0,3}<!--)", MarkStyle.MDX: rb"(?P<jsx>^[ \t]*\{/\*)"}
_RAW = rb"(?P<raw>^ {0,3}<(?i:pre|script|style|textarea)(?=[\s>]|$))"
_ATX = rb"(?P<atx>^(?P<atx_indent> {0,3})##(?!\S)[ \t]*(?P<title>[^\n]*)$)"
_UNDERLINE = rb"(?P<underline>^(?P<underline_indent> {0,3})-+[ \t]*$)"
_BLOCK_NAMES = (
    b"address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details"
    b"|dialog|dir|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head"
    b"|header|hr|html|iframe|legend|li|link|main|menu|menuitem|nav|noframes|ol|optgroup|option|p"
    b"|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|track|ul"
)
_BLOCK = rb"(?P<block>^ {0,3}</?(?i:" + _BLOCK_NAMES + rb")(?=[\s/>]|$))"

_CLOSING_TICKS = {
    b"`"[0]: re.compile(rb"^ {0,3}(`{3,})[ \t]*$", re.MULTILINE),
    b"~"[0]: re.compile(rb"^ {0,3}(~{3,})[ \t]*$", re.MULTILINE),
}
_RAW_END = re.compile(rb"</(?i:pre|script|style|textarea)>")
_LIQUID_END = {
    tag: re.compile(rb"\{%-?[ \t]*end" + tag + rb"\b")
    for tag in (b"highlight", b"codeblock", b"comment")
}
_SHORTCODE_END = re.compile(rb"\{\{[<%][ \t]*/[ \t]*highlight\b")
_LIST_ITEM = re.compile(rb"( *)(?:[-+*]|\d{1,9}[.)])(?:([ \t]+)\S|[ \t]*$)")
_RULE = re.compile(rb"[ \t]*([-*_])(?:[ \t]*\1){2,}[ \t]*$")
_NO_PARAGRAPH = re.compile(rb" {0,3}(?:[>|]|#{1,6}(?:[ \t]|$))")
_CLOSING_HASHES = re.compile(rb"(?:[ \t]+|^)#+[ \t]*$")


@dataclass(frozen=True, slots=True)
class Mark:
    """A line that opens a section, or would if it had no backslashes (`escape` is their place)."""

    section: str
    start: int
    end: int
    """Where the line ends; its line feed comes after that."""
    escape: int
    backslashes: int


@dataclass(frozen=True, slots=True)
class Heading:
    """A second-level heading; a text of several lines is possible."""

    title: str
    start: int
    end: int


def levelled(data: bytes) -> bytes:
    """Return `data` with LF for every line end and all in its place: CRLF becomes ` LF`."""
    if b"\r" not in data:
        return data
    return data.replace(b"\r\n", b" \n").replace(b"\r", b"\n")


def marks(scan: bytes, start: int, page: str, style: MarkStyle) -> list[Mark]:
    """Return the lines from `start` on that open a section of `page`, or are escaped so as not to.

    The older form, `page/section`, counts where the page is this one. All else is a comment.
    """
    if b"section:" not in scan:
        return []
    found: list[Mark] = []
    for match, _ in _outside(scan, start, _MARKS[style]):
        section = match["id"].decode("utf-8", "replace").removeprefix(f"{page}/")
        if is_slug(section):
            backslashes = len(match["escape"])
            found.append(
                Mark(section, match.start(), match.end(), match.start("escape"), backslashes)
            )
    return found


def headings(scan: bytes, start: int, style: MarkStyle) -> list[Heading]:
    """Return the second-level headings from `start` on, those in lists and HTML blocks left out."""
    found: list[Heading] = []
    raw_until = start
    for match, floor in _outside(scan, start, _HEADINGS[style]):
        if match.lastgroup == "block":
            raw_until = max(raw_until, _blank_line(scan, match.end()))
        elif match.start() >= raw_until and (heading := _heading(scan, match, floor, start)):
            found.append(heading)
    return found


def merge_line(scan: bytes, body: int) -> int | None:
    """Return where a merge is under way: the place of its `<<<<<<< ` line.

    The three lines count in the front matter and, outside fenced code, in the body.
    """
    if b"<<<<<<< " not in scan or b"\n=======" not in scan or b"\n>>>>>>> " not in scan:
        return None
    lines = [*_MERGE.finditer(scan, 0, body), *(m for m, _ in _outside(scan, body, _MERGE_FENCED))]
    opened: int | None = None
    divided = False
    for match in lines:
        if match.lastgroup == "ours":
            opened, divided = match.start(), False
        elif match.lastgroup == "middle":
            divided = opened is not None
        elif divided:
            return opened
    return None


def _outside(
    scan: bytes, start: int, wanted: re.Pattern[bytes]
) -> Iterator[tuple[re.Match[bytes], int]]:
    """Yield each match that is in no fence and no comment, and where the one before it ended."""
    position = start
    while match := wanted.search(scan, position):
        hidden = _HIDDEN.get(match.lastgroup or "")
        if hidden is None:
            yield match, position
            position = match.end()
        else:
            position = hidden(scan, match, start)


def _fence_end(scan: bytes, match: re.Match[bytes], start: int) -> int:
    """Return where the fenced code ends; in a list item it ends with the item, and hides nothing.

    Nothing in a list item divides a page: it is indented, and what is not ends the item.
    """
    if match["indent"] and _in_list(scan, match.start(), len(match["indent"]), start):
        return match.end()
    ticks = match["ticks"]
    for closing in _CLOSING_TICKS[ticks[0]].finditer(scan, match.end()):
        if len(closing[1]) >= len(ticks):
            return closing.end()
    return len(scan)


def _html_comment_end(scan: bytes, match: re.Match[bytes], start: int) -> int:
    """Return where the line ends in which the comment does; `<!-->` is a whole one."""
    del start
    end = scan.find(b"-->", match.end() - 2)
    return len(scan) if end < 0 else _line_end(scan, end)


def _jsx_comment_end(scan: bytes, match: re.Match[bytes], start: int) -> int:
    del start
    end = scan.find(b"*/}", match.end())
    return len(scan) if end < 0 else _line_end(scan, end)


def _raw_end(scan: bytes, match: re.Match[bytes], start: int) -> int:
    del start
    closing = _RAW_END.search(scan, match.end())
    return _line_end(scan, closing.end()) if closing else len(scan)


def _liquid_end(scan: bytes, match: re.Match[bytes], start: int) -> int:
    del start
    return _end_of(scan, match, _LIQUID_END[match["tag"]])


def _shortcode_end(scan: bytes, match: re.Match[bytes], start: int) -> int:
    del start
    return _end_of(scan, match, _SHORTCODE_END)


def _end_of(scan: bytes, match: re.Match[bytes], closing: re.Pattern[bytes]) -> int:
    """Return where a paired tag ends; one that is never closed hides nothing."""
    found = closing.search(scan, match.end())
    return _line_end(scan, found.end()) if found else match.end()


def _heading(scan: bytes, match: re.Match[bytes], floor: int, start: int) -> Heading | None:
    indent = match["atx_indent" if match.lastgroup == "atx" else "underline_indent"]
    if indent and _in_list(scan, match.start(), len(indent), start):
        return None
    if match.lastgroup == "atx":
        title = _CLOSING_HASHES.sub(b"", match["title"])
        return Heading(title.decode("utf-8", "replace").strip(), match.start(), match.end())
    first = _paragraph(scan, match.start(), floor)
    if first is None:
        return None
    title = scan[first : match.start()].decode("utf-8", "replace")
    return Heading(" ".join(title.split()), first, match.end())


def _paragraph(scan: bytes, end: int, floor: int) -> int | None:
    """Return where the paragraph begins whose last line ends at `end`; `None` if there is none."""
    first: int | None = None
    while end > floor:
        start = max(scan.rfind(b"\n", 0, end - 1) + 1, floor)
        line = scan[start : end - 1]
        if not line.strip() or _RULE.match(line) or _NO_PARAGRAPH.match(line):
            break
        if _LIST_ITEM.match(line):
            return None
        first, end = start, start
    # A line indented by four is code, unless it continues a paragraph.
    return None if first is None or scan.startswith((b"    ", b"\t"), first) else first


def _in_list(scan: bytes, position: int, indent: int, floor: int) -> bool:
    """Whether the line at `position`, indented by `indent`, belongs to a list item above it."""
    for _ in range(LIST_LINES_MAX):
        if position <= floor or indent == 0:
            return False
        end = position - 1
        position = max(scan.rfind(b"\n", 0, end) + 1, floor)
        line = scan[position:end]
        blank = len(line) - len(line.lstrip(b" "))
        if not line.strip() or blank >= indent:
            continue
        item = None if _RULE.match(line) else _LIST_ITEM.match(line)
        if item and _content_column(item) <= indent:
            return True
        indent = blank
    return False


def _content_column(item: re.Match[bytes]) -> int:
    """Return the column where an item's text begins; code in it begins one after its mark."""
    if item[2] is None:
        return len(item[0].rstrip()) + 1
    space = len(item[2].expandtabs(4))
    return item.start(2) + (space if space <= 4 else 1)


def _line_end(scan: bytes, position: int) -> int:
    end = scan.find(b"\n", position)
    return len(scan) if end < 0 else end


def _blank_line(scan: bytes, position: int) -> int:
    found = _BLANK.search(scan, position)
    return found.start() if found else len(scan)


def _compiled(*parts: bytes) -> re.Pattern[bytes]:
    return re.compile(b"|".join(parts), re.MULTILINE)


_HIDDEN: dict[str, Callable[[bytes, re.Match[bytes], int], int]] = {
    "fence": _fence_end,
    "html": _html_comment_end,
    "jsx": _jsx_comment_end,
    "raw": _raw_end,
    "liquid": _liquid_end,
    "shortcode": _shortcode_end,
}
_HIDING = {
    MarkStyle.HTML: (_FENCE, _COMMENT[MarkStyle.HTML], _RAW, _LIQUID, _SHORTCODE),
    MarkStyle.MDX: (_FENCE, _COMMENT[MarkStyle.MDX]),
}
_MARKS = {
    MarkStyle.HTML: _compiled(_MARK % (rb"<!--", rb"-->"), *_HIDING[MarkStyle.HTML]),
    MarkStyle.MDX: _compiled(_MARK % (rb"\{/\*", rb"\*/\}"), *_HIDING[MarkStyle.MDX]),
}
_HEADINGS = {
    MarkStyle.HTML: _compiled(_ATX, _UNDERLINE, *_HIDING[MarkStyle.HTML], _BLOCK),
    MarkStyle.MDX: _compiled(_ATX, _UNDERLINE, *_HIDING[MarkStyle.MDX]),
}
_MERGE_LINES = (
    rb"(?P<ours>^<<<<<<< )",
    rb"(?P<middle>^=======[ \t]*$)",
    rb"(?P<theirs>^>>>>>>> )",
)
_MERGE = _compiled(*_MERGE_LINES)
_MERGE_FENCED = _compiled(*_MERGE_LINES, _FENCE)
_BLANK = re.compile(rb"^[ \t]*$", re.MULTILINE)
