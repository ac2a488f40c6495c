"""Times of the day in words: `half past nine`, `zehn nach neun`, `noon`. Pure."""

from __future__ import annotations

import re

from mcp_server.content.checks.mentions.clock import (
    ends_here,
    french_minutes,
    part_of_day,
    time_quantities,
)
from mcp_server.content.checks.mentions.mention import Mention, Quantity
from mcp_server.content.checks.mentions.number import Number, number_in_words
from mcp_server.content.checks.mentions.reading import GAP, Reading
from mcp_server.content.checks.words import words

_PAST = re.compile(
    rf"{GAP}(?:minutes? |minuten )?(past|after|to|before|nach|vor){GAP}(?=[^\W\d_]|\d{{1,2}}(?!\d))"
)
_BACK = frozenset({"to", "before", "vor", "moins"})
"""Words between minutes and an hour: so long before it."""
_FIVES = frozenset({5, 10, 20, 25})
"""Minutes of which people say how many there are to the hour."""
_HOUR_WORD = re.compile(rf"{GAP}?([^\W\d_]{{2,12}}|\d{{1,2}})")
_HOURS = {
    **dict.fromkeys(words("midnight mitternacht minuit"), 0),
    **dict.fromkeys(words("one eins ein une"), 1),
}
"""Hours that are no number in words."""
_ENGLISH_HOURS = "(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_GERMAN_HOURS = "(?:eins|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf)"
_ENDS_HOUR = (
    rf"(?={GAP}{{0,2}}(?:$|[^\w\s]|\n|in the (?:morning|afternoon|evening)|at night|on|and|or"
    r"|every|until|till|to|for|we|when|sharp)\b|\s*$|[.,;:!?)])"
)
"""What stands behind `half seven`, which is half past seven."""
_TIME = re.compile(
    rf"(?P<quarter_past>a quarter past|quarter past|viertel nach){GAP}"
    rf"|(?P<quarter_to>a quarter to|quarter to|viertel vor|dreiviertel(?= ?[^\W\d_]{{3,8}}\b)){GAP}"
    rf"|(?P<past>half past|half after){GAP}|"
    rf"(?P<british>half){GAP}(?={_ENGLISH_HOURS}\b{_ENDS_HOUR})"
    rf"|(?P<quarter_of>viertel){GAP}(?={_GERMAN_HOURS}\b)"
    rf"|(?P<to>halb){GAP}(?=[^\W\d_]{{3,10}}(?!\w)"
    rf"|\d{{1,2}}(?!\d))"
    r"|(?P<noon>(?:at|until|till|from|by|before|after|bis|ab|um|jusqu['’]à|à|dès|de) (?:noon"
    r"|midday|12 noon|mittag|midi)|noon|midday)"
    r"|(?P<midnight>midnight|mitternacht|minuit)"
)
_AROUND_HOUR = {
    "past": 30, "british": 30, "to": -30, "quarter_past": 15, "quarter_to": -15,
    "quarter_of": -45,
}  # fmt: skip
_FIRST_WORDS = frozenset(
    words(
        "a quarter viertel dreiviertel half halb at until till from by before after bis ab um jusqu"
        " à dès de noon midday midnight mitternacht minuit"
    )
)


def spoken_time(reading: Reading, start: int, word: str) -> Mention | None:
    """Return the time that a word begins."""
    found = _TIME.match(reading.lower, start) if word in _FIRST_WORDS else None
    if found is None:
        return None
    name, end = found.lastgroup or "", found.end()
    if name in _AROUND_HOUR:
        return _around_hour(reading, start, end, _AROUND_HOUR[name])
    more, end = french_minutes(reading, end)  # `midi et demi`
    minutes = (720.0,) if name == "noon" else (0.0, 1440.0)
    return Mention("time", start, end, tuple(Quantity("time", each + more) for each in minutes))


def minutes_past(reading: Reading, start: int, number: Number) -> Mention | None:
    """Return the time that a number of minutes begins: `ten past nine`."""
    minute = number.whole
    found = _PAST.match(reading.lower, number.end)
    if minute is None or found is None or minute > 59:
        return None
    if found[1] in {"to", "before"} and not _is_time_alone(reading, found.end()):
        return None  # `five to ten minutes`
    if found[1] == "to" and (
        minute not in _FIVES or reading.preceding(start) in {"from", "open", "between"}
    ):
        return None  # `from five to ten`, `seven to ten`
    minutes = -minute if found[1] in _BACK else minute
    return _around_hour(reading, start, found.end(), minutes)


def _is_time_alone(reading: Reading, start: int) -> bool:
    word = _HOUR_WORD.match(reading.lower, start)
    return word is not None and ends_here(reading, word.end())


def _around_hour(reading: Reading, start: int, place: int, minutes: int) -> Mention | None:
    """Return the time that is so many minutes after the hour at `place`, or before it."""
    word = _HOUR_WORD.match(reading.lower, place)
    hour = _hour(reading, word.start(1), word[1]) if word is not None else None
    if word is None or hour is None:
        return None
    said, end = part_of_day(reading, word.end())
    quantities = time_quantities(*divmod((hour * 60 + minutes) % 1440, 60), said)
    return Mention("time", start, end, tuple(quantities))


def _hour(reading: Reading, start: int, word: str) -> int | None:
    if word in _HOURS:
        return _HOURS[word]
    number = None if word.isdecimal() else number_in_words(reading, start, word)
    value = int(word) if word.isdecimal() else number.whole if number is not None else None
    return value if value is not None and value <= 24 else None
