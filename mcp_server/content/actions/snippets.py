"""The piece of a text that shows why it was found. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from mcp_server.meaning.words import begins, folded

SNIPPET_LENGTH = 160
"""Characters that are shown: a sentence or two."""
BEFORE = 40
"""Of them, at most so many stand before the first word that was looked for."""
LOOKED_THROUGH = 100_000
"""Characters of a text that are looked through."""

_BLANK = re.compile(r"\s+")
_WORD = re.compile(r"[^\W_]+")


def snippet(text: str, words: Collection[str]) -> str:
    """Return the text from a little before where most of `words` stand together.

    They are as the index of words has them. Where none is there, it is the text's beginning.
    """
    places = list(_places(text[:LOOKED_THROUGH], words))
    if not places:
        return text
    best = max(places, key=lambda place: (_others(places, place[0]), -place[0]))[0]
    if best <= BEFORE:
        return text
    first = _BLANK.search(text, best - BEFORE, best)
    return "… " + text[first.end() if first else best - BEFORE // 4 :]


def _places(text: str, words: Collection[str]) -> Iterator[tuple[int, str]]:
    """Yield where one of the words stands, and which."""
    looked_for = [(word, begins(word)) for word in words]
    for found in _WORD.finditer(text):
        token = folded(found[0])
        for word, beginning in looked_for:
            if token == word or (beginning and token.startswith(word)):
                yield found.start(), word
            elif not word.isascii() and (at := token.find(word)) >= 0:
                yield found.start() + at, word  # a pair of letters in a run without blanks


def _others(places: list[tuple[int, str]], start: int) -> int:
    """Return how many of the words stand in what is shown from a place on."""
    return len({word for at, word in places if start <= at < start + SNIPPET_LENGTH - BEFORE})
