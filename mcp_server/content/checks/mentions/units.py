"""The unit after a number: `90 minutes`, `12 €`, `per cent`, `30 unforgettable minutes`. Pure."""

from __future__ import annotations

import re

from mcp_server.content.checks.mentions.number import NEXT_WORD
from mcp_server.content.checks.mentions.reading import GAP, Reading
from mcp_server.content.checks.words import FRENCH, GERMAN, UNITS, Unit, words

_UNIT = re.compile(
    rf"(?:{GAP}{{0,2}}|-)(km/h|us\$|mbit|[€$£¥%‰°]|[^\W\d_]{{1,24}}(?:[²³]|2(?!\d))?)(?![^\W_])"
)
_SPECIAL = re.compile(
    rf"(?:{GAP}{{0,2}}|-)(°{GAP}?[cf]\b|degrees? (?:celsius|fahrenheit)|degrés? celsius"
    rf"|per{GAP}cent|pour{GAP}cent"
    r"|square (?:metres?|meters?)|mètres? carrés?|sq\.? ?m|km ?carrés|square kilomet\w{2,3})(?!\w)"
)
_COMPOUND = re.compile(
    r"(?<=[a-zäöüß]{2})(?:minuten|stunden|tage|tagen|wochen|monate|monaten"
    r"|jahre|jahren|kilometer|quadratmeter)$"
)
_GERMAN_DAYS = ("montag", "dienstag", "donnerstag", "freitag", "samstag", "sonntag")
"""They end in `tag`, and are no unit: `an sechs Donnerstagen`."""
DASH_PRICE = re.compile(rf"[,.][-–—]{{1,2}}(?!\d)(?:{GAP}?(€|euro|eur|chf|fr\.?))?")
"""What stands in place of the small money of a round price: `12,-`."""
_MONTHS_IN_SHORT = re.compile(r"\.?\)|\. (?:laufzeit|vertrag|garantie)")
"""After `12 Mon`, which are months there and no Monday."""
_OF_ONE_LANGUAGE = {
    "an": FRENCH, "ans": FRENCH, "ton": "en", "p": "en", "mi": "en", "tag": GERMAN, "fr": GERMAN,
    "grad": GERMAN, "pied": FRENCH, "pieds": FRENCH, "mn": FRENCH, "livre": FRENCH,
    "livres": FRENCH,
}  # fmt: skip
NO_ADJECTIVES = frozenset(
    words(
        "and und et or oder ou to bis à in on the der die das den dem of von de du la le les"
        " for für pour with mit avec per pro par at am im"
        " zu a an ein eine un une is are ist sind est sont from ab seit since nach vor after before"
        " if when wenn als as que which"
    )
)
"""Words that never stand between a number and what it counts."""
_ADJECTIVES_MAX = 2


def unit_at(reading: Reading, end: int) -> tuple[tuple[Unit, ...], int] | None:
    """Return what the word right after a number may mean, and where it ends."""
    if found := _SPECIAL.match(reading.lower, end):
        return (_special(found[1]),), found.end()
    found = _UNIT.match(reading.lower, end)
    if found is None:
        return None
    word = found[1]
    only = _OF_ONE_LANGUAGE.get(word)
    if only is not None and only not in reading.languages:
        return None
    if word == "p" and reading.lower.startswith(".", found.end()):
        return None  # `p. P.`, per person
    if word == "mon" and _MONTHS_IN_SHORT.match(reading.lower, found.end()):
        return UNITS["month"], found.end()
    units = UNITS.get(word) or _of_compound(word)
    return (units, found.end()) if units else None


def unit_soon(reading: Reading, end: int) -> tuple[tuple[Unit, ...], int] | None:
    """Return the same of a unit behind an adjective or two."""
    for _ in range(_ADJECTIVES_MAX):
        word = NEXT_WORD.match(reading.lower, end)
        if word is None or word[1] in NO_ADJECTIVES or word[1] in {"half", "halbe", "demi"}:
            return None
        end = word.end()
        unit = unit_at(reading, end)
        if unit is not None and unit[1] - end > 2:
            return unit
    return None


def _special(words: str) -> Unit:
    if "°" in words or "deg" in words:
        return Unit("temperature")
    if "cent" in words and words[0] == "p":
        return Unit("percent")
    return Unit("area", 1e6 if words.startswith("k") else 1.0)


def _of_compound(word: str) -> tuple[Unit, ...] | None:
    """Return the unit in which a German compound ends: `Gehminuten`."""
    found = _COMPOUND.search(word) if not word.startswith(_GERMAN_DAYS) else None
    return UNITS[found[0]] if found else None
