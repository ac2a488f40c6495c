"""Times of the day that a number begins: `9:30`, `9 h 30`, `neun Uhr dreißig`, `at nine`. Pure."""

from __future__ import annotations

import re

from mcp_server.content.checks.mentions.mention import Mention, Quantity
from mcp_server.content.checks.mentions.number import Number, next_in_words
from mcp_server.content.checks.mentions.reading import GAP, Reading
from mcp_server.content.checks.mentions.units import DASH_PRICE, unit_at
from mcp_server.content.checks.words import words

_CLOCK = re.compile(
    rf"(?P<hour>\d{{1,2}})(?:(?P<sign>[:.])(?P<minute>\d{{2}})(?![\d.,:]\d|\d)"
    rf"(?:{GAP}?(?P<exact>uhr\b|h\b)|{GAP}?(?P<half>[ap]\.?m\.?(?!\w)))?"
    rf"|{GAP}?(?P<french>h)(?:{GAP}?(?P<minute2>[0-5]\d))?(?![\w]))"
)
_OCLOCK = re.compile(rf"{GAP}?(uhr\b|o['’]clock|heures?\b|[ap]\.m\.?|[ap]m\b)")
_PART_OF_DAY = re.compile(
    rf"{GAP}{{0,2}}(?:in the (?:early )?(?:morning|afternoon|evening)|at night|o'clock at night"
    r"|(?:am )?(?:frühen |späten )?(?:morgens|vormittags?|nachmittags?|abends?|nachts|mittags)"
    r"|morgens|früh"
    r"|du (?:matin|soir)|de l['’]après-midi)(?!\w)"
)
_MORNING = re.compile(r"morn|morg|vorm|früh|matin|nachts")
_MINUTES = {
    "trente-cinq": 35, "vingt-cinq": 25, "quarante-cinq": 45, "cinquante-cinq": 55, "cinq": 5,
    "dix": 10, "vingt": 20, "quarante": 40, "cinquante": 50, "trente": 30, "quinze": 15,
    "et demie": 30, "et demi": 30, "et quart": 15,
    "moins vingt": -20, "moins dix": -10, "moins cinq": -5, "moins le quart": -15,
}  # fmt: skip
_FRENCH_MINUTES = re.compile(rf"{GAP}?({'|'.join(sorted(_MINUTES, key=len, reverse=True))})\b(?!-)")
_TWO_DIGITS = re.compile(rf"{GAP}?([0-5]\d)(?![\d:.,])(?!{GAP}?[€%])")
_LOWER_AFTER = re.compile(rf"{GAP}[a-zäöü]")
_NO_NOUN_AFTER = re.compile(
    rf"{GAP}{{0,2}}(?:$|[^\w\s%€$£¥°‰]|\n|(?:and|or|on|in|at|to|until|till|for|the|every|daily|each|when"
    rf"|while|but|if|we|you"
    r"|monday|mondays|tuesday|tuesdays|wednesday|wednesdays|thursday|thursdays|friday|fridays"
    r"|saturday|saturdays|sunday|sundays"
    r"|und|oder|bis|an|am|im|geöffnet|offen|täglich|für|da|auf|ist|sind|haben|hat|schließt|öffnet"
    r"|geschlossen|sonntags"
    r"|samstags|montags|dienstags|mittwochs|donnerstags|freitags"
    r"|et|ou|le|du|à|au|sur|en|dans|nous|tous|toute|jusqu)\b)"
)
_PREPOSITIONS = frozenset(
    words(
        "at until till from by before after around um bis ab gegen von vor nach zwischen"
        " between à dès jusqu vers avant après entre de"
    )
)
_SURE_PREPOSITIONS = frozenset(words("at until till um gegen"))
"""After these a number of which nothing is counted is a time, or an age: `at four`."""
_BEFORE_RANGES = frozenset(words("from between open"))
_GERMAN_PREPOSITIONS = frozenset(words("um gegen ab bis vor nach"))


def times_of(hour: int, minute: int, said: str, *, exact: bool) -> tuple[int, ...]:
    """Return the minutes of the day that a time may be; without `am` or `pm` there may be two."""
    base = hour % 24 * 60 + minute
    if said.startswith("a"):
        return (base % 720,) if hour in range(13) else (base,)
    if said.startswith("p"):
        return (base % 720 + 720,) if hour in range(13) else (base,)
    if exact or hour >= 12:
        return (base,)
    return (base, (base + 720) % 1440)


def time_quantities(
    hour: int, minute: int, said: str = "", *, exact: bool = False, figure: float = -1.0
) -> list[Quantity]:
    """Return what a time may stand for; `said` is `am`, `pm` or nothing."""
    times = times_of(hour, minute, said, exact=exact)
    return [Quantity("time", float(each), float(figure)) for each in times]


def part_of_day(reading: Reading, end: int) -> tuple[str, int]:
    """Return what `in the morning` and such after a place makes of a time, and where it ends."""
    found = _PART_OF_DAY.match(reading.lower, end)
    if found is None:
        return "", end
    return ("am" if _MORNING.search(found[0]) else "pm"), found.end()


