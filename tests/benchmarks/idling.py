"""A server with its worker in its own process, while nobody wants anything."""

from __future__ import annotations

import time
from pathlib import Path

import anyio

from tests.benchmarks.measuring import OWN, ServerSizes, Values
from tests.benchmarks.partners import ended, server
from tests.benchmarks.serving import SAMPLE_S
from tests.benchmarks.sites import site_of

SETTLE_S = 2.0
END_S = 60.0


async def idle_embedded(folder: Path, sizes: ServerSizes) -> Values:
    """Let it work once, so that all is open that ever will be; then watch it do nothing."""
    root = site_of(folder / "site", 5, worker="embedded")
    async with server(root) as serving:
        answer = await serving.desk.call("generate-all")
        await ended(root, answer["batchId"], seconds=END_S)
        await anyio.sleep(min(SETTLE_S, sizes.idle_s))
        begun = time.monotonic()
        await anyio.sleep(sizes.idle_s)
        until = time.monotonic()
        await anyio.sleep(SAMPLE_S)
    growth_kb, cpu_s = serving.report.between(begun, until)
    return {
        (OWN, "idle-server-cpu"): 100 * cpu_s / (until - begun),
        (OWN, "idle-server-growth"): growth_kb,
    }
