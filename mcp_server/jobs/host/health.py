"""Whether a worker lives, and how far behind the queue is, in words and as facts.

A worker that is dead must not go unnoticed: nothing else would say why nothing happens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import anyio

from mcp_server.clock import Clock
from mcp_server.jobs.host.lock import WorkerLock
from mcp_server.jobs.host.presence import (
    MACHINE,
    SILENT_S,
    is_alive,
    living,
    machine_of,
    places_of,
    worker_lives,
)
from mcp_server.jobs.host.shared_look import SharedLook
from mcp_server.jobs.host.start import DetachedWorker, StartWorker
from mcp_server.jobs.host.stop_mark import StopMark
from mcp_server.jobs.records import Host, Lack, Stats, lack_of, unrun
from mcp_server.jobs.store import JobStore
from mcp_server.jobs.telemetry import AttemptFigures

WorkerMode = Literal["embedded", "detached"]

WORKERS_MAX = 20
"""Workers that are listed; how many there are is said of all."""

COUNTING_SHARE = 20
"""A count is reused for this many times as long as it took. So counting takes at most a twentieth
of the time, however many jobs there are and however often somebody asks."""


class Health:
    """Describes a workspace's worker and its queue.

    `log` names a detached worker's log file, in words for a person; with `several` workers, none of
    them holds the lock.
    """

    def __init__(
        self,
        store: JobStore,
        lock: WorkerLock,
        clock: Clock,
        mode: WorkerMode,
        mark: StopMark,
        start: StartWorker | None = None,
        *,
        several: bool = False,
        log: str = "",
        figures: AttemptFigures | None = None,
        lacking: Callable[[str], Lack] = lack_of,
        unrun: Callable[[str], str] = unrun,
    ) -> None:
        self.mode: WorkerMode = mode
        self._figures = figures or AttemptFigures()
        self._store, self._lock, self._clock = store, lock, clock
        self._several = several
        self._lacking, self._unrun = lacking, unrun
        self._mark, self._start, self._log = mark, start, log
        self._counter = Counter(store, anyio.current_time)
        self._shared = SharedLook(self._look)

    async def __call__(self) -> Mapping[str, Any]:
        """Return the facts, as `_look` finds them once for all who ask at the same time."""
        return await self._shared()

    async def _look(self) -> Mapping[str, Any]:
        """Return the facts, in wire names; a pid only while that worker lives.

        `halted` is there if jobs wait and nobody will start a worker for them; `stopped` if the
        worker was stopped by hand, and nothing was queued since. Takes the same time however many
        jobs there are.
        """
        now, store = self._clock.now(), self._store
        lag, hosts, waits = await asyncio.gather(  # together, so that they are one hop
            store.lag(now=now), store.hosts(seen_after=0), store.work_before(now=now, horizon_s=0)
        )
        alive = worker_lives(self._lock, hosts, now=now, several=self._several)
        facts: dict[str, Any] = {"mode": self.mode, "alive": alive}
        workers = [host for host in hosts if host.role == "worker"]
        if self._several:  # of one that is gone, the row stays for a while
            workers = list(living(hosts, now)) or workers
            if facts["alive"]:
                facts["workers"] = [_row(host, now) for host in workers[:WORKERS_MAX]]
                facts["workerCount"], facts["places"] = len(workers), places_of(workers)
        if facts["alive"] and workers:
            worker = workers[0]
            facts |= {"pid": worker.pid, "version": worker.version, **worker.details}
            silent_s = now - worker.seen_at
            if silent_s > SILENT_S:
                facts["unhealthy"] = f"it has said nothing for {silent_s:.0f} s; its log may."
        if lag.oldest_due_s is not None:
            facts["oldestDueSeconds"] = round(lag.oldest_due_s, 1)
        if lag.last_claim_at is not None:
            facts["lastClaimSeconds"] = round(now - lag.last_claim_at, 1)
        due = lag.oldest_due_s is not None
        if due:
            left_over = await left_over_of(store, hosts, self._lacking, now=now, unrun=self._unrun)
            facts |= {"leftOver": left_over} if left_over else {}
        needed = waits and not facts["alive"]
        coming = self._start is not None or any(_serves(host, now) for host in hosts)
        if not facts["alive"] and await self._mark.holds(store, now=now):
            facts["stopped"] = True
        if needed and ("stopped" in facts or not coming):
            facts["halted"] = True
        return facts | {"message": self._message(facts, needed=needed, coming=coming)}

    async def why_failing(self) -> str | None:
        """Return in a few words why nothing goes on, `None` if it does.

        A worker that was stopped by hand is no failure, nor a job that nothing here can run.
        """
        # Every server writes that it lives, every few seconds: so it is known how that ended.
        if self._store.trouble is not None:
            return "the database cannot be written"
        facts = await self()
        if "unhealthy" in facts:
            return "the worker is unhealthy"  # why stands in `status`
        due = facts.get("oldestDueSeconds", 0.0) > SILENT_S
        if due and not (facts["alive"] or "stopped" in facts or "leftOver" in facts):
            return "work waits, and no worker runs"
        return None

    def resume(self) -> bool:
        """Allow a worker again if it was stopped by hand; return whether it was."""
        if not self._mark.is_set or self._lock.is_held():
            return False
        self._mark.clear()
        return True

    @property
    def figures(self) -> AttemptFigures:
        """The attempts that this process has run."""
        return self._figures

    async def stats(self) -> Stats:
        """Return how many jobs there are; where counting takes long, as they were a while ago."""
        return await self._counter.read()

    def _message(self, facts: Mapping[str, Any], *, needed: bool, coming: bool) -> str:
        if self._store.trouble is not None:
            return f"Not all can be recorded: {self._store.trouble}. Work goes on once it can."
        if facts["alive"]:
            return _alive(facts)
        if "stopped" in facts and needed:
            return (
                "The worker was stopped by hand. A retry of what waits starts it again, as does "
                "the next call that queues work, or `pressroom worker`."
            )
        if "stopped" in facts:
            return "The worker was stopped by hand; the next call that queues work starts it again."
        if not needed:
            return "No worker is running, and none is needed; the next job starts one."
        return f"No worker is running{self._awaited(coming=coming)}."

    def _awaited(self, *, coming: bool) -> str:
        """Say what will happen to work that is due while there is no worker."""
        if isinstance(self._start, DetachedWorker) and (why := self._why_not(self._start)):
            return f": {why}. It is tried again"
        if self._start is not None:
            return f"; one is being started ({self.mode})"
        if coming:
            return "; a server that runs starts one"
        return ". A server starts one; without a server, `pressroom worker` does"

    def _why_not(self, start: DetachedWorker) -> str | None:
        if start.refusal is not None:
            return f"it cannot be started ({start.refusal}); see to {self._log} and its folder"
        if start.exit_code is not None:
            return f"it ended with code {start.exit_code}; {self._log} says why"
        return None


def _serves(host: Host, now: float) -> bool:
    """Whether this is a live server, which starts a worker when one is needed."""
    return host.role == "server" and is_alive(host, now)


def _alive(facts: Mapping[str, Any]) -> str:
    if "unhealthy" in facts:
        return f"Worker process {facts['pid']} is unhealthy: {facts['unhealthy']}"
    if facts.get("workerCount", 0) > 1:
        places = facts["places"]
        where = f": {places}" if " " in places else f" on {places}"
        return f"{facts['workerCount']} workers are running{where}."
    where = f"process {facts['pid']}" if "pid" in facts else "starting"
    if facts.get("places", MACHINE) != MACHINE:
        where = f"{where} on {facts['places']}"
    return f"A worker is running ({facts['mode']}, {where})."


def _row(host: Host, now: float) -> Mapping[str, Any]:
    """Return one worker, in wire names."""
    row = {"machine": machine_of(host), "pid": host.pid, "version": host.version}
    row |= {"running": host.details.get("running", 0)}
    return row | {"seenSeconds": round(max(0.0, now - host.seen_at), 1)}


async def left_over_of(
    store: JobStore,
    hosts: Sequence[Host],
    lacking: Callable[[str], Lack],
    *,
    now: float,
    unrun: Callable[[str], str] = unrun,
) -> Sequence[str]:
    """Return a sentence for each thing that ready jobs need and none of the live `hosts` has.

    Such a job waits until a host has it. A batch of such jobs is paused instead, and says why. If
    no host is alive, nothing is returned: then the lack of a worker is what there is to say.
    """
    alive = [host for host in hosts if now - host.seen_at <= SILENT_S]
    if not alive:
        return []
    kinds = {kind for host in alive for kind in host.details.get("kinds", ())}
    abilities = {ability for host in alive for ability in host.abilities}
    missing, unknown = await asyncio.gather(
        store.unclaimable(kinds=kinds, abilities=abilities), store.unknown_kinds(kinds)
    )
    return [
        *dict.fromkeys(map(unrun, unknown)),
        *(_without(lacking(ability)) for ability in sorted(missing)),
    ]


def _without(lack: Lack) -> str:
    return f"Jobs are due, and no worker has {lack.what}. {lack.advice}; they are run then."


class Counter:
    """Counts the jobs: one count at a time, and no more often than `COUNTING_SHARE` allows."""

    def __init__(self, store: JobStore, monotonic: Callable[[], float]) -> None:
        self._store, self._monotonic = store, monotonic
        self._counting = anyio.Lock()
        self._counted: Stats | None = None
        self._stands_until = 0.0

    async def read(self) -> Stats:
        """Return the figures; those of the last count while it stands."""
        async with self._counting:  # whoever asks during a count waits for it, and shares it
            began = self._monotonic()
            if self._counted is None or began >= self._stands_until:
                self._counted = await self._store.stats()
                ended = self._monotonic()
                self._stands_until = ended + COUNTING_SHARE * (ended - began)
            return self._counted
