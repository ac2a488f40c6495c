"""Waits within an open call, and the progress sent meanwhile. None is sent after its answer."""

from __future__ import annotations

from mcp_server.interfaces.mcp.answers import sentences
from mcp_server.interfaces.mcp.call import OpenCall
from mcp_server.jobs.hub.hub import Hub
from mcp_server.jobs.hub.subscription import STILL
from mcp_server.jobs.job import ENDED_JOB_STATES, Batch, Job
from mcp_server.progress.estimate import fraction_done
from mcp_server.progress.words import progress_line

UNFINISHED = 0.01
"""How much of a batch counts as left until it has ended: its files may still have to be written."""

NUDGE = 1e-6
"""How much further a batch is said to be only to say why it waits: without that it is not sent."""


class Reporter:
    """Sends the progress of one call, in strictly increasing values as the protocol demands."""

    def __init__(self, call: OpenCall) -> None:
        self._call, self.waits = call, call.waits
        self._last, self._said = -1.0, ""

    async def queued(self, total: int) -> None:
        """Say that `total` sections are queued and none has begun."""
        await self._send(0.0, total, f"0/{total} queued")

    async def snapshot(self, batch: Batch) -> None:
        """Report a batch; its total is only reported once it has ended."""
        whole = float(batch.total)
        value = whole if batch.ended else max(0.0, min(fraction_done(batch), whole - UNFINISHED))
        said = progress_line(batch)
        if batch.waiting is not None and said != self._said:
            value = max(value, self._last + NUDGE)
        await self._send(value, batch.total, said)

    async def job(self, job: Job) -> None:
        """Report a job outside any batch."""
        ended, step = job.state in ENDED_JOB_STATES, job.step
        said = sentences.short(step.message) if step is not None and not ended else None
        value = 1.0 if ended else min(step.fraction, 1 - UNFINISHED) if step is not None else 0.0
        await self._send(value, 1, said or f"{sentences.job_name(job)}: {job.state}")

    async def _send(self, value: float, total: int, message: str) -> None:
        if value > self._last:
            self._last, self._said = value, message
            await self._call.report_progress(value, total, message)


async def report_batch(hub: Hub, batch_id: str, *, seconds: float, reporter: Reporter) -> None:
    """Report a batch until it ends or pauses, for at most `seconds`. It goes on all the same."""
    with reporter.waits.at_most(seconds):
        async for snapshot in await hub.subscribe(None, only=batch_id, until=STILL):
            await reporter.snapshot(snapshot.batch)


async def report_job(hub: Hub, job: Job, *, seconds: float, reporter: Reporter) -> Job:
    """Report a job until it ends, for at most `seconds`; return it as it was last seen."""
    with reporter.waits.at_most(seconds):
        async for snapshot in await hub.subscribe(None, only=job.id):
            job = snapshot.job
            await reporter.job(job)
    return job
