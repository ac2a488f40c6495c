"""How good search is on the labelled queries, beside other ways to rank.

    python -m tests.benchmarks.search

Prints, for each way, the mean reciprocal rank of the first answer, by kind of query, language, and
whether the queries were written without sight of the texts; and how many of the answers are among
the first 1, 3 and 10.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import numpy as np

from mcp_server.meaning.finding import Finder
from mcp_server.meaning.local import LocalEmbedder, vectors
from tests.benchmarks.search.labelled import Query, queries, sections
from tests.benchmarks.search.rankings import RANKINGS, Place
from tests.benchmarks.search.stored import stored

SHARES: dict[str, Callable[[Query], bool]] = {
    "all": lambda _: True,
    "paraphrase": lambda query: query.kind == "paraphrase",
    "keyword": lambda query: query.kind == "keyword",
    "name": lambda query: query.kind == "name",
    "typo": lambda query: query.kind == "typo",
    "cross": lambda query: query.kind == "cross",
    "en": lambda query: query.language == "en",
    "de": lambda query: query.language == "de",
    "fr": lambda query: query.language == "fr",
    "unseen": lambda query: not query.seen,
    "seen": lambda query: query.seen,
}
DEPTHS = (1, 3, 10)


def reciprocal_rank(query: Query, found: Sequence[str]) -> float:
    """Return 1 for a first answer in the first place, 1/2 in the second; 0 if there is none."""
    answers = answers_of(query)
    return next((1 / rank for rank, id in enumerate(found, 1) if id in answers), 0.0)


def recall(query: Query, found: Sequence[str], depth: int) -> float:
    """Return which share of the answers is among the first, of as many as can be there."""
    answers = answers_of(query)
    return len(answers & {*found[:depth]}) / min(len(answers), depth)


def answers_of(query: Query) -> set[str]:
    """Return the sections that answer a query, not those that are useful besides."""
    return {id for id, worth in query.relevant.items() if worth == 2}


async def main() -> None:
    """Print the table."""
    made = vectors([query.query for query in queries()])
    asked = [np.frombuffer(vector or b"", "<f4") for vector in made]
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        places = {
            site: await _place(stack, folder, site)
            for site in sorted({section.site for section in sections()})
        }
        print("| | " + " | ".join([*SHARES, *(f"recall@{depth}" for depth in DEPTHS)]) + " |")
        print("|---|" + "---:|" * (len(SHARES) + len(DEPTHS)))
        for name, ranking in RANKINGS.items():
            found = [
                await ranking(places[query.site], query.query, vector)
                for query, vector in zip(queries(), asked, strict=True)
            ]
            print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in _values(found)) + " |")


async def _place(stack: AsyncExitStack, folder: Path, site: str) -> Place:
    its = [section for section in sections() if section.site == site]
    texts = [section.text for section in its]
    made = vectors(texts)
    parts = await stack.enter_async_context(
        stored(folder / site, [(section.id, section.text) for section in its], made)
    )
    numbers: Any = np.stack([np.frombuffer(vector or b"", "<f4") for vector in made])
    return Place(
        [section.id for section in its],
        texts,
        numbers,
        parts,
        Finder(parts.meaning, LocalEmbedder(beside=True)),
        Finder(parts.meaning, None),
    )


def _values(found: Sequence[Sequence[str]]) -> Iterable[float]:
    pairs = list(zip(queries(), found, strict=True))
    for belongs in SHARES.values():
        yield statistics.mean(reciprocal_rank(q, ids) for q, ids in pairs if belongs(q))
    for depth in DEPTHS:
        yield statistics.mean(recall(query, ids, depth) for query, ids in pairs)


if __name__ == "__main__":
    anyio.run(main)
