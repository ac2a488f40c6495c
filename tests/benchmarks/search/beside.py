"""What the facts of a site do to its search: the labelled queries of the bakery, as it is made.

    python -m tests.benchmarks.search.beside

Prints, for each weight of a fact beside a text, the mean reciprocal rank of the first answer; first
without what stands in `site.yaml`.
"""

from __future__ import annotations

import statistics
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from mcp_server.config import open_workspace
from mcp_server.content.actions.searched import FACT
from mcp_server.content.actions.site_texts import texts_of
from mcp_server.content.workspace.loader import SiteLoader
from mcp_server.content.workspace.starter import init_workspace
from mcp_server.meaning.finding import NONE_ASIDE, Aside
from mcp_server.meaning.local import vectors
from tests.benchmarks.search.__main__ import place_of, reciprocal_rank
from tests.benchmarks.search.labelled import queries
from tests.benchmarks.search.rankings import Place

SITE = "starter"
WEIGHTS = (1.0, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)


def weighted(texts: Aside, weight: float) -> Aside:
    """Return the texts of a site with facts that count so much."""
    return Aside([replace(e, weight=weight) if e.type == FACT else e for e in texts.texts])


async def main() -> None:
    """Print a line for each weight."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        init_workspace(folder / "workspace")
        site = SiteLoader(open_workspace(folder / "workspace", {})).load()
        place = await place_of(stack, folder, SITE, vectors)
        texts = texts_of(site)
        print(f"{await mean_rank(place, NONE_ASIDE):.3f} without {len(texts.texts)} texts beside")
        for weight in WEIGHTS:
            print(f"{await mean_rank(place, weighted(texts, weight)):.3f} with facts by {weight}")


async def mean_rank(place: Place, beside: Aside) -> float:
    """Return the mean reciprocal rank of the first section that is an answer."""
    ranks: list[float] = []
    for query in queries():
        if query.site == SITE:
            found = await place.finder.find(query.query, width=64, beside=beside)
            ranks.append(reciprocal_rank(query, [e.id if e.hash else "" for e in found.matches]))
    return statistics.mean(ranks)


if __name__ == "__main__":
    anyio.run(main)
