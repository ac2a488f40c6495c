"""What follows from two figures that stand side by side in a source. Pure.

Only from those: what any two figures of a source make together would be nearly everything.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from mcp_server.content.checks.figures.days import RANGE, days_between
from mcp_server.content.checks.mentions.mention import Mention

_ORDINAL = re.compile(
    r"(?<![\d.,:/])(\d{1,3})(?:\.(?=[ \u00a0][^\W\d_])|(?:st|nd|rd|th|ers?|ère|è?me|es?|ième)\b)"
)
_TIMES_APART = re.compile(
    r"\.?[ \u00a0]?(?:[–—-]|to|till|until|bis|à|jusqu['’]à|and|und|et)(?: um)?[ \u00a0]|[–—-]",
    re.IGNORECASE,
)
_BARE_RANGE = re.compile(r"\.?:?,?[ \u00a0](?:from |von |de )?")
ALWAYS = re.compile(
    r"\b24 ?/ ?7|\b24 ?h(?:eures)? ?(?:/|sur) ?24\b|vingt-quatre heures sur vingt-quatre"
    r"|\b24 hours a day|\b24 stunden am tag|\b24[- ]?hour (?:service|desk|reception)",
    re.IGNORECASE,
)
"""Said in figures: at any time."""
ALWAYS_SAID = re.compile(
    rf"{ALWAYS.pattern}|\b(?:24 ?h\b|24 (?:hours|stunden|heures)|rund um die uhr|round the clock"
    r"|around the clock|day and night|tag und nacht|jour et nuit|nuit et jour|00:00 ?[–-] ?24:00)",
    re.IGNORECASE,
)
_KILOMETRES = re.compile(r"\b(\d{1,3}) ?K\b")
"""A race: `Harbour 10K`."""
_PEOPLE = re.compile(r"\b(\d{1,3}) ?[fmwhd][ ,/+&]{1,3}(\d{1,3}) ?[fmwhd]\b", re.IGNORECASE)
"""`2 f, 4 m` are women and men."""
_TIMES_A_DAY = re.compile(
    r"(?<![\d.,])(\d{1,2}) ?[x×] ?(?:[^\W\d_]{2,9}(?:tag|day|di)s?"
    r"|mo|di|mi|do|fr|sa|so|mon|tues?|wed"
    r"|thu|fri|sat|sun|lun|mar|mer|jeu|ven|sam|dim)\b",
    re.IGNORECASE,
)
"""`6x Di` are six evenings."""
_SIDES = re.compile(
    r"(?<![\d.,])(\d{1,4}(?:[.,]\d{1,2})?) ?[x×] ?(\d{1,4}(?:[.,]\d{1,2})?)(?![\d.,]\d)"
)
_OPEN = re.compile(
    r"\b(?:daily|täglich|tous les jours|every day|open|opening|hours|geöffnet|offen|uhrzeit"
    r"|öffnungszeiten?|oeffnungszeiten?|zeiten|ouverte?s?|horaires?|times?)\b[^\d\n]{0,12}$",
    re.IGNORECASE,
)
"""What stands before a range that is one of times: `daily 9 till 6`."""
_BESIDE = 60
"""Characters between two prices of which one is half the other."""
_TOGETHER = 16
"""Characters between the ends of a range."""
_MONTH = 31
_NEAR = 4
"""Characters between a time and how long it takes from then."""
_MANY = 100
"""Things of which one's price is told from that of all."""
_HALF_DAY = 43_200.0


def derived(text: str, mentions: Sequence[Mention]) -> Iterator[tuple[str, float]]:
    """Yield dimensions and values that a source does not write down, but says."""
    yield from _alone(text)
    yield from _side_by_side(text, mentions)
    yield from _near(text, mentions)


def _alone(text: str) -> Iterator[tuple[str, float]]:
    for found in _ORDINAL.finditer(text):
        yield "ordinal", float(found[1])
    for found in _KILOMETRES.finditer(text):
        yield "length", float(found[1]) * 1000
    for found in _PEOPLE.finditer(text):
        yield from (("count", float(found[n])) for n in (1, 2))
    for found in _TIMES_A_DAY.finditer(text):
        yield "count", float(found[1])
        yield "duration", float(found[1]) * 2 * _HALF_DAY
    for found in _SIDES.finditer(text):
        yield from (("bare", float(found[n].replace(",", "."))) for n in (1, 2))


