"""A number as it was read, in digits or in words: what it may be, and where it ends. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mcp_server.content.checks.mentions.numerals import scale_of, value_of_word
from mcp_server.content.checks.mentions.reading import GAP, Reading
from mcp_server.content.checks.words import GERMAN

NEXT_WORD = re.compile(rf"(?:{GAP}{{1,2}}|-)([^\W\d_]{{1,40}})")
_NEXT_NUMBER_WORD = re.compile(
    rf"(?:{GAP}|-)((?:and|und|et){GAP}|et-)?([^\W\d_]{{2,20}}(?:-[^\W\d_]{{2,10}}){{0,3}})"
)
_SCALE = re.compile(
    rf"{GAP}?(k|mio\.?|hundred|thousand|million|billion|millionen|milliarden|milliards|millions"
    rf"|tausend|hundert|mille|dozen|dutzend|douzaines)\b"
)
_NO_NUMBERS = frozenset({"cents", "neufs"})
_GERMAN_COMPOUND = re.compile(
    r"([a-zäöüß]{3,30}?)-?(sekündig|minütig|stündig|tägig|wöchig|monatig|jährig|gängig|stöckig"
    r"|köpfig|teilig|bändig|sitzig|türig"
    r"|prozentig|mal|geschossig|stellig|sprachig|sternig|sterne|gang|gänge|zimmer)(?:e[nrsm]?"
    r"|s)?(?:-?[a-zäöüß]{0,30})"
)
_WORDS_MAX = 8
"""Words that go on a number."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number at a place: its possible values."""

    values: frozenset[float]
    end: int
    in_digits: bool
    digits: str = ""

    @property
    def whole(self) -> int | None:
        """Its value, if that is one whole number."""
        (value, *others) = self.values
        return int(value) if not others and value == int(value) else None

    @property
    def is_year(self) -> bool:
        """Whether it is written as a year is."""
        value = self.whole
        return value is not None and len(self.digits) == 4 and 1000 <= value <= 2199


def scaled(reading: Reading, number: Number) -> Number:
    """Return a number in digits with the word that multiplies it: `1.5 million`, `12k`."""
    found = _SCALE.match(reading.lower, number.end)
    if found is None or not number.in_digits or (scale := scale_of(found[1])) is None:
        return number
    return Number(frozenset(v * scale for v in number.values), found.end(), in_digits=True)


def number_in_words(reading: Reading, start: int, word: str) -> Number | None:
    """Return what begins with a word: `two hundred and fifty`, `quatre-vingt dix`."""
    for language in reading.languages:
        value, end = _word_value(start, word, language)
        if value is None:
            continue
        for _ in range(_WORDS_MAX):
            following = _NEXT_NUMBER_WORD.match(reading.lower, end)
            if following is None:
                break
            next_value = value_of_word(following[2], language)
            if next_value is None and following[2] in {"un", "une", "one"}:
                next_value = 1.0
            joined = next_value is not None and _joined(value, next_value, bool(following[1]))
            if not joined:
                break
            value, end = joined, following.end()
        return Number(frozenset({float(value)}), end, in_digits=False)
    return None


def next_in_words(reading: Reading, end: int) -> Number | None:
    """Return the number that begins with the next word."""
    word = NEXT_WORD.match(reading.lower, end)
    return number_in_words(reading, word.start(1), word[1]) if word is not None else None


def _word_value(start: int, word: str, language: str) -> tuple[float | None, int]:
    if word in _NO_NUMBERS:
        return None, start
    value = value_of_word(word, language)
    if value is not None:
        return value, start + len(word)
    head, hyphen, _ = word.partition("-")
    if hyphen and (value := value_of_word(head, language)) is not None:
        return value, start + len(head)
    if language == GERMAN and (found := _GERMAN_COMPOUND.fullmatch(word)):
        value = value_of_word(found[1], GERMAN) or (1.0 if found[1] == "ein" else None)
        if value is not None and (value != 1 or found[2] != "mal"):
            return value, start + len(found[1])
    return None, start


def _joined(value: float, following: float, with_and: bool) -> float | None:
    """Return the number that two number words make, `None` where they are two numbers."""
    if following >= 100 and value < following and not with_and:
        return value * following
    if following == 100 and value >= 1000 and 1 < value % 1000 < 10:
        return value + value % 1000 * 99  # `mille deux cents`
    if value == 4 and following == 20:
        return 80.0
    if value in {60, 80} and following < 20:
        return value + following
    for size in (10, 100, 1000, 1e6):
        if value >= size * (2 if size == 10 else 1) and value % size == 0 and following < size:
            if with_and and size == 10 and following != 1:
                continue
            return value + following
    return None
