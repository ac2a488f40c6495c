"""What planning takes: `generate-all` of large sites, and calls about one page of many."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from itertools import product
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import OWN, ServerSizes, Values
from tests.benchmarks.partners import both, ended, no_worker, server
from tests.benchmarks.sites import site_of
from tests.harness import Desk

END_S = 600.0
ABOUT_A_PAGE: dict[str, dict[str, Any]] = {
    "generate": {"mode": "new"},
    "promote": {},
    "rollback": {},
}
"""What is called about one page, and with which other arguments."""

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


async def one_page(folder: Path, sizes: ServerSizes) -> Values:
    """Make dry runs about one page on a small site and on a large one, in turn."""
    roots = [
        site_of(folder / f"pages{pages}", pages, per_page=1, composer_delay_s=0)
        for pages in sizes.paged
    ]
    for root in roots:
        await _promote_all(root)
    taken: dict[tuple[str, str], list[float]] = {}
    async with AsyncExitStack() as servers:
        desks: dict[int, Desk] = {}
        for pages, root in zip(sizes.paged, roots, strict=True):
            await servers.enter_async_context(no_worker(root))
            desks[pages] = (await servers.enter_async_context(server(root))).desk
        for _ in range(sizes.paged_calls):
            for (tool, arguments), (pages, desk) in product(ABOUT_A_PAGE.items(), desks.items()):
                ms, _ = await _timed(desk.call(tool, page="p1", dryRun=True, **arguments))
                taken.setdefault((OWN, f"page-{tool}-{pages}"), []).append(ms)
    return {part: statistics.median(each) for part, each in taken.items()}


async def _promote_all(root: Path) -> None:
    async with both(root) as (serving, _):
        for tool in ("generate-all", "promote"):
            answer = await serving.desk.call(tool)
            await ended(root, answer["batchId"], seconds=END_S)


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
