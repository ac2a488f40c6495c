"""Progress: from a change in the worker to its notification at the client."""

from __future__ import annotations

import re
import time
from bisect import bisect_left
from pathlib import Path

from tests.benchmarks.measuring import OWN, ServerSizes, Values, p95
from tests.benchmarks.partners import Server, server, worker
from tests.benchmarks.sites import SECTIONS_PER_PAGE, site_of
from tests.wire import query

FINISHED = re.compile(r"(\d+)/\d+")
"""At the start of a notification's message: how many sections are over."""
CONCURRENCY = 4
WAIT_S = 45

ENDS = """
SELECT jobs.ended_at FROM jobs JOIN batches ON batches.id = jobs.batch
WHERE batches.batch_id = ? ORDER BY jobs.ended_at
"""

Seen = list[tuple[float, int]]
"""When a notification came, and how many sections it says are over."""


async def follow(folder: Path, sizes: ServerSizes) -> Values:
    """Follow a long batch, and short ones to their ends."""
    pages = -(-sizes.followed // SECTIONS_PER_PAGE)
    root = site_of(
        folder / "site",
        sizes.followed,
        concurrency=CONCURRENCY,
        composer_delay_s=sizes.double_s,
    )
    async with server(root) as serving, worker(root):
        delays, lost = list[float](), 0
        for page in range(pages):
            seen, batch_id = await _followed(serving, page=f"p{page}")
            late, missing = _delays(seen, [end for (end,) in query(root, ENDS, batch_id)])
            delays += late
            lost += missing
        last = list[float]()
        for number in range(sizes.followed_batches):
            sections = [f"p0/s{n}" for n in range(number % CONCURRENCY + 1)]
            seen, batch_id = await _followed(serving, sections=sections, mode="new")
            late, missing = _delays(seen, [end for (end,) in query(root, ENDS, batch_id)])
            last += late[-1:]
            lost += missing
    return {
        (OWN, "progress-p95"): p95(delays) * 1000,
        (OWN, "progress-last-p95"): p95(last) * 1000,
        (OWN, "progress-lost"): lost,
    }


async def _followed(serving: Server, **arguments: object) -> tuple[Seen, str]:
    """Queue a batch and keep the call open to its end; return what was seen meanwhile."""
    seen: Seen = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        if found := FINISHED.match(message or ""):
            seen.append((time.time(), int(found[1])))

    result = await serving.desk.client.call_tool(
        "generate", {**arguments, "waitSeconds": WAIT_S}, progress_callback=note
    )
    assert result.structured_content is not None, result
    return seen, result.structured_content["batchId"]


def _delays(seen: Seen, ends: list[float]) -> tuple[list[float], int]:
    """Return how late each end was seen, and how many were not: the last ones of the batch."""
    counts = [finished for _, finished in seen]
    shown = [(bisect_left(counts, number), end) for number, end in enumerate(ends, start=1)]
    late = [seen[index][0] - end for index, end in shown if index < len(seen)]
    return late, len(ends) - len(late)
