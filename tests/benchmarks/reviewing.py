"""What a review of a large site takes, page by page of its rows, and how long the server stalls."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import OWN, ServerSizes, Values
from tests.benchmarks.partners import both, ended, no_worker, server
from tests.benchmarks.sites import site_of
from tests.harness import Desk

END_S = 600.0
TEXT_BYTES = 2_000
CALLS: dict[str, dict[str, Any]] = {
    "review": {"limit": 200},
    "review-diff": {"limit": 200, "diff": True},
    "review-state": {"limit": 200, "state": ["draft"]},
    "review-page": {"page": "p1"},
    "review-section": {"section": "p1/s1"},
}
"""What is called, each from its beginning and from the middle of its rows."""

Times = dict[str, list[float]]


async def review(folder: Path, sizes: ServerSizes) -> Values:
    """Draft a site, promote half of it, and look at it in every way."""
    root = site_of(folder / "site", sizes.reviewed, text_bytes=TEXT_BYTES, composer_delay_s=0)
    async with both(root) as (serving, _):
        for tool, arguments in (
            ("generate-all", {}),
            ("promote", {"pages": _half(sizes.reviewed)}),
        ):
            answer = await serving.desk.call(tool, **arguments)
            await ended(root, answer["batchId"], seconds=END_S)
    return await _looked_at(root, sizes)


def _half(sections: int) -> list[str]:
    return [f"p{n}" for n in range(0, -(-sections // 50), 2)]


async def _looked_at(root: Path, sizes: ServerSizes) -> Values:
    times: Times = {}
    async with no_worker(root), server(root, "ticking") as serving:
        await serving.desk.call("review")
        begun = time.monotonic()
        for _ in range(sizes.calls):
            for name, arguments in CALLS.items():
                times.setdefault(name, []).extend(await _paged(serving.desk, arguments))
        until = time.monotonic()
    values = {(OWN, name): statistics.median(taken) for name, taken in times.items()}
    values |= {(OWN, "review-slowest"): max(max(taken) for taken in times.values())}
    return values | {(OWN, "review-stall"): serving.report.stall_ms(begun, until)}


async def _paged(desk: Desk, arguments: dict[str, Any]) -> list[float]:
    """Return what a call and one for the rows in the middle took, in milliseconds."""
    taken: list[float] = []
    cursor: dict[str, Any] = {}
    for _ in range(2):
        begun = time.perf_counter()
        answer = await desk.call("review", **arguments, **cursor)
        taken.append((time.perf_counter() - begun) * 1000)
        assert answer["sections"], answer
        if "nextCursor" not in answer:
            break
        cursor = {"cursor": sum(answer["counts"].values()) // 4}
    return taken
