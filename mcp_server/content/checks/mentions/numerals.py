"""Numbers as people write them, in digits and in words, and what they may stand for. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from mcp_server.content.checks.words import ENGLISH, FRENCH, GERMAN, words

_SPACE = "\u00a0\u2007\u2009\u202f "
DIGITS = re.compile(
    rf"\d{{1,3}}(?:[{_SPACE}'’]\d{{3}}){{1,4}}(?![\d{_SPACE}'’]?\d)(?:[.,]\d{{1,9}})?"
    r"|\d{1,18}(?:[.,]\d{1,18}){0,6}|[\u00bc-\u00be]"
)
"""A number in digits, grouped or not, with or without a fraction."""
FRACTION_SIGNS: Mapping[str, float] = {"¼": 0.25, "½": 0.5, "¾": 0.75}


def values_of_digits(text: str, languages: Sequence[str] = ()) -> frozenset[float]:
    """Return what a number in digits may stand for: `1.200` is 1200 in one country, 1.2 in another.

    A single language tells which. It is empty for what is no single number, such as `1.2.3`.
    """
    if text in FRACTION_SIGNS:
        return frozenset({FRACTION_SIGNS[text]})
    plain = re.sub(rf"[{_SPACE}'’]", "", text)
    signs = re.findall(r"[.,]", plain)
    if not signs:
        return frozenset({float(plain)})
    if len(signs) == 1:
        whole, part = re.split(r"[.,]", plain)
        fraction = float(f"{whole}.{part}")
        grouped = len(part) == 3 and 0 < len(whole) <= 3 and whole != "0"
        if not grouped:
            return frozenset({fraction})
        if len(languages) == 1:
            is_thousands = (signs[0] == ",") is (languages[0] == ENGLISH)
            return frozenset({float(whole + part) if is_thousands else fraction})
        return frozenset({fraction, float(whole + part)})
    return _of_groups(plain, signs)


def _of_groups(plain: str, signs: list[str]) -> frozenset[float]:
    """Return the value of `1.200.000`, `1.200,50` or `1,200.50`."""
    last = signs[-1] if signs[-1] != signs[0] else ""
    whole, _, part = plain.rpartition(last) if last else (plain, "", "")
    if last and signs.count(last) > 1:
        return frozenset()
    groups = re.split(r"[.,]", whole)
    if any(len(group) != 3 for group in groups[1:]) or not 0 < len(groups[0]) <= 3:
        return frozenset()
    return frozenset({float(f"{''.join(groups)}.{part or 0}")})


_EN_SMALL = words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_EN_TENS = words("twenty thirty forty fifty sixty seventy eighty ninety")
_DE_SMALL = words(
    "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn"
    " fünfzehn "
    "sechzehn siebzehn achtzehn neunzehn"
)
_DE_TENS = words("zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig")
_FR_SMALL = words(
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize "
    "dix-sept dix-huit dix-neuf"
)
_FR_TENS: Mapping[str, float] = {
    "vingt": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60, "septante": 70,
    "soixante-dix": 70, "huitante": 80, "octante": 80, "quatre-vingt": 80, "quatre-vingts": 80,
    "nonante": 90, "quatre-vingt-dix": 90,
}  # fmt: skip


def _english() -> Mapping[str, float]:
    found: dict[str, float] = {word: n for n, word in enumerate(_EN_SMALL)}
    for tens, word in enumerate(_EN_TENS, 2):
        found[word] = tens * 10
        found |= {f"{word}-{_EN_SMALL[n]}": tens * 10 + n for n in range(1, 10)}
    return found | {"dozen": 12, "hundred": 100, "thousand": 1000, "million": 1e6, "billion": 1e9}


def _french() -> Mapping[str, float]:
    found: dict[str, float] = {word: float(n) for n, word in enumerate(_FR_SMALL)}
    found["une"] = 1.0
    for word, tens in _FR_TENS.items():
        found[word] = tens
        ones = range(1, 20) if tens in {60, 80} and not word.endswith("s") else range(1, 10)
        for n in ones:
            found[f"{word}-{_FR_SMALL[n]}"] = tens + n
            found[f"{word}-et-{_FR_SMALL[n]}"] = tens + n
    for n in range(1, 10):  # `soixante-dix-sept` is 60 + 17 as well as 70 + 7
        found.setdefault(f"soixante-dix-{_FR_SMALL[n]}", 70 + n)
    sets = {"dizaine": 10, "douzaine": 12, "quinzaine": 15, "vingtaine": 20, "trentaine": 30,
            "quarantaine": 40, "cinquantaine": 50, "soixantaine": 60, "centaine": 100}  # fmt: skip
    return (
        found | sets | {"cent": 100, "cents": 100, "mille": 1000, "million": 1e6, "millions": 1e6}
    )


WORD_MAX = 60
"""Letters of a number word; none is longer."""
_WORDS: Mapping[str, Mapping[str, float]] = {
    ENGLISH: _english(),
    FRENCH: _french(),
    GERMAN: {
        **{word: n for n, word in enumerate(_DE_SMALL)},
        **{word: n * 10 for n, word in enumerate(_DE_TENS, 2)},
        "dreissig": 30,
        "dutzend": 12,
        "hundert": 100,
        "tausend": 1000,
        "million": 1e6,
        "millionen": 1e6,
    },
}
_DE_ONES = {"ein": 1, "eine": 1} | {w: n for n, w in enumerate(_DE_SMALL) if n > 1}
_DE_TENS_BY_WORD = {w: n * 10 for n, w in enumerate(_DE_TENS, 2)} | {"dreissig": 30}


@lru_cache(maxsize=8192)
def value_of_word(word: str, language: str) -> float | None:
    """Return what one number word in lower case means; `None` for all others.

    The words for one are numbers only within others: `ein`, `one` and `une` are mostly articles.
    """
    found = _WORDS.get(language, {}).get(word)
    if found is None and language == GERMAN and len(word) <= WORD_MAX:
        found = _german(word)
    return None if found == 1 else found


def _german(word: str) -> float | None:
    """Return the value of a compound such as `zweihundertfünfundzwanzig`."""
    if (value := _german_small(word)) is not None:
        return value
    for sign, factor in (("tausend", 1000.0), ("hundert", 100.0)):
        before, found, after = word.partition(sign)
        if not found:
            continue
        times = _german(before) if before else 1.0
        rest = _german(after.removeprefix("und")) if after else 0.0
        return None if times is None or rest is None else times * factor + rest
    return None


def _german_small(word: str) -> float | None:
    known = _WORDS[GERMAN].get(word, _DE_ONES.get(word))
    if known is not None:
        return float(known)
    ones, und, tens = word.partition("und")
    if und and ones in _DE_ONES and tens in _DE_TENS_BY_WORD:
        return float(_DE_ONES[ones] + _DE_TENS_BY_WORD[tens])
    return None


_SCALES: Mapping[str, float] = {
    "hundred": 100, "thousand": 1000, "million": 1e6, "billion": 1e9, "hundert": 100,
    "tausend": 1000, "millionen": 1e6, "mio": 1e6, "mille": 1000,
    "millions": 1e6, "milliarden": 1e9, "milliards": 1e9, "dozen": 12, "dutzend": 12,
    "douzaines": 12, "k": 1000,
}  # fmt: skip
"""Words that multiply the number before them."""


def scale_of(word: str) -> float | None:
    """Return by how much a word multiplies the number before it: `1.5 million`."""
    return _SCALES.get(word)
