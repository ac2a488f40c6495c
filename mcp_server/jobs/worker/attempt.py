"""Runs one attempt at a job: its handler, its progress, and the report of its end."""

from __future__ import annotations

import asyncio
import math
import traceback
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import anyio
import structlog

from mcp_server.clock import Clock
from mcp_server.errors import CallerError, StorageError, UnknownKind
from mcp_server.excerpt import shortened
from mcp_server.jobs.handler import Handler
from mcp_server.jobs.isolation.child import task_of
from mcp_server.jobs.isolation.context import HandlerCrashed, IsolatedContext
from mcp_server.jobs.isolation.processes import Processes
from mcp_server.jobs.isolation.threads import Threads
from mcp_server.jobs.job import Attempt, JobState, Step
from mcp_server.jobs.outcome import Done, Enqueue, Fail, Outcome, Retry, checked, refused
from mcp_server.jobs.records import Report
from mcp_server.jobs.registry import Registry
from mcp_server.jobs.retry import Verdict, decide
from mcp_server.jobs.telemetry import AttemptWatch

logger = structlog.get_logger(__name__)


class Progress:
    """Where a handler says how far it is: `progress(current, total, message)`."""

    __slots__ = ("_changed", "attempt", "latest")

    def __init__(self, attempt: Attempt, changed: Callable[[Progress], None]) -> None:
        self.attempt = attempt
        self.latest: Step | None = None
        """The newest step that is not recorded yet."""
        self._changed = changed

    def take(self) -> Step | None:
        """Return the newest unrecorded step; the caller has to record it."""
        step, self.latest = self.latest, None
        return step

    async def __call__(self, current: float, total: float, message: str = "") -> None:
        """Report step `current` of `total`. Never waits for the database."""
        self.note(current, total, message)
        await anyio.lowlevel.checkpoint()

    def note(self, current: float, total: float, message: str = "") -> None:
        """Report step `current` of `total` for a handler that runs outside the event loop."""
        step = _step(current, total, message)
        if step is not None:
            self.latest = step
            self._changed(self)


ContextFactory = Callable[[Attempt, Progress], Any]
"""Makes the context a handler is given."""


