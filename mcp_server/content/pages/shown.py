"""The lines of a text that a reader gets to see as text: those in no code and no comment. Pure.

It works on bytes, so that what it finds are places in the file. `levelled` gives a file with any
line ends the same places with LF alone, which all of this expects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mcp_server.content.pages.layout import MarkStyle

LIST_LINES_MAX = 400
"""Lines that are looked at above an indented line to find the list item that it may belong to."""

FENCE = rb"(?P<fence>(?P<indent> {0,3})(?P<ticks>`{3,}(?=[^`\n]*$)|~{3,}))"
_COMMENT = {MarkStyle.HTML: rb"(?P<html> {0,3}<!--)", MarkStyle.MDX: rb"(?P<jsx>[ \t]*\{/\*)"}
_RAW = rb"(?P<raw> {0,3}<(?i:pre|script|style|textarea)(?=[\s>]|$))"
_LIQUID = rb"(?P<liquid>[ \t]*\{%-?[ \t]*(?P<tag>highlight|codeblock|comment)\b)"
_SHORTCODE = rb"(?P<shortcode>[ \t]*\{\{[<%][ \t]*highlight\b)"
HIDING = {
    MarkStyle.HTML: (FENCE, _COMMENT[MarkStyle.HTML], _RAW, _LIQUID, _SHORTCODE),
    MarkStyle.MDX: (FENCE, _COMMENT[MarkStyle.MDX]),
}
"""What begins code or a comment in each format. In MDX, HTML is components, with text in them."""

_CLOSING_TICKS = {
    b"`"[0]: re.compile(rb"^ {0,3}(`{3,})[ \t]*$", re.MULTILINE),
    b"~"[0]: re.compile(rb"^ {0,3}(~{3,})[ \t]*$", re.MULTILINE),
}
_RAW_END = re.compile(rb"</(?i:pre|script|style|textarea)>")
_PAIRED_END = {
    tag: re.compile(rb"\{%-?[ \t]*end" + tag + rb"\b")
    for tag in (b"highlight", b"codeblock", b"comment")
} | {None: re.compile(rb"\{\{[<%][ \t]*/[ \t]*highlight\b")}
RULE = re.compile(rb"[ \t]*([-*_])(?:[ \t]*\1){2,}[ \t]*$")
LIST_ITEM = re.compile(rb"( *)(?:[-+*]|\d{1,9}[.)])(?:([ \t]+)\S|[ \t]*$)")


@dataclass(frozen=True, slots=True)
class Lines:
    """What is looked for at the beginning of a line.

    A search for a line feed is fast, as is looking ahead: few lines begin with such a character.
    """

    here: re.Pattern[bytes]
    after: re.Pattern[bytes]
    """With the line feed before it."""


def lines(*wanted: bytes) -> Lines:
    """Return a search for lines that begin with one of `wanted`, each a group with a name."""
    line = rb"(?=[ \t]*[-<`~{#=>])(?:" + b"|".join(wanted) + rb")"
    return Lines(re.compile(line, re.MULTILINE), re.compile(rb"\n" + line, re.MULTILINE))


def line_start(match: re.Match[bytes]) -> int:
    """Return where the line begins that was found."""
    return match.start(match.lastgroup or 0)


def levelled(data: bytes) -> bytes:
    """Return `data` with LF for every line end and all in its place: CRLF becomes ` LF`."""
    if b"\r" not in data:
        return data
    return data.replace(b"\r\n", b" \n").replace(b"\r", b"\n")


class Shown:
    """Looks for lines in `scan`, from `start` on, that are in no code and no comment."""

    def __init__(self, scan: bytes, start: int) -> None:
        self._scan, self._start = scan, start
        self._unpaired: set[re.Pattern[bytes]] = set()
        self._looked_up: tuple[int, int, bool] = (-1, 0, False)

    def lines(self, wanted: Lines) -> Iterator[tuple[re.Match[bytes], int]]:
        """Yield each match, and where what was found before it ended."""
        position = self._start
        match = wanted.here.match(self._scan, position) or self._next(wanted, position)
        while match:
            hidden = self._hidden(match)
            if hidden is None:
                yield match, position
            position = match.end() if hidden is None else hidden
            match = self._next(wanted, position)

    def left_hidden(self, wanted: Lines) -> str | None:
        """Return what opens code or a comment that goes on to the very end."""
        position = self._start
        match = wanted.here.match(self._scan, position) or self._next(wanted, position)
        while match:
            position = self._hidden(match) or match.end()
            if position == len(self._scan):
                return match[match.lastgroup or 0].decode().strip()
            match = self._next(wanted, position)
        return None

    def in_list(self, position: int, indent: int) -> bool:
        """Whether the line at `position`, indented by `indent`, belongs to a list item above it."""
        first, asked = position, indent
        for _ in range(LIST_LINES_MAX):
            if position <= self._start or indent == 0:
                return self._remember(first, asked, answer=False)
            end = position - 1
            position = max(self._scan.rfind(b"\n", 0, end) + 1, self._start)
            if (position, indent) == self._looked_up[:2]:
                return self._remember(first, asked, answer=self._looked_up[2])
            line = self._scan[position:end]
            blank = len(line) - len(line.lstrip(b" "))
            if not line.strip() or blank >= indent:
                continue
            item = None if RULE.match(line) else LIST_ITEM.match(line)
            if item and _content_column(item) <= indent:
                return self._remember(first, asked, answer=True)
            indent = blank
        return False

    def _remember(self, position: int, indent: int, *, answer: bool) -> bool:
        """Keep the answer for the next line of the same indent: it need not be looked for again."""
        self._looked_up = (position, indent, answer)
        return answer

    def _next(self, wanted: Lines, position: int) -> re.Match[bytes] | None:
        return wanted.after.search(self._scan, position)

    def _hidden(self, match: re.Match[bytes]) -> int | None:
        """Return where the code or comment ends that begins here, `None` if none does."""
        match match.lastgroup:
            case "fence":
                return self._fence_end(match)
            case "html":  # `<!-->` is a whole comment
                return self._closed(b"-->", match.end() - 2)
            case "jsx":
                return self._closed(b"*/}", match.end())
            case "raw":
                closing = _RAW_END.search(self._scan, match.end())
                return self._line_end(closing.end()) if closing else len(self._scan)
            case "liquid" | "shortcode":
                return self._paired(match, _PAIRED_END[match["tag"]])
            case _:
                return None

    def _fence_end(self, match: re.Match[bytes]) -> int:
        """Return where the fenced code ends; in a list item it ends with the item.

        Nothing in a list item divides a page: it is indented, and what is not ends the item. So
        there a fence hides nothing.
        """
        if match["indent"] and self.in_list(line_start(match), len(match["indent"])):
            return match.end()
        ticks = match["ticks"]
        for closing in _CLOSING_TICKS[ticks[0]].finditer(self._scan, match.end()):
            if len(closing[1]) >= len(ticks):
                return closing.end()
        return len(self._scan)

    def _closed(self, closing: bytes, start: int) -> int:
        end = self._scan.find(closing, start)
        return len(self._scan) if end < 0 else self._line_end(end)

    def _paired(self, match: re.Match[bytes], closing: re.Pattern[bytes]) -> int:
        """Return where a paired tag ends; one that is never closed hides nothing."""
        found = closing not in self._unpaired and closing.search(self._scan, match.end())
        if found:
            return self._line_end(found.end())
        self._unpaired.add(closing)
        return match.end()

    def _line_end(self, position: int) -> int:
        end = self._scan.find(b"\n", position)
        return len(self._scan) if end < 0 else end


def _content_column(item: re.Match[bytes]) -> int:
    """Return the column where an item's text begins; code in it begins one after its mark."""
    if item[2] is None:
        return len(item[0].rstrip()) + 1
    space = len(item[2].expandtabs(4))
    return item.start(2) + (space if space <= 4 else 1)
