"""One attempt at a job: started, run within its time, finished with what its outcome means."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import anyio
import structlog

from mcp_server.clock import Clock
from mcp_server.errors import CallerError, LostClaim, StorageError
from mcp_server.jobs.job import Attempt, JobState, Step
from mcp_server.jobs.outcome import Done, Fail, Outcome, Pause, Retry, Skip, Snooze
from mcp_server.jobs.registry import Registry
from mcp_server.jobs.retry import decide
from mcp_server.jobs.store import JobStore

STEP_INTERVAL_S = 0.5
"""A step is written at most this often (seed 003); the newest one is never lost."""

FINISH_TRIES_MAX = 30
"""How often a finished attempt is reported, a second apart, to a database that refuses."""

logger = structlog.get_logger(__name__)


class Progress:
    """Where a handler says how far it is: `progress(current, total, message)`."""

    def __init__(self, store: JobStore, attempt: Attempt) -> None:
        self._store, self._attempt = store, attempt
        self._latest: Step | None = None
        self._written: Step | None = None
        self._changed = anyio.Event()

    async def __call__(self, current: float, total: float, message: str = "") -> None:
        """Report step `current` of `total`. Never waits for the database."""
        if math.isfinite(current) and math.isfinite(total):
            self._latest = Step(current=current, total=total, message=message[:200])
            self._changed.set()
        await anyio.lowlevel.checkpoint()

    async def run(self) -> None:
        """Write what was reported, at most once per `STEP_INTERVAL_S`, until cancelled."""
        while True:
            await self._changed.wait()
            self._changed = anyio.Event()
            await self.flush()
            await anyio.sleep(STEP_INTERVAL_S)

    async def flush(self) -> None:
        """Write the newest step, if it was not written yet. Never breaks a job."""
        step = self._latest
        if step is None or step == self._written:
            return
        try:
            await self._store.step(self._attempt, step)
        except StorageError as error:
            logger.warning("cannot record progress", error=str(error))
            return
        except Exception:
            logger.exception("what was reported as progress cannot be stored")
        self._written = step


ContextFactory = Callable[[Attempt, Progress], Any]
"""Makes the context a handler is given."""


class AttemptRunner:
    """Runs attempts; what a handler does wrong ends as an outcome like any other."""

    def __init__(
        self,
        store: JobStore,
        registry: Registry,
        clock: Clock,
        context: ContextFactory,
        *,
        time_limit_s: float,
        random: Callable[[], float],
    ) -> None:
        self._store, self._registry, self._clock = store, registry, clock
        self._context = context
        self._time_limit_s = time_limit_s
        self._random = random

    async def run(self, attempt: Attempt) -> JobState | None:
        """Run `attempt` to its end, record it, and return the state it left the job in.

        An attempt that lost its claim writes nothing, and leaves it in none.
        """
        if not await self._store.start(attempt, now=self._clock.now()):
            return None
        outcome = await self._outcome(attempt)
        return await self._finish(attempt, outcome)

    async def _outcome(self, attempt: Attempt) -> Outcome:
        progress = Progress(self._store, attempt)
        outcome: Outcome | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(progress.run)
            outcome = await self._within_time(attempt, progress)
            tasks.cancel_scope.cancel()
        await progress.flush()
        assert outcome is not None, "an attempt that was cancelled does not come here"
        return outcome

    async def _within_time(self, attempt: Attempt, progress: Progress) -> Outcome:
        limit_s = self._registry.get(attempt.job.kind).timeout_s or self._time_limit_s
        with anyio.move_on_after(limit_s):
            return await self._guarded(attempt, progress)
        return Retry(f"it took longer than its time limit of {limit_s:g} s")

    async def _guarded(self, attempt: Attempt, progress: Progress) -> Outcome:
        job = attempt.job
        log = logger.bind(job_id=job.id, kind=job.kind, subject=job.subject)
        try:
            payload = self._registry.payload(job.kind, job.payload)
            outcome = await self._registry.get(job.kind).run(
                payload, self._context(attempt, progress)
            )
        except CallerError as error:
            return Fail("refused", str(error))
        except StorageError as error:
            return Retry(f"the database could not be read: {error}")
        except anyio.get_cancelled_exc_class():
            await anyio.lowlevel.checkpoint_if_cancelled()  # raises where we were cancelled
            log.exception("handler crashed: what it waited for was cancelled")
            return Retry("what its handler waited for was cancelled")
        except (Exception, SystemExit) as error:  # a handler cannot end the worker
            log.exception("handler crashed")
            name = type(error).__name__
            return Retry(f"its handler crashed ({name}); the worker's log says where")
        if not isinstance(outcome, Done | Skip | Retry | Snooze | Fail | Pause):  # pyright: ignore[reportUnnecessaryIsInstance] -- a plugin may be untyped
            return Fail("handler-error", f"its handler answered {type(outcome).__name__}")
        return outcome

    async def _finish(self, attempt: Attempt, outcome: Outcome) -> JobState | None:
        try:
            return await self._record(attempt, outcome)
        except Exception as error:
            logger.exception("an outcome cannot be stored", job_id=attempt.job.id)
            reason = f"what its handler answered cannot be stored ({type(error).__name__})"
            return await self._record(attempt, Fail("handler-error", reason))

    async def _record(self, attempt: Attempt, outcome: Outcome) -> JobState | None:
        now, jitter = self._clock.now(), self._random()
        verdict = decide(attempt.job, outcome, now=now, jitter=jitter)
        log = logger.bind(job_id=attempt.job.id, kind=attempt.job.kind, subject=attempt.job.subject)
        for _ in range(FINISH_TRIES_MAX):
            try:
                job = await self._store.finish(attempt, verdict, now=self._clock.now())
            except LostClaim:
                log.info("attempt lost its claim; nothing was written")
                return None
            except StorageError as error:
                log.warning("cannot record the end of an attempt", error=str(error))
                await anyio.sleep(1)
            else:
                log.info("attempt ended", state=job.state, code=job.code, reason=job.reason)
                return job.state
        log.error("gave up recording the end of an attempt; its lease will run out")
        return None
