"""Matches the blocks of a Markdown text to the steps of its format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, assert_never

from mcp_server.content.template import FieldType
from mcp_server.content.text.blocks import Block, blocks, headings, quoted
from mcp_server.content.text.format import Format
from mcp_server.content.text.steps import FormatStep, Inline, Paragraphs, Rows


class MarkdownMismatch(ValueError):
    """A text does not follow its template's format; `line` (from 1) is where it departs."""

    def __init__(self, line: int, found: str, expected: str) -> None:
        self.line, self.found, self.expected = line, found, expected
        super().__init__(f"line {line}: found {found} where {expected} was expected")


def match(format: Format, markdown: str) -> dict[str, Any]:
    """Return the fields that stand in `markdown`.

    Raises:
        MarkdownMismatch: the text does not follow the format; says where.
    """
    lines = [line.removesuffix("\r") for line in markdown.removeprefix("\ufeff").split("\n")]
    found = tuple(blocks(lines))
    return _collect(format, lines, found, _path(format, lines, found))


def fits(step: FormatStep, text: str, *, first: bool = True) -> bool:
    """Whether the block `text` fits `step`; `first` unless the step took a block before it."""
    match step:
        case Paragraphs() if step.field.type is FieldType.MARKDOWN:
            return True
        case Paragraphs():
            return next(headings(text), None) is None
        case Inline():
            return step.pattern.read(_trimmed(text)) is not None
        case Rows():
            return step.read(text, first=first) is not None
        case _:
            assert_never(step)


@dataclass(frozen=True, slots=True)
class _Place:
    """A step of the format and a block of the text: everything before them has been matched.

    `inside` where the step has taken at least one block and may take more; `before` is the place
    this one was reached from, `took` whether that was by taking a block.
    """

    step: int
    block: int
    inside: bool
    before: _Place | None
    took: bool


def _path(format: Format, lines: Sequence[str], found: Sequence[Block]) -> list[_Place]:
    """Return the first way through the format that takes every block.

    It is a depth-first search, in order of preference. No (step, block, inside) is visited twice,
    so the cost is bounded by their number. The stack is a list: a long text needs no recursion.
    """
    stack = [_Place(0, 0, inside=False, before=None, took=False)]
    visited: dict[tuple[int, int, bool], _Place] = {}
    while stack:
        place = stack.pop()
        key = (place.step, place.block, place.inside)
        if key in visited:
            continue
        visited[key] = place
        if place.step == len(format.steps) and place.block == len(found):
            return _places_to(place)
        stack += reversed(list(_moves(format, found, place)))  # the preferred move is popped first
    raise _mismatch(format, lines, found, list(visited.values()))


def _moves(format: Format, found: Sequence[Block], place: _Place) -> Iterator[_Place]:
    """Yield where one can go from `place`, the preferred way first."""
    if place.step == len(format.steps):
        return
    step = format.steps[place.step]
    if place.inside:
        yield from _on(format, place, place.block, took=False)
    if place.block < len(found) and fits(step, found[place.block].text, first=not place.inside):
        if isinstance(step, Inline):
            yield from _on(format, place, place.block + 1, took=True)
        else:
            yield _Place(place.step, place.block + 1, inside=True, before=place, took=True)
    if not place.inside:
        yield from _left_out(format, step, place)


def _on(format: Format, place: _Place, block: int, *, took: bool) -> Iterator[_Place]:
    """Yield the step after this one, and where a group ends, the start of its next item."""
    yield _Place(place.step + 1, block, inside=False, before=place, took=took)
    for start, end in format.loops:
        if end == place.step:
            yield _Place(start, block, inside=False, before=place, took=took)


def _left_out(format: Format, step: FormatStep, place: _Place) -> Iterator[_Place]:
    for start, end in format.loops:
        if start == place.step:
            if step.group is not None and not step.group.required:
                yield _Place(end + 1, place.block, inside=False, before=place, took=False)
            return
    if step.optional:
        yield from _on(format, place, place.block, took=False)


def _places_to(place: _Place | None) -> list[_Place]:
    places: list[_Place] = []
    while place is not None:
        places.append(place)
        place = place.before
    return places[::-1]


def _collect(
    format: Format, lines: Sequence[str], found: Sequence[Block], path: Sequence[_Place]
) -> dict[str, Any]:
    """Return the fields along a way through the format."""
    fields: dict[str, Any] = {}
    starts = {start for start, _ in format.loops}
    begun = 0
    for place, after in pairwise(path):
        if not after.took:
            continue
        step, block = format.steps[place.step], found[place.block]
        if step.group is not None and place.step in starts and not place.inside:
            fields.setdefault(step.group.name, []).append({})
        target = fields if step.group is None else fields[step.group.name][-1]
        begun = begun if place.inside else block.start
        match step:
            case Inline():
                target |= step.pattern.read(_trimmed(block.text)) or {}
            case Paragraphs():
                text = "\n".join(lines[begun : block.end])
                is_markdown = step.field.type is FieldType.MARKDOWN  # its indentation is code
                target[step.field.name] = text.rstrip() if is_markdown else text.strip()
            case Rows():
                items = step.read(block.text, first=not place.inside) or []
                target.setdefault(step.list.name, []).extend(items)
            case _:
                assert_never(step)
    return fields


def _mismatch(
    format: Format, lines: Sequence[str], found: Sequence[Block], visited: Sequence[_Place]
) -> MarkdownMismatch:
    """Say where the text departs: at the first block that no way through the format gets past."""
    furthest = max(place.block for place in visited)
    stuck = [place for place in visited if place.block == furthest]
    wanted = [_wanted(format, place) for place in stuck if not place.inside]
    expected = " or ".join(list(dict.fromkeys(wanted))[:3]) or "the end"
    if furthest == len(found):
        return MarkdownMismatch(len(lines), "the end", expected)
    block = found[furthest]
    for place in stuck:
        step = format.steps[place.step] if place.step < len(format.steps) else None
        if isinstance(step, Rows):
            row = step.first_misfit(block.text, first=not place.inside)
            if row > 0:
                line = quoted(block.text.split("\n")[row])
                return MarkdownMismatch(block.start + row + 1, line, quoted(step.row_source))
    return MarkdownMismatch(block.start + 1, quoted(block.text), expected)


def _wanted(format: Format, place: _Place) -> str:
    if place.step == len(format.steps):
        return "the end"
    return quoted(format.steps[place.step].source)


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.split("\n"))
