"""`status` in the server while the worker beside it drains no-ops."""

from __future__ import annotations

import subprocess
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread

from tests.benchmarks.measuring import OWN, ServerSizes, Values, p99
from tests.benchmarks.partners import END_S, Server, server, worker
from tests.benchmarks.rows import insert_batch, opened, transaction
from tests.benchmarks.serving import Report
from tests.benchmarks.sites import site_of
from tests.wire import own_module, query

BATCHES = 5
"""The no-ops come in so many batches: one holds 100,000 jobs at most."""
PAUSE_S = 0.01
"""Between two calls."""
CONCURRENCY = 50

LEFT = """
SELECT sum(outstanding), min(batch_id) FROM rounds JOIN batches ON batches.id = rounds.batch
WHERE ended_at IS NULL
"""


async def status_beside_a_drain(folder: Path, sizes: ServerSizes) -> Values:
    """Ask for `status`, of all and of one batch in turns, until the no-ops are drained."""
    root = site_of(folder / "site", 5, concurrency=CONCURRENCY)
    async with (
        server(root, "ticking") as serving,
        worker(root),
        bare_loop(folder / "bare.json") as bare,
    ):
        await anyio.to_thread.run_sync(_queue, root, sizes.noops)
        begun = time.monotonic()
        overview, of_batch = await _ask(serving, root, sizes.noops_s)
        until = time.monotonic()
        left = query(root, LEFT)[0][0] or 0
    return {
        (OWN, "status-p99"): p99(overview) * 1000,
        (OWN, "status-batch-p99"): p99(of_batch) * 1000,
        (OWN, "status-stall"): serving.report.stall_ms(begun, until),
        ("bare-loop", "status-stall"): Report.model_validate_json(bare.read_text()).stall_ms(
            begun, until
        ),
        (OWN, "status-drain"): (sizes.noops - left) / (until - begun),
    }


def _queue(root: Path, count: int) -> None:
    """Commit all at once: whoever works comes to them when nobody writes beside it."""
    database = root / ".pressroom" / "pressroom.db"
    with opened(database, synchronous="FULL") as connection, transaction(connection):
        for _ in range(BATCHES):
            insert_batch(connection, count // BATCHES, owner="local")


async def _ask(serving: Server, root: Path, seconds: float) -> tuple[list[float], list[float]]:
    """Return how long each answer took."""
    overview, of_batch = list[float](), list[float]()
    with anyio.move_on_after(seconds):
        while (batch_id := query(root, LEFT)[0][1]) is not None:
            overview.append(await _timed(serving))
            of_batch.append(await _timed(serving, batchId=batch_id, waitSeconds=0))
    return overview, of_batch


async def _timed(serving: Server, **arguments: object) -> float:
    begun = time.perf_counter()
    await serving.desk.call("status", **arguments)
    taken = time.perf_counter() - begun
    await anyio.sleep(PAUSE_S)
    return taken


@asynccontextmanager
async def bare_loop(report: Path) -> AsyncGenerator[Path]:
    """Run an event loop that does nothing but note how late it is, in a process of its own."""
    command, variables = own_module("tests.benchmarks.serving", "nothing", ".", str(report))
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=variables) as process:  # noqa: ASYNC220 -- a moment
        try:
            yield report
        finally:
            assert process.stdin is not None
            process.stdin.close()
            await anyio.to_thread.run_sync(process.wait, END_S)