def _side_by_side(text: str, mentions: Sequence[Mention]) -> Iterator[tuple[str, float]]:
    for one, other in itertools.pairwise(mentions):
        gap = other.start - one.end
        if gap <= 16 and _TIMES_APART.fullmatch(text, one.end, other.start):
            yield from _lasting(one, other)
        if gap <= _NEAR:
            yield from _ending(one, other)
        if gap <= _BESIDE:
            yield from (*_half(one, other), *_each(one, other), *_each(other, one))
        if RANGE.fullmatch(text, one.end, other.start) and (
            _OPEN.search(text, max(0, one.start - 30), one.start)
        ):
            yield from _hours(one, other)
    for day, one, other in zip(mentions, mentions[1:], mentions[2:], strict=False):
        is_range = RANGE.fullmatch(text, one.end, other.start)
        if is_range and _is_weekday(day) and _BARE_RANGE.fullmatch(text, day.end, one.start):
            yield from _hours(one, other)


def _near(text: str, mentions: Sequence[Mention]) -> Iterator[tuple[str, float]]:
    for index, one in enumerate(mentions):
        for other in mentions[index + 2 : index + 4]:
            if other.start - one.end <= _BESIDE:
                yield from _half(one, other)
    for one, other in itertools.pairwise(mentions):
        gap = other.start - one.end
        if gap <= _TOGETHER and RANGE.fullmatch(text, one.end, other.start):
            yield from _days(one, other)


def _lasting(one: Mention, other: Mention) -> Iterator[tuple[str, float]]:
    """`19:00–21:00` lasts two hours."""
    for start in one.values_of("time"):
        for end in other.values_of("time"):
            if start != end:
                seconds = (end - start) % 1440 * 60
                yield "duration", seconds
                if len(one.values_of("time")) > 1:
                    yield "duration", seconds % _HALF_DAY


def _days(one: Mention, other: Mention) -> Iterator[tuple[str, float]]:
    """`3–5 July` are three days, and two nights."""
    for first in (q.value for q in one.quantities[:1] if isinstance(q.value, tuple)):
        for last in (q.value for q in other.quantities[:1] if isinstance(q.value, tuple)):
            count = days_between(first, last)
            if 0 < count < _MONTH:
                yield "duration", (count + 1) * 2 * _HALF_DAY
                yield "night", float(count)


def _ending(one: Mention, other: Mention) -> Iterator[tuple[str, float]]:
    """What begins at `10 am, 3.5 h` ends at half past one."""
    for start in one.values_of("time"):
        for seconds in other.values_of("duration"):
            if seconds < _HALF_DAY:
                yield "time", (start + seconds / 60) % 1440


def _half(one: Mention, other: Mention) -> Iterator[tuple[str, float]]:
    """Of `4 €, children 2 €` the second is half of the first."""
    for q in one.quantities:
        halves = {2 * v for v in other.values_of(q.dimension)}
        halves |= {v / 2 for v in other.values_of(q.dimension)}
        is_sum = q.dimension == "bare" and not q.figure.is_integer()
        if (is_sum or q.dimension.startswith("money")) and q.value in halves:
            yield "percent", 50.0


def _each(one: Mention, other: Mention) -> Iterator[tuple[str, float]]:
    """Of `10 classes: £95` one is £9.50."""
    for count in one.values_of("count"):
        for q in other.quantities:
            if (
                1 < count <= _MANY
                and q.dimension.startswith("money")
                and isinstance(q.value, float)
            ):
                yield q.dimension, round(q.value / count, 2)


def _hours(one: Mention, other: Mention) -> Iterator[tuple[str, float]]:
    """`Mon–Fri 9–18` are times."""
    for each in (one, other):
        for figure in each.values_of("bare"):
            if figure <= 24:
                yield "time", figure * 60
    for start in one.values_of("bare"):
        for end in other.values_of("bare"):
            if end < start <= 12:
                yield "time", end * 60 + 720


def _is_weekday(mention: Mention) -> bool:
    return any(q.dimension == "weekday" for q in mention.quantities)
