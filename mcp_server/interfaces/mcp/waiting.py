"""A call that stays open, and the progress it carries. None is sent after it has returned."""

from __future__ import annotations

from typing import Any

import anyio
from mcp.server.mcpserver import Context

from mcp_server.jobs.job import Batch
from mcp_server.progress.estimate import fraction_done
from mcp_server.progress.monitor import ProgressMonitor
from mcp_server.progress.words import progress_line

UNFINISHED = 0.01
"""What is always left of a batch that has not ended: its files may still be written."""


class Reporter:
    """Sends the progress of one call on its own token, in values that strictly increase."""

    def __init__(self, ctx: Context[Any, Any]) -> None:
        self._ctx = ctx
        self._last = -1.0

    async def queued(self, total: int) -> None:
        """Say that `total` sections are queued and none has begun."""
        await self._send(0.0, total, f"0/{total} queued")

    async def snapshot(self, batch: Batch) -> None:
        """Say where `batch` stands; the whole of it only when it has ended."""
        whole = float(batch.total)
        value = whole if batch.ended else max(0.0, min(fraction_done(batch), whole - UNFINISHED))
        await self._send(value, batch.total, progress_line(batch))

    async def _send(self, value: float, total: int, message: str) -> None:
        if value > self._last:
            self._last = value
            await self._ctx.report_progress(value, total, message)


async def follow(
    monitor: ProgressMonitor, batch_id: str, *, seconds: float, reporter: Reporter
) -> None:
    """Report a batch until it ends or pauses, for at most `seconds`. It goes on all the same."""
    with anyio.move_on_after(seconds):
        async with monitor.watch(batch_id) as snapshots:
            async for batch in snapshots:
                await reporter.snapshot(batch)
