"""Every figure of the server can be measured; what it says is shown by the command, not here."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.benchmarks import embedding, page_files
from tests.benchmarks.measuring import ServerSizes
from tests.benchmarks.server import figures

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]

TINY = ServerSizes(
    noops=500,
    noops_s=5.0,
    calls=1,
    sections=(10, 20),
    paged=(2, 4),
    paged_calls=1,
    callers=2,
    callers_s=0.4,
    loaders=2,
    load_s=0.4,
    lanes=((1, 1), (8, 8)),
    double_s=0.03,
    answered=3,
    drafted=20,
    published=(4, 8),
    reviewed=60,
    pages=30,
    written=4,
    followed=4,
    followed_batches=2,
    embedded=70,
    subscribers=5,
    batch=3_000,
    idle_s=0.5,
    spawned=1,
    asked=2,
)
FIGURES = {**figures(TINY), **page_files.figures(TINY), **embedding.figures(TINY)}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", FIGURES)
async def test_a_figure_measures_all_its_parts(name: str, tmp_path: Path) -> None:
    """Each part, and what its ratio is taken to, comes out as a number."""
    figure = FIGURES[name]
    values = await figure.measure(tmp_path, TINY)
    bases = {part.to for part in figure.parts.values() if part.to is not None}
    assert set(values) == {("pressroom", part) for part in figure.parts} | bases
    assert all(math.isfinite(value) for value in values.values())
