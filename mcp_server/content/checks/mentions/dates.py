"""Dates: `2024-05-03`, `3. Mai`, `in May 2024`, `Christmas Eve`. Pure."""

from __future__ import annotations

import re

from mcp_server.content.checks.mentions.mention import Date, Mention, Quantity
from mcp_server.content.checks.mentions.number import Number
from mcp_server.content.checks.mentions.reading import GAP, MONTH_NAMES, Reading
from mcp_server.content.checks.words import HOLIDAYS, MONTHS, UNSURE_MONTHS, words

_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
_NUMERIC = re.compile(
    r"(\d{1,2})([./-])[ ]?(\d{1,2})\2[ ]?((?:19|20)?\d{2})(?![\d./])"
    r"|(\d{1,2})(\.)[ ]?(\d{1,2})\.(?![\d])|([0-3]\d)(/)([0-3]\d)(?![\d/€$£%])"
)
_MONTH_AFTER = re.compile(
    rf"(?:\.|st|nd|rd|th|er|ère|e)?{GAP}{{0,2}}(?:of{GAP}|de{GAP})?({MONTH_NAMES})\b\.?"
    rf"(?:,?{GAP}{{1,2}}(\d{{4}})(?!\d))?"
)
_DAY_AFTER = re.compile(
    rf"\.?{GAP}(\d{{1,2}})(?:st|nd|rd|th)?(?![\d:.]\d|\d|{GAP}?(?:uhr|h\b|am"
    rf"|pm|km|m\b|min|€|%|x|personen|pers|places|plätze))(?:,{GAP}(\d{{4}}))?"
)
_YEAR_AFTER = re.compile(rf"\.?,?{GAP}(\d{{4}})(?!\d)")
_APART = rf"\.?{GAP}?(?:[–—/&+,-]|(?:to|and|und|et|bis|à|au|until|through)\b){GAP}?"
_THEN_MONTH = re.compile(rf"{_APART}(?:{MONTH_NAMES})\b")
_AFTER_MONTH = re.compile(rf"\b(?:{MONTH_NAMES}){_APART}$")
_FRENCH_MONTHS = frozenset(
    words("janvier février avril juillet août septembre octobre novembre décembre")
)
"""Written small, and no other words."""
_SHORT_MONTHS = frozenset(words("janv févr fév avr juil oct nov déc feb okt dez"))
"""Months before a dot."""
_PREPOSITIONS = frozenset(
    words(
        "in until till since from of by during to through every each early late mid im ab seit"
        " bis anfang ende mitte von vom zum jeden en"
        " depuis dès de d jusqu fin début à au mi and und et between zwischen entre"
    )
)
_FIRST_OF_HOLIDAY = frozenset(name.split()[0].split("'")[0] for name in HOLIDAYS)
_HOLIDAY = re.compile(
    "(?:"
    + "|".join(sorted(map(re.escape, HOLIDAYS), key=len, reverse=True)).replace("'", "['’]")
    + r")\b"
)


def numeric_date(reading: Reading, start: int) -> Mention | None:
    """Return the date that is written at a place in figures alone."""
    if found := _ISO.match(reading.lower, start):
        year, month, day = (int(found[n]) for n in (1, 2, 3))
        return _dated(start, found.end(), (year, month, day))
    if found := _NUMERIC.match(reading.lower, start):
        first, second = (int(found[n] or found[n + 4] or found[n + 7]) for n in (1, 3))
        year = int(found[4] or 0)
        year += 2000 if 0 < year < 100 else 0
        # The day comes first in most countries, the month in the United States.
        dates = [(year, second, first), (year, first, second)]
        return _dated(start, found.end(), *(dates[:1] if "." in found[0] else dates))
    return None


def day_of_month(reading: Reading, start: int, number: Number) -> Mention | None:
    """Return the date that a number begins: `5 May 2025`, `5. Mai`, `1er mai`, `5th of May`."""
    day = number.whole
    if day is None or not 1 <= day <= 31 or reading.lower[start - 1 : start] in {"x", "×"}:
        return None
    return day_before_month(reading, start, number.end, day)


def is_before_month(reading: Reading, end: int) -> bool:
    """Whether a month follows a number that ends here."""
    return _MONTH_AFTER.match(reading.lower, end) is not None


def day_before_month(reading: Reading, start: int, end: int, day: int) -> Mention | None:
    """Return the date of a day that ends at `end`, if a month follows."""
    found = _MONTH_AFTER.match(reading.lower, end)
    if found is None:
        return None
    return _dated(start, found.end(), (int(found[2] or 0), MONTHS[found[1]], day))


def month(reading: Reading, start: int, word: str) -> Mention | None:
    """Return the date that a month begins, or the month: `May 5th`, `May 2025`, `in May`."""
    if word not in MONTHS:
        return None
    end, number = start + len(word), MONTHS[word]
    if (found := _DAY_AFTER.match(reading.lower, end)) and 1 <= int(found[1]) <= 31:
        return _dated(start, found.end(), (int(found[2] or 0), number, int(found[1])))
    if found := _YEAR_AFTER.match(reading.lower, end):
        return _dated(start, found.end(), (int(found[1]), number, 0))
    after = reading.preceding(start) in _PREPOSITIONS and word != "sept"
    short = word in _SHORT_MONTHS and reading.lower[end : end + 1] == "."
    placed = after or short or _is_beside_month(reading, start, end)
    named = reading.text[start].isupper() or word in _FRENCH_MONTHS
    if not placed and (word in UNSURE_MONTHS or not named):
        return None
    return _dated(start, end, (0, number, 0))


def holiday(reading: Reading, start: int, word: str) -> Mention | None:
    """Return the date of a holiday that has a name."""
    found = _HOLIDAY.match(reading.lower, start) if word in _FIRST_OF_HOLIDAY else None
    if found is None:
        return None
    return _dated(start, found.end(), (0, *HOLIDAYS[found[0].replace("’", "'")]))


def _is_beside_month(reading: Reading, start: int, end: int) -> bool:
    """Whether another month stands right before it or after it: `avril–octobre`."""
    return (
        _THEN_MONTH.match(reading.lower, end) is not None
        or _AFTER_MONTH.search(reading.lower, max(0, start - 24), start) is not None
    )


def _dated(start: int, end: int, *dates: Date) -> Mention | None:
    real = [d for d in dates if 1 <= d[1] <= 12 and 0 <= d[2] <= 31]
    if not real:
        return None
    return Mention("date", start, end, tuple(Quantity("date", d) for d in dict.fromkeys(real)))