def french_minutes(reading: Reading, end: int) -> tuple[int, int]:
    """Return the minutes that are said after an hour, and where they end: `et demie`."""
    found = _FRENCH_MINUTES.match(reading.lower, end)
    return (_MINUTES[found[1]], found.end()) if found else (0, end)


def ends_here(reading: Reading, end: int) -> bool:
    """Whether no noun follows, so that a number can be a time of day."""
    return _NO_NOUN_AFTER.match(reading.lower, end) is not None


def clock(reading: Reading, start: int) -> Mention | None:
    """Return the time that is written at a place in figures."""
    found = _CLOCK.match(reading.lower, start)
    if found is None:
        return None
    hour, minute = int(found["hour"]), int(found["minute"] or found["minute2"] or 0)
    if hour > 24 or minute > 59:
        return None
    if found["french"] and not found["minute2"]:
        return _hours(reading, start, found.end(), hour)
    part, end = part_of_day(reading, found.end())
    said = (found["half"] or "").replace(".", "") or part
    exact = bool(found["exact"] or found["french"]) or found["hour"].startswith("0")
    quantities = time_quantities(hour, minute, said, exact=exact, figure=hour)
    if found["minute2"]:
        quantities.append(_lasting(hour, minute))
    if found["sign"] == "." and not found["exact"] and not found["half"]:
        figure = float(f"{hour}.{found['minute']}")
        quantities.append(Quantity("bare", figure, figure))
    return Mention("time", start, max(found.end(), end), tuple(quantities))


def _hours(reading: Reading, start: int, end: int, hour: int) -> Mention:
    """`9 h` is nine o'clock, or nine hours."""
    minute, end = french_minutes(reading, end)
    hour, minute = divmod(hour * 60 + minute, 60)
    said, end = part_of_day(reading, end)
    quantities = time_quantities(hour, minute, said, exact=not said, figure=hour)
    return Mention("time", start, end, (*quantities, _lasting(hour, minute)))


def _heures(reading: Reading, start: int, end: int, hour: int, *, exact: bool) -> Mention:
    """`neuf heures vingt` is a time, or how long something takes."""
    minute, end = french_minutes(reading, end)
    if not minute and (extra := _TWO_DIGITS.match(reading.lower, end)):
        minute, end = int(extra[1]), extra.end()
    said, end = part_of_day(reading, end)
    time = divmod(hour * 60 + minute, 60)
    quantities = time_quantities(*time, said, exact=exact and not said, figure=hour)
    return Mention("time", start, end, (*quantities, _lasting(hour, minute)))


def _lasting(hour: int, minute: int) -> Quantity:
    return Quantity("duration", hour * 3600.0 + minute * 60, float(hour))


def hour_of_day(reading: Reading, start: int, number: Number) -> Mention | None:
    """Return the time that a number begins; after `at` or `until` it may be a number as well."""
    hour = number.whole
    if hour is None or hour > 24:
        return None
    if found := _OCLOCK.match(reading.lower, number.end):
        return _oclock(reading, start, number, hour, found)
    said, end = part_of_day(reading, number.end)
    if said:
        return Mention("time", start, end, tuple(time_quantities(hour, 0, said, figure=hour)))
    if _is_at(reading, start, number):
        sure = reading.preceding(start) in _SURE_PREPOSITIONS
        number_too = Quantity("age" if sure else "bare", float(hour), float(hour))
        quantities = (*time_quantities(hour, 0, figure=hour), number_too)
        return Mention("time", start, number.end, quantities)
    return None


def _oclock(
    reading: Reading, start: int, number: Number, hour: int, found: re.Match[str]
) -> Mention:
    """`nine o'clock`, `neun Uhr dreißig`, `9 p.m.`."""
    word, end, minute = found[1], found.end(), 0
    if word.startswith("heure"):
        return _heures(reading, start, end, hour, exact=number.in_digits)
    if word == "uhr":
        minute, end = _minutes_after(reading, end)
    part, last = part_of_day(reading, end)
    said = word.replace(".", "") if word[0] in "ap" else part
    exact = word == "uhr" and number.in_digits
    quantities = time_quantities(hour, minute, said, exact=exact, figure=hour)
    return Mention("time", start, max(end, last), tuple(quantities))


def _minutes_after(reading: Reading, end: int) -> tuple[int, int]:
    if found := _TWO_DIGITS.match(reading.lower, end):
        return int(found[1]), found.end()
    number = next_in_words(reading, end)
    if number is not None and number.whole is not None and 0 < number.whole < 60:
        return number.whole, number.end
    return 0, end


def _is_at(reading: Reading, start: int, number: Number) -> bool:
    """Whether `at nine` is a time: no noun follows."""
    before, end = reading.preceding(start), number.end
    if DASH_PRICE.match(reading.lower, end):
        return False
    if before in _PREPOSITIONS and ends_here(reading, end):
        return True
    if before in _BEFORE_RANGES and reading.lower.startswith(" to ", end):
        return True
    return (
        reading.is_german
        and before in _GERMAN_PREPOSITIONS
        and _LOWER_AFTER.match(reading.text, end) is not None
        and unit_at(reading, end) is None
    )
