"""What campaigns on a store do now and then, so that it stays small and mistakes are found soon."""

from __future__ import annotations

from tests.harness import ManualClock
from tests.storage.raw import Raw
from tests.storage.stores import HOUR_S, Bench

CHECKED = 50
"""After so many rounds the rows are compared with each other, and what has ended is forgotten."""


async def tidy(bench: Bench, raw: Raw, clock: ManualClock) -> None:
    """Compare the rows with each other, and forget what has ended."""
    raw.check()
    clock.advance(HOUR_S)
    while await bench.store.prune(completed_before=bench.now, ended_before=bench.now, limit=500):
        pass
