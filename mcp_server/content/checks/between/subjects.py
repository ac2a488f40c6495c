"""The words that say what a figure is of, so that two places can be compared. Pure.

A word is known by its stem, and some by what they mean in three languages: `Nacht` is `night`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache

from mcp_server.content.checks.between.vocabulary import (
    CALENDAR,
    COMPATIBLE,
    FUNCTION,
    GENERIC,
    GROUPS,
    HEADING_GENERIC,
    MEANT,
    SILENT,
    UNITS,
    plain,
)
from mcp_server.content.checks.mentions.numerals import value_of_word
from mcp_server.content.checks.words import LANGUAGES

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_PREFIX_MIN = 5
"""Letters from which on a word stands for the longer ones that begin with it: `Theorie`."""
_KEY_LENGTH = 5


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Return what a word is known by: `=night` for `Nacht`, `pitch` for `pitches`, "" for none."""
    bare = plain(word)
    if bare in MEANT:
        return MEANT[bare]
    if any(value_of_word(word.lower(), language) is not None for language in LANGUAGES):
        return ""
    if bare.endswith("zeiten") and len(bare) > 6:
        return "=open"  # `Badezeiten`, `Sprechzeiten`
    if len(bare) < 3 or bare in GENERIC or bare in FUNCTION or bare in CALENDAR:
        return ""
    return _cut(bare)


_ENDS_IN = re.compile(r"(?<=...)(?:ings?|ed|ern|en|er|em|es|e|n)$")


def _cut(word: str) -> str:
    if len(word) > 4 and word[-1] in "sx" and not word.endswith("ss"):
        word = word[:-1]
    return _ENDS_IN.sub("", word) if len(word) > 4 else word


def stems_of(text: str) -> Iterator[str]:
    """Yield the stems of the words of a text that say what it is about."""
    for found in _WORD.finditer(text):
        if name := stem(found[0]):
            yield name
        elif "-" in found[0]:
            yield from filter(None, map(stem, found[0].split("-")))


def heading_stems(heading: str) -> frozenset[str]:
    """Return the stems of a heading that tell it from others."""
    said = (word for word in _WORD.findall(heading) if plain(word) not in HEADING_GENERIC)
    return frozenset(name for word in said for name in stems_of(word) if name != "=open")


def key_of(name: str) -> str:
    """Return what a stem is indexed by: one that begins another has the same key."""
    return name if name.startswith("=") else name[:_KEY_LENGTH]


def is_like(one: str, other: str) -> bool:
    """Whether two stems are forms of one word, or one is a longer word that begins with it."""
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    return len(short) >= _PREFIX_MIN and short[0] != "=" and long.startswith(short)


def shared(ones: Collection[str], others: Collection[str]) -> frozenset[str]:
    """Return those of `ones` that are among `others`, in whatever form."""
    found = frozenset(ones) & frozenset(others)
    left = [each for each in others if len(each) >= _PREFIX_MIN]
    return found | {one for one in ones if any(is_like(one, other) for other in left)}


def kinds_of(*said: frozenset[str]) -> Mapping[str, frozenset[str]]:
    """Return which of each group something is, as the first of several texts says that says it."""
    return {
        name: next((each & group for each in said if each & group), frozenset[str]())
        for name, group in GROUPS.items()
    }


def differ_in_kind(
    ones: Mapping[str, frozenset[str]],
    others: Mapping[str, frozenset[str]],
    beside: tuple[Collection[str], Collection[str]],
    groups: Collection[str] = (),
) -> bool:
    """Whether two things are of another kind: a child's and an adult's, summer's and winter's.

    What only one says is no difference if it stands `beside` the other, in its sentence.
    """
    for name in groups or ones:
        one, other = ones[name] - SILENT, others[name] - SILENT
        if (not one and not other) or one & other or ones[name] & others[name]:
            continue
        if one and other:
            if not any(one | other <= both for both in COMPATIBLE):
                return True
        elif not (one & frozenset(beside[1]) or other & frozenset(beside[0])):
            return True
    return False


def differ_in_unit(ones: Collection[str], others: Collection[str]) -> bool:
    """Whether one is by the night, and the other by the week."""
    one, other = UNITS & frozenset(ones), UNITS & frozenset(others)
    return bool(one and other) and not one & other
