"""The worker: claims jobs for its free lanes, records how they ended, and stops gracefully.

exchange: record what ended, claim for what is free     whenever either is to be done
run the handlers (`lanes`)                              one lane each
write down how far handlers are (`steps`)               every half second
renew, sweep, prune (`upkeep`)                          now and then
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

import anyio
import anyio.abc
import structlog

from mcp_server.clock import Clock
from mcp_server.errors import LostClaim, StorageError
from mcp_server.jobs.handler import Failure
from mcp_server.jobs.job import Attempt, JobState
from mcp_server.jobs.records import Claim, Host, Lack, Report, lack_of
from mcp_server.jobs.registry import Registry
from mcp_server.jobs.retry import Verdict
from mcp_server.jobs.signal import Signal
from mcp_server.jobs.store import JobStore
from mcp_server.jobs.worker.attempt import AttemptRunner, named, unstorable
from mcp_server.jobs.worker.hooks import Hooks
from mcp_server.jobs.worker.lanes import Lanes
from mcp_server.jobs.worker.maintenance import Maintenance
from mcp_server.jobs.worker.state import WorkerSettings, WorkerState
from mcp_server.jobs.worker.step_writer import StepWriter
from mcp_server.jobs.worker.upkeep import Upkeep
from mcp_server.jobs.worker.watchdog import Held, OpenStore, OwnProcess, Watchdog

__all__ = ["Worker", "WorkerSettings"]

LEAVING_HORIZON_S = 15 * 60.0
"""A worker does not leave if a job becomes due within this time (R26)."""

STORAGE_PAUSE_S = 1.0
"""How long a loop waits after the database refused."""

RECORD_TRIES_MAX = 30
"""How often the end of an attempt is reported to a database that refuses."""

logger = structlog.get_logger(__name__)


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
        lacking: Callable[[str], Lack] = lack_of,
    ) -> None:
        self._store, self._registry, self._clock, self._host = store, registry, clock, host
        self._runner, self._settings, self._new_claim_id = runner, settings, new_claim_id
        self._spare_id: str | None = None
        """Id for the next claim, made while there is nothing to do: no job waits for it then."""
        self._state = state = WorkerState(renewed_at=clock.now())
        self._steps = StepWriter(store, state.held)
        self._lanes = Lanes(
            settings.concurrency,
            runner,
            ended=self._note_end,
            stepped=self._steps.note,
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
                lambda: Held(attempt_ids=list(state.held), reports=list(state.reports)),
                lease_s=settings.lease_s,
                heartbeat_s=settings.heartbeat_s,
                process=process,
            )
        self._upkeep = Upkeep(
            store,
            registry,
            maintenance,
            clock,
            host,
            settings,
            self._lanes,
            state,
            replaced=process is not None,
            lacking=lacking,
        )
        self._tries = Counter[str]()
        self._hooks = Hooks(registry)
        self._telling: anyio.abc.TaskGroup
        """Runs the `on_error` hooks, so that no job waits for them."""
        self._to_see_to = Signal()
        self._spent = False
        """Whether a lane was lost, so that another process has to take this one's place."""
        self._idle_since = clock.now()

    def stop(self) -> None:
        """Ask for a graceful stop: no new claims, running jobs get their grace."""
        self._state.stop()

    @property
    def stopped(self) -> bool:
        """Whether it was asked to stop, or left its work to another."""
        return self._state.stopping

    async def run(
        self, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Work until stopped; on cancellation give back what runs, and leave no trace."""
        services = (self._lanes.run, self._steps.run, self._keep_lanes, *self._upkeep.services)
        try:
            await self._upkeep.begin()
            async with AsyncExitStack() as stack:
                if self._watchdog is not None:
                    await stack.enter_async_context(self._watchdog.watching())
                tasks = await stack.enter_async_context(anyio.create_task_group())
                self._telling = tasks
                for service in services:
                    tasks.start_soon(service)
                task_status.started()
                with self._store.arriving(self._note_arrival):
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
        while not self._state.stopping:
            await self._exchange(claims=not self._spent)
            if await self._may_leave() or (self._spent and not self._state.held):
                return
            await self._state.news.wait()
        # These are held, but no lane will begin them: `_leave` gives them back.
        waiting = len(self._lanes.take_back())
        with anyio.move_on_after(self._settings.grace_s):
            while len(self._state.held) > waiting:
                await self._exchange(claims=False)
                await self._state.news.wait()

    async def _exchange(self, *, claims: bool) -> None:
        """Record what ended, and claim for the lanes that are free; in one transaction."""
        reports, self._state.reports = self._state.reports, []
        claim = self._claim(len(reports)) if claims else None
        if not reports and claim is None:
            return
        now = self._clock.now()
        try:
            exchange = await self._store.exchange(reports, claim, now=now)
        except StorageError as error:
            self._try_again(reports, error)
            self._state.give_way(error)
            await anyio.sleep(STORAGE_PAUSE_S)
            return
        for report, recorded in zip(reports, exchange.recorded, strict=True):
            self._note_recorded(report, recorded)
        if claim is not None:
            self._take_up(exchange.attempts, now)
            # Fewer than asked for: nothing more is there to claim until something is committed.
            short = len(exchange.attempts) < claim.limit
            self._state.looked_at = exchange.version if short else None
            if not exchange.attempts:
                self._spare_id = self._new_claim_id()

    def _note_arrival(self) -> None:
        """Claim in the transaction that stores new jobs, so that they start a commit earlier."""
        if len(self._state.held) < self._lanes.usable:
            self._state.looked_at = None
            self._state.news.give()

    def _claim(self, ended: int) -> Claim | None:
        """Return what to claim; `None` if no lane is free, or nothing can have come."""
        settings, state = self._settings, self._state
        if not ended and state.looked_at is not None and self._store.version <= state.looked_at:
            return None
        held = len(state.held) - ended
        limit = min(self._lanes.usable - held, settings.claim_max)
        if limit <= 0 or (held == 1 and state.holds_suspect):  # a suspect runs alone
            return None
        claim_id, self._spare_id = self._spare_id or self._new_claim_id(), None
        return Claim(
            id=claim_id,
            worker_id=self._host.id,
            limit=limit,
            kinds=self._lanes.admitted(self._registry.kinds),
            abilities=self._host.abilities,
            lease_s=settings.lease_s,
            ahead=settings.claim_max - limit,
            quick_kinds=self._lanes.quick_kinds,
            limits=self._registry.limits,
            holds_nothing=held == 0,
        )

    def _take_up(self, attempts: Sequence[Attempt], claimed_at: float) -> None:
        state = self._state
        if attempts:  # these leases are as old as the claim, however long it took
            state.renewed_at = min(state.renewed_at, claimed_at)
            state.held.update((attempt.id, attempt) for attempt in attempts)
            self._lanes.give(attempts)
        if state.held:
            self._idle_since = self._clock.now()

    def _note_end(self, attempt: Attempt, report: Report | None) -> None:
        """Note how an attempt ended; without a report, it had lost its claim."""
        if report is not None:
            self._state.reports.append(report)
        else:
            self._state.held.pop(attempt.id, None)
            self._state.looked_at = None  # a suspect is only claimed when nothing else is held
            self._runner.take_crash(attempt)  # no hook is told: the job is another attempt's now
        self._state.news.give()

    def _note_recorded(self, report: Report, recorded: Verdict | Exception) -> None:
        if self._tries:  # hardly ever
            self._tries.pop(report.attempt.id, None)
        if recorded is report.verdict and report.verdict.state is JobState.COMPLETED:
            self._state.held.pop(report.attempt.id, None)
            return
        if isinstance(recorded, Exception) and not isinstance(recorded, LostClaim):
            self._record_instead(report, recorded)
            return
        self._state.held.pop(report.attempt.id, None)
        crash = self._runner.take_crash(report.attempt)
        if isinstance(recorded, LostClaim):
            logger.info("attempt lost its claim; nothing was written", **named(report.attempt))
        elif recorded.state is not JobState.COMPLETED:
            self._note_trouble(report.attempt, recorded, crash)

    def _note_trouble(
        self, attempt: Attempt, verdict: Verdict, crash: BaseException | None
    ) -> None:
        said = {"state": verdict.state, "code": verdict.code, "reason": verdict.reason}
        logger.info("attempt ended", **named(attempt), **said)
        if verdict.state in (JobState.FAILED, JobState.SCHEDULED) and verdict.code != "snoozed":
            final = verdict.state is JobState.FAILED
            failure = Failure(
                job=attempt.job,
                code=verdict.code if final else None,
                reason=verdict.reason or "",
                final=final,
                exception=crash,
            )
            self._telling.start_soon(self._hooks.tell, failure)
        if verdict.state is JobState.PAUSED and self._settings.idle_s is not None:
            # Perhaps the key was refused that this process was started with. The next worker is
            # started with the key that is set by then.
            logger.info("leaving, since a batch had to be paused", worker=self._host.id)
            self.stop()

    def _record_instead(self, report: Report, error: Exception) -> None:
        """Record a failure in place of an outcome that cannot be stored.

        If that failure cannot be stored either, the lease is left to run out.
        """
        logger.error("an outcome cannot be stored", exc_info=error, **named(report.attempt))
        instead = unstorable(report, error)
        if instead.verdict == report.verdict:
            self._state.held.pop(report.attempt.id, None)
        else:
            self._state.reports.append(instead)
            self._state.news.give()

    def _try_again(self, reports: Sequence[Report], error: StorageError) -> None:
        """Keep reports for when the database is back, but try each a bounded number of times."""
        logger.warning("cannot record or claim", reports=len(reports), error=str(error))
        held, ids = self._state.held, [report.attempt.id for report in reports]
        self._tries.update(ids)
        for id in ids:
            if self._tries[id] >= RECORD_TRIES_MAX:
                logger.error("gave up recording the end of an attempt; its lease will run out")
                held.pop(id, None)
                del self._tries[id]
        self._state.reports[:0] = [report for report in reports if report.attempt.id in held]
        self._state.news.give()

    # Lanes that were lost

    def _note_strays(self) -> None:
        """Note that a lane was lost to an attempt that does not stop, or that it is back."""
        self._state.looked_at = None
        self._to_see_to.give()
        self._state.news.give()

    async def _keep_lanes(self) -> None:
        while True:
            await self._to_see_to.wait()
            await self._see_to_strays()

    async def _see_to_strays(self) -> None:
        strays = self._lanes.strays
        for stray in strays:
            logger.error("an attempt goes on although it was stopped", **named(stray))
        if strays and self._process is not None:
            self._spent = True
        # No lane will begin what waits here; another worker may.
        if self._spent or not self._lanes.usable:
            await self._upkeep.give_back(self._lanes.take_back())
        try:
            await self._upkeep.announce()
        except StorageError as error:
            logger.warning("cannot say that a lane is lost", error=str(error))
        self._state.news.give()

    async def _free(self, process: OwnProcess) -> None:
        """End or replace the process, if a handler in it cannot be stopped in any other way."""
        ended = await self._lanes.end()
        if ended and not self._spent:
            return
        # Now, as neither `replace` nor `end` returns: `run` would not get to it.
        with anyio.move_on_after(5):
            await self._leave()
        if self._spent and not self._state.stopping:
            logger.warning("replacing this process", worker=self._host.id)
            process.replace()
        else:
            logger.warning("ending this process by force", worker=self._host.id)
            process.end()

    # Stopping

    async def _leave(self) -> None:
        async with anyio.create_task_group() as self._telling:  # the hooks' old group is closed
            await self._exchange(claims=False)  # what ended as the grace ran out
            try:
                await self._store.give_back(list(self._state.held), now=self._clock.now())
                await self._store.withdraw(
                    self._host.id, unless_work_within_s=None, now=self._clock.now()
                )
            except StorageError as error:
                logger.warning("cannot say goodbye; the leases will run out", error=str(error))
        logger.info("worker stopped", worker=self._host.id)

    async def _may_leave(self) -> bool:
        idle_s, now = self._settings.idle_s, self._clock.now()
        if self._state.held or idle_s is None or now - self._idle_since < idle_s:
            return False
        try:
            return await self._store.withdraw(
                self._host.id, unless_work_within_s=LEAVING_HORIZON_S, now=now
            )
        except StorageError as error:
            # If there is work left, the next server that sees it starts a worker. And the file may
            # be gone for good: waiting for it might never end.
            logger.warning("leaving, though the database refuses", error=str(error))
            return True
