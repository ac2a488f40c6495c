"""The worker: claims jobs for its free lanes, keeps their leases, and stops gracefully.

claim → start → handler → finish        one lane each
renew the leases, say that it lives     every heartbeat
rescue, release what is due             every sweep
prune                                   at start and hourly
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field, replace

import anyio
import anyio.abc
import structlog

from mcp_server.clock import Clock
from mcp_server.errors import StorageError
from mcp_server.jobs.attempt import AttemptRunner
from mcp_server.jobs.job import Attempt, JobState
from mcp_server.jobs.maintenance import Maintenance
from mcp_server.jobs.registry import Registry
from mcp_server.jobs.store import Host, JobStore

IDLE_S = 1.0
"""Longest wait for a wake-up; covers jobs that become due, and wake-ups that were missed."""

PRUNE_INTERVAL_S = 3600.0

LEAVING_HORIZON_S = 15 * 60.0
"""A worker does not leave if a job becomes due within this time (R26)."""

SWEEP_PAUSE_S = 0.25
"""Shortest time between two sweeps; so long may a cancelled job go on running."""

STORAGE_PAUSE_S = 1.0
"""How long a loop waits after the database refused."""

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """How a worker works; times in seconds."""

    concurrency: int = 4
    claim_max: int = 64
    lease_s: float = 30.0
    heartbeat_s: float = 10.0
    grace_s: float = 10.0
    idle_s: float | None = None
    """Leave after this long without work; `None`: never."""
    alone: bool = True
    """Whether this worker holds the workspace's lock, so that all others are gone."""


@dataclass(slots=True)
class _Lane:
    """One running attempt, and what stops it."""

    attempt: Attempt
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    lost: bool = False


