"""What a worker does besides jobs: rescue lost attempts, release due jobs, prune old ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import anyio

from mcp_server.clock import Clock
from mcp_server.jobs.store import JobStore

PRUNE_LIMIT = 500
"""Jobs deleted per transaction, so that pruning never holds the writer for long."""

RELEASE_LIMIT = 500
"""Due jobs made ready per transaction, for the same reason."""

PRUNE_PAUSE_S = 0.02
"""Pause between two of those transactions, so that most of the time the writer serves others."""

FOLLOW_STEPS = 20
"""Steps that the jobs of large batches make in one sweep: about a second, so that lost attempts and
due jobs do not wait for longer."""

UNFINISHED_BUSINESS_S = 30 * 24 * 3600
"""How long failed and cancelled jobs of an ended batch stay, for `retry` (R18)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceSettings:
    """How many lost attempts a sweep takes back, how many crashes a job survives, when jobs go."""

    sweep_max: int = 100
    crashes_max: int = 10
    prune_after_s: float = 24 * 3600


class Maintenance:
    """Each method is one tick; the worker calls them in turn."""

    def __init__(self, store: JobStore, clock: Clock, settings: MaintenanceSettings) -> None:
        self._store, self._clock, self._settings = store, clock, settings

    async def rescue_others(self, worker_id: str) -> int:
        """Return every other worker's attempts to the queue. The caller must hold the lock."""
        rescued = 0
        while found := await self._rescue(worker_id, self._clock.now()):
            rescued += found
        return rescued

    async def sweep(self, now: float) -> float:
        """Return to the queue attempts whose lease ran out, and release jobs that are due.

        Some jobs follow what was said of their batch; those that are left wait for the next sweep.
        Return when that is, or when the next job becomes due: infinity where there is neither.
        """
        due_at = await self._release_due(now)
        await self._rescue(None, now)
        return now if await self._follow(now) else due_at

    async def _follow(self, now: float) -> bool:
        """Let jobs follow, in steps; return whether some may be left."""
        for _ in range(FOLLOW_STEPS):
            if not await self._store.follow(now=now):
                return False
            await anyio.sleep(PRUNE_PAUSE_S)
        return True

    async def prune(self) -> int:
        """Delete old finished jobs and expired requests, in steps; return how many jobs.

        What room that leaves is given back to the disk, in steps as well.
        """
        now = self._clock.now()
        pruned = 0
        while found := await self._store.prune(
            completed_before=now - self._settings.prune_after_s,
            ended_before=now - UNFINISHED_BUSINESS_S,
            limit=PRUNE_LIMIT,
        ):
            pruned += found
            await anyio.sleep(PRUNE_PAUSE_S)
        while await self._store.forget_requests(now=now, limit=PRUNE_LIMIT):
            await anyio.sleep(PRUNE_PAUSE_S)
        while await self._store.shrink():
            await anyio.sleep(PRUNE_PAUSE_S)
        return pruned

    async def _release_due(self, now: float) -> float:
        while (due_at := await self._store.next_due()) is not None and due_at <= now:
            if not await self._store.release_due(now=now, limit=RELEASE_LIMIT):
                break
        return math.inf if due_at is None else due_at

    async def _rescue(self, except_worker: str | None, now: float) -> int:
        return await self._store.rescue(
            now=now,
            except_worker=except_worker,
            crashes_max=self._settings.crashes_max,
            limit=self._settings.sweep_max,
        )
