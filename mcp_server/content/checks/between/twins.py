"""Two sections of which one is a translation of the other, and what they say otherwise. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

from mcp_server.content.checks.between.sides import Side
from mcp_server.content.checks.between.statement import Kind, Statement
from mcp_server.content.checks.between.vectors import likeness

_SHARED_MIN = 2
"""Figures that two translations have in common, beside the one in which they differ."""
_OFTEN = 12
"""Sections that say a figure from which on it tells nothing: `18`."""
_LIKE_MIN = 0.5
"""Cosine below which two sections are of different things, whatever figures they share."""
_COMPARED: tuple[Kind, ...] = ("price", "hours", "time", "date", "phone number")


def differing_twins(
    sides: Sequence[Side],
) -> Iterator[tuple[Side, Statement, Side, Statement]]:
    """Yield the one figure in which two sections in two languages differ that else say the same."""
    for one, other in _candidates(sides):
        found = [pair for kind in _COMPARED for pair in _left(one, other, kind)]
        if len(found) == 1:
            yield one, found[0][0], other, found[0][1]


def _candidates(sides: Sequence[Side]) -> Iterator[tuple[Side, Side]]:
    """Yield sections in two languages that share figures which few others have."""
    by_figure: dict[tuple[str, object], list[int]] = defaultdict(list)
    for place, side in enumerate(sides):
        for dimension, values in side.read.values.items():
            if dimension not in {"weekday", "closed"}:
                for value in values:
                    by_figure[dimension, value].append(place)
    common: Counter[tuple[int, int]] = Counter()
    for places in by_figure.values():
        if len(places) <= _OFTEN:
            common.update(
                (a, b) for a, b in combinations(places, 2) if sides[a].language != sides[b].language
            )
    for (a, b), count in common.items():
        like = likeness(sides[a].vector, sides[b].vector)
        if count < _SHARED_MIN:
            continue
        fewest = min(_figures(sides[a]), _figures(sides[b]))
        if (2 * count >= fewest) if like is None else like >= _LIKE_MIN:
            yield sides[a], sides[b]


def _figures(side: Side) -> int:
    return sum(map(len, side.read.values.values()))


def _left(one: Side, other: Side, kind: Kind) -> Sequence[tuple[Statement, Statement]]:
    """Return the two statements of a kind that are left when those that agree are taken away."""
    ones = [each for each in one.read.statements if each.kind == kind]
    others = [each for each in other.read.statements if each.kind == kind]
    if len(ones) != len(others):
        return ()
    mine = [each for each in ones if not any(each.value & their.value for their in others)]
    theirs = [each for each in others if not any(each.value & my.value for my in ones)]
    if not mine and not theirs:
        return ()
    return (
        [*zip(mine, theirs, strict=False)]
        if len(mine) == len(theirs) == 1
        else [(ones[0], others[0]), (ones[0], others[0])]
    )
