"""What the outside may see of an attempt: a span in the trace of its call, and figures.

    tool call → submit → attempt → model call

The call's place in its trace (W3C `traceparent`) is stored with the round, so that the attempts are
its children in whatever process they run. Without an OpenTelemetry SDK there are no spans, and next
to nothing is spent on them.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from mcp_server.jobs.job import Attempt, Json
from mcp_server.jobs.outcome import Fail, Outcome, Pause, Retry

TRACER = "pressroom"
"""Under this name our spans are found in a tracing system."""

STOPPED = "stopped"
"""How an attempt ended that has no outcome: its worker left, or it was cancelled."""

BUCKETS_S = (0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""From a job that does nothing to the time limit of those that ask a model."""

_PROPAGATOR = TraceContextTextMapPropagator()


def is_tracing() -> bool:
    """Whether anybody set up an SDK in this process that takes spans."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def with_trace(terms: Json) -> Json:
    """Return a round's terms with the present place in the trace, if there is one.

    Also without an SDK here: what the client sent is handed on to a worker that may have one.
    """
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return {**terms, **carrier} if carrier else terms


@contextmanager
def submit_span(
    action: str, kind: str, batch_id: str, *, jobs: int | None = None
) -> Generator[None]:
    """Trace the storing of a batch; what is stored within can be its child (`with_trace`)."""
    if not is_tracing():
        yield
        return
    attributes: dict[str, str | int] = {
        "pressroom.batch.id": batch_id,
        "pressroom.batch.kind": kind,
    }
    if jobs is not None:
        attributes["pressroom.batch.jobs"] = jobs
    tracer = trace.get_tracer(TRACER)
    with tracer.start_as_current_span(
        f"{action} {kind}", kind=SpanKind.PRODUCER, attributes=attributes
    ):
        yield


@dataclass(frozen=True, slots=True)
class AttemptFigure:
    """Attempts of one kind that ended in one way, since this process started."""

    kind: str
    outcome: str
    """`done`, `skip`, `retry`, `snooze`, `fail`, `pause`, or `stopped`."""
    count: int
    seconds: float
    """What they took together."""
    buckets: tuple[int, ...]
    """How many took at most so long, for each of `BUCKETS_S`, less those of the one before; the
    last is for what took longer."""


class AttemptFigures:
    """How many attempts this process has run, how they ended, and how long they took."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str], list[int]] = {}
        self._seconds: dict[tuple[str, str], float] = {}

    def note(self, kind: str, outcome: str, seconds: float) -> None:
        """Count an attempt."""
        key = (kind, outcome)
        buckets = self._buckets.get(key)
        if buckets is None:
            buckets = self._buckets[key] = [0] * (len(BUCKETS_S) + 1)
            self._seconds[key] = 0.0
        buckets[bisect_left(BUCKETS_S, seconds)] += 1
        self._seconds[key] += seconds

    def read(self) -> Iterable[AttemptFigure]:
        """Return the figures so far, by kind and outcome."""
        return [
            AttemptFigure(kind, outcome, sum(buckets), self._seconds[kind, outcome], tuple(buckets))
            for (kind, outcome), buckets in sorted(self._buckets.items())
        ]


class AttemptWatch:
    """Watches attempts: `with watch(attempt) as seen: seen.ended(await …)`.

    Whether there is an SDK is looked at once, when the watch is made: it costs as much as the rest.
    """

    def __init__(
        self,
        figures: AttemptFigures | None = None,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.figures = figures or AttemptFigures()
        self._timer = timer
        self._traces = is_tracing()

    def __call__(self, attempt: Attempt) -> Watched:
        """Return a context to run the attempt in, within one task."""
        span = _started(attempt) if self._traces else None
        return Watched(attempt, self.figures, self._timer, span)


class Watched:
    """One attempt under watch. While it is entered, spans that are begun are its children."""

    __slots__ = ("_attempt", "_began", "_figures", "_outcome", "_span", "_timer", "_token")

    def __init__(
        self,
        attempt: Attempt,
        figures: AttemptFigures,
        timer: Callable[[], float],
        span: trace.Span | None,
    ) -> None:
        self._attempt, self._figures, self._timer, self._span = attempt, figures, timer, span
        self._began = 0.0
        self._outcome: Outcome | None = None

    def __enter__(self) -> Self:
        self._began = self._timer()
        if self._span is not None:
            self._token = otel_context.attach(trace.set_span_in_context(self._span))
        return self

    def ended(self, outcome: Outcome) -> None:
        """Say how it ended."""
        self._outcome = outcome

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        name = STOPPED if self._outcome is None else type(self._outcome).__name__.lower()
        self._figures.note(self._attempt.job.kind, name, self._timer() - self._began)
        if self._span is not None:
            otel_context.detach(self._token)
            _end(self._span, name, self._outcome)


def _started(attempt: Attempt) -> trace.Span:
    """Begin the span of an attempt, as a child of the call that queued it."""
    job = attempt.job
    carrier = {key: attempt.terms[key] for key in _PROPAGATOR.fields if key in attempt.terms}
    attributes: dict[str, str | int] = {
        "pressroom.job.id": job.id,
        "pressroom.job.kind": job.kind,
        "pressroom.job.subject": job.subject,
        "pressroom.attempt.id": attempt.id,
        "pressroom.attempt.number": job.attempts + job.crashes + 1,
    }
    if job.batch_id is not None:
        attributes |= {"pressroom.batch.id": job.batch_id, "pressroom.batch.round": job.round}
    return trace.get_tracer(TRACER).start_span(
        f"attempt {job.kind}",
        # Nothing of what this process does otherwise is its parent: it may be a server, in a call.
        context=_PROPAGATOR.extract(carrier, context=otel_context.Context()),
        kind=SpanKind.CONSUMER,
        attributes=attributes,
    )


def _end(span: trace.Span, name: str, outcome: Outcome | None) -> None:
    span.set_attribute("pressroom.outcome", name)
    match outcome:
        case Fail():
            span.set_attribute("error.type", outcome.code)
            span.set_status(Status(StatusCode.ERROR, outcome.reason))
        case Retry() | Pause():
            span.set_attribute("error.type", name)
            span.set_status(Status(StatusCode.ERROR, outcome.reason))
        case _:
            pass
    span.end()
