"""How much a text has of what was asked: by its words, by its meaning, and by both. Pure.

Decided by measurement on 164 labelled queries (`python -m tests.benchmarks.search`): adding up is
better than fusing two ranks by reciprocals, also where only those hits are fused that have 60 % of
the words.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from mcp_server.meaning.words import begins

IN_TEXT = 0.2
"""What all words of a question in a text weigh beside the cosine of the meanings."""
IN_HEADING = 0.1
"""What they weigh once more where its headings have them."""
NEARLY = 0.8
"""What a word counts that only begins with the one that was asked for, or is spelled nearly so."""
LONG = 8
"""Letters of a word from which on two may be wrong, and not one."""
SPELLED_MIN = 4
"""Letters of a word that may be misspelled: of a shorter one, too many others are near."""

SAME_MEANING = 0.3
"""From this cosine on, two texts mean the same."""
SAME_WORDS = 0.5
"""From this share of the words on, by their weight, a text has the words of the question."""


class Share(NamedTuple):
    """How much of a question's words a text has, by their weight: from 0 to 1."""

    text: float
    headings: float


NOTHING = Share(0.0, 0.0)


class Asked:
    """The words of a question, each with its weight and with the words that count for it."""

    def __init__(self, counts: Mapping[str, int], total: int) -> None:
        """`counts`: in how many of `total` texts each word is. A rare word weighs more."""
        self._weights = {word: rarity(count, total) for word, count in counts.items()}
        self._whole = sum(self._weights.values())
        self._ways = {word: _ways(word) for word in counts}

    def spelled(self, near: Mapping[str, Collection[str]]) -> None:
        """Let words count for those of which they are the right spelling."""
        for word, others in near.items():
            self._ways[word] = [*self._ways[word], *((f" {other} ", NEARLY) for other in others)]

    def share(self, words: str) -> Share:
        """Return how much of them is in a text, as it was indexed."""
        if not self._whole:
            return NOTHING
        headings = words[: words.index("\n")] if "\n" in words else ""
        found, above = 0.0, 0.0
        for word, ways in self._ways.items():
            here = next((counts for way, counts in ways if way in words), 0.0)
            if not here:
                continue
            weight = self._weights[word]
            found += here * weight
            if headings:
                above += weight * next((counts for way, counts in ways if way in headings), 0.0)
        return Share(found / self._whole, above / self._whole)


def score(meaning: float | None, share: Share) -> float:
    """Return by how much a text is an answer; the larger the better."""
    return (meaning or 0.0) + IN_TEXT * share.text + IN_HEADING * share.headings


def rarity(count: int, total: int) -> float:
    """Return the weight of a word that is in `count` of `total` texts, as bm25 has it."""
    count = min(count, total)
    return math.log(1 + (total - count + 0.5) / (count + 0.5))


def nearest(word: str, words: Collection[str]) -> Sequence[str]:
    """Return those of `words` that are spelled most nearly like a word: at most a slip or two away.

    The first letter is hardly ever wrong; a number is not misspelled, it is another number.
    """
    if len(word) < SPELLED_MIN or not word.isalpha():
        return []
    most = 1 if len(word) < LONG else 2
    found: dict[int, list[str]] = {}
    letters = frozenset(word)
    for each in words:
        if (
            each[:1] == word[:1]
            and abs(len(each) - len(word)) <= most
            and len(letters.symmetric_difference(each)) <= 2 * most  # or it is farther away
            and each.isalpha()
        ):
            slips = distance(word, each, most)
            if slips <= most:
                found.setdefault(slips, []).append(each)
    return found[min(found)] if found else []


def distance(word: str, other: str, most: int) -> int:
    """Return how many slips lie between two words, as soon as it is known to be above `most`.

    A slip is a letter too many, too few, another, or two in the wrong order.
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(word, 1):
        here = [at]
        for place, against in enumerate(other, 1):
            least = min(row[place] + 1, here[-1] + 1, row[place - 1] + (letter != against))
            if at > 1 and place > 1 and letter == other[place - 2] and word[at - 2] == against:
                least = min(least, before[place - 2] + 1)
            here.append(least)
        if min(here) > most:
            return most + 1
        before, row = row, here
    return row[-1]


def _ways(word: str) -> list[tuple[str, float]]:
    """Return what stands in an indexed text that has the word, the best first."""
    return [(f" {word} ", 1.0), *([(f" {word}", NEARLY)] if begins(word) else [])]
