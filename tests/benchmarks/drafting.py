"""Drafting: many sections at once, a tool that does not wait for it, and what it takes in memory.

The model double is the composer with a pause: in this process, with everything around it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import anyio

from mcp_server.config import open_workspace
from mcp_server.content.drafting.drafter import Drafted, Drafter, DraftRequest, drafter_for
from mcp_server.content.drafting.model import ModelChoice
from mcp_server.content.site import Site
from mcp_server.content.workspace.loader import SiteLoader
from tests.benchmarks.measuring import OWN, ServerSizes, Values
from tests.benchmarks.memory import peak_kb
from tests.benchmarks.partners import both, ended, no_worker, server
from tests.benchmarks.serving import SAMPLE_S
from tests.benchmarks.sites import site_of
from tests.wire import own_module

END_S = 600.0
TEXT_BYTES = 2_000
COLLECTING = "collecting"
IN_CALL = "in-call"


async def draft_at_once(folder: Path, sizes: ServerSizes) -> Values:
    """Draft with as many lanes as are asked for, and return the rate of each."""
    rates: dict[tuple[str, str], float] = {}
    for lanes, sections in sizes.lanes:
        root = site_of(
            folder / f"lanes{lanes}",
            sections,
            concurrency=lanes,
            composer_delay_s=sizes.double_s,
        )
        async with both(root) as (serving, _):
            answer = await serving.desk.call("generate-all")
            completed, seconds = await ended(root, answer["batchId"], seconds=END_S)
            assert completed == sections, answer
        rates[OWN, f"draft-{lanes}"] = sections / seconds
    return rates


async def answer_at_once(folder: Path, sizes: ServerSizes) -> Values:
    """Return how long the tool takes, and how long drafting in the call would."""
    root = site_of(folder / "site", sizes.answered, composer_delay_s=sizes.double_s)
    taken: list[float] = []
    async with no_worker(root), server(root) as serving:
        await serving.desk.call("generate-all", dryRun=True)
        for _ in range(sizes.calls):
            begun = time.perf_counter()
            answer = await serving.desk.call("generate-all")
            taken.append(time.perf_counter() - begun)
            await serving.desk.call("cancel", batchId=answer["batchId"])
    site = SiteLoader(open_workspace(root, {})).load()
    drafter, begun = _drafter(sizes.double_s), time.perf_counter()
    for _ in [await _drafted(drafter, request) for request in _requests(site)]:
        pass
    return {
        (OWN, "answer"): statistics.median(taken) * 1000,
        (IN_CALL, "answer"): (time.perf_counter() - begun) * 1000,
    }


async def draft_in_memory(folder: Path, sizes: ServerSizes) -> Values:
    """Return how much a worker grows that drafts a large site, and a loop that keeps all drafts."""
    root = site_of(folder / "site", sizes.drafted, text_bytes=TEXT_BYTES)
    async with both(root) as (serving, working):
        answer = await serving.desk.call("generate", section="p0/s0")  # opens all it needs
        await ended(root, answer["batchId"], seconds=END_S)
        await anyio.sleep(2 * SAMPLE_S)
        begun = time.monotonic()
        answer = await serving.desk.call("generate-all")
        completed, seconds = await ended(root, answer["batchId"], seconds=END_S)
        assert completed == sizes.drafted - 1, answer
        until = time.monotonic() + 2 * SAMPLE_S
        await anyio.sleep(2 * SAMPLE_S)
    growth_kb, _ = working.report.between(begun, until)
    return {
        (OWN, "memory"): growth_kb,
        (COLLECTING, "memory"): await _collected_kb(root),
        (OWN, "drafting"): completed / seconds,
    }


async def _collected_kb(root: Path) -> float:
    """Let a process of its own draft the site into memory; return by how much it grew."""
    command, variables = own_module(__name__, str(root))
    done = await anyio.run_process(command, stdin=subprocess.DEVNULL, stderr=None, env=variables)
    return float(done.stdout)


async def _collect(root: Path) -> float:
    site = SiteLoader(open_workspace(root, os.environ)).load()
    drafter = _drafter(0.0)
    first, *rest = _requests(site)
    await _drafted(drafter, first)
    idle_kb = peak_kb()
    drafts = [await _drafted(drafter, request) for request in rest]
    assert len(drafts) == len(rest)
    return peak_kb() - idle_kb


def _requests(site: Site) -> list[DraftRequest]:
    return [
        DraftRequest(
            site=site,
            section=section,
            template=site.templates[section.template or ""],
            mode="leave",
        )
        for section in site.sections()
    ]


def _drafter(double_s: float) -> Drafter:
    return drafter_for(ModelChoice(name="composer"), composer_delay_s=double_s)


async def _drafted(drafter: Drafter, request: DraftRequest) -> Drafted:
    async def report(current: int, total: int, message: str) -> None:
        """Nobody listens."""

    return await drafter.draft(request, report)


if __name__ == "__main__":
    print(anyio.run(_collect, Path(sys.argv[1])))
