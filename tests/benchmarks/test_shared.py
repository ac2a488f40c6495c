"""Every figure of the queue on PostgreSQL can be measured; what it says the command shows."""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks.measuring import OWN, ServerSizes
from tests.benchmarks.shared.__main__ import figures
from tests.benchmarks.shared.systems import NEEDS, PEERS

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform != "linux", reason="what processes cost is read from /proc"),
]

TINY = ServerSizes(
    queued=60,
    queued_by_slow=5,
    workers=(1, 2),
    handed_in=50,
    one_by_one=10,
    pings=2,
    kept=100,
    turns=1,
    resting=8,
    sites=2,
    watched_s=0.5,
)
FIGURES = figures(TINY)


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that the user of a database server can reach, who may be another."""
    with tempfile.TemporaryDirectory() as made:
        place = Path(made) / "figure"
        place.mkdir()
        yield place


@pytest.mark.parametrize("name", FIGURES)
async def test_a_figure_measures_all_its_parts(name: str, folder: Path) -> None:
    """Each part of ours is a number, and so is what its ratio is taken to, if it is installed."""
    figure = FIGURES[name]
    values = await figure.measure(folder, TINY)
    asked = {part.to for part in figure.parts.values() if part.to is not None}
    bases = {(system, part) for system, part in asked if system not in NEEDS or system in PEERS}
    assert {(OWN, part) for part in figure.parts} | bases <= set(values)
    assert {system for system, _ in values} == {
        OWN,
        *(system for system, _ in bases),
        *figure.peers,
    }
    assert all(math.isfinite(value) and value >= 0 for value in values.values())
