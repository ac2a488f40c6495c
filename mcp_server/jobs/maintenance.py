"""What a worker does besides jobs: rescue lost attempts, release due jobs, prune old ones."""

from __future__ import annotations

from dataclasses import dataclass

from mcp_server.clock import Clock
from mcp_server.jobs.store import JobStore

PRUNE_LIMIT = 1000
"""Jobs deleted per transaction, so that pruning never holds the writer for long."""

UNFINISHED_BUSINESS_S = 30 * 24 * 3600
"""How long failed and cancelled jobs of an ended batch stay, for `retry` (R18)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceSettings:
    """Bounds and ages, as DESIGN.md section 4 has them."""

    sweep_max: int = 100
    crashes_max: int = 10
    prune_after_s: float = 24 * 3600


class Maintenance:
    """Each method is one tick; the worker calls them in turn."""

    def __init__(self, store: JobStore, clock: Clock, settings: MaintenanceSettings) -> None:
        self._store, self._clock, self._settings = store, clock, settings

    async def rescue_others(self, worker_id: str) -> int:
        """Return to the queue every attempt of another worker; only for who holds the lock."""
        rescued = 0
        while found := await self._rescue(worker_id, self._clock.now()):
            rescued += found
        return rescued

    async def sweep(self, now: float) -> int:
        """Return to the queue attempts whose lease ran out, and release jobs that are due."""
        await self._release_due(now)
        return await self._rescue(None, now)

    async def prune(self) -> int:
        """Delete finished jobs that are old enough, in steps; return how many."""
        now = self._clock.now()
        pruned = 0
        while found := await self._store.prune(
            completed_before=now - self._settings.prune_after_s,
            ended_before=now - UNFINISHED_BUSINESS_S,
            limit=PRUNE_LIMIT,
        ):
            pruned += found
        return pruned

    async def _release_due(self, now: float) -> None:
        due = await self._store.next_due()
        if due is not None and due <= now:
            await self._store.release_due(now=now, limit=self._settings.sweep_max)

    async def _rescue(self, except_worker: str | None, now: float) -> int:
        return await self._store.rescue(
            now=now,
            except_worker=except_worker,
            crashes_max=self._settings.crashes_max,
            limit=self._settings.sweep_max,
        )
