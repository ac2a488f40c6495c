"""What a review of a large site takes, page by page of its rows, and how long the server stalls."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

from mcp_server.entities.effects import ABSENT, SaveRevision
from mcp_server.entities.entity import PREVIEW, PRODUCTION, Author, Revision
from tests.benchmarks.measuring import OWN, ServerSizes, Values
from tests.benchmarks.partners import no_worker, server
from tests.benchmarks.sites import LONG, SECTIONS_PER_PAGE, site_of
from tests.harness import Desk
from tests.promises.moves import parts_of

TEXT_BYTES = 2_000
WRITTEN_AT = 1_700_000_000.0
"""In 2023: before the day that is looked back to."""
ROWS: dict[str, dict[str, Any]] = {
    "review": {"limit": 200},
    "review-diff": {"limit": 200, "diff": True},
    "review-state": {"limit": 200, "state": ["draft"]},
    "review-page": {"page": "p1"},
    "review-section": {"section": "p1/s1"},
    "review-history": {"limit": 200, "history": True},
    "review-then": {"limit": 200, "asOf": "2024-01-01"},
}
"""What shows rows, each from its beginning and from the middle."""
WHOLE: dict[str, dict[str, Any]] = {
    "review-contains": {"contains": "no such words"},
    "plan-page": {"plan": "promote", "page": "p1"},
    "plan-site": {"plan": "promote"},
}
"""What has to read texts that it does not show: 1,000 sections a call, a page, and all drafts."""


async def review(folder: Path, sizes: ServerSizes) -> Values:
    """Store a site's drafts, half of them live, and look at it in every way."""
    root = site_of(folder / "site", sizes.reviewed)
    async with parts_of(root) as parts:
        texts = [
            revision
            for number in range(sizes.reviewed)
            for type in ((PREVIEW, PRODUCTION) if number % 2 else (PREVIEW,))
            for revision in [_text(number, type)]
        ]
        effects = [SaveRevision(text, ABSENT) for text in texts]
        assert (await parts.store.apply(effects, free=(), now=WRITTEN_AT)).conflict is None
    return await _looked_at(root, sizes)


def _text(number: int, type: str) -> Revision:
    page, section = divmod(number, SECTIONS_PER_PAGE)
    text = f"Note {number}. {LONG * (TEXT_BYTES // len(LONG))}"
    return Revision(
        type=type,
        entity_id=f"p{page}/s{section}",
        template="note",
        fields={"text": text},
        markdown=text,
        author=Author(kind="model", name="bench"),
    )


async def _looked_at(root: Path, sizes: ServerSizes) -> Values:
    rows, stall = await _asked(root, ROWS, sizes.calls)
    whole, stall_of_whole = await _asked(root, WHOLE, sizes.calls)
    whole["edit"] = await _edited(root, sizes.calls)
    values = {(OWN, n): statistics.median(taken) for n, taken in (rows | whole).items()}
    return values | {
        (OWN, "review-slowest"): max(max(taken) for taken in rows.values()),
        (OWN, "review-stall"): stall,
        (OWN, "plan-stall"): stall_of_whole,
    }


async def _asked(
    root: Path, calls: dict[str, dict[str, Any]], times: int
) -> tuple[dict[str, list[float]], float]:
    """Return what each call took, in milliseconds, and the longest stall of the event loop."""
    found: dict[str, list[float]] = {}
    async with no_worker(root), server(root, "ticking") as serving:
        await serving.desk.call("review")
        begun = time.monotonic()
        for _ in range(times):
            for name, arguments in calls.items():
                found.setdefault(name, []).extend(await _paged(serving.desk, arguments))
        until = time.monotonic()
    return found, serving.report.stall_ms(begun, until)


async def _edited(root: Path, times: int) -> list[float]:
    """Return what writing a section by hand took, in milliseconds."""
    taken: list[float] = []
    async with no_worker(root), server(root) as serving:
        await serving.desk.call("edit", section="p1/s1", text=LONG)
        for number in range(times):
            begun = time.perf_counter()
            await serving.desk.call("edit", section="p1/s2", text=f"Note {number}. {LONG}")
            taken.append((time.perf_counter() - begun) * 1000)
    return taken


async def _paged(desk: Desk, arguments: dict[str, Any]) -> list[float]:
    """Return what a call and one for the rows in the middle took."""
    taken: list[float] = []
    cursor: dict[str, Any] = {}
    for _ in range(2):
        begun = time.perf_counter()
        answer = await desk.call("review", **arguments, **cursor)
        taken.append((time.perf_counter() - begun) * 1000)
        if "nextCursor" not in answer:
            break
        cursor = {"cursor": max(1, sum(answer["counts"].values()) // 4)}
    return taken
