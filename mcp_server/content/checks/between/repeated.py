"""Sections of a site that say the same twice: copied, or in other words. Pure.

What is copied is found by runs of words that few sections have; what is said in other words by its
meaning, where vectors are known, and then only if nothing in it differs.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from mcp_server.content.checks.between.siblings import are_of_other_kinds, are_siblings
from mcp_server.content.checks.between.sides import Side
from mcp_server.content.checks.between.vectors import Likenesses
from mcp_server.content.checks.between.vocabulary import plain
from mcp_server.content.checks.prepare import prose_of

_RUN = 3
"""Words of a run."""
_WORDS_MIN = 25
"""Words of a section below which it is a call to do something, which every page may have."""
_OFTEN = 6
"""Sections that have a run of words from which on it is part of the site: a note, a footer."""
_COPIED = 0.5
"""Share of its runs that a copy has in common with the other, at least."""
_LEFT = 0.2
"""Share of a text beside the paragraphs of both, up to which it is one and the same text."""
_LIKE_MIN, _LIKE_MORE, _LIKE_MAX = 0.52, 0.005, 0.66
"""Cosine of two texts that say the same in other words, at least; measured on labelled pairs.
Of two longer ones on one subject it is greater, whatever they say: by so much for each word."""
_SHORT = 40
"""Words of a short text."""
_APART = 0.05
"""How much nearer to each other they are than to any other section of their language."""
_LENGTHS = 0.6
"""Share of the longer one's words that the shorter has at least."""
_RARE = 4
"""Sections that have a word which is said to be rare."""
_WORD = re.compile(r"[^\W_]+")
_APART_VALUES = frozenset(
    {"money", "time", "date", "phone", "count", "weekday", "duration", "length", "weight"}
)


@dataclass(frozen=True, slots=True)
class _Text:
    paragraphs: Counter[str]
    words: tuple[str, ...]

    @property
    def runs(self) -> set[tuple[str, ...]]:
        return {self.words[at : at + _RUN] for at in range(len(self.words) - _RUN + 1)}


def repeated(sides: Sequence[Side]) -> Iterator[tuple[Side, Side]]:
    """Yield pairs of sections that say the same, each once."""
    texts = [_text_of(side) for side in sides]
    long = [at for at, text in enumerate(texts) if len(text.words) >= _WORDS_MIN]
    found: set[tuple[int, int]] = set()
    for a, b in _with_common_runs(texts, long):
        if sides[a].language == sides[b].language and _is_copy(
            sides[a], texts[a], sides[b], texts[b]
        ):
            found.add((a, b))
    for a, b in _near_in_meaning(sides, texts, long):
        if (a, b) not in found:
            found.add((a, b))
    yield from ((sides[a], sides[b]) for a, b in sorted(found))


def _text_of(side: Side) -> _Text:
    prose = prose_of(side.text)
    paragraphs = [
        " ".join(map(plain, _WORD.findall(each)))
        for each in prose.split("\n\n")
        if not each.lstrip().startswith("#") or "\n" in each.strip()
    ]
    return _Text(
        Counter(filter(None, paragraphs)),
        tuple(word for each in paragraphs for word in each.split()),
    )


def _with_common_runs(texts: Sequence[_Text], long: Sequence[int]) -> Iterator[tuple[int, int]]:
    by_run: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for at in long:
        for run in texts[at].runs:
            by_run[run].append(at)
    common: Counter[tuple[int, int]] = Counter()
    for places in by_run.values():
        if 1 < len(places) <= _OFTEN:
            common.update(combinations(places, 2))
    yield from (pair for pair, count in common.items() if count >= _WORDS_MIN // 4)


def _is_copy(one: Side, mine: _Text, other: Side, theirs: _Text) -> bool:
    """Whether one is a copy of the other: not two products, or two texts with one note below."""
    if _values_differ(one, other) and (are_siblings(one, other) or one.page == other.page):
        return False
    ones, others = mine.runs, theirs.runs
    if len(ones & others) < _COPIED * min(len(ones), len(others)):
        return False
    left = [_without(text, mine.paragraphs & theirs.paragraphs) for text in (mine, theirs)]
    if any(len(a) <= _LEFT * len(b.words) for a, b in zip(left, (mine, theirs), strict=True)):
        return True
    runs = [_Text(Counter(), words).runs for words in left]
    return len(runs[0] & runs[1]) >= _COPIED * max(1, min(map(len, runs)))


def _without(text: _Text, both: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(
        word for paragraph in text.paragraphs if paragraph not in both for word in paragraph.split()
    )


def _values_differ(one: Side, other: Side) -> bool:
    """Whether they say something of one sort in figures, and have none of that in common."""
    return any(
        not mine & other.read.values[name]
        for name, mine in one.read.values.items()
        if name in other.read.values and name in _APART_VALUES
    )


def _near_in_meaning(
    sides: Sequence[Side], texts: Sequence[_Text], long: Collection[int]
) -> Iterator[tuple[int, int]]:
    """Yield pairs that are nearer to each other than to anything else, and differ in nothing."""
    known: dict[tuple[str, int], list[int]] = defaultdict(list)
    for at in long:
        vector = sides[at].vector
        if vector is not None:
            known[sides[at].language, len(vector)].append(at)
    rarely = Counter(word for side in sides for word in side.words)
    for places in known.values():
        likenesses = Likenesses([sides[at].vector or b"" for at in places])
        for one, other, like in likenesses.nearest_pairs(least=_LIKE_MIN, apart=_APART):
            a, b = sorted((places[one], places[other]))
            shorter = min(len(texts[a].words), len(texts[b].words))
            if like < min(_LIKE_MAX, _LIKE_MIN + _LIKE_MORE * max(0, shorter - _SHORT)):
                continue
            if _may_say_the_same(sides[a], texts[a], sides[b], texts[b], rarely):
                yield a, b


def _may_say_the_same(
    one: Side, mine: _Text, other: Side, theirs: _Text, rarely: Mapping[str, int]
) -> bool:
    short, long = sorted((len(mine.words), len(theirs.words)))
    if short < _LENGTHS * long or mine.paragraphs & theirs.paragraphs:
        return False
    if _values_differ(one, other) or are_of_other_kinds(one, other):
        return False
    return any(rarely[word] <= _RARE for word in one.words & other.words)
