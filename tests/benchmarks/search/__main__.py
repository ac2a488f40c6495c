"""How good search is on the labelled queries, beside other ways to rank.

    python -m tests.benchmarks.search
    uv run --group bench python -m tests.benchmarks.search minilm    # with another model, too

Prints, for each way, the mean reciprocal rank of the first answer, by kind of query, language, and
whether the queries were written without sight of the texts; and how many of the answers are among
the first 1, 3 and 10.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import anyio.to_thread

from mcp_server.meaning.finding import Finder
from mcp_server.meaning.local import NAME, vectors
from mcp_server.meaning.numbers import numpy
from tests.benchmarks.search import minilm
from tests.benchmarks.search.labelled import Query, queries, sections
from tests.benchmarks.search.rankings import RANKINGS, WITH_ANOTHER_MODEL, Place, Ranking
from tests.benchmarks.search.stored import stored

np = numpy()
Encode = Callable[[Sequence[str]], list[bytes | None]]
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


async def main(models: Mapping[str, Encode]) -> None:
    """Print the table: all ways with the first model, those that ask one with the others."""
    print("| | " + " | ".join([*SHARES, *(f"recall@{depth}" for depth in DEPTHS)]) + " |")
    print("|---|" + "---:|" * (len(SHARES) + len(DEPTHS)))
    for model, encode in models.items():
        for row in await _rows(encode, RANKINGS if encode is vectors else WITH_ANOTHER_MODEL):
            print(f"| {model}{row}")


async def _rows(encode: Encode, rankings: Mapping[str, Ranking]) -> Sequence[str]:
    made = encode([query.query for query in queries()])
    asked = [np.frombuffer(vector or b"", "<f4") for vector in made]
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        places = {
            site: await place_of(stack, folder, site, encode)
            for site in sorted({section.site for section in sections()})
        }
        rows: list[str] = []
        for name, ranking in rankings.items():
            found = [
                await ranking(places[query.site], query.query, vector)
                for query, vector in zip(queries(), asked, strict=True)
            ]
            rows.append(f"{name} | {' | '.join(f'{value:.3f}' for value in _values(found))} |")
    return rows


class Encoding:
    """An embedder that makes its vectors with any model. They are stored under the name of ours."""

    name = NAME

    def __init__(self, encode: Encode) -> None:
        self._encode = encode

    async def embed(self, texts: Sequence[str]) -> Sequence[bytes | None]:
        """Return a vector for each text."""
        return await anyio.to_thread.run_sync(self._encode, texts)

    async def aclose(self) -> None:
        """Nothing is open."""


async def place_of(stack: AsyncExitStack, folder: Path, site: str, encode: Encode) -> Place:
    """Return one of the sites, stored and known to search."""
    its = [section for section in sections() if section.site == site]
    texts = [section.text for section in its]
    made = encode(texts)
    parts = await stack.enter_async_context(
        stored(folder / site, [(section.id, section.text) for section in its], made)
    )
    numbers: Any = np.stack([np.frombuffer(vector or b"", "<f4") for vector in made])
    return Place(
        [section.id for section in its],
        texts,
        numbers,
        parts,
        Finder(parts.meaning, Encoding(encode)),
        Finder(parts.meaning, None),
    )


def _values(found: Sequence[Sequence[str]]) -> Iterable[float]:
    pairs = list(zip(queries(), found, strict=True))
    for belongs in SHARES.values():
        yield statistics.mean(reciprocal_rank(q, ids) for q, ids in pairs if belongs(q))
    for depth in DEPTHS:
        yield statistics.mean(recall(query, ids, depth) for query, ids in pairs)


if __name__ == "__main__":
    compared: dict[str, Encode] = {"": vectors}
    if "minilm" in sys.argv:
        compared["MiniLM int8, "] = minilm.vectors
    anyio.run(main, compared)
