"""The blocks of a Markdown text: what stands between blank lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mcp_server.excerpt import shortened

SECTION_MARK = re.compile(r"<!--\s*section\s*:", re.IGNORECASE)
"""Opens a section in a page file, so that no text may contain it."""


def section_mark(text: str, before: str = "") -> str | None:
    """Return what in a text would open a section: outside fenced code, and new beside `before`.

    A page about Pressroom shows marks as an example. `None` if there is none.
    """
    if not SECTION_MARK.search(text):
        return None
    fence, known = "", Counter(map(str.strip, before.split("\n")))
    for line in text.split("\n"):
        within, fence = bool(fence), next_fence(fence, line)
        if not (within or fence) and (found := SECTION_MARK.search(line)):
            known[line.strip()] -= 1
            if known[line.strip()] < 0:
                return found[0]
    return None


_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6}(?:\s|$)")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-+)\s*")
_WORDS = re.compile(r"[\w{][^*_`|\[\]()#>~-]*[\w}]|\w")
_SHOWN_MAX = 60


@dataclass(frozen=True, slots=True)
class Block:
    """Lines `start` to `end` (exclusive) of a text that stand between blank lines."""

    start: int
    end: int
    text: str


def blocks(lines: Sequence[str]) -> Iterator[Block]:
    """Yield the blocks of a Markdown text; a fenced code block is never divided."""
    start, fence = None, ""
    for number, line in enumerate(lines):
        fence = next_fence(fence, line)
        if line.strip() or fence:
            start = number if start is None else start
        elif start is not None:
            yield _block(lines, start, number)
            start = None
    if start is not None:
        yield _block(lines, start, len(lines))


def next_fence(fence: str, line: str) -> str:
    """Return the code fence that is open after `line`; `fence` is the one before ("": none)."""
    found = _FENCE.match(line)
    if not fence:
        return found.group(1) if found else ""
    # CommonMark: as many of the same mark or more close it, alone in a line, indented by 3 at most.
    bare = line.strip()
    closes = len(line) - len(line.lstrip()) <= 3 and set(bare) == {fence[0]}
    return "" if closes and len(bare) >= len(fence) else fence


def open_fence(text: str) -> str:
    """Return the code fence that `text` opens and never closes, "" where there is none."""
    fence = ""
    for line in text.split("\n"):
        fence = next_fence(fence, line)
    return fence


def headings(text: str) -> Iterator[str]:
    """Yield the headings in `text`, marked by `#` or underlined, outside fenced code."""
    yield from (line for _, line in levelled_headings(text))


def levelled_headings(text: str) -> Iterator[tuple[int, str]]:
    """Yield the headings in `text` with their levels, 1 to 6."""
    fence, before = "", ""
    for line in text.split("\n"):
        inside = bool(fence)
        fence = next_fence(fence, line)
        if inside or fence:
            before = ""
            continue
        if is_heading(line):
            yield len(line.split(maxsplit=1)[0]), line
        elif before.strip() and _UNDERLINE.fullmatch(line):
            yield 1 if "=" in line else 2, before
        before = line


def is_heading(line: str) -> bool:
    """Whether `line` begins with heading marks."""
    return _HEADING.match(line) is not None


def quoted(text: str) -> str:
    """Return the first line of `text` as it may stand in a message."""
    return f"`{shortened(_first_line(text), _SHOWN_MAX)}`"


def shape(text: str) -> str:
    """Return the first line of `text` with `…` for its words: `- **…**: …`."""
    return quoted(_WORDS.sub("…", _first_line(text)))


def _first_line(text: str) -> str:
    return text.strip().split("\n")[0]


def _block(lines: Sequence[str], start: int, end: int) -> Block:
    return Block(start, end, "\n".join(lines[start:end]))
