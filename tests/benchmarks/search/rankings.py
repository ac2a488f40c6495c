"""How one of the labelled sites may be searched: ways that were tried, beside the product's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mcp_server.app.parts import Parts
from mcp_server.entities.meaning import Word
from mcp_server.meaning.finding import Finder
from mcp_server.meaning.words import indexed, words_of

RANK = 60
"""The constant of fusing by reciprocal ranks, as everybody has it."""
WIDTH = 60
"""More than a labelled site has sections."""
CONTENT = 0.5
"""A word that is in more of the texts says nothing of what is asked for."""


@dataclass(frozen=True, slots=True)
class Place:
    """One of the sites, with the vectors of its sections."""

    ids: Sequence[str]
    texts: Sequence[str]
    vectors: Any
    parts: Parts
    finder: Finder
    by_words: Finder


Ranking = Callable[[Place, str, Any], Awaitable[Sequence[str]]]


async def only_words(place: Place, query: str, _: Any) -> Sequence[str]:
    """Return what FTS5 finds of any of the words, by bm25."""
    words = words_of(query)
    if not words:
        return []
    orders = await place.parts.meaning.with_any([[Word(word)] for word in words], limit=WIDTH)
    known = {each.order: each for each in await place.parts.meaning.known(orders)}
    return [known[order].entity_id for order in orders]


async def only_meaning(place: Place, _: str, vector: Any) -> Sequence[str]:
    """Return the sections by the cosine of the meanings."""
    best: list[int] = np.argsort(-(place.vectors @ vector), kind="stable").tolist()
    return [place.ids[row] for row in best]


async def reciprocal(place: Place, query: str, vector: Any) -> Sequence[str]:
    """Fuse both by reciprocal ranks."""
    return fused(await only_meaning(place, query, vector), await only_words(place, query, vector))


async def with_most_words(place: Place, query: str, vector: Any) -> Sequence[str]:
    """Fuse only those hits of words that have at least 60 % of the words that say something."""
    words = words_of(query)
    texts = dict(zip(place.ids, map(indexed, place.texts), strict=True))
    counts = {word: sum(f" {word} " in text for text in texts.values()) for word in words}
    content = [word for word in words if counts[word] < CONTENT * len(texts)] or words
    hits = [
        id
        for id in await only_words(place, query, vector)
        if sum(f" {word} " in texts[id] for word in content) >= 0.6 * len(content)
    ]
    return fused(await only_meaning(place, query, vector), hits)


async def own_by_words(place: Place, query: str, _: Any) -> Sequence[str]:
    """Return what the product finds without an embedder."""
    return [each.id for each in (await place.by_words.find(query, width=WIDTH)).matches]


async def own(place: Place, query: str, _: Any) -> Sequence[str]:
    """Return what the product finds."""
    return [each.id for each in (await place.finder.find(query, width=WIDTH)).matches]


RANKINGS: Mapping[str, Ranking] = {
    "words only (FTS5, bm25)": only_words,
    "meaning only": only_meaning,
    "reciprocal ranks": reciprocal,
    "reciprocal, 60 % of words": with_most_words,
    "search, by words only": own_by_words,
    "search": own,
}


def fused(*rankings: Sequence[str]) -> Sequence[str]:
    """Return all of several rankings, by the sum of their reciprocal ranks."""
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, id in enumerate(ranking, 1):
            scores[id] = scores.get(id, 0.0) + 1 / (RANK + rank)
    return sorted(scores, key=lambda each: -scores[each])
