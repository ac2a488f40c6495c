"""Replaces pieces of a text, each where it stands once. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

PLACES_MAX = 5
"""Places of one piece that are shown."""
COUNTED_MAX = 1_000
"""Places that are counted. Long pieces of one letter overlap at every place, and comparing all of
them would take the square of their length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """A piece of a text, and what is to stand there instead."""

    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """Why a text cannot be replaced in: `old` of replacement `number` does not stand there once."""

    number: int
    """Counted from 0."""
    count: int
    """How often it stands there, `COUNTED_MAX` for more; once, where it overlaps with the `old` of another."""
    places: Sequence[str] = ()
    """The first lines that hold it, each with its number: `3: from 80 euros a month`."""

    @property
    def overlaps(self) -> bool:
        """Whether another replacement wants the same letters."""
        return self.count == 1


def replaced(text: str, replacements: Sequence[Replacement]) -> str | Misfit:
    """Return `text` with each `old` replaced, or why it cannot be.

    All are looked for in the text as it is, so their order means nothing.
    """
    spans: list[tuple[int, int, int]] = []
    for number, each in enumerate(replacements):
        starts = list(islice(_starts(text, each.old), COUNTED_MAX))
        if len(starts) != 1:
            return Misfit(number=number, count=len(starts), places=_places(text, starts))
        spans.append((starts[0], starts[0] + len(each.old), number))
    spans.sort()
    for (_, end, _), (start, _, number) in pairwise(spans):
        if start < end:
            return Misfit(number=number, count=1, places=_places(text, [start]))
    for start, end, number in reversed(spans):
        text = text[:start] + replacements[number].new + text[end:]
    return text


def _starts(text: str, old: str) -> Iterator[int]:
    place = text.find(old)
    while place >= 0:
        yield place
        place = text.find(old, place + 1)


def _places(text: str, starts: Sequence[int]) -> Sequence[str]:
    lines = dict.fromkeys(_line(text, start) for start in starts[:PLACES_MAX])
    return tuple(lines)


def _line(text: str, start: int) -> str:
    begin = text.rfind("\n", 0, start) + 1
    end = text.find("\n", start)
    return f"{text.count(chr(10), 0, start) + 1}: {text[begin : end if end >= 0 else len(text)]}"
