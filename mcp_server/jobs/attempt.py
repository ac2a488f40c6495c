"""One attempt at a job: its handler, its progress, and what its outcome makes of the job."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import anyio
import structlog

from mcp_server.clock import Clock
from mcp_server.errors import CallerError, StorageError, UnknownKind
from mcp_server.jobs.job import Attempt, JobState, Step
from mcp_server.jobs.outcome import Done, Fail, Outcome, Pause, Retry, Skip, Snooze
from mcp_server.jobs.registry import Registry
from mcp_server.jobs.retry import Verdict, decide
from mcp_server.jobs.store import Report
from mcp_server.jobs.telemetry import AttemptWatch

OUTCOMES = (Done, Skip, Retry, Snooze, Fail, Pause)

logger = structlog.get_logger(__name__)


class Progress:
    """Where a handler says how far it is: `progress(current, total, message)`."""

    __slots__ = ("_changed", "attempt", "latest")

    def __init__(self, attempt: Attempt, changed: Callable[[Progress], None]) -> None:
        self.attempt = attempt
        self.latest: Step | None = None
        """The newest step that was not recorded yet."""
        self._changed = changed

    def take(self) -> Step | None:
        """Return the newest step, which is the caller's to record now."""
        step, self.latest = self.latest, None
        return step

    async def __call__(self, current: float, total: float, message: str = "") -> None:
        """Report step `current` of `total`. Never waits for the database."""
        step = _step(current, total, message)
        if step is not None:
            self.latest = step
            self._changed(self)
        await anyio.lowlevel.checkpoint()


ContextFactory = Callable[[Attempt, Progress], Any]
"""Makes the context a handler is given."""


class AttemptRunner:
    """Runs attempts; what a handler does wrong ends as an outcome like any other."""

    def __init__(
        self,
        registry: Registry,
        clock: Clock,
        context: ContextFactory,
        *,
        time_limit_s: float,
        random: Callable[[], float],
        watch: AttemptWatch | None = None,
    ) -> None:
        self._registry, self._clock, self._context = registry, clock, context
        self._time_limit_s = time_limit_s
        self._random, self._watch = random, watch or AttemptWatch()

    def time_limit_s(self, attempt: Attempt) -> float:
        """Return how long the attempt may take."""
        try:
            return self._registry.get(attempt.job.kind).timeout_s or self._time_limit_s
        except UnknownKind:  # taken out since the claim: `run` says so
            return self._time_limit_s

    async def run(self, attempt: Attempt, progress: Progress) -> Outcome:
        """Run the attempt's handler to its end; only our own cancellation is raised."""
        with self._watch(attempt) as seen:
            outcome = await self._run(attempt, progress)
            seen.ended(outcome)
        return outcome

    async def _run(self, attempt: Attempt, progress: Progress) -> Outcome:
        job = attempt.job
        try:
            handler = self._registry.get(job.kind)
            payload = self._registry.payload(job.kind, job.payload)
            outcome = await handler.run(payload, self._context(attempt, progress))
        except CallerError as error:
            return Fail("refused", str(error))
        except StorageError as error:
            return Retry(f"the database could not be read: {error}")
        except anyio.get_cancelled_exc_class():
            await anyio.lowlevel.checkpoint_if_cancelled()  # raises where we were cancelled
            logger.exception("handler crashed: what it waited for was cancelled", **named(attempt))
            return Retry("what its handler waited for was cancelled")
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # a handler cannot end the worker
            logger.exception("handler crashed", **named(attempt))
            name = type(error).__name__
            return Retry(f"its handler crashed ({name}); the worker's log says where")
        if not isinstance(outcome, OUTCOMES):  # pyright: ignore[reportUnnecessaryIsInstance] -- a plugin may be untyped
            return Fail("handler-error", f"its handler answered {type(outcome).__name__}")
        return outcome

    def report(self, progress: Progress, outcome: Outcome) -> Report:
        """Return what is to be recorded of an attempt that ended so."""
        job, now, jitter = progress.attempt.job, self._clock.now(), self._random()
        try:
            verdict = decide(job, outcome, now=now, jitter=jitter)
        except TypeError as error:  # an untyped plugin's, with a text for a time
            return unstorable(Report(progress.attempt, Verdict(state=JobState.FAILED)), error)
        return Report(progress.attempt, verdict, progress.take())

    def time_out(self, attempt: Attempt) -> Outcome:
        """Return the outcome of an attempt that was stopped for taking too long."""
        limit_s = self.time_limit_s(attempt)
        return Retry(f"it took longer than its time limit of {limit_s:g} s")


def _step(current: float, total: float, message: str) -> Step | None:
    """Return what can be stored of a step: reporting progress never breaks a job."""
    try:
        numbers = float(current), float(total)
    except (TypeError, ValueError, OverflowError):
        return None
    if not all(map(math.isfinite, numbers)):
        return None
    return Step(*numbers, str(message)[:200].encode(errors="replace").decode())


def unstorable(report: Report, error: Exception) -> Report:
    """Return what is recorded of an attempt instead, whose answer could not be."""
    reason = f"what its handler answered cannot be stored ({type(error).__name__})"
    failed = Verdict(state=JobState.FAILED, code="handler-error", reason=reason)
    return Report(report.attempt, failed)


def named(attempt: Attempt) -> dict[str, str]:
    """Return what a log line says of an attempt."""
    job = attempt.job
    return {"job_id": job.id, "kind": job.kind, "subject": job.subject}
