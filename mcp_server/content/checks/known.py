"""What the sources say in figures, and whether they say what a text says. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from mcp_server.content.checks.mentions import Mention, Quantity
from mcp_server.content.checks.phones import is_same_phone
from mcp_server.content.checks.prepare import figures_of
from mcp_server.content.checks.scan import scan
from mcp_server.content.checks.words import UNITS

_FACTORS: dict[str, tuple[float, ...]] = {
    "duration": (60.0, 3600.0, 86400.0, 604800.0),
    "calendar": (1.0, 12.0),
    "length": (1.0, 1000.0),
    "weight": (1.0, 1000.0),
    "volume": (0.001, 1.0),
    "money:EUR": (0.01, 1.0), "money:USD": (0.01, 1.0), "money:GBP": (0.01, 1.0),
}  # fmt: skip
"""Units in which a bare figure may have been meant: `minutes: 90` is an hour and a half."""
_CLOSE = 0.05
"""How far `about` may be off, and a measure that was converted."""
_MAGNITUDES = ((24.0, 300.0), (100.0, 10_000.0), (1000.0, 1e6), (1e6, 1e9))
"""What dozens, hundreds, thousands and millions may be of."""
_WEEKDAY_RANGE = re.compile(
    r"[ \u00a0]?(?:[–—-]|to|till|until|through|thru|bis|au|à|jusqu['’]au)[ \u00a0](?:le )?|[–—-]",
    re.IGNORECASE,
)
_DAILY = re.compile(
    r"\b(?:daily|every day|täglich|jeden tag|alle tage|tous les jours|chaque jour|seven days"
    r"|7 days|7j/7|7/7|24/7)\b",
    re.IGNORECASE,
)
_WEEKEND = re.compile(r"\b(?:weekends?|wochenenden?|week-ends?)\b", re.IGNORECASE)
_WEEKDAYS = re.compile(
    r"\b(?:weekdays?|werktags?|werktagen?|wochentags|en semaine|jours ouvrés)\b", re.IGNORECASE
)


_DAY = 86400.0
_SINGLE = re.compile(
    r"\b(?:an?|one|per|pro|par|la|le|l['’]|je|eine[nrm]?|each|every|chaque|jede[nrms]?"
    r"|une?)[ \u00a0]?([^\W\d_]{3,12})",
    re.IGNORECASE,
)
_ALONE = re.compile(
    r"(?:^|[:\n;|=(€$£]|\b(?:is|are|now|be|ist|sind|jetzt|nun|est|sont|only|nur|auf|to|von|from"
    r"|of|costs?|kostet|kosten"
    r"|co[uû]te|max\.?|min\.?|maximal|höchstens|mindestens|over|about|around|up|über|etwa|rund|zu"
    r"|à|de|and|und|et|or|oder"
    r"|ou|bis|[–-]))[ \u00a0]*$",
    re.IGNORECASE,
)
"""What stands before a figure that says what a fact is; other figures are part of a name."""
NONE: frozenset[float] = frozenset()


@dataclass(frozen=True, slots=True)
class Known:
    """What one source says in figures."""

    by_dimension: dict[str, frozenset[float]] = field(default_factory=dict[str, frozenset[float]])
    figures: frozenset[float] = frozenset()
    """All numbers as they are written, whatever they count."""
    dates: frozenset[tuple[int, int, int]] = frozenset()
    phones: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    words: str = ""
    """The source itself in lower case, for figures that are part of a name: `Gate 12`."""

    def of(self, dimension: str) -> frozenset[float]:
        """Return the values of one dimension."""
        return self.by_dimension.get(dimension, NONE)

    def says(self, mention: Mention) -> bool:
        """Whether this source says one of the things that `mention` may stand for."""
        return any(self._has(q, about=mention.about) for q in mention.quantities)

    def _has(self, q: Quantity, *, about: bool) -> bool:
        match q.dimension, q.value:
            case "phone", str(digits):
                return any(is_same_phone(digits, each) for each in self.phones)
            case "code", str(written):
                return written in self.codes
            case "date", (int(year), int(month), int(day)):
                return self._has_date(year, month, day)
            case dimension, float(value) | int(value):
                return self._has_value(dimension, float(value), q.figure, about=about)
            case _:
                return False

    def falls_on(self, mention: Mention, weekday: float) -> bool:
        """Whether a date of this source that `mention` names falls on this day of the week."""
        named = {q.value[1:] for q in mention.quantities if isinstance(q.value, tuple)}
        return any(
            (month, day) in named and _weekday_of(year, month, day) == weekday
            for year, month, day in self.dates
        )

    def _has_date(self, year: int, month: int, day: int) -> bool:
        def fits(one: int, other: int) -> bool:
            return one == other or not one or not other

        return any(
            m == month and (not day or d == day) and (fits(year, y)) for y, m, d in self.dates
        ) and (not year or float(year) in self.figures or any(y == year for y, _, _ in self.dates))

    def _has_value(self, dimension: str, value: float, figure: float, *, about: bool) -> bool:
        match dimension:
            case _ if value in self.of(dimension):
                return True
            case "bare":
                return figure in self.figures or self._is_day(figure)
            case "ordinal":
                return value in self.of("count") | self.of("bare") or self._is_day(figure)
            case "vague":
                low, high = _MAGNITUDES[int(value)]
                amounts = self.of("count") | self.of("bare")
                return any(low <= each < high for each in amounts if not _is_name(each))
            case "closed" | "time" | "weekday":
                return dimension == "closed" and value in self.of("not open")
            case _:
                return self._is_amount(dimension, value, figure, about=about)

    def _is_amount(self, dimension: str, value: float, figure: float, *, about: bool) -> bool:
        """Whether so much of something is said without its unit, or roughly."""
        if dimension == "count" and figure in self.of("ordinal"):
            return True
        others = (round(value / each, 6) for each in _FACTORS.get(dimension, ()))
        if any(each in self.of("bare") for each in (figure, *others)):
            return True
        return self._is_close(dimension, value, self.of(dimension), about=about)

    def _is_day(self, figure: float) -> bool:
        return any(day == figure for _, _, day in self.dates)

    def _is_close(
        self, dimension: str, value: float, said: frozenset[float], *, about: bool
    ) -> bool:
        """Whether a rounded or converted value is meant: `nearly 50` of 48, 9 miles of 14.5 km."""
        converted = dimension in {"length", "weight", "area", "volume"}
        if not ((about and value >= 10) or converted):
            return False
        near = said | (self.of("bare") if about else NONE)
        return any(
            abs(value - each) <= _CLOSE * abs(each) and (about or not _is_round(each, value))
            for each in near
            if not (_is_year(each) and each in self.of("bare"))
        )


def _is_round(one: float, other: float) -> bool:
    """Whether two values are in the same system of measures: then they must be equal."""
    return one == round(one, 1) and other == round(other, 1)


def _is_alone(text: str, start: int) -> bool:
    return _ALONE.search(text, max(0, start - 16), start) is not None


def _singles(text: str) -> Iterator[tuple[str, float]]:
    """Yield one of each unit that stands without a number: `a week`, `pro Nacht`."""
    for found in _SINGLE.finditer(text):
        for unit in UNITS.get(found[1].lower(), ()):
            if unit.dimension != "duration" or unit.factor > _DAY:
                yield unit.dimension, unit.factor


def _weekday_of(year: int, month: int, day: int) -> int | None:
    try:
        return date(year, month, day).weekday()
    except ValueError:  # no such day, or no year
        return None


def _is_name(figure: float) -> bool:
    """Whether a figure is more likely a year or a postcode than an amount."""
    return _is_year(figure) or 10_000 <= figure <= 99_999


def _is_year(figure: float) -> bool:
    return 1000 <= figure <= 2199 and figure == int(figure)


@lru_cache(maxsize=64)
def known_in(text: str) -> Known:
    """Return what a source says in figures. The same source is read once."""
    read = figures_of(text)
    mentions = scan(read)
    values: dict[str, set[float]] = {}
    figures: set[float] = set()
    for mention in mentions:
        for q in mention.quantities:
            figures.add(q.figure)
            if isinstance(q.value, float):
                alone = q.dimension != "bare" or _is_alone(text, mention.start)
                values.setdefault(q.dimension if alone else "in a name", set()).add(q.value)
    days = _weekdays(text, mentions)
    values["weekday"] = {float(day) for day in days}
    if len(days) >= 4:
        values["not open"] = {float(day) for day in range(7) if day not in days}
        values.setdefault("duration", set()).add(len(days) * 86400.0)
    dates = {q.value for m in mentions for q in m.quantities if isinstance(q.value, tuple)}
    dates |= _months_between(text, mentions)
    figures |= {float(date[0]) for date in dates if date[0]}
    for name, value in _singles(text):
        values.setdefault(name, set()).add(value)
    for year in [f for f in figures if _is_year(f)]:
        figures |= {year // 10 * 10, year // 100 + 1}
        values.setdefault("bare", set()).add(year // 100 + 1)
    return Known(
        by_dimension={name: frozenset(each) for name, each in values.items()},
        figures=frozenset(figures),
        dates=frozenset(dates),
        phones=frozenset(
            q.value
            for m in mentions
            for q in m.quantities
            if isinstance(q.value, str) and q.dimension == "phone"
        )
        | frozenset(
            re.sub(r"\D", "", run) for run in re.findall(r"\+?\d[\d ()/.–-]{5,24}\d", text)
        ),
        words=" ".join(text.lower().split()),
        codes=frozenset(
            q.value for m in mentions for q in m.quantities if isinstance(q.value, str)
        ),
    )


def _weekdays(text: str, mentions: Sequence[Mention]) -> set[int]:
    found = [
        (m.start, m.end, int(q.value))
        for m in mentions
        for q in m.quantities
        if q.dimension == "weekday" and isinstance(q.value, float)
    ]
    days = {day for _, _, day in found}
    for (_, end, first), (start, _, last) in itertools.pairwise(found):
        if start - end <= 16 and _WEEKDAY_RANGE.fullmatch(text, end, start):
            days |= {day % 7 for day in range(first, (last if last >= first else last + 7) + 1)}
    if _DAILY.search(text):
        days |= set(range(7))
    if _WEEKEND.search(text):
        days |= {5, 6}
    if _WEEKDAYS.search(text):
        days |= set(range(5))
    return days


def _months_between(text: str, mentions: Sequence[Mention]) -> set[tuple[int, int, int]]:
    found = [
        (m.start, m.end, q.value[1])
        for m in mentions
        for q in m.quantities[:1]
        if isinstance(q.value, tuple) and q.dimension == "date" and not q.value[2]
    ]
    months: set[tuple[int, int, int]] = set()
    for (_, end, first), (start, _, last) in itertools.pairwise(found):
        if start - end <= 16 and _WEEKDAY_RANGE.fullmatch(text, end, start):
            months |= {
                (0, (m - 1) % 12 + 1, 0)
                for m in range(first, (last if last >= first else last + 12) + 1)
            }
    return months
