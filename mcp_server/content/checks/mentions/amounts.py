"""Amounts that have a name: `half an hour`, `a third of`, `twice a week`. Pure."""

from __future__ import annotations

import re

from mcp_server.content.checks.mentions.clock import time_quantities
from mcp_server.content.checks.mentions.mention import Mention, Quantity
from mcp_server.content.checks.mentions.number import number_in_words
from mcp_server.content.checks.mentions.reading import GAP, Reading
from mcp_server.content.checks.words import words

_HOUR_AND_MINUTES = re.compile(
    rf"(?:(?:an|one){GAP}hour|eine[rn]?{GAP}stunde|(?P<french>une{GAP}heure))"
    rf"(?:{GAP}(?:and|und|et))?{GAP}(?P<minutes>\d{{1,2}}|[^\W\d_]{{3,20}}(?:-[^\W\d_]{{2,9}})?)"
    rf"(?P<unit>{GAP}(?:minutes?|minuten))?\b"
)
_NAMED = re.compile(
    r"(?P<hour_and_half>(?:an|one|1) hour and a half|one and a half hours|anderthalb(?:e"
    r"|stündig\w{0,2})? ?(?:stunden?)?|eineinhalb stunden|eineinhalbstündig\w{0,2}"
    r"|une heure et demie)"
    r"|(?P<half_hour>half an hour|half-hour|half-an-hour|(?:eine[rn]? )?halbe[nr]? stunde"
    r"|halbstündig\w{0,2}|(?:une )?demi-heure)"
    r"|(?P<quarter_hour>(?:a )?quarter of an hour|viertelstunde|(?:un )?quart d['’]heure)"
    r"|(?P<three_quarters>(?:three-quarters|three quarters) of an hour|dreiviertelstunde"
    r"|trois quarts d['’]heure)"
    r"|(?P<half_year>half a year|six-month|halbes jahr|halben jahr|halbjahr)"
    r"|(?P<half_dozen>half a dozen|half-dozen|(?:ein )?halbes dutzend|(?:une )?demi-douzaine)"
    r"|(?P<hour>within an hour|innerhalb einer stunde|binnen einer stunde|en une heure"
    r"|en moins d['’]une heure|in under an hour|in einer stunde)"
    r"|(?P<half_price>half(?: the)?[ -]price|half off|halbe[mnr]? preis|(?:die |zur )?hälfte"
    r"|moitié(?: prix)?|costs half)"
    r"|(?P<third>(?:a|one)[ -]third of|(?:ein|einem) drittel|un tiers (?=d))"
    r"|(?P<two_thirds>two[ -]thirds|zwei drittel|deux tiers)"
    r"|(?P<quarter>(?:a|one) quarter of (?!an)|ein viertel (?=d)|un quart de)"
    r"|(?P<three_fourths>three[ -]quarters(?! of an)|drei viertel|trois quarts)"
    r"|(?P<twice>(?:twice|two times) (?=a |per |each |every |daily|weekly)|zweimal (?=am|pro|im"
    r"|die|täglich|wöchentlich|jährlich|in)|deux fois (?=par))"
)
_AMOUNTS: dict[str, tuple[str, float]] = {
    "hour_and_half": ("duration", 5400.0), "half_hour": ("duration", 1800.0),
    "quarter_hour": ("duration", 900.0), "three_quarters": ("duration", 2700.0),
    "half_year": ("calendar", 6.0), "half_dozen": ("count", 6.0), "hour": ("duration", 3600.0),
    "half_price": ("percent", 50.0), "third": ("percent", 33.0), "two_thirds": ("percent", 66.0),
    "quarter": ("percent", 25.0), "three_fourths": ("percent", 75.0), "twice": ("count", 2.0),
}  # fmt: skip
_FIRST_WORDS = frozenset(
    words(
        "a quarter half an one anderthalb anderthalbe eineinhalb eineinhalbstündige une half-hour"
        " half-an-hour eine einer einen halbe halben halber halbstündig halbstündige"
        " halbstündigen demi-heure viertelstunde un quart three-quarters dreiviertelstunde trois"
        " halbes halbjahr half-dozen ein demi-douzaine within innerhalb binnen en in costs halbem"
        " hälfte die zur moitié zwei deux drei two twice zweimal half-price one-third two-thirds"
        " einem three six-month"
    )
)
_PARTS = frozenset(words("two three zwei drei deux trois"))
"""With these, which are numbers as well, begin parts: `three quarters`."""
_MAGNITUDES = ("dozens", "hundreds", "thousands", "millions")
_VAGUE = {
    "dozens": "dozens", "dutzende": "dozens", "dutzenden": "dozens", "dizaines": "dozens",
    "hundreds": "hundreds", "hunderte": "hundreds", "hunderten": "hundreds",
    "centaines": "hundreds", "thousands": "thousands", "tausende": "thousands",
    "tausenden": "thousands", "milliers": "thousands", "millions": "millions",
    "millionen": "millions", "zillions": "millions",
}  # fmt: skip
_OF_AFTER = re.compile(rf"{GAP}(?:of|von|de|d['’]|[^\W\d_])")


def part(reading: Reading, start: int, word: str) -> Mention | None:
    """Return the share that begins with a number: `two thirds`."""
    return _named(reading, start) if word in _PARTS else None


def amount(reading: Reading, start: int, word: str) -> Mention | None:
    """Return the amount that a word begins."""
    if word not in _FIRST_WORDS:
        return None
    return _hour_and_minutes(reading, start) or _named(reading, start)


def vague_amount(reading: Reading, start: int, word: str) -> Mention | None:
    """Return how many `dozens` and such are, as far as they say it."""
    end = start + len(word)
    if word not in _VAGUE or _OF_AFTER.match(reading.lower, end) is None:
        return None
    magnitude = float(_MAGNITUDES.index(_VAGUE[word]))
    return Mention("number", start, end, (Quantity("vague", magnitude),))


def _named(reading: Reading, start: int) -> Mention | None:
    found = _NAMED.match(reading.lower, start)
    if found is None:
        return None
    kind, value = _AMOUNTS[found.lastgroup or ""]
    figure = value if kind == "count" else -1.0
    quantities = (Quantity(kind, value, figure),)
    return Mention("number", start, found.end(), quantities, about=kind == "duration")


def _hour_and_minutes(reading: Reading, start: int) -> Mention | None:
    """`an hour and fifteen minutes`, `une heure vingt`."""
    found = _HOUR_AND_MINUTES.match(reading.lower, start)
    if found is None or not (found["unit"] or found["french"]):
        return None
    minutes = _minutes(reading, found)
    if not minutes or minutes > 59:
        return None
    values = [Quantity("duration", 3600.0 + minutes * 60)]
    if found["french"]:
        values += time_quantities(1, minutes)
    return Mention("number", start, found.end(), tuple(values))


def _minutes(reading: Reading, found: re.Match[str]) -> int | None:
    if found["minutes"].isdecimal():
        return int(found["minutes"])
    number = number_in_words(reading, found.start("minutes"), found["minutes"])
    return number.whole if number is not None else None
