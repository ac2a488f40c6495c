"""The syntax of an existing text that is to survive its redrafting (P14). Pure.

`hide` puts a numbered mark (`⟦1⟧`) in the place of each piece that a site's generator reads: its
template tags, shortcodes, directives, components, raw HTML, code blocks, definitions, footnotes and
images. `show` puts the pieces back. What `hide` returned, `show` makes the text again, byte for
byte, whatever the text is, also where it holds such marks itself: those are pieces, too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, cast

from mcp_server.content.text.syntax_scan import Span, spans_of

MARK = re.compile("⟦[ \t]*([0-9]{1,6})[ \t]*⟧")
"""A piece's mark. A model may put blanks into it."""


@dataclass(frozen=True, slots=True)
class SyntaxPiece:
    """A piece of a text's syntax, as it was written."""

    number: int
    text: str
    alone: bool = False
    """Whether it has its lines to itself, and must have them again."""
    apart: tuple[bool, bool] = (False, False)
    """Whether a blank line was before it, and after it; the ends of a text count as blank."""

    @property
    def mark(self) -> str:
        """What stands for it."""
        return f"⟦{self.number}⟧"


@dataclass(frozen=True, slots=True)
class Hidden:
    """A text with marks in the place of its pieces."""

    text: str
    pieces: tuple[SyntaxPiece, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """Pieces that an answer does not bring back."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Doubled:
    """Pieces that an answer has more than once."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Numbers in an answer that are no piece's."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Misplaced:
    """Pieces that need lines of their own, and stand within others."""

    numbers: tuple[int, ...]


Trouble = Missing | Doubled | Unknown | Misplaced


@lru_cache(maxsize=16)
def hide(text: str, *, mdx: bool = False) -> Hidden:
    """Return `text` with marks for its pieces; `mdx` where it is a text of an `.mdx` file.

    It takes time in proportion to the length of the text.
    """
    spans = _with_marks(text, spans_of(text, mdx=mdx))
    hidden, pieces, place = list[str](), list[SyntaxPiece](), 0
    for number, span in enumerate(spans, start=1):
        piece = SyntaxPiece(number, text[span.start : span.end], span.alone)
        hidden += [text[place : span.start], piece.mark]
        pieces.append(piece)
        place = span.end
    whole = "".join([*hidden, text[place:]])
    return Hidden(whole, tuple(_with_blanks(whole, pieces)))


def show(answer: str, pieces: Sequence[SyntaxPiece]) -> str | Trouble:
    """Return `answer` with its pieces put back, or what keeps them from it."""
    for trouble in troubles([answer], pieces):
        return trouble
    return filled(answer, pieces)


def troubles(texts: Iterable[str], pieces: Sequence[SyntaxPiece]) -> Iterator[Trouble]:
    """Yield what is wrong with the marks in the texts of one answer, `Missing` last."""
    texts = tuple(texts)
    known = {piece.number: piece for piece in pieces}
    count = Counter(int(found[1]) for text in texts for found in MARK.finditer(text))
    if unknown := tuple(sorted(count.keys() - known.keys())):
        yield Unknown(unknown)
    if doubled := tuple(n for n in known if count[n] > 1):
        yield Doubled(doubled)
    if misplaced := tuple(dict.fromkeys(n for text in texts for n in _within_lines(text, known))):
        yield Misplaced(misplaced)
    if missing := tuple(n for n in known if not count[n]):
        yield Missing(missing)


def filled(text: str, pieces: Sequence[SyntaxPiece]) -> str:
    """Return `text` with its pieces put back; marks that are no piece's stay.

    A piece that had a blank line beside it has one again.
    """
    known = {piece.number: piece for piece in pieces}
    shown, place = list[str](), 0
    for found in MARK.finditer(text):
        piece = known.get(int(found[1]))
        if piece is None:
            continue
        start, end = found.span()
        before = after = ""
        if piece.alone and (line := _own_line(text, start, end)) is not None:
            start, end = line
            before = "\n" if piece.apart[0] and not _is_blank_before(text, start) else ""
            after = "\n" if piece.apart[1] and not _is_blank_after(text, end) else ""
        shown += [text[place:start], before, piece.text, after]
        place = end
    return "".join([*shown, text[place:]])


def filled_fields(fields: Mapping[str, Any], pieces: Sequence[SyntaxPiece]) -> dict[str, Any]:
    """Return an answer's fields with their pieces put back, at any depth."""
    return {name: _filled_value(value, pieces) for name, value in fields.items()}


def strings_in(value: object) -> Iterator[str]:
    """Yield the strings in a value of JSON."""
    match value:
        case str():
            yield value
        case Mapping():
            for inner in cast("Mapping[str, object]", value).values():
                yield from strings_in(inner)
        case list() | tuple():
            for inner in cast("Sequence[object]", value):
                yield from strings_in(inner)
        case _:
            pass


def _filled_value(value: object, pieces: Sequence[SyntaxPiece]) -> object:
    match value:
        case str():
            return filled(value, pieces)
        case list():
            return [_filled_value(item, pieces) for item in cast("list[object]", value)]
        case Mapping():
            return filled_fields(cast("Mapping[str, Any]", value), pieces)
        case _:
            return value


def _with_marks(text: str, spans: Sequence[Span]) -> list[Span]:
    """Return the spans and, between them, those of what looks like a mark of ours."""
    found, place = list[Span](), 0
    for span in (*spans, Span(len(text), len(text))):
        found += [Span(*mark.span()) for mark in MARK.finditer(text, place, span.start)]
        if span.start < span.end:
            found.append(span)
        place = span.end
    return found


def _with_blanks(hidden: str, pieces: Sequence[SyntaxPiece]) -> Iterator[SyntaxPiece]:
    """Yield the pieces, each with whether blank lines are beside its mark."""
    for piece, found in zip(pieces, MARK.finditer(hidden), strict=True):
        if not piece.alone:
            yield piece
            continue
        blank = _is_blank_before(hidden, found.start()), _is_blank_after(hidden, found.end())
        yield replace(piece, apart=blank)


def _within_lines(text: str, known: Mapping[int, SyntaxPiece]) -> Iterator[int]:
    for found in MARK.finditer(text):
        piece = known.get(int(found[1]))
        if piece is not None and piece.alone and _own_line(text, *found.span()) is None:
            yield piece.number


def _own_line(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Return the bounds of the line that a mark has to itself, `None` where it has none."""
    first = text.rfind("\n", 0, start) + 1
    last = _line_end(text, end)
    return (first, last) if _is_blank(text[first:start] + text[end:last]) else None


def _is_blank_before(text: str, place: int) -> bool:
    """Whether nothing stands in the line before the one that begins at `place`."""
    return place == 0 or _is_blank(text[text.rfind("\n", 0, place - 1) + 1 : place - 1])


def _is_blank_after(text: str, place: int) -> bool:
    """Whether nothing stands in the line after the one that ends at `place`."""
    return place >= len(text) or _is_blank(text[place + 1 : _line_end(text, place + 1)])


def _line_end(text: str, place: int) -> int:
    end = text.find("\n", place)
    return len(text) if end < 0 else end


def _is_blank(text: str) -> bool:
    return not text.strip(" \t")