class Worker:
    """Works the queue until it is asked to stop, or has been idle for long enough."""

    def __init__(
        self,
        store: JobStore,
        registry: Registry,
        runner: AttemptRunner,
        maintenance: Maintenance,
        clock: Clock,
        host: Host,
        settings: WorkerSettings,
        new_attempt_id: Callable[[], str],
    ) -> None:
        self._store, self._registry, self._runner = store, registry, runner
        self._maintenance, self._clock, self._host = maintenance, clock, host
        self._settings, self._new_attempt_id = settings, new_attempt_id
        self._lanes: dict[str, _Lane] = {}
        self._lane_free = anyio.Event()
        self._stopping = anyio.Event()
        self._renewed_at = clock.now()

    def stop(self) -> None:
        """Ask for a graceful stop: no new claims, running jobs get their grace."""
        self._stopping.set()

    @property
    def stopped(self) -> bool:
        """Whether it was asked to stop, or left its work to another."""
        return self._stopping.is_set()

    async def run(
        self, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Work until stopped; on cancellation give back what runs, and leave no trace."""
        try:
            await self._announce()
            if self._settings.alone:
                rescued = await self._maintenance.rescue_others(self._host.id)
                logger.info("worker started", worker=self._host.id, rescued=rescued)
            async with anyio.create_task_group() as services:
                services.start_soon(self._heart)
                services.start_soon(self._sweeper)
                services.start_soon(self._pruner)
                task_status.started()
                await self._work()
                services.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True), anyio.move_on_after(5):
                await self._leave()

    # Working

    async def _work(self) -> None:
        async with anyio.create_task_group() as lanes:
            idle_since = self._clock.now()
            while not self._stopping.is_set():
                since = self._store.version
                try:
                    claimed = await self._claim(lanes)
                    if claimed or self._lanes:
                        idle_since = self._clock.now()
                    elif await self._may_leave(idle_since):
                        return
                except StorageError as error:
                    logger.warning("cannot claim", error=str(error))
                    await anyio.sleep(STORAGE_PAUSE_S)
                    continue
                if not claimed or len(self._lanes) >= self._settings.concurrency:
                    await self._wait_for_work(since)
            await self._drain()

    async def _claim(self, lanes: anyio.abc.TaskGroup) -> int:
        """Fill the free lanes; return how many jobs were claimed."""
        free = min(self._settings.concurrency - len(self._lanes), self._settings.claim_max)
        if free <= 0:
            return 0
        await self._sweep()
        now = self._clock.now()
        attempts = await self._store.claim(
            self._host.id,
            [self._new_attempt_id() for _ in range(free)],
            kinds=self._registry.kinds,
            abilities=self._host.abilities,
            lease_s=self._settings.lease_s,
            now=now,
        )
        if attempts:  # these leases are as old as the claim, however long it took
            self._renewed_at = min(self._renewed_at, now)
        for attempt in attempts:
            lane = self._lanes[attempt.id] = _Lane(attempt)
            lanes.start_soon(self._run, lane)
        if len(attempts) < free:
            await self._hand_over()
        return len(attempts)

    async def _run(self, lane: _Lane) -> None:
        """Run a lane; what is still in `_lanes` when the worker leaves is given back."""
        try:
            with lane.scope:
                left_in = await self._runner.run(lane.attempt)
                self._lanes.pop(lane.attempt.id)
                if left_in is JobState.PAUSED and self._settings.idle_s is not None:
                    # The key we were started with may be what was refused: whoever is started
                    # after us has the one of then.
                    logger.info("leaving, since a batch had to be paused", worker=self._host.id)
                    self.stop()
        except StorageError as error:
            logger.warning("an attempt was left to its lease", error=str(error))
            self._lanes.pop(lane.attempt.id, None)
        finally:
            if lane.lost:
                self._lanes.pop(lane.attempt.id, None)
            self._lane_free.set()

    async def _wait_for_work(self, since: int) -> None:
        """Until a lane is free, something was committed, or the worker is asked to stop."""
        self._lane_free = anyio.Event()
        if len(self._lanes) >= self._settings.concurrency:
            await self._first(self._lane_free.wait, self._stopping.wait)
            return

        async def change() -> None:
            await self._store.wait_for_change(IDLE_S, since=since)

        await self._first(change, self._lane_free.wait, self._stopping.wait)

    async def _first(self, *waits: Callable[[], Awaitable[object]]) -> None:
        async with anyio.create_task_group() as group:

            async def one(wait: Callable[[], Awaitable[object]]) -> None:
                await wait()
                group.cancel_scope.cancel()

            for wait in waits:
                group.start_soon(one, wait)

    # Stopping

    async def _drain(self) -> None:
        """Let running jobs end within the grace; give the rest back."""
        deadline = anyio.current_time() + self._settings.grace_s
        while self._lanes and anyio.current_time() < deadline:
            self._lane_free = anyio.Event()
            with anyio.move_on_at(deadline):
                await self._lane_free.wait()
        for lane in self._lanes.values():
            lane.scope.cancel()

    async def _leave(self) -> None:
        try:
            await self._store.give_back(list(self._lanes), now=self._clock.now())
            await self._store.withdraw(
                self._host.id, unless_work_within_s=None, now=self._clock.now()
            )
        except StorageError as error:
            logger.warning("cannot say goodbye; the leases will run out", error=str(error))
        logger.info("worker stopped", worker=self._host.id)

    async def _may_leave(self, idle_since: float) -> bool:
        idle_s = self._settings.idle_s
        if idle_s is None or self._clock.now() - idle_since < idle_s:
            return False
        return await self._store.withdraw(
            self._host.id, unless_work_within_s=LEAVING_HORIZON_S, now=self._clock.now()
        )

    async def _hand_over(self) -> None:
        """Ready jobs need a key that is not here: leave them to who has it, or pause (R25)."""
        missing = await self._store.unclaimable(
            kinds=self._registry.kinds, abilities=self._host.abilities
        )
        if not missing:
            return
        hosts = await self._store.hosts(seen_after=self._clock.now() - self._settings.lease_s)
        for ability, batches in missing.items():
            if any(ability in host.abilities for host in hosts if host.id != self._host.id):
                logger.info("handing over to a server that has the key", ability=ability)
                self.stop()
                continue
            for batch_id in batches:
                await self._store.pause(batch_id, _missing(ability))

    # Living

    async def _heart(self) -> None:
        while True:
            await anyio.sleep(self._settings.heartbeat_s)
            try:
                await self._beat()
            except StorageError as error:
                logger.warning("cannot renew the leases", error=str(error))

    async def _beat(self) -> None:
        """Renew every lease; stop lanes whose claim is gone; hear what others want."""
        await self._renew()
        await self._announce()

    async def _renew(self) -> None:
        attempts, now = list(self._lanes), self._clock.now()
        self._stop_lanes(await self._store.renew(attempts, lease_s=self._settings.lease_s, now=now))
        self._renewed_at = now

    def _stop_lanes(self, lost: Collection[str]) -> None:
        for attempt_id in lost:
            if lane := self._lanes.get(attempt_id):
                lane.lost = True
                lane.scope.cancel()

    async def _announce(self) -> None:
        details = {**self._host.details, "running": len(self._lanes)}
        host = replace(self._host, details=details)
        stored = await self._store.announce(host, now=self._clock.now())
        self._obey(stored.wanted)

    async def _hear(self) -> None:
        """What others want is heard at once, not with the next heartbeat."""
        for host in await self._store.hosts(seen_after=0):
            if host.id == self._host.id:
                self._obey(host.wanted)

    def _obey(self, wanted: str | None) -> None:
        if wanted == "drain" and not self._stopping.is_set():
            logger.info("asked to stop", worker=self._host.id)
            self.stop()

    async def _sweep(self) -> None:
        """Sweep; but after a sleep of the whole machine our own leases come first."""
        now = self._clock.now()
        if self._lanes and now - self._renewed_at > self._settings.heartbeat_s:
            await self._renew()
        await self._maintenance.sweep(now)

    async def _sweeper(self) -> None:
        """Lost leases are looked for while all lanes are busy, too; and cancelled jobs stopped."""
        since = self._store.version
        while True:
            await self._store.wait_for_change(self._settings.heartbeat_s, since=since)
            since = self._store.version  # before reading: what is committed meanwhile wakes again
            try:
                if self._lanes:
                    self._stop_lanes(await self._store.lost(list(self._lanes)))
                await self._hear()
                await self._sweep()
            except StorageError as error:
                logger.warning("cannot sweep", error=str(error))
            await anyio.sleep(SWEEP_PAUSE_S)

    async def _pruner(self) -> None:
        while True:
            try:
                await self._maintenance.prune()
            except StorageError as error:
                logger.warning("cannot prune", error=str(error))
            await anyio.sleep(PRUNE_INTERVAL_S)


def _missing(ability: str) -> str:
    kind, _, name = ability.partition(":")
    what = f"the key for {name}" if kind == "key" else f"what it needs ({ability})"
    advice = f"Set {name.upper()}_API_KEY where the server runs" if kind == "key" else "Provide it"
    return f"no worker has {what}. {advice}, then call retry"
