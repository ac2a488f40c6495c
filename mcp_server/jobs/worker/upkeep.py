"""What a worker does beside its jobs, so that others know of it and it knows of them.

renew the leases, say that it lives                     every heartbeat
rescue, release what is due, hear who wants what        every sweep
prune                                                   at start and hourly
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import replace
from typing import Any

import anyio
import structlog

from mcp_server.clock import Clock
from mcp_server.errors import StorageError
from mcp_server.jobs.job import Attempt
from mcp_server.jobs.records import Host, Lack
from mcp_server.jobs.registry import Registry
from mcp_server.jobs.signal import Signal
from mcp_server.jobs.store import JobStore
from mcp_server.jobs.worker.lanes import Lanes
from mcp_server.jobs.worker.maintenance import Maintenance
from mcp_server.jobs.worker.state import WorkerSettings, WorkerState
from mcp_server.jobs.worker.watchdog import told_of

IDLE_S = 1.0
"""Longest time between two sweeps, and so the longest delay of a job that becomes due."""

SWEEP_PAUSE_S = 0.25
"""Shortest time between two sweeps, and so how long a cancelled job may go on running."""

LISTEN_S = 60.0
"""How long one wait for a commit lasts; it only bounds what a lost wake-up could cost."""

logger = structlog.get_logger(__name__)


class Upkeep:
    """Keeps a worker's leases, its row among the others, and the queue in order."""

    def __init__(
        self,
        store: JobStore,
        registry: Registry,
        maintenance: Maintenance,
        clock: Clock,
        host: Host,
        settings: WorkerSettings,
        lanes: Lanes,
        state: WorkerState,
        *,
        replaced: bool,
        lacking: Callable[[str], Lack],
    ) -> None:
        self._store, self._registry, self._maintenance = store, registry, maintenance
        self._clock, self._host, self._settings = clock, host, settings
        self._lanes, self._state, self._replaced = lanes, state, replaced
        self._lacking = lacking
        self._started = set[str]()
        """Attempts that were claimed ahead, and whose start is stored."""
        self._to_sweep = Signal()
        self._swept_at = self._sweep_at = clock.now()
        self._swept_version = -1
        self._next_sweep_at = 0.0
        """Earliest time of the next sweep after a commit, on the event loop's clock."""

    @property
    def services(self) -> Collection[Callable[[], Coroutine[Any, Any, None]]]:
        """The loops to run beside the worker until they are cancelled."""
        return self._listen, self._keep_alive, self._keep_sweeping, self._keep_pruning

    async def begin(self) -> None:
        """Announce the worker; if it holds the lock, put back what dead workers were running.

        Raises:
            StorageError: the database refused.
        """
        await self.announce()
        if self._settings.holds_lock:
            rescued = await self._maintenance.rescue_others(self._host.id)
            logger.info("worker started", worker=self._host.id, rescued=rescued)

    async def announce(self) -> None:
        """Say that the worker lives, and hear what others want of it.

        Raises:
            StorageError: the database refused.
        """
        details = {**self._host.details, "running": len(self._state.held)}
        if (trouble := self._store.trouble) is not None:
            details["unhealthy"] = f"not all that it does can be recorded: {trouble}."
        if strays := self._lanes.strays:
            lanes = self._settings.concurrency
            details["unhealthy"] = told_of(strays, lanes=lanes, replaced=self._replaced)
        host = replace(self._host, details=details)
        stored = await self._store.announce(host, now=self._clock.now())
        self._obey(stored.wanted)
        if trouble is not None and self._store.trouble is None:
            await self.announce()  # as this was recorded, that is over

    async def give_back(self, waiting: Sequence[Attempt]) -> None:
        """Return attempts that wait for lanes to the queue; if the database refuses, run them."""
        ids = [attempt.id for attempt in waiting]
        try:
            await self._store.give_back(ids, now=self._clock.now())
        except StorageError as error:
            logger.warning("cannot give back what waits for lanes", error=str(error))
            self._lanes.give(waiting)
            return
        for id in ids:
            self._state.held.pop(id, None)

    async def _listen(self) -> None:
        """Pass on that something was committed, here or by another process."""
        while True:
            if await self._store.wait_for_change(LISTEN_S, since=self._store.version):
                self._state.news.give()
                self._to_sweep.give()

    async def _keep_alive(self) -> None:
        """Renew every lease, stop what lost its claim, and say that we live."""
        while True:
            await anyio.sleep(self._settings.heartbeat_s)
            for step in (self._renew, self.announce):
                try:
                    await step()
                except StorageError as error:  # tried again: a lease outlasts a missed heartbeat
                    logger.warning("cannot renew the leases", error=str(error))

    async def _renew(self) -> None:
        attempts, now = list(self._state.held), self._clock.now()
        self._lose(await self._store.renew(attempts, lease_s=self._settings.lease_s, now=now))
        self._state.renewed_at = now

    def _lose(self, attempt_ids: Collection[str]) -> None:
        if attempt_ids:
            self._lanes.lose(attempt_ids)

    async def _hear(self) -> None:
        """Do what others ask of this worker, without waiting for the next heartbeat."""
        for host in await self._store.hosts(seen_after=0):
            if host.id == self._host.id:
                self._obey(host.wanted)

    def _obey(self, wanted: str | None) -> None:
        if wanted == "drain" and not self._state.stopping:
            logger.info("asked to stop", worker=self._host.id)
            self._state.stop()

    async def _keep_sweeping(self) -> None:
        while True:
            await self._until_sweep()
            looked = True
            try:
                looked = await self._sweep()
            except StorageError as error:
                logger.warning("cannot sweep", error=str(error))
                self._state.give_way(error)
            self._next_sweep_at = asyncio.get_running_loop().time() + SWEEP_PAUSE_S
            # A worker that may leave has to see each time whether it is to; others need not wake.
            if looked or self._settings.idle_s is not None:
                self._state.news.give()

    async def _until_sweep(self) -> None:
        """Wait until something is committed, or for `IDLE_S`; after a commit, keep the pause.

        A timer gives the signal: a wait with a time limit costs three times as much, and this wait
        is what an idle worker does most.
        """
        loop = asyncio.get_running_loop()
        timer = loop.call_later(IDLE_S, self._to_sweep.give)
        try:
            await self._to_sweep.wait()
        finally:
            timer.cancel()
        if self._store.version != self._swept_version:
            await anyio.sleep(max(0.0, self._next_sweep_at - loop.time()))

    async def _sweep(self) -> bool:
        """Look for jobs that were cancelled, lost or became due; return whether it was time to.

        Our own leases are renewed first. After the machine slept they have run out, too, and the
        sweep would take our jobs from us.
        """
        await self._see_to_lanes()
        now, version, state = self._clock.now(), self._store.version, self._state
        if state.held and now - state.renewed_at > self._settings.heartbeat_s:
            await self._renew()
        set_back = now < self._swept_at
        if version == self._swept_version and now < self._sweep_at and not set_back:
            return False
        if set_back:
            await self.announce()  # so that what is stored follows
        if state.held:
            self._lose(await self._store.lost(list(state.held)))
        await self._hear()
        # The last claim left nothing that we can run. What is ready all the same needs something
        # that we lack.
        if state.looked_at is not None:
            await self._hand_over()
        due_at = await self._maintenance.sweep(now)
        self._sweep_at = min(now + self._settings.heartbeat_s, due_at)
        self._swept_at, self._swept_version = now, version
        state.looked_at = None  # from time to time claim again, whatever is known
        return True

    async def _see_to_lanes(self) -> None:
        """Store which attempts claimed ahead have started; give back what waits for slow lanes.

        The start of an attempt claimed ahead is stored only once it has run for long enough to be
        worth a write. Attempts that wait behind slow ones go back to the queue, where another
        worker can take them, and more urgent jobs can overtake them.
        """
        late, held, now = self._lanes.late, self._state.held, self._clock.now()
        started = {
            id: now - seconds
            for id, seconds in late.items()
            if id in held and held[id].job.started_at is None and id not in self._started
        }
        if started:
            await self._store.note_started(started)
        # Those that have ended are dropped, or the set would grow for ever.
        self._started = (self._started | started.keys()) & late.keys()
        if waiting := self._lanes.take_back_late():
            logger.info("giving back what waits for jobs that take long", jobs=len(waiting))
            await self.give_back(waiting)

    async def _hand_over(self) -> None:
        """If ready jobs need a key we lack: leave to a server that has it, or pause them (R25)."""
        missing = await self._store.unclaimable(
            kinds=self._registry.kinds, abilities=self._host.abilities
        )
        if not missing:
            return
        hosts = await self._store.hosts(seen_after=self._clock.now() - self._settings.lease_s)
        for ability, batches in missing.items():
            if any(ability in host.abilities for host in hosts if host.id != self._host.id):
                if not self._settings.holds_lock:
                    continue  # it works beside us, or its server starts one that does
                logger.info("handing over to a server that has the key", ability=ability)
                self._state.stop()
                continue
            for batch_id in batches:
                await self._store.pause(batch_id, self._missing(ability))

    def _missing(self, ability: str) -> str:
        lack = self._lacking(ability)
        return f"no worker has {lack.what}. {lack.advice}, then call retry"

    async def _keep_pruning(self) -> None:
        while True:
            try:
                await self._maintenance.prune()
            except StorageError as error:
                logger.warning("cannot prune", error=str(error))
            await anyio.sleep(self._settings.prune_interval_s)
