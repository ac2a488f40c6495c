"""Ordinals in words: `the third`, `the tenth of July`, `19th century`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from mcp_server.content.checks.mentions.dates import day_before_month, is_before_month
from mcp_server.content.checks.mentions.mention import Mention, Quantity
from mcp_server.content.checks.mentions.reading import GAP, Reading
from mcp_server.content.checks.words import words

CENTURY = re.compile(
    rf"(?:st|nd|rd|th|\.|e|è?me|ième)?(?:{GAP}|-)(?:century|centuries|jahrhundert\w{{0,2}}|siècles?)\b"
)
_LISTED = (
    (3, "third dritte dritten dritter drittes drittem troisième"),
    (4, "fourth vierte vierten vierter viertes quatrième"),
    (5, "fifth fünfte fünften fünfter fünftes cinquième"),
    (6, "sixth sechste sechsten sechster sixième"),
    (7, "seventh siebte siebten siebter siebente septième"),
    (8, "eighth achte achten achter huitième"),
    (9, "ninth neunte neunten neunter neuvième"),
    (10, "tenth zehnte zehnten zehnter dixième"),
    (11, "eleventh elfte elften elfter onzième"),
    (12, "twelfth zwölfte zwölften zwölfter douzième"),
    (20, "twentieth zwanzigste zwanzigsten zwanzigster vingtième"),
    (25, "fünfundzwanzigste fünfundzwanzigsten"),
    (50, "fiftieth fünfzigste fünfzigsten cinquantième"),
    (100, "hundredth hundertste hundertsten centième"),
)
_ONES = words("first second third fourth fifth sixth seventh eighth ninth")
_TEENS = words("thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth")
_GERMAN_ONES = words("ein zwei drei vier fünf sechs sieben acht neun")
_GERMAN_TEENS = words("dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn")
_GERMAN_ENDINGS = ("te", "ten", "ter", "tes")


def _in_words() -> Iterator[tuple[str, int]]:
    for number, listed in _LISTED:
        yield from ((word, number) for word in words(listed))
    yield from ((word, number) for number, word in enumerate(_TEENS, 13))
    for number, tens in ((21, "twenty"), (31, "thirty")):
        yield from ((f"{tens}-{one}", n) for n, one in enumerate(_ONES, number))
    stems = [*enumerate(_GERMAN_TEENS, 13)]
    for number, tens in ((20, "zwanzigs"), (30, "dreißigs")):
        stems += enumerate((tens, *(f"{one}und{tens}" for one in _GERMAN_ONES)), number)
    for number, stem in stems:
        yield from ((f"{stem}{ending}", number) for ending in _GERMAN_ENDINGS)


_ORDINALS: Mapping[str, float] = {word: float(number) for word, number in _in_words()}
_BEFORE_MONTHS: Mapping[str, float] = {
    word: float(number)
    for number, listed in (
        (1, "first erste ersten erster premier"),
        (2, "second zweite zweiten zweiter"),
        (30, "thirtieth"),
    )
    for word in words(listed)
}
"""They mean too much to be read anywhere but before a month."""


def compound_ordinal(reading: Reading, start: int, word: str) -> Mention | None:
    """Return the ordinal that begins with a number: `twenty-first`."""
    return ordinal(reading, start, word) if "-" in word else None


def ordinal(reading: Reading, start: int, word: str) -> Mention | None:
    """Return what an ordinal says: a day of a month, a century, or which of several."""
    value, end = _ORDINALS.get(word) or _BEFORE_MONTHS.get(word), start + len(word)
    if value is None:
        return None
    if is_before_month(reading, end):
        return day_before_month(reading, start, end, int(value))
    if word in _BEFORE_MONTHS:
        return None
    dimension = "century" if CENTURY.match(reading.lower, end) else "ordinal"
    return Mention("number", start, end, (Quantity(dimension, value, value),))
