"""What the sources say in figures, and whether they say what a text says. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from mcp_server.content.checks.days import days_a_week, months_between, weekday_of, weekdays_in
from mcp_server.content.checks.derived import derived
from mcp_server.content.checks.mentions import Mention, Quantity
from mcp_server.content.checks.phones import is_same_phone, plain_phone, runs_of
from mcp_server.content.checks.prepare import figures_of
from mcp_server.content.checks.scan import scan
from mcp_server.content.checks.words import MONTHS, UNITS, UNSURE_MONTHS

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


_DAY = 86400.0
_SINGLE = re.compile(
    r"\b(?:an?|one|per|pro|par|la|le|l['’]|je|eine[nrm]?|each|every|chaque|jede[nrms]?"
    r"|une?)[ \u00a0]?([^\W\d_]{3,12})",
    re.IGNORECASE,
)
_ALONE = re.compile(
    r"(?:^|[:\n;|=(€$£]|\b(?:is|are|now|be|ist|sind|jetzt|nun|est|sont|only|nur|auf|to|von|from"
    r"|of|costs?|ca\.?|circa|env\.|environ|approx\.?|roughly|nearly|ungefähr|knapp|gut|kostet|kosten"
    r"|co[uû]te|max\.?|min\.?|maximal|höchstens|mindestens|over|about|around|up|über|etwa|rund|zu"
    r"|à|de|and|und|et|or|oder"
    r"|ou|bis|under|unter|moins de|ab|dès|[–-]))[ \u00a0]*$",
    re.IGNORECASE,
)
"""What stands before a figure that says what a fact is; other figures are part of a name."""
_SHORT_MONTH = re.compile(
    rf"\b({'|'.join(sorted((m.capitalize() for m in UNSURE_MONTHS), key=len, reverse=True))})\b"
)
"""A month in a source, where nobody can be held for it."""
_PRICED = re.compile(
    r"(?:pric|prix|tarif|preis|eintritt|entrée|fee|admission|ticket|karte|carte|billet|plein|réduit"
    r"|normal|ermäßigt|adult|child|erwachsen|kind|enfant|adulte|student|étudiant|concession)"
    r"[^\n;.|]{0,24}(?<=[^\W\d_])[.:]? $",
    re.IGNORECASE,
)
_ENDS = re.compile(r" ?(?:[,;/|)\n]|$)")
"""What stands around a figure that is a price, although it has no currency."""
_STREET = re.compile(r"str(?:aße|asse|\.)")
_PERCENT = re.compile(
    r"%|percent|per cent|prozent|pour ?cent|pct|\bpc\b|\babv\b|\bvol\b|\balk"
    r"|discount|rabatt|remise|zins"
)
"""Only beside these words a figure alone can be a share."""
NONE: frozenset[float] = frozenset()


@dataclass(frozen=True, slots=True)
class Known:
    """What one source says in figures."""

    by_dimension: dict[str, frozenset[float]] = field(default_factory=dict[str, frozenset[float]])
    figures: frozenset[float] = frozenset()
    """All numbers as they are written, whatever they count."""
    dates: frozenset[tuple[int, int, int]] = frozenset()
    phones: frozenset[str] = frozenset()
    runs: frozenset[str] = frozenset()
    """Digits that stand side by side, in all ways in which they can be one telephone number."""
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
                years = (each for each in self.figures if _is_year(each))
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
        near = said | (self.of("bare") if about else NONE)
        return any(
            abs(value - each) <= close * abs(each) and (about or not _is_round(each, value))
            for each in near
            if not (_is_year(each) and each in self.of("bare"))
        )


def _is_round(one: float, other: float) -> bool:
    """Whether two values are in the same system of measures: then they must be equal."""
    return one == round(one, 1) and other == round(other, 1)


def _is_alone(text: str, start: int) -> bool:
    return _ALONE.search(text, max(0, start - 16), start) is not None


def _is_price(text: str, mention: Mention) -> bool:
    """Whether a figure is a price in a list of them: `tickets: full 22, reduced 14`."""
    return (
        _ENDS.match(text, mention.end) is not None
        and _PRICED.search(text, max(0, mention.start - 60), mention.start) is not None
    )


def _singles(text: str) -> Iterator[tuple[str, float]]:
    """Yield one of each unit that stands without a number: `a week`, `pro Nacht`."""
    for found in _SINGLE.finditer(text):
        for unit in UNITS.get(found[1].lower(), ()):
            if unit.dimension != "duration" or unit.factor > _DAY:
                yield unit.dimension, unit.factor


def named(text: str) -> str:
    """Return a text in which names with figures are looked up, in one spelling."""
    return " ".join(_STREET.sub("str", text.lower()).split())


def has_figure(text: str, figure: str) -> bool:
    """Whether a figure stands in a text, alone or in a name: `J18`."""
    place = text.find(figure)
    around = text[place - 1 : place] + text[place + len(figure) : place + len(figure) + 1]
    return place >= 0 and not any(letter.isdecimal() for letter in around)


def is_word_of(text: str, name: str) -> bool:
    """Whether a name stands in a text, and is no part of a longer one."""
    place = text.find(name)
    around = text[place - 1 : place] + text[place + len(name) : place + len(name) + 1]
    return place >= 0 and not any(letter.isalnum() for letter in around)


def _is_name(figure: float) -> bool:
    """Whether a figure is more likely a year or a postcode than an amount."""
    return _is_year(figure) or 10_000 <= figure <= 99_999


def _is_year(figure: float) -> bool:
    return 1000 <= figure <= 2199 and figure == int(figure)


def _is_full_hour(q: Quantity) -> bool:
    """Whether a time is written as an hour: `7 pm`, and the figure can stand alone."""
    return q.value in {q.figure * 60, q.figure * 60 + 720}


def _dimension(name: str, value: float, text: str, mention: Mention) -> str:
    """Return what a figure of a source counts; one in a name counts nothing, an amount does."""
    if name == "count" and not value.is_integer():
        return "bare"
    is_named = (
        name == "bare"
        and value.is_integer()
        and not _is_alone(text, mention.start)
        and not text.startswith(": ", mention.end)  # the name of a fact: `pass 10: 68 €`
    )
    if is_named and _is_price(text, mention):
        return "money:ANY"
    return "in a name" if is_named else name


@lru_cache(maxsize=64)
def known_in(text: str) -> Known:
    """Return what a source says in figures. The same source is read once."""
    read = figures_of(text)
    mentions = scan(read)
    values: dict[str, set[float]] = {}
    figures: set[float] = set()
    for mention in mentions:
        for q in mention.quantities:
            if q.dimension != "time" or _is_full_hour(q):
                figures.add(q.figure)
            if isinstance(q.value, float):
                name = _dimension(q.dimension, q.value, text, mention)
                values.setdefault(name, set()).add(q.value)
    days, closed, others = weekdays_in(text, mentions)
    values["weekday"] = {float(day) for day in days}
    values.setdefault("closed", set()).update(float(day) for day in closed)
    values["days a week"] = {float(count) for count in days_a_week(text, mentions)}
    values["not open"] = {float(day) for day in others}
    if len(days) >= 4:
        values.setdefault("duration", set()).add(len(days) * 86400.0)
    dates = {q.value for m in mentions for q in m.quantities if isinstance(q.value, tuple)}
    dates |= {(0, MONTHS[short.lower()], 0) for short in _SHORT_MONTH.findall(text)}
    dates |= months_between(text, mentions)
    figures |= {float(date[0]) for date in dates if date[0]}
    for name, value in (*_singles(text), *derived(text, mentions)):
        values.setdefault(name, set()).add(value)
    for year in [f for f in figures if _is_year(f)]:
        figures.add(year // 10 * 10)
        values.setdefault("century", set()).add(year // 100 + 1)
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
        runs=frozenset(plain_phone(digits) for _, _, digits in runs_of(text)),
        words=named(text),
        codes=frozenset(
            q.value for m in mentions for q in m.quantities if isinstance(q.value, str)
        ),
    )
