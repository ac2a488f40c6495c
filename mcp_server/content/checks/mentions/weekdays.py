"""Days of the week, and whether something is open on them. Pure."""

from __future__ import annotations

import re

from mcp_server.content.checks.mentions.mention import Mention, Quantity
from mcp_server.content.checks.mentions.reading import DAY_NAMES, GAP, Reading
from mcp_server.content.checks.words import SHORT_WEEKDAYS, WEEKDAYS, words

_AROUND = 80
"""Characters on both sides within which it is said that something is closed on a day."""
_CLOSED = re.compile(
    r"\bemergenc|\bnotfälle|\bnotdienst|\burgences?\b|\bnobody\b|\bniemand|\bpersonne\b(?! par)"
    r"|\bsleeps?\b|\bschl(?:äft|afen)\b|\bdor(?:t|mons|ment)\b|\brelax|\bpause|\bruhe\b"
    r"|\bclos(?:ed|es|ing day)|geschlossen|ruhetag|\bruh(?:t|en)\b"
    r"|\bferm(?:ée?s?|ons|ent|eture)\b|(?<!la )\bferme (?:le|les|à|ses|tous)\b"
    r"|\bzu\b(?= *$)"
    r"|\brests?\b|day off|repos|\bnot\b|\bno\b|\bnicht\b|\bkeine?\b|\bpas\b"
)
_EXCEPT = re.compile(
    r"\bexcept\b|\bapart from\b|\bother than\b|\bbut (?=\w{4,9}day)|\baußer\b|\bausgenommen\b"
    r"|\bbis auf\b"
    r"|\bsauf\b|\bexcepté\b|\bhormis\b|\bà l['’]exception\b"
)
"""Of the days after it something is not so; what stands before it is."""
_CLAUSES = re.compile(r"[.,;!?|\n]| (?:but|aber|mais) ")
_SENTENCES = re.compile(r"[.;!?\n]")
_APART = rf"\.?{GAP}?(?:[–—/&+,-]|(?:to|and|und|et|au|à|bis)\b){GAP}?(?:le{GAP})?"
_THEN_DAY = re.compile(
    rf"{_APART}(?:{DAY_NAMES})\b|\.?:?{GAP}?\d{{1,2}}{GAP}?(?:h\b|h\d|[:.]\d\d|uhr|[ap]m\b)"
)
_AFTER_DAY = re.compile(rf"\b(?:{DAY_NAMES}){_APART}$")
_AFTER_SHORT_DAY = re.compile(
    rf"{GAP}?(?:[.:–—/&+€$£-]|,|to\b|bis\b|und\b|au\b|à\b|et\b|and\b|$|\n|\d"
    rf"|(?:ab|um|von|from|at|until|till|de|dès|à|jusqu['’]à|before|vor){GAP}\d"
    r"|matin|soir|après-midi|morgens|vormittags?|nachmittags?|abends?|morning|afternoon|evening)"
)
_BEFORE_SHORT_DAY = re.compile(
    rf"\b(?:\d(?:st|nd|rd|th|\.|e|er)|first|second|third|last|every|each|on|jeden|letzte[nr]?|am"
    rf"|chaque){GAP}$"
)
_SURE_SHORT_DAYS = frozenset(words("lun ven sam dim"))
"""Days before a dot: no other words."""
_TIMES = re.compile(rf"\d{{1,2}}(?::\d\d|{GAP}?(?:[–-]{GAP}?\d|uhr|h\b))")


def weekday(reading: Reading, start: int, word: str) -> Mention | None:
    """Return the day that a word names, open or closed."""
    end = start + len(word)
    head, hyphen, _ = word.partition("-")
    if word not in WEEKDAYS and hyphen and head in WEEKDAYS:
        word, end = head, start + len(head)
    if word not in WEEKDAYS or (word in SHORT_WEEKDAYS and not _is_short_day(reading, start, end)):
        return None
    before, after = (
        reading.lower[max(0, start - _AROUND) : start],
        reading.lower[end : end + _AROUND],
    )
    dimensions = [
        name
        for name, apart in (("weekday", _CLAUSES), ("closed", _SENTENCES))
        if _is_closed(apart.split(before)[-1], apart.split(after)[0]) is (name == "closed")
    ]
    day = float(WEEKDAYS[word])
    return Mention("date", start, end, tuple(Quantity(name, day) for name in dimensions))


def is_friday(reading: Reading, start: int) -> bool:
    """Whether `Fr` before a number is the day and no money: `Mo–Fr 9`, `Fr: 14`, `Fr 14–18`."""
    before = reading.lower[max(0, start - 24) : reading.word_end - 2]
    return (
        ":" in reading.lower[reading.word_end : start]
        or _AFTER_DAY.search(before) is not None
        or _TIMES.match(reading.lower, start) is not None
    )


def _is_short_day(reading: Reading, start: int, end: int) -> bool:
    """Whether `Mon`, or `lun` beside another day or a time, is a day."""
    lower = reading.lower
    if reading.text[start].isupper():
        return (
            _AFTER_SHORT_DAY.match(lower, end) is not None
            or _BEFORE_SHORT_DAY.search(lower, max(0, start - 12), start) is not None
        )
    if lower[start:end] in _SURE_SHORT_DAYS and lower[end : end + 1] == ".":
        return True
    return end - start > 2 and (
        _THEN_DAY.match(lower, end) is not None
        or _AFTER_DAY.search(lower, max(0, start - 24), start) is not None
    )


def _is_closed(before: str, after: str) -> bool:
    """Whether what stands around a day says that something is not open on it."""
    return _EXCEPT.search(before) is not None or _CLOSED.search(f"{before} {after}") is not None
