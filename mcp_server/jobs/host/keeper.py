"""Keeps one worker alive for a workspace.

A file lock says who works; the operating system frees it the moment its holder dies. Every server
looks at it: where there is work and nobody holds the lock, it starts a worker, in its own process
(`embedded`) or in one that outlives it (`detached`). A server that can do more than the worker that
runs asks that worker to make room.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import anyio
import structlog

from mcp_server.clock import Clock
from mcp_server.errors import StorageError
from mcp_server.jobs.host.lock import WorkerLock
from mcp_server.jobs.host.presence import living
from mcp_server.jobs.host.start import DetachedWorker, StartWorker
from mcp_server.jobs.host.stop_mark import StopMark
from mcp_server.jobs.records import Host
from mcp_server.jobs.store import JobStore

LOOK_S = 1.0
"""How often a server looks whether the worker is still there."""

logger = structlog.get_logger(__name__)


class WorkerKeeper:
    """Sees to it that there is a worker while there is work."""

    def __init__(
        self,
        store: JobStore,
        lock: WorkerLock,
        clock: Clock,
        host: Host,
        start: StartWorker,
        mark: StopMark,
        *,
        kinds: Collection[str],
        heartbeat_s: float,
        alive_s: float,
        several: bool = False,
    ) -> None:
        self._store, self._lock, self._clock = store, lock, clock
        self._host, self._start, self._mark, self._kinds = host, start, mark, kinds
        self._heartbeat_s, self._alive_s, self._several = heartbeat_s, alive_s, several

    async def run(self) -> None:
        """Keep watch until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._announce)
            while True:
                since = self._store.version  # before the look, lest a commit during it be missed
                try:
                    await self.tick()
                except StorageError as error:
                    logger.warning("cannot look for work", error=str(error))
                except OSError as error:
                    logger.warning("cannot start a worker", error=error.strerror)
                    await anyio.sleep(self._heartbeat_s)
                except Exception:  # a worker in this process that breaks must not end the server
                    logger.exception("the worker broke; starting another")
                    await anyio.sleep(self._heartbeat_s)
                await self._store.wait_for_change(LOOK_S, since=since, poll_s=LOOK_S)

    async def tick(self, *, horizon_s: float = 0) -> None:
        """Start a worker if there is work, or will be so soon, and no worker."""
        if isinstance(self._start, DetachedWorker):
            self._start.reap()
        work = await self._store.work_before(now=self._clock.now(), horizon_s=horizon_s)
        if work and not await self._lives() and await self._may_start() and await self._is_ours():
            await self._start()

    async def _lives(self) -> bool:
        """Whether a worker lives; of several, whether none is missing that could be started here.

        One that has said nothing for a lease has lost its jobs, and counts as gone.
        """
        if not self._several:
            return self._lock.is_held()
        now = self._clock.now()
        workers = living(await self._store.hosts(seen_after=0), now, self._alive_s)
        return self._lock.is_held() or (bool(workers) and not await self._can_more(workers))

    async def _can_more(self, workers: Sequence[Host]) -> bool:
        """Whether a ready job needs what none of the workers has, and a worker of ours would."""
        kinds = {kind for host in workers for kind in _kinds(host)}
        abilities = {ability for host in workers for ability in host.abilities}
        if not (set(self._kinds) <= kinds or not kinds) and await self._store.claimable(
            kinds=set(self._kinds) - kinds, abilities=self._host.abilities
        ):
            return True
        if self._host.abilities <= abilities:
            return False
        missing = await self._store.unclaimable(kinds=self._kinds, abilities=abilities)
        return bool(missing.keys() & self._host.abilities)

    async def _may_start(self) -> bool:
        if await self._mark.holds(self._store, now=self._clock.now()):
            return False
        self._mark.clear()  # if there was one: something was queued since the stop by hand
        return True

    async def _is_ours(self) -> bool:
        """Whether to start the worker here.

        Not if only another server has the key (R25). Nor if a newer server can do the work: it
        would ask our worker to make room, we would start the next, and so on.
        """
        hosts = await self._store.hosts(seen_after=self._clock.now() - self._alive_s)
        others = [host for host in hosts if host.role == "server" and host.id != self._host.id]
        for host in others:
            newer = version_key(host.version) > version_key(self._host.version)
            if newer and not await self._left_over(host.abilities):
                return False
            if await self._only_runs(host):
                return False
        missing = await self._left_over(self._host.abilities)
        return not any(missing & host.abilities for host in others)

    async def _only_runs(self, other: Host) -> bool:
        """Whether all that can be run is of kinds that `other` has, by a plugin, and we lack."""
        theirs = _kinds(other).difference(self._kinds)
        if not theirs or await self._store.claimable(
            kinds=self._kinds, abilities=self._host.abilities
        ):
            return False
        return await self._store.claimable(kinds=theirs, abilities=other.abilities)

    async def _lacks_kinds(self, worker: Host) -> bool:
        """Whether a ready job is of a kind that we have and that the worker was started without."""
        ours = set(self._kinds).difference(_kinds(worker))
        if not ours or not _kinds(worker):
            return False
        return await self._store.claimable(kinds=ours, abilities=self._host.abilities)

    async def _left_over(self, abilities: Collection[str]) -> set[str]:
        """Return the abilities that are missing, if these are not enough to run any ready job."""
        missing = await self._store.unclaimable(kinds=self._kinds, abilities=abilities)
        if missing and await self._store.claimable(kinds=self._kinds, abilities=abilities):
            return set()
        return set(missing)

    async def _announce(self) -> None:
        """Say that this server lives, and ask a worker that can do less to make room."""
        try:
            while True:
                try:
                    await self._store.announce(self._host, now=self._clock.now())
                    await self._ask_lesser_to_drain()
                except StorageError as error:
                    logger.warning("cannot announce this server", error=str(error))
                await anyio.sleep(self._heartbeat_s)
        finally:
            # We are cancelled as the server ends: say so all the same, but do not hold it up.
            with anyio.CancelScope(shield=True), anyio.move_on_after(2):
                await self._withdraw()

    async def _withdraw(self) -> None:
        try:
            await self._store.withdraw(
                self._host.id, unless_work_within_s=None, now=self._clock.now()
            )
        except StorageError as error:
            logger.warning("cannot withdraw this server", error=str(error))

    async def _ask_lesser_to_drain(self) -> None:
        hosts = await self._store.hosts(seen_after=self._clock.now() - self._alive_s)
        for host in hosts:
            if host.role != "worker":
                continue
            older = version_key(host.version) < version_key(self._host.version)
            # Of several, one that can do less works on: another is started beside it.
            if older or (not self._several and await self._lacks_kinds(host)):
                await self._store.ask(host.id, "drain")


def _kinds(host: Host) -> frozenset[str]:
    return frozenset(host.details.get("kinds", ()))


def version_key(version: str) -> tuple[tuple[int, ...], bool, str]:
    """Return what sorts as versions do: `1.0.0rc1` before `1.0.0`, and that before `1.0.1`."""
    numbers = re.match(r"[\d.]*", version)
    assert numbers is not None, "it may be empty"
    rest = version[numbers.end() :].partition("+")[0]
    release = tuple(int(part) for part in numbers[0].split(".") if part)
    return release, not rest or rest.startswith("post"), rest
