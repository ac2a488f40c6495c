"""What a number counts: minutes, euros, guests, or nothing. Pure."""

from __future__ import annotations

import re

from mcp_server.content.checks.mentions.mention import Quantity
from mcp_server.content.checks.mentions.number import Number
from mcp_server.content.checks.mentions.ordinals import CENTURY
from mcp_server.content.checks.mentions.prices import small_money
from mcp_server.content.checks.mentions.reading import GAP, Reading
from mcp_server.content.checks.mentions.units import unit_at, unit_soon
from mcp_server.content.checks.words import UNITS, Unit, words

_DECADE = re.compile(r"(?:s|er)\b")
_AND_A_HALF = re.compile(rf"{GAP}(?:and a half|et demie?|und eine halbe)\b")
_MORE_MINUTES = re.compile(
    rf"\.?,?{GAP}?(?:(?:and|und|et){GAP})?([0-5]?\d){GAP}?(?:minutes?|minuten|min|mn)\b\.?"
)
_NOUN_AFTER = re.compile(rf"(?:{GAP}{{1,2}}|-)[^\W\d_]|[^\W\d_]")
_SOME_WORDS = re.compile(rf"(?:{GAP}{{1,2}}[^\W\d_]{{1,40}}){{1,3}}")
_NO_NOUNS = frozenset(
    words(
        "in at on from until till to im am an auf bei zum zur vom bis mit ab à au aux dans en sur"
        " chez dès and und et or oder ou"
    )
)
"""After these a number counts nothing: `Mill Road 17 in Whitby`."""
_YEAR_PREPOSITIONS = frozenset(
    words("in since until from by en depuis seit jahr année year dès début fin ende anfang mitte")
)

Counted = tuple[tuple[Quantity, ...], int]
"""What a number may stand for, and where it ends with what it counts."""


def counted(reading: Reading, number: Number) -> Counted:
    """Return what a number counts, and where that ends."""
    values = sorted(number.values)
    if century := CENTURY.match(reading.lower, number.end):
        return tuple(Quantity("century", v, v) for v in values), century.end()
    unit = unit_at(reading, number.end) or unit_soon(reading, number.end)
    if unit is not None:
        return _measured(reading, values, *unit)
    if decade := _DECADE.match(reading.lower, number.end):
        made = [Quantity("bare", v, v) for v in values]
        made += [Quantity("decade", v % 100, v) for v in values if v % 10 == 0]
        return tuple(made), decade.end()
    is_count = _has_noun(reading, number) and not _is_date(reading, number)
    dimension = "count" if is_count else "bare"
    return tuple(Quantity(dimension, v, v) for v in values), number.end


def _measured(reading: Reading, values: list[float], units: tuple[Unit, ...], end: int) -> Counted:
    """Return so many of a unit, with what is said beyond: `an hour and a half`, `2 h 30 min`."""
    is_days = reading.lower[end - 5 : end] == "jours" or reading.lower[end - 2 : end] == " j"
    if len(values) == 1 and is_days and values[0] in {8.0, 15.0}:
        values = [values[0], values[0] - 1]  # `quinze jours` are two weeks
    half = _AND_A_HALF.match(reading.lower, end)
    more, end = (0.5, half.end()) if half else (0.0, end)
    found = [
        Quantity(u.dimension, round((v + more) * u.factor, 6), v + more)
        for u in units
        for v in values
    ]
    small, last = small_money(reading, end, units[0].dimension)
    if last != end:
        found = [Quantity(q.dimension, q.figure + small, q.figure + small) for q in found]
    elif units == UNITS["hour"] and (rest := _MORE_MINUTES.match(reading.lower, end)):
        seconds, last = int(rest[1]) * 60, rest.end()
        hours = ((q.dimension, q.value) for q in found if isinstance(q.value, float))
        found = [Quantity(dimension, value + seconds) for dimension, value in hours]
    return tuple(found), last


def _has_noun(reading: Reading, number: Number) -> bool:
    """Whether a noun may follow; German ones have a capital."""
    if _NOUN_AFTER.match(reading.lower, number.end) is None:
        return False
    following = _SOME_WORDS.match(reading.text, number.end)
    if following is None:
        return True
    listed = following[0].split()
    if listed[0].lower() in _NO_NOUNS:
        return False
    return not reading.is_german or any(word[0].isupper() for word in listed)


def _is_date(reading: Reading, number: Number) -> bool:
    """Whether it is a year: `In 1932 a teacher`, `als er 1932 seine Schule`."""
    if not number.in_digits or not number.is_year:
        return False
    following = _SOME_WORDS.match(reading.text, number.end)
    before = reading.preceding(number.end - len(number.digits))
    is_verb = following is not None and following[0].split()[0][0].islower()
    return before in _YEAR_PREPOSITIONS or (reading.is_german and is_verb)
