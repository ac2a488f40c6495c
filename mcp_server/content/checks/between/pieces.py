"""A text in pieces that say one thing each: a sentence, an item of a list, a cell. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mcp_server.content.checks.between.subjects import heading_stems, stems_of
from mcp_server.content.checks.words import MONTHS, words

HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t#]*$")
_ITEM = re.compile(r"^[ \t>]{0,20}(?:[-*+]|\d{1,3}[.)])[ \t]+")
_ROW = re.compile(r"^[ \t]{0,3}\|")
_RULE = re.compile(r"^[ \t]{0,3}\|?[ \t:|-]+\|?[ \t]*$")
_SENTENCE_END = re.compile(r"(\w*)[.!?…]+[*_)\"”«»]*(?=\s+[*_(]*(\w*))")
_SHORT_WORDS = frozenset(
    words("dr st nr no mr mrs ca mo di mi do fr sa so bd av str tel inkl zzgl p z b u a i d h")
)
"""After these a dot ends no sentence."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text that says one thing: a sentence, an item, a cell of a table."""

    start: int
    end: int
    label: frozenset[str] | None
    """Of a cell: its row and its column; of others `None`."""
    label_text: str
    is_item: bool
    headings: frozenset[str]
    heading_text: str


def pieces(prose: str) -> Iterator[Piece]:
    at, heading, columns = 0, "", list[str]()
    lines = prose.split("\n")
    paragraph: tuple[int, int] | None = None
    for number, line in enumerate([*lines, ""]):
        start, at = at, at + len(line) + 1
        found = HEADING.match(line)
        is_text = (
            bool(line.strip()) and not found and not _ROW.match(line) and not _ITEM.match(line)
        )
        if paragraph is not None and not is_text:
            yield from _sentences(prose, *paragraph, heading)
            paragraph = None
        if not _ROW.match(line):
            columns = []
        if found:
            heading = found[1]
            yield _piece(start, start + len(line), heading)
        elif _ROW.match(line):
            if _RULE.match(line):
                continue
            cells = [*_cells(line, start)]
            following = lines[number + 1] if number + 1 < len(lines) else ""
            if not columns and _RULE.match(following) and "-" in following:
                columns = [prose[s:e] for s, e in cells]
                continue
            yield from _row(prose, cells, columns, heading)
        elif _ITEM.match(line):
            marker = _ITEM.match(line)
            assert marker is not None
            yield _piece(start + marker.end(), start + len(line), heading, is_item=True)
        elif is_text:
            paragraph = (paragraph[0] if paragraph else start, start + len(line))


def _piece(
    start: int,
    end: int,
    heading: str,
    *,
    label: frozenset[str] | None = None,
    label_text: str = "",
    is_item: bool = False,
) -> Piece:
    return Piece(start, end, label, label_text, is_item, heading_stems(heading), heading)


def _cells(line: str, at: int) -> Iterator[tuple[int, int]]:
    start = line.index("|") + 1
    while start < len(line):
        end = line.find("|", start)
        end = len(line) if end < 0 else end
        yield at + start, at + end
        start = end + 1


def _row(
    prose: str, cells: Sequence[tuple[int, int]], columns: Sequence[str], heading: str
) -> Iterator[Piece]:
    head = prose[slice(*cells[0])] if cells else ""
    for place, (start, end) in enumerate(cells):
        column = columns[place] if place < len(columns) else ""
        text = f"{head} | {column}" if place else ""
        yield _piece(start, end, heading, label=frozenset(stems_of(text)), label_text=text)


def _sentences(prose: str, start: int, end: int, heading: str) -> Iterator[Piece]:
    at = start
    for found in _SENTENCE_END.finditer(prose, start, end):
        if not _ends_sentence(*found.groups()):
            continue
        yield _piece(at, found.end(), heading)
        at = found.end()
    if at < end:
        yield _piece(at, end, heading)


def _ends_sentence(before: str, after: str) -> bool:
    if before.isdigit():  # `4. bis 6. September`
        return after[:1].isupper() and after.lower() not in MONTHS
    return before.lower() not in _SHORT_WORDS
