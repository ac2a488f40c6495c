"""`generate-all` of large sites: until the batch ID is there, and as a dry run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import OWN, ServerSizes, Values
from tests.benchmarks.partners import no_worker, server
from tests.benchmarks.sites import site_of

Times = dict[str, float]
"""In milliseconds."""


async def generate_all(folder: Path, sizes: ServerSizes) -> Values:
    """Plan each site, cold and warm, while nobody works."""
    values: dict[tuple[str, str], float] = {}
    for sections in sizes.sections:
        root = site_of(folder / f"site{sections}", sections)
        medians, stalls = await _site(root, sections, sizes.calls)
        values |= {(OWN, f"{name}-{sections}"): taken for name, taken in medians.items()}
        values |= {(OWN, name): stall for name, stall in stalls.items()}  # the last site is largest
    return values


async def _site(root: Path, sections: int, calls: int) -> tuple[Times, Times]:
    """Return what the calls took, and the longest stalls of the server's event loop meanwhile."""
    async with no_worker(root), server(root, "ticking") as serving:
        desk, begun = serving.desk, time.monotonic()
        cold, answer = await _timed(desk.call("generate-all", dryRun=True))
        assert answer["totalSections"] == sections, answer
        looked = time.monotonic()
        dry, queued = list[float](), list[float]()
        for _ in range(calls):
            taken, _ = await _timed(desk.call("generate-all", dryRun=True))
            dry.append(taken)
            taken, answer = await _timed(desk.call("generate-all"))
            queued.append(taken)
            assert answer["queuedSections"] == sections, answer
            await desk.call("cancel", batchId=answer["batchId"])
        until = time.monotonic()
    medians = {
        "generate": statistics.median(queued),
        "dry-run": statistics.median(dry),
        "first-look": cold,
    }
    report = serving.report
    return medians, {
        "planning-stall": report.stall_ms(looked, until),
        "first-look-stall": report.stall_ms(begun, looked),
    }


async def _timed(call: Awaitable[dict[str, Any]]) -> tuple[float, dict[str, Any]]:
    begun = time.perf_counter()
    answer = await call
    return (time.perf_counter() - begun) * 1000, answer
