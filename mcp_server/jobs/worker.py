"""The worker: claims jobs for its free lanes, records how they ended, and stops gracefully.

exchange: record what ended, claim for what is free     whenever either is to be done
run the handlers (`lanes`)                              one lane each
renew the leases, say that it lives                     every heartbeat
rescue, release what is due, hear who wants what        every sweep
write down how far handlers are                         every half second
prune                                                   at start and hourly
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import anyio
import anyio.abc
import structlog

from mcp_server.clock import Clock
from mcp_server.errors import LostClaim, StorageError, StorageOutdated
from mcp_server.jobs.attempt import AttemptRunner, Progress, named, unstorable
from mcp_server.jobs.handler import Failure
from mcp_server.jobs.job import Attempt, JobState
from mcp_server.jobs.lanes import Lanes
from mcp_server.jobs.maintenance import Maintenance
from mcp_server.jobs.registry import Registry
from mcp_server.jobs.retry import Verdict
from mcp_server.jobs.store import SUSPECT_CRASHES, Claim, Host, JobStore, Report
from mcp_server.jobs.watchdog import Held, OpenStore, OwnProcess, Watchdog, told_of

IDLE_S = 1.0
"""Longest time between two sweeps: so late a job may be that became due."""

PRUNE_INTERVAL_S = 3600.0

LEAVING_HORIZON_S = 15 * 60.0
"""A worker does not leave if a job becomes due within this time (R26)."""

SWEEP_PAUSE_S = 0.25
"""Shortest time between two sweeps; so long may a cancelled job go on running."""

STEP_INTERVAL_S = 0.5
"""A step is written at most this often (seed 003); the newest one is never lost."""

LISTEN_S = 60.0
"""How long one wait for a commit lasts; it only bounds what a lost wake-up could cost."""

STORAGE_PAUSE_S = 1.0
"""How long a loop waits after the database refused."""

RECORD_TRIES_MAX = 30
"""How often the end of an attempt is reported to a database that refuses."""

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """How a worker works; times in seconds."""

    concurrency: int = 4
    claim_max: int = 256
    lease_s: float = 30.0
    heartbeat_s: float = 10.0
    grace_s: float = 10.0
    idle_s: float | None = None
    """Leave after this long without work; `None`: never."""
    heed_s: float = 10.0
    """How long a handler may go on after it was stopped, before its lane counts as lost."""
    alone: bool = True
    """Whether this worker holds the workspace's lock, so that all others are gone."""


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
        new_claim_id: Callable[[], str],
        *,
        open_store: OpenStore | None = None,
        process: OwnProcess | None = None,
    ) -> None:
        self._store, self._registry = store, registry
        self._maintenance, self._clock, self._host = maintenance, clock, host
        self._settings, self._new_claim_id = settings, new_claim_id
        self._lanes = Lanes(
            settings.concurrency,
            runner,
            ended=self._note_end,
            stepped=self._note_step,
            strayed=self._note_strays,
            heed_s=settings.heed_s,
        )
        self._process = process
        self._watchdog = None
        if open_store is not None:
            self._watchdog = Watchdog(
                open_store,
                runner,
                self._lanes,
                clock,
                host,
                lambda: Held(attempt_ids=list(self._held), reports=list(self._reports)),
                lease_s=settings.lease_s,
                heartbeat_s=settings.heartbeat_s,
                process=process,
            )
        self._held: dict[str, Attempt] = {}
        """Attempts that are claimed, and whose end is not recorded yet."""
        self._reports: list[Report] = []
        self._tries = Counter[str]()
        self._steps: dict[str, Progress] = {}
        self._looked_at: int | None = None
        """The store's version of which nothing was left to be claimed; `None`: not known."""
        self._hooks: anyio.abc.TaskGroup
        """Where `on_error` hooks run: nobody waits for them."""
        self._news, self._to_sweep, self._stepped = anyio.Event(), anyio.Event(), anyio.Event()
        self._to_see_to = anyio.Event()
        self._stopping = False
        self._spent = False
        """Whether a lane was lost, and another process is to take this one's place."""
        self._renewed_at = self._idle_since = self._sweep_at = clock.now()
        self._swept_version = -1

    def stop(self) -> None:
        """Ask for a graceful stop: no new claims, running jobs get their grace."""
        self._stopping = True
        self._news.set()

    @property
    def stopped(self) -> bool:
        """Whether it was asked to stop, or left its work to another."""
        return self._stopping

    async def run(
        self, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Work until stopped; on cancellation give back what runs, and leave no trace."""
        services = (
            self._lanes.run,
            self._listen,
            self._keep_alive,
            self._keep_sweeping,
            self._keep_pruning,
            self._write_steps,
            self._keep_lanes,
        )
        try:
            await self._announce()
            if self._settings.alone:
                rescued = await self._maintenance.rescue_others(self._host.id)
                logger.info("worker started", worker=self._host.id, rescued=rescued)
            async with AsyncExitStack() as stack:
                if self._watchdog is not None:
                    await stack.enter_async_context(self._watchdog.watching())
                tasks = await stack.enter_async_context(anyio.create_task_group())
                self._hooks = tasks
                for service in services:
                    tasks.start_soon(service)
                task_status.started()
                await self._work()
                tasks.cancel_scope.cancel()
                if self._process is not None:
                    with anyio.CancelScope(shield=True):
                        await self._free(self._process)
        finally:
            with anyio.CancelScope(shield=True), anyio.move_on_after(5):
                await self._leave()

    # Working

    async def _work(self) -> None:
        self._idle_since = self._clock.now()
        while not self._stopping:
            await self._exchange(claims=not self._spent)
            if await self._may_leave() or (self._spent and not self._held):
                return
            await self._until_news()
        waiting = len(self._lanes.take_back())
        with anyio.move_on_after(self._settings.grace_s):
            while len(self._held) > waiting:
                await self._exchange(claims=False)
                await self._until_news()

    async def _until_news(self) -> None:
        await self._news.wait()
        self._news = anyio.Event()

    async def _exchange(self, *, claims: bool) -> None:
        """Record what ended, and claim for the lanes that are free; in one transaction."""
        reports, self._reports = self._reports, []
        claim = self._claim(len(reports)) if claims else None
        if not reports and claim is None:
            return
        now = self._clock.now()
        try:
            exchange = await self._store.exchange(reports, claim, now=now)
        except StorageError as error:
            self._try_again(reports, error)
            self._give_way(error)
            await anyio.sleep(STORAGE_PAUSE_S)
            return
        for report, recorded in zip(reports, exchange.recorded, strict=True):
            self._note_recorded(report, recorded)
        if claim is not None:
            self._take_up(exchange.attempts, now)
            short = len(exchange.attempts) < claim.limit
            self._looked_at = exchange.version if short else None

    def _claim(self, ended: int) -> Claim | None:
        """Return what to claim: nothing where none can have come since none was left."""
        if not ended and self._looked_at is not None and self._store.version <= self._looked_at:
            return None
        settings, held = self._settings, len(self._held) - ended
        limit = min(self._lanes.usable - held, settings.claim_max)
        if limit <= 0 or (held == 1 and self._holds_suspect()):  # what was claimed is enough
            return None
        return Claim(
            id=self._new_claim_id(),
            worker_id=self._host.id,
            limit=limit,
            kinds=self._lanes.admitted(self._registry.kinds),
            abilities=self._host.abilities,
            lease_s=settings.lease_s,
            ahead=settings.claim_max - limit,
            quick_kinds=self._lanes.quick_kinds,
            limits=self._registry.limits,
            alone=held == 0,
        )

    def _holds_suspect(self) -> bool:
        return any(attempt.job.crashes >= SUSPECT_CRASHES for attempt in self._held.values())

    def _take_up(self, attempts: Sequence[Attempt], claimed_at: float) -> None:
        if attempts:  # these leases are as old as the claim, however long it took
            self._renewed_at = min(self._renewed_at, claimed_at)
            self._held.update((attempt.id, attempt) for attempt in attempts)
            self._lanes.give(attempts)
        if self._held:
            self._idle_since = self._clock.now()

    def _note_end(self, attempt: Attempt, report: Report | None) -> None:
        """Take down how an attempt ended; without a report, it had lost its claim."""
        if report is not None:
            self._reports.append(report)
        else:
            self._held.pop(attempt.id, None)
        self._news.set()

    def _note_recorded(self, report: Report, recorded: Verdict | Exception) -> None:
        if recorded is report.verdict and report.verdict.state is JobState.COMPLETED:
            self._held.pop(report.attempt.id, None)
            return
        if isinstance(recorded, Exception) and not isinstance(recorded, LostClaim):
            self._record_instead(report, recorded)
            return
        self._held.pop(report.attempt.id, None)
        self._tries.pop(report.attempt.id, None)
        if isinstance(recorded, LostClaim):
            logger.info("attempt lost its claim; nothing was written", **named(report.attempt))
        elif recorded.state is not JobState.COMPLETED:
            self._note_trouble(report.attempt, recorded)

    def _note_trouble(self, attempt: Attempt, verdict: Verdict) -> None:
        said = {"state": verdict.state, "code": verdict.code, "reason": verdict.reason}
        logger.info("attempt ended", **named(attempt), **said)
        if verdict.state in (JobState.FAILED, JobState.SCHEDULED) and verdict.code != "snoozed":
            final = verdict.state is JobState.FAILED
            failure = Failure(
                job=attempt.job,
                code=verdict.code if final else None,
                reason=verdict.reason or "",
                final=final,
            )
            self._hooks.start_soon(self._registry.failed, failure)
        if verdict.state is JobState.PAUSED and self._settings.idle_s is not None:
            # The key we were started with may be what was refused: whoever is started after us has
            # the one of then.
            logger.info("leaving, since a batch had to be paused", worker=self._host.id)
            self.stop()

    def _record_instead(self, report: Report, error: Exception) -> None:
        """What cannot be stored as it is is a failure; where that cannot be stored, its lease."""
        logger.error("an outcome cannot be stored", exc_info=error, **named(report.attempt))
        instead = unstorable(report, error)
        if instead.verdict == report.verdict:
            self._held.pop(report.attempt.id, None)
        else:
            self._reports.append(instead)
            self._news.set()

    def _try_again(self, reports: Sequence[Report], error: StorageError) -> None:
        """Keep reports for a database that may be back; not for ever."""
        logger.warning("cannot record or claim", reports=len(reports), error=str(error))
        ids = [report.attempt.id for report in reports]
        self._tries.update(ids)
        for id in ids:
            if self._tries[id] >= RECORD_TRIES_MAX:
                logger.error("gave up recording the end of an attempt; its lease will run out")
                self._held.pop(id, None)
        self._reports[:0] = [report for report in reports if report.attempt.id in self._held]
        self._news.set()

    # Lanes that were lost

    def _note_strays(self) -> None:
        """Take down that a lane was lost to an attempt that does not stop, or is there again."""
        self._looked_at = None
        self._to_see_to.set()
        self._news.set()

    async def _keep_lanes(self) -> None:
        while True:
            await self._to_see_to.wait()
            self._to_see_to = anyio.Event()
            await self._see_to_strays()

    async def _see_to_strays(self) -> None:
        strays = self._lanes.strays
        for stray in strays:
            logger.error("an attempt goes on although it was stopped", **named(stray))
        if strays and self._process is not None:
            self._spent = True
        if self._spent or not self._lanes.usable:
            waiting = [attempt.id for attempt in self._lanes.take_back()]
            await self._try(self._give_back, waiting)
        await self._try(self._announce)
        self._news.set()

    async def _free(self, process: OwnProcess) -> None:
        """Leave a process whose lanes cannot be ended otherwise than with it."""
        ended = await self._lanes.end()
        if ended and not self._spent:
            return
        with anyio.move_on_after(5):
            await self._leave()
        if self._spent and not self._stopping:
            logger.warning("replacing this process", worker=self._host.id)
            process.replace()
        else:
            logger.warning("ending this process by force", worker=self._host.id)
            process.end()

    async def _give_back(self, attempt_ids: Collection[str]) -> None:
        await self._store.give_back(attempt_ids, now=self._clock.now())
        for id in attempt_ids:
            self._held.pop(id, None)

    async def _try(self, act: Callable[..., Awaitable[None]], *arguments: object) -> None:
        try:
            await act(*arguments)
        except StorageError as error:
            logger.warning("the database refused", error=str(error))

    # Stopping

    def _give_way(self, error: StorageError) -> None:
        """Leave at once where the database is a newer version's: nothing can be recorded here."""
        if isinstance(error, StorageOutdated):
            self._held.clear()
            self._reports.clear()
            self.stop()

    async def _leave(self) -> None:
        async with anyio.create_task_group() as self._hooks:  # what they ran in before is closed
            await self._exchange(claims=False)  # what ended while the grace did
            try:
                await self._store.give_back(list(self._held), now=self._clock.now())
                await self._store.withdraw(
                    self._host.id, unless_work_within_s=None, now=self._clock.now()
                )
            except StorageError as error:
                logger.warning("cannot say goodbye; the leases will run out", error=str(error))
        logger.info("worker stopped", worker=self._host.id)

    async def _may_leave(self) -> bool:
        idle_s, now = self._settings.idle_s, self._clock.now()
        if self._held or idle_s is None or now - self._idle_since < idle_s:
            return False
        try:
            return await self._store.withdraw(
                self._host.id, unless_work_within_s=LEAVING_HORIZON_S, now=now
            )
        except StorageError as error:
            logger.warning("cannot leave", error=str(error))
            return False

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

    async def _listen(self) -> None:
        """Pass on that something was committed, here or by another process."""
        while True:
            if await self._store.wait_for_change(LISTEN_S, since=self._store.version):
                self._news.set()
                self._to_sweep.set()

    async def _keep_alive(self) -> None:
        """Renew every lease, stop what lost its claim, and say that we live."""
        while True:
            await anyio.sleep(self._settings.heartbeat_s)
            try:
                await self._renew()
                await self._announce()
            except StorageError as error:
                logger.warning("cannot renew the leases", error=str(error))

    async def _renew(self) -> None:
        attempts, now = list(self._held), self._clock.now()
        self._lose(await self._store.renew(attempts, lease_s=self._settings.lease_s, now=now))
        self._renewed_at = now

    def _lose(self, attempt_ids: Collection[str]) -> None:
        if attempt_ids:
            self._lanes.lose(attempt_ids)

    async def _announce(self) -> None:
        details = {**self._host.details, "running": len(self._held)}
        if strays := self._lanes.strays:
            lanes, replaced = self._settings.concurrency, self._process is not None
            details["unhealthy"] = told_of(strays, lanes=lanes, replaced=replaced)
        host = replace(self._host, details=details)
        stored = await self._store.announce(host, now=self._clock.now())
        self._obey(stored.wanted)

    async def _hear(self) -> None:
        """What others want is heard at once, not with the next heartbeat."""
        for host in await self._store.hosts(seen_after=0):
            if host.id == self._host.id:
                self._obey(host.wanted)

    def _obey(self, wanted: str | None) -> None:
        if wanted == "drain" and not self._stopping:
            logger.info("asked to stop", worker=self._host.id)
            self.stop()

    async def _keep_sweeping(self) -> None:
        while True:
            with anyio.move_on_after(IDLE_S):
                await self._to_sweep.wait()
            self._to_sweep = anyio.Event()  # before reading: what comes meanwhile wakes again
            try:
                await self._sweep()
            except StorageError as error:
                logger.warning("cannot sweep", error=str(error))
                self._give_way(error)
            await anyio.sleep(SWEEP_PAUSE_S)

    async def _sweep(self) -> None:
        """Look for what was cancelled, lost or became due; our own leases come first.

        After a sleep of the whole machine they have run out like everybody's.
        """
        now, version = self._clock.now(), self._store.version
        if self._held and now - self._renewed_at > self._settings.heartbeat_s:
            await self._renew()
        if version != self._swept_version or now >= self._sweep_at:
            if self._held:
                self._lose(await self._store.lost(list(self._held)))
            await self._hear()
            if self._looked_at is not None:
                await self._hand_over()
            due_at = await self._maintenance.sweep(now)
            self._sweep_at = min(now + self._settings.heartbeat_s, due_at)
            self._swept_version = version
            self._looked_at = None  # now and then nothing is taken for granted
        self._news.set()

    async def _keep_pruning(self) -> None:
        while True:
            try:
                await self._maintenance.prune()
            except StorageError as error:
                logger.warning("cannot prune", error=str(error))
            await anyio.sleep(PRUNE_INTERVAL_S)

    # Progress

    def _note_step(self, progress: Progress) -> None:
        self._steps[progress.attempt.id] = progress
        self._stepped.set()

    async def _write_steps(self) -> None:
        while True:
            await self._stepped.wait()
            self._stepped = anyio.Event()
            taken, self._steps = self._steps, {}
            steps = [
                (progress.attempt, step)
                for id, progress in taken.items()
                if id in self._held and (step := progress.take()) is not None
            ]
            try:
                await self._store.step(steps)
            except StorageError as error:
                logger.warning("cannot record progress", error=str(error))
            await anyio.sleep(STEP_INTERVAL_S)


def lacking(ability: str) -> tuple[str, str]:
    """Return, in words, what an ability is that no worker has, and how it is provided."""
    kind, _, name = ability.partition(":")
    if kind == "key":
        return f"the key for {name}", f"Set {name.upper()}_API_KEY where the server runs"
    return f"what it needs ({ability})", "Provide it"


def _missing(ability: str) -> str:
    what, advice = lacking(ability)
    return f"no worker has {what}. {advice}, then call retry"
