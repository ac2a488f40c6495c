"""The days of the week and the months that a source names, ranges with all between. Pure."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date

from mcp_server.content.checks.mentions.mention import Date, Mention

RANGE = re.compile(
    r"(?:st|nd|rd|th|\.)?[ \u00a0]?(?:[–—-]|to|till|until|through|thru|bis(?: zum)?|au|à"
    r"|jusqu['’]au)[ \u00a0](?:le |the )?|\.?[–—-]",
    re.IGNORECASE,
)
"""What stands between the first and the last of a range of days, months or times."""
DAILY = re.compile(
    r"\b(?:daily|every day|every (?:morning|evening)|täglich|jeden (?:tag|morgen|abend)|alle tage"
    r"|tous les (?:jours|matins|soirs)|chaque (?:jour|matin|soir)|seven days|sieben tage"
    r"|sept jours|7 days|7 tage|7 jours|7 ?j ?/ ?7|7/7|24/7|24 ?h ?/ ?24)\b",
    re.IGNORECASE,
)
_AT_TIMES = re.compile(
    r"\d ?(?:h\b|h\d|:\d\d|\.\d\d\b|uhr|am\b|pm\b|[–-] ?\d)|24|\bopen|geöffnet|\boffen|ouvert"
    r"|\bdawn|\btill\b|\bto \d",
    re.IGNORECASE,
)
"""Whether something is open on all days, rather than made or sold."""
WEEKEND = re.compile(r"\b(?:weekends?|wochenenden?|week-ends?)\b", re.IGNORECASE)
WEEKDAYS = re.compile(
    r"\b(?:weekdays?|werktags?|werktage[n]?|wochentags|wochentage[n]?|unter der woche"
    r"|en semaine|jours ouvrés|jours ouvrables)\b",
    re.IGNORECASE,
)
_ANY_YEAR = 2025
_WEEK = frozenset(range(7))
_MOST = 4
"""Days of a week that are named, from which on the others are closed."""
_BETWEEN_MAX = 16
"""Characters between the ends of a range."""


def weekday_of(year: int, month: int, day: int) -> int | None:
    """Return the day of the week of a date; `None` where there is no such day, or no year."""
    try:
        return date(year, month, day).weekday()
    except ValueError:
        return None


def days_between(first: Date, last: Date) -> int:
    """Return how many days later another date is; of one year where none is said, 0 if none is."""
    year = last[0] or first[0] or _ANY_YEAR
    try:
        return (date(year, *last[1:]) - date(first[0] or year, *first[1:])).days
    except ValueError:
        return 0


def weekdays_in(text: str, mentions: Sequence[Mention]) -> tuple[set[int], set[int], set[int]]:
    """Return the days of the week of a source, those of which it says `closed`, and the others.

    The others are what is left of a week of which most days are named.
    """
    days, closed = (named_days(text, mentions, each) for each in ("weekday", "closed"))
    only_closed, named = closed - days, {*days}
    if any(_AT_TIMES.search(line) for line in _daily_lines(text)) or not days:
        days |= _WEEK - only_closed if DAILY.search(text) else set()
    for pattern, group in (
        (WEEKEND, {5, 6}),
        (WEEKDAYS, {*range(5)}),
    ):
        if pattern.search(text):
            days |= group
            named |= group
    others = {*_WEEK} - named if len(named) >= _MOST else set[int]()
    return days | {*_of_dates(mentions)}, closed, others


def days_a_week(text: str, mentions: Sequence[Mention]) -> set[int]:
    """Return on how many days of the week a source says something is: by line, and by range."""
    lines = itertools.accumulate((len(line) + 1 for line in text.split("\n")), initial=0)
    starts = [*lines]
    by_line = itertools.groupby(mentions, key=lambda m: bisect_right(starts, m.start))
    counts = {len(named_days(text, [*each], "weekday")) for _, each in by_line}
    for pair in itertools.pairwise(mentions):
        days = named_days(text, pair, "weekday")
        if len(days) > len(pair):
            counts.add(len(days))
    return counts


def _daily_lines(text: str) -> Iterator[str]:
    return (line for line in text.split("\n") if DAILY.search(line))


def named_days(text: str, mentions: Sequence[Mention], *dimensions: str) -> set[int]:
    """Return the days of the week that mentions name, with those between the ends of ranges."""
    found = [
        (m.start, m.end, int(q.value))
        for m in mentions
        for q in m.quantities
        if q.dimension in dimensions and isinstance(q.value, float)
    ]
    days = {day for _, _, day in found}
    for (_, end, first), (start, _, last) in itertools.pairwise(found):
        if start - end <= _BETWEEN_MAX and RANGE.fullmatch(text, end, start):
            days |= {day % 7 for day in range(first, (last if last >= first else last + 7) + 1)}
    return days


def _of_dates(mentions: Sequence[Mention]) -> Iterator[int]:
    """Yield the days on which the dates of a source fall: nobody has to name both."""
    for q in (q for m in mentions for q in m.quantities[:1]):
        if isinstance(q.value, tuple) and (day := weekday_of(*q.value)) is not None:
            yield day


def months_between(text: str, mentions: Sequence[Mention]) -> set[tuple[int, int, int]]:
    """Return the months within the ranges of a source: `May to September`, `01.04.–15.10.`."""
    found = [
        (m.start, m.end, q.value[1])
        for m in mentions
        for q in m.quantities[:1]
        if isinstance(q.value, tuple)
    ]
    months: set[tuple[int, int, int]] = set()
    for (_, end, first), (start, _, last) in itertools.pairwise(found):
        if start - end <= _BETWEEN_MAX and RANGE.fullmatch(text, end, start):
            months |= {
                (0, (m - 1) % 12 + 1, 0)
                for m in range(first, (last if last >= first else last + 12) + 1)
            }
    return months
