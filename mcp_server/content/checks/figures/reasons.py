"""Why a figure that stands in no source can be no invention all the same. Pure.

Each reason is narrow: it reads what stands beside the figure, and figures that a source has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mcp_server.content.checks.figures.examples import SENTENCE_END, is_example
from mcp_server.content.checks.figures.known import Known
from mcp_server.content.checks.mentions.mention import Mention, Quantity
from mcp_server.content.checks.sources import Sources

_UMLAUTS = str.maketrans("äöü", "aou")
_WORDS_AFTER = re.compile(r"(?:[ \u00a0-][^\W\d_]{2,40}){1,2}")
_A_WEEK = re.compile(
    r"[ \u00a0-](?:(?:a|per|each|every|of the|in der|pro|die|je|par) (?:week|woche|semaine)\b"
    r"|wöchentlich|weekly|(?:sur|von) (?:7|sieben|sept)\b)",
    re.IGNORECASE,
)
_DAY = 86_400.0
_BOUND = re.compile(
    r"\b(?:(?P<more>more than|mehr als|über|plus de|over)|under|fewer than|less than|unter"
    r"|weniger als|moins de)[ \u00a0]$",
    re.IGNORECASE,
)
_BOUND_MAX = 30
"""Of larger numbers nobody tells the one from the next."""
_SUM_MAX = 120
"""Characters within which a sum and its parts stand."""
_RELATIVE = re.compile(
    r"[ \u00a0](?:\w{1,12}[ \u00a0]){0,2}(?:later|earlier|longer|more|before|after|ahead"
    r"|später|früher|länger|mehr|vor|nach|danach|davor|zuvor|vorher|de plus|plus (?:tard|tôt"
    r"|longtemps)|avant|après|auparavant)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Read:
    """A text as it was read: its mentions, and which of them a source says."""

    text: str
    mentions: Sequence[Mention]
    said: Sequence[bool]
    known: Sequence[Known]
    sources: Sources


def follows(read: Read, index: int) -> bool:
    """Whether a mention follows from what stands beside it, or is an example."""
    return (
        is_example(read.text, read.mentions[index], read.sources.said)
        or _is_sum(read, index)
        or _is_apart(read, index)
        or _is_counted(read, index)
        or _is_part_of_week(read, index)
        or _is_bound(read, index)
    )


def _is_sum(read: Read, index: int) -> bool:
    """Whether it is the sum of figures beside it that sources have: `six: two women, four men`."""
    q = read.mentions[index].quantities[0]
    if not isinstance(q.value, float) or not q.dimension.startswith(("count", "money")):
        return False
    return any(
        sum(values) == q.value
        for parts in _beside(read, index)
        if len(values := [*_amounts(read, parts, q.dimension)]) == len(parts)
    )


def _beside(read: Read, index: int) -> Iterator[range]:
    """Yield the two or three mentions after one, and before it, that sources say."""
    for size in (2, 3):
        for first in (index + 1, index - size):
            parts = range(first, first + size)
            if first < 0 or parts[-1] >= len(read.mentions):
                continue
            start = read.mentions[min(index, first)].start
            end = read.mentions[max(index, parts[-1])].end
            if end - start <= _SUM_MAX and not SENTENCE_END.search(read.text, start, end):
                yield parts


def _amounts(read: Read, parts: range, dimension: str) -> Iterator[float]:
    for part in parts:
        for q in read.mentions[part].quantities:
            if read.said[part] and isinstance(q.value, float) and q.dimension == dimension:
                yield q.value
                break


def _is_apart(read: Read, index: int) -> bool:
    """Whether it is how long after a time beside it another is: `an hour later, at 10 pm`."""
    mention = read.mentions[index]
    lasting = mention.values_of("duration")
    if not lasting or _RELATIVE.match(read.text, mention.end) is None:
        return False
    return any(
        known.has_between(minute, seconds)
        for other in read.mentions[max(0, index - 2) : index + 3]
        if _are_in_one_sentence(read.text, mention, other)
        for minute in other.values_of("time")
        for seconds in lasting
        for known in read.known
    )


def _are_in_one_sentence(text: str, one: Mention, other: Mention) -> bool:
    start, end = min(one.end, other.end), max(one.start, other.start)
    return one is not other and SENTENCE_END.search(text, start, end) is None


def _is_bound(read: Read, index: int) -> bool:
    """Whether it is a bound beside that of a source: `more than eight` is `from 9`."""
    mention = read.mentions[index]
    bound = _BOUND.search(read.text, max(0, mention.start - 16), mention.start)
    if bound is None:
        return False
    step = 1.0 if bound["more"] else -1.0
    shifted = tuple(
        Quantity(q.dimension, q.value + step, q.figure + step)
        for q in mention.quantities
        if q.dimension == "count" and isinstance(q.value, float) and q.value <= _BOUND_MAX
    )
    said = replace(mention, quantities=shifted)
    return any(known.says(said) for known in read.known)


def _is_part_of_week(read: Read, index: int) -> bool:
    """Whether it says on how many days a week something is, as a source lists them."""
    mention = read.mentions[index]
    if _A_WEEK.match(read.text, mention.end) is None:
        return False
    return any(
        seconds / _DAY in known.of("days a week")
        for seconds in mention.values_of("duration")
        for known in read.known
    )


def _is_counted(read: Read, index: int) -> bool:
    """Whether a fact that is named like what is counted lists so many: `chambres: [a, b]`."""
    mention = read.mentions[index]
    following = _WORDS_AFTER.match(read.text, mention.end)
    if following is None:
        return False
    nouns = [word.lower() for word in following[0].split()]
    return any(
        q.dimension == "count" and q.figure == count and _same_noun(noun, name)
        for name, count in read.sources.counted
        for q in mention.quantities
        for noun in nouns
    )


def _same_noun(one: str, other: str) -> bool:
    """Whether two words are forms of one: `floor` and `floors`, `Raum` and `räume`."""
    plain = [each.translate(_UMLAUTS) for each in (one, other)]
    short, long = sorted(plain, key=len)
    return len(short) >= 4 and long.startswith(short[:-1]) and len(long) - len(short) <= 3
