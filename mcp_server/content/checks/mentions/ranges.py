"""Ranges, of which one end has the unit: `9–17 Uhr`, `5 or 6 May`, `10 to 12 euros`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from mcp_server.content.checks.mentions.clock import time_quantities
from mcp_server.content.checks.mentions.mention import Mention, Quantity
from mcp_server.content.checks.mentions.reading import GAP

_BETWEEN_MAX = 14
"""Characters between the ends of a range."""
_BETWEEN = re.compile(
    rf"(?:st|nd|rd|th|er|e|\.)?{GAP}{{0,2}}(?:[–—-]|/|,|&|to|till|until|and|or|bis(?: zu)?|und|oder"
    rf"|à|au|et|ou|jusqu['’]à"
    rf"|as well as|sowie|through|and the|und der|und den|et le)"
    rf"(?:{GAP}(?:um|the|den|le|zum))?{GAP}{{0,2}}(?:[€$£])?"
)
_PLAIN = frozenset({"bare", "count", "ordinal"})


def with_ranges(text: str, found: list[Mention]) -> Iterator[Mention]:
    """Give a number the unit of the next one."""
    for index in range(len(found) - 2, -1, -1):
        one, other = found[index], found[index + 1]
        gap = other.start - one.end
        if gap <= _BETWEEN_MAX and _BETWEEN.fullmatch(text, one.end, other.start):
            shared, found[index + 1] = _shared(one, other)
            if text[one.end : other.start].strip() == "à":  # `les six à 6,50 €`
                shared = _with(shared, *one.quantities)
            found[index] = shared
    yield from found


def _shared(one: Mention, other: Mention) -> tuple[Mention, Mention]:
    if _is_bare(one) and not _is_bare(other):
        return _in_terms_of(one, other), other
    if _is_bare(other) and one.kind == "price":
        # `£140 / 100 cards`: what follows a price may be things as well.
        counts = (q for q in other.quantities if q.dimension == "count")
        return one, _with(_in_terms_of(other, one), *counts)
    if one.kind == "time" and other.kind == "number" and _has_only(other, {"bare"}):
        return one, _with(_in_terms_of(other, one), *other.quantities)
    return one, other


def _with(mention: Mention, *quantities: Quantity) -> Mention:
    return replace(mention, quantities=(*mention.quantities, *quantities))


def _has_only(mention: Mention, dimensions: frozenset[str] | set[str]) -> bool:
    return all(q.dimension in dimensions for q in mention.quantities)


def _is_bare(mention: Mention) -> bool:
    return _has_only(mention, _PLAIN) or (
        mention.kind == "time" and any(q.dimension == "bare" for q in mention.quantities)
    )


def _in_terms_of(bare: Mention, other: Mention) -> Mention:
    figures = [q.figure for q in bare.quantities if q.dimension in _PLAIN]
    made = dict.fromkeys(
        quantity for figure in figures for q in other.quantities for quantity in _as(figure, q)
    )
    return replace(bare, kind=other.kind, quantities=tuple(made)) if made else bare


def _as(figure: float, q: Quantity) -> Iterator[Quantity]:
    """Yield what a figure stands for beside a quantity that has a unit."""
    match q.dimension, q.value:
        case "time", _ if figure <= 24 and figure == int(figure):
            exact = q.value == q.figure * 60
            yield from time_quantities(int(figure), 0, exact=exact, figure=figure)
        case "date", (int(year), int(month), _) if figure <= 31:
            yield Quantity("date", (year, month, int(figure)))
        case dimension, float(value) if q.figure > 0 and dimension not in {"time", "weekday"}:
            yield Quantity(dimension, round(figure * value / q.figure, 6), figure)
        case _:
            pass
