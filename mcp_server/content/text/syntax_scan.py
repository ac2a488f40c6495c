"""Finds the spans of a Markdown text that hold syntax of a site's generator. Pure.

It reads from left to right: at the start of a line what takes whole lines (`syntax_lines`), within
lines the rest (`syntax_spans`). A span that it takes for syntax and is none costs nothing but that
a model cannot reword it; so where readers of Markdown differ, it is taken for syntax.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mcp_server.content.text.syntax_lines import LineReader
from mcp_server.content.text.syntax_source import Source
from mcp_server.content.text.syntax_spans import read_span

_CANDIDATE = re.compile(r"[\\`{<\[]|!\[|\$\$")


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to before `end`; `alone` where it takes whole lines and needs them."""

    start: int
    end: int
    alone: bool = False


def spans_of(text: str, *, mdx: bool = False) -> Sequence[Span]:
    """Return the spans of syntax in `text`, in their order; no two touch within a line."""
    return tuple(_joined(_widened(text, _found(text, mdx=mdx))))


def _found(text: str, *, mdx: bool) -> Iterator[Span]:
    lines, source = LineReader(text, mdx=mdx), Source(text, mdx=mdx)
    place = line_end = 0
    while place < len(text):
        if place == 0 or text[place - 1] == "\n":
            end = lines.block_at(place)
            if end is not None:
                yield Span(place, end, alone=True)
                place = end + 1
                continue
        if place >= line_end:
            line_end = _line_end(text, place)
        found = _CANDIDATE.search(text, place, line_end)
        if found is None:
            place = line_end + 1
            continue
        read = read_span(source, found.start())
        if read.start < read.end:
            yield Span(read.start, read.end, alone=read.is_block)
        place = max(read.goes_on, found.start() + 1)


def _widened(text: str, spans: Iterator[Span]) -> Iterator[Span]:
    """Yield spans joined within their lines, and over the whole line where nothing else is in it.

    What needs no line of its own keeps its place in the line.
    """
    last: Span | None = None
    for span in spans:
        if last is not None and not text[last.end : span.start].strip(" \t"):
            last = Span(last.start, span.end, last.alone and span.alone)
            continue
        if last is not None:
            yield _over_line(text, last)
        last = span
    if last is not None:
        yield _over_line(text, last)


def _over_line(text: str, span: Span) -> Span:
    if not span.alone:
        return span
    first, last = text.rfind("\n", 0, span.start) + 1, _line_end(text, span.end)
    if text[first : span.start].strip(" \t") or text[span.end : last].strip(" \t"):
        return Span(span.start, span.end)
    return Span(first, last, alone=True)


def _joined(spans: Iterator[Span]) -> Iterator[Span]:
    """Yield spans; those that take neighbouring lines are one."""
    last: Span | None = None
    for span in spans:
        if last is not None and last.alone and span.alone and span.start == last.end + 1:
            last = Span(last.start, span.end, alone=True)
            continue
        if last is not None:
            yield last
        last = span
    if last is not None:
        yield last


def _line_end(text: str, place: int) -> int:
    end = text.find("\n", place)
    return len(text) if end < 0 else end
