"""The life of whole sites: drafted, promoted and taken back, the pages' files included."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.measuring import OWN, ServerSizes, Values
from tests.benchmarks.partners import both, ended
from tests.benchmarks.sites import site_of

END_S = 600.0
STEPS = {"drafting": "generate-all", "promoting": "promote", "rolling-back": "rollback"}
"""What is measured, and the tool that begins it."""


async def publish(folder: Path, sizes: ServerSizes) -> Values:
    """Return how many sections a second go through each step, for sites of each size."""
    rates: dict[tuple[str, str], float] = {}
    for sections in sizes.published:
        root = site_of(folder / f"site{sections}", sections, composer_delay_s=0)
        async with both(root) as (serving, _):
            for step, tool in STEPS.items():
                answer = await serving.desk.call(tool)
                assert answer["queuedSections"] == sections, answer
                _, seconds = await ended(root, answer["batchId"], seconds=END_S)
                rates[OWN, f"{step}-{sections}"] = sections / seconds
    return rates
