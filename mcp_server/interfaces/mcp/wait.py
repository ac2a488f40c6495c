"""Waits within an open call, and the progress sent meanwhile. None is sent after its answer."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import anyio
from mcp.server.context import ServerRequestContext

from mcp_server.interfaces.mcp.answers import sentences
from mcp_server.jobs.hub.hub import Hub
from mcp_server.jobs.hub.subscription import STILL
from mcp_server.jobs.job import ENDED_JOB_STATES, Batch, Job
from mcp_server.progress.estimate import fraction_done
from mcp_server.progress.words import progress_line

UNFINISHED = 0.01
"""How much of a batch counts as left until it has ended: its files may still have to be written."""
PAUSE_S = 0.05
"""Between a call's last progress and its answer. A client in TypeScript that reads both at once has
forgotten the token before it looks at the progress, and reports it as unknown."""


class Waits:
    """The waits of all open calls; they end together when their client has left."""

    def __init__(self) -> None:
        self._open: set[anyio.CancelScope] = set()
        self.ended = False

    @contextmanager
    def at_most(self, seconds: float) -> Generator[None]:
        """Leave the block after `seconds`, or when waits are ended."""
        with anyio.move_on_after(0 if self.ended else seconds) as scope:
            self._open.add(scope)
            try:
                yield
            finally:
                self._open.discard(scope)

    def end(self) -> None:
        """Let every wait end now, and those to come at once."""
        self.ended = True
        for scope in self._open:
            scope.cancel()


class OpenCall:
    """A tool's call that has not been answered yet; until then progress can be sent on it."""

    def __init__(self, ctx: ServerRequestContext[Any, Any], waits: Waits) -> None:
        self._session, self.waits = ctx.session, waits
        self.wants_progress = (ctx.meta or {}).get("progress_token") is not None
        """Whether its client sent a token for progress."""
        self._reported_at: float | None = None

    async def report_progress(self, value: float, total: float, message: str) -> None:
        """Send progress, if the client wants any."""
        await self._session.report_progress(value, total, message)
        if self.wants_progress:
            self._reported_at = time.monotonic()

    async def settle(self) -> None:
        """Return when the answer may follow: `PAUSE_S` after the last progress."""
        if self._reported_at is not None:
            with self.waits.at_most(self._reported_at + PAUSE_S - time.monotonic()):
                await anyio.sleep_forever()


class Reporter:
    """Sends the progress of one call, in strictly increasing values as the protocol demands."""

    def __init__(self, call: OpenCall) -> None:
        self._call, self.waits = call, call.waits
        self._last = -1.0

    async def queued(self, total: int) -> None:
        """Say that `total` sections are queued and none has begun."""
        await self._send(0.0, total, f"0/{total} queued")

    async def snapshot(self, batch: Batch) -> None:
        """Report a batch; its total is only reported once it has ended."""
        whole = float(batch.total)
        value = whole if batch.ended else max(0.0, min(fraction_done(batch), whole - UNFINISHED))
        await self._send(value, batch.total, progress_line(batch))

    async def job(self, job: Job) -> None:
        """Report a job outside any batch."""
        ended, step = job.state in ENDED_JOB_STATES, job.step
        said = sentences.short(step.message) if step is not None and not ended else None
        value = 1.0 if ended else min(step.fraction, 1 - UNFINISHED) if step is not None else 0.0
        await self._send(value, 1, said or f"{sentences.job_name(job)}: {job.state}")

    async def _send(self, value: float, total: int, message: str) -> None:
        if value > self._last:
            self._last = value
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