class AttemptRunner:
    """Runs attempts; whatever a handler does wrong becomes an outcome."""

    def __init__(
        self,
        registry: Registry,
        clock: Clock,
        context: ContextFactory,
        *,
        time_limit_s: float,
        random: Callable[[], float],
        watch: AttemptWatch | None = None,
        redact: Callable[[str], str] = str,
    ) -> None:
        self._registry, self._clock, self._context = registry, clock, context
        self._time_limit_s = time_limit_s
        self._random, self._watch = random, watch or AttemptWatch()
        self._redact = redact
        self._threads, self._processes = Threads(), Processes()
        self._crashes: dict[str, BaseException] = {}
        """By attempt, what its handler raised, if its kind has an `on_error` hook to be told."""

    async def aclose(self) -> None:
        """End the processes that are kept for handlers."""
        await self._processes.aclose()

    def time_limit_s(self, attempt: Attempt) -> float:
        """Return how long the attempt may take."""
        try:
            return self._registry.get(attempt.job.kind).timeout_s or self._time_limit_s
        except UnknownKind:  # taken out since the claim: `run` says so
            return self._time_limit_s

    def run(self, attempt: Attempt, progress: Progress) -> Awaitable[Outcome]:
        """Run the attempt's handler to its end; only our own cancellation is raised."""
        traced = self._run_traced if self._watch.traces else self._run
        return traced(attempt, progress)

    def note(self, attempt: Attempt, outcome: Outcome | None, seconds: float) -> None:
        """Count an attempt and its duration; without an outcome it was cut off."""
        self._watch.note(attempt, outcome, seconds)

    async def _run_traced(self, attempt: Attempt, progress: Progress) -> Outcome:
        with self._watch.span(attempt) as ended:
            outcome = await self._run(attempt, progress)
            ended.append(outcome)
        return outcome

    async def _run(self, attempt: Attempt, progress: Progress) -> Outcome:
        job = attempt.job
        try:
            handler = self._registry.get(job.kind)
            payload = self._registry.payload(job.kind, job.payload)
            if handler.isolation == "loop":
                outcome = await handler.run(payload, self._context(attempt, progress))
            else:
                outcome = await self._run_apart(handler, payload, progress)
            if type(outcome) is Done and _says_nothing(outcome):  # often so: there is no more to do
                return outcome
        except (CallerError, StorageError) as error:
            return self._recordable(attempt, partial(_refused, error))
        except anyio.get_cancelled_exc_class():
            await anyio.lowlevel.checkpoint_if_cancelled()  # raises where we were cancelled
            logger.exception("handler crashed: what it waited for was cancelled", **named(attempt))
            return Retry("what its handler waited for was cancelled")
        except HandlerCrashed as crash:
            logger.error("handler crashed", exception=crash.traceback, **named(attempt))  # noqa: TRY400 -- where it crashed is in there
            return self._crashed(attempt, crash, crash.name)
        except BaseException as error:  # a handler cannot end the worker, not by KeyboardInterrupt
            if isinstance(error, GeneratorExit) and not is_in_a_task():
                raise  # nobody asks for this attempt any more: the loop is gone
            logger.exception("handler crashed", **named(attempt))
            return self._crashed(attempt, error, type(error).__name__)
        return self._recordable(attempt, partial(self._checked, outcome))

    def _recordable(self, attempt: Attempt, read: Callable[[], Outcome]) -> Outcome:
        """Return what `read` makes of a handler's answer, or a failure if that raises anything."""
        try:
            return read()
        except BaseException as error:  # noqa: BLE001 -- it is a handler's, as what it raises
            _log_unreadable(attempt)
            why = f"what its handler answered cannot be read ({type(error).__name__})"
            return Fail("handler-error", why)

    def _checked(self, answer: object) -> Outcome:
        """Return an answer if it can be recorded and the jobs it enqueues can be, or a failure."""
        outcome = checked(answer, bytes_max=self._registry.payload_bytes_max)
        effects = outcome.effects if isinstance(outcome, Done | Fail) else ()
        try:
            for effect in effects:
                if isinstance(effect, Enqueue):
                    self._registry.check(effect.job)
        except CallerError as error:
            why = f"its handler asked for a job that cannot be queued: {error}"
            return checked(Fail("handler-error", why))
        return outcome

    def _crashed(self, attempt: Attempt, error: BaseException, name: str) -> Outcome:
        if self._registry.wants_failures(attempt.job.kind):
            self._crashes[attempt.id] = error
        return Retry(f"its handler crashed ({name}); the worker's log says where")

    def take_crash(self, attempt: Attempt) -> BaseException | None:
        """Return and forget what the attempt's handler raised, if its kind has a hook for it."""
        return self._crashes.pop(attempt.id, None)

    async def _run_apart(self, handler: Handler[Any], payload: Any, progress: Progress) -> Any:
        """Run a handler in a thread or a process."""
        attempt = progress.attempt
        if handler.isolation == "process":
            return await self._processes.run(
                task_of(attempt, handler), lambda step: progress.note(*step)
            )
        loop = asyncio.get_running_loop()
        context = IsolatedContext(attempt, partial(loop.call_soon_threadsafe, progress.note))
        return await self._threads.run(attempt, context, partial(handler.run, payload))

    def stray(self, attempt: Attempt) -> anyio.Event | None:
        """Return the event of the thread's end, if it goes on after its attempt was stopped."""
        return self._threads.stray(attempt)

    def report(self, progress: Progress, outcome: Outcome) -> Report:
        """Return the report of an attempt that ended with `outcome`."""
        job, now, jitter = progress.attempt.job, self._clock.now(), self._random()
        try:
            verdict = decide(job, outcome, now=now, jitter=jitter)
            if verdict.reason is not None:  # it goes into the database, and from there everywhere
                verdict = verdict._replace(reason=self._redact(verdict.reason))
        except Exception as error:  # noqa: BLE001 -- a handler's object; it may have changed since
            _log_unreadable(progress.attempt)
            return unstorable(Report(progress.attempt, Verdict(state=JobState.FAILED)), error)
        return Report(progress.attempt, verdict, progress.take())

    def time_out(self, attempt: Attempt) -> Outcome:
        """Return the outcome of an attempt that was stopped for taking too long."""
        limit_s = self.time_limit_s(attempt)
        return Retry(f"it took longer than its time limit of {limit_s:g} s")


def _says_nothing(done: Done) -> bool:
    """Whether there is nothing in it to be checked."""
    # Exact types, as a subclass may run a plugin's code even when it is asked for its length.
    result: object = done.result
    effects: object = done.effects
    return type(result) is dict and not result and type(effects) is tuple and not effects


def _refused(error: CallerError | StorageError) -> Outcome:
    return checked(refused(error))


def _log_unreadable(attempt: Attempt) -> None:
    """Log the traceback as text: a logger that formats the answer itself might raise again."""
    logger.error("an answer cannot be read", exception=traceback.format_exc(), **named(attempt))


def is_in_a_task() -> bool:
    """Whether the event loop is running us; False if an abandoned coroutine is being collected."""
    try:
        return asyncio.current_task() is not None
    except RuntimeError:
        return False


def _step(current: float, total: float, message: str) -> Step | None:
    """Return a step that can be stored, else `None`: reporting progress never breaks a job."""
    try:
        numbers = float(current), float(total)
    except (TypeError, ValueError, OverflowError):
        return None
    if not all(map(math.isfinite, numbers)):
        return None
    # Neither a lone surrogate nor a NUL can be stored: they become question marks.
    said = shortened(str(message), 200).replace("\0", "?")
    return Step(*numbers, said.encode(errors="replace").decode())


def unstorable(report: Report, error: Exception) -> Report:
    """Return the failure to record in place of an answer that cannot be stored."""
    reason = f"what its handler answered cannot be stored ({type(error).__name__})"
    failed = Verdict(state=JobState.FAILED, code="handler-error", reason=reason)
    return Report(report.attempt, failed)


def named(attempt: Attempt) -> dict[str, str]:
    """Return what a log line says of an attempt."""
    job = attempt.job
    return {"job_id": job.id, "kind": job.kind, "subject": job.subject}
