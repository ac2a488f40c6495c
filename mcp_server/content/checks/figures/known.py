"""What one source says in figures, and whether it says what a text says. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from mcp_server.content.checks.figures.days import weekday_of
from mcp_server.content.checks.mentions.mention import Date, Mention, Quantity
from mcp_server.content.checks.mentions.phones import is_same_phone, plain_phone

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
_CLOSE_TIME = 0.08
"""The same of what lasts: half an hour may be 28 minutes."""
_MAGNITUDES = ((24.0, 300.0), (100.0, 10_000.0), (1000.0, 1e6), (1e6, 1e9))
"""What dozens, hundreds, thousands and millions may be of."""
_PERCENT = re.compile(
    r"%|percent|per cent|prozent|pour ?cent|pct|\bpc\b|\babv\b|\bvol\b|\balk"
    r"|discount|rabatt|remise|zins"
)
"""Only beside these words a figure alone can be a share."""
_NONE: frozenset[float] = frozenset()


@dataclass(frozen=True, slots=True)
class Known:
    """What one source says in figures."""

    by_dimension: dict[str, frozenset[float]] = field(default_factory=dict[str, frozenset[float]])
    figures: frozenset[float] = frozenset()
    """All numbers as they are written, whatever they count."""
    dates: frozenset[Date] = frozenset()
    phones: frozenset[str] = frozenset()
    runs: frozenset[str] = frozenset()
    """Digits that stand side by side, in all ways in which they can be one telephone number."""
    codes: frozenset[str] = frozenset()
    words: str = ""
    """The source itself in lower case, for figures that are part of a name: `Gate 12`."""

    def of(self, dimension: str) -> frozenset[float]:
        """Return the values of one dimension."""
        return self.by_dimension.get(dimension, _NONE)

    def says(self, mention: Mention) -> bool:
        """Whether this source says one of the things that `mention` may stand for."""
        return any(self._has(q, about=mention.about) for q in mention.quantities)

    def _has(self, q: Quantity, *, about: bool) -> bool:
        match q.dimension, q.value:
            case "phone", str(digits):
                return plain_phone(digits) in self.runs or any(
                    is_same_phone(digits, each) for each in self.phones
                )
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
            (month, day) in named and weekday_of(year, month, day) == weekday
            for year, month, day in self.dates
        )

    def _has_date(self, year: int, month: int, day: int) -> bool:
        def fits(one: int, other: int) -> bool:
            return one == other or not one or not other

        return any(
            m == month and (not day or d == day) and (fits(year, y)) for y, m, d in self.dates
        ) and (not year or float(year) in self.figures or any(y == year for y, _, _ in self.dates))

    def _has_value(  # noqa: PLR0911 -- a case for each dimension
        self, dimension: str, value: float, figure: float, *, about: bool
    ) -> bool:
        match dimension:
            case _ if value in self.of(dimension):
                return True
            case "bare":
                hour = figure * 60 + 720 if 0 < figure <= 12 else -1.0  # `Sat 10–1`
                return figure in self.figures or self._is_day(figure) or hour in self.of("time")
            case "ordinal":
                said = self.of("ordinal") | self.of("count") | self.of("bare")
                return value in said
            case "vague":
                low, high = _MAGNITUDES[int(value)]
                amounts = self.of("count") | self.of("bare")
                return any(low <= each < high for each in amounts if not _is_name(each))
            case "closed" | "time" | "weekday":
                return dimension == "closed" and value in self.of("not open")
            case "age":
                return value in self.of("bare") | self.of("count") | self.of("in a name")
            case "decade":
                years = (each for each in self.figures if is_year(each))
                return any(each % 100 // 10 * 10 == value for each in years)
            case _:
                return self._is_amount(dimension, value, figure, about=about)

    def _is_amount(self, dimension: str, value: float, figure: float, *, about: bool) -> bool:
        """Whether so much of something is said without its unit, or roughly."""
        if dimension == "count" and figure in self.of("ordinal"):
            return True
        others = (round(value / each, 6) for each in _FACTORS.get(dimension, ()))
        has_unit = dimension != "percent" or _PERCENT.search(self.words) is not None
        if has_unit and any(each in self.of("bare") for each in (figure, *others)):
            return True
        if dimension.startswith("money:") and self._is_money(dimension, value):
            return True
        return self._is_close(dimension, value, self.of(dimension), about=about)

    def _is_money(self, dimension: str, value: float) -> bool:
        """Whether so much is said where one of the two has no currency: `14,-`."""
        said = self.by_dimension if dimension == "money:ANY" else {"money:ANY"}
        return any(value in self.of(each) for each in said if each.startswith("money:"))

    def has_between(self, minute: float, seconds: float) -> bool:
        """Whether this source has this time of the day, and another so much earlier or later."""
        times = self.of("time")
        return minute in times and any(
            (minute + sign * seconds / 60) % 1440 in times for sign in (-1, 1)
        )

    def _is_day(self, figure: float) -> bool:
        return any(day == figure for _, _, day in self.dates)

    def _is_close(
        self, dimension: str, value: float, said: frozenset[float], *, about: bool
    ) -> bool:
        """Whether a rounded or converted value is meant: `nearly 50` of 48, 9 miles of 14.5 km."""
        converted = dimension in {"length", "weight", "area", "volume"}
        close = _CLOSE_TIME if dimension == "duration" else _CLOSE
        if not ((about and value >= 10) or converted):
            return False
        near = said | (self.of("bare") if about else _NONE)
        return any(
            abs(value - each) <= close * abs(each) and (about or not _is_round(each, value))
            for each in near
            if not (is_year(each) and each in self.of("bare"))
        )


def _is_round(one: float, other: float) -> bool:
    """Whether two values are in the same system of measures: then they must be equal."""
    return one == round(one, 1) and other == round(other, 1)


def _is_name(figure: float) -> bool:
    """Whether a figure is more likely a year or a postcode than an amount."""
    return is_year(figure) or 10_000 <= figure <= 99_999


def is_year(figure: float) -> bool:
    """Whether a figure can be a year."""
    return 1000 <= figure <= 2199 and figure == int(figure)
