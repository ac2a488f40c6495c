"""Tracing and figures of attempts.

    tool call → submit → attempt → model call

The call's trace context (W3C `traceparent`) is stored with the round, so that attempts become
children of the call in whatever process they run. Without an OpenTelemetry SDK there are no spans,
and tracing costs next to nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from mcp_server.jobs.job import Attempt, Json
from mcp_server.jobs.outcome import Fail, Outcome, Pause, Retry

TRACER = "pressroom"
"""The name under which a tracing system shows our spans."""

STOPPED = "stopped"
"""Stands for the outcome of an attempt that has none: it was cancelled, or its worker left."""

BUCKETS_S = (0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""From a job that does nothing to the time limit of those that ask a model."""

_PROPAGATOR = TraceContextTextMapPropagator()


def is_tracing() -> bool:
    """Whether anybody set up an SDK in this process that takes spans."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def with_trace(terms: Json) -> Json:
    """Return a round's terms with the present trace context, if there is one.

    This works without an SDK, too: the context that a client sent is passed on to a worker that may
    have one.
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
    """Sum of their durations."""
    buckets: tuple[int, ...]
    """How many fall into each bucket of `BUCKETS_S`, not cumulative; the last holds longer ones."""


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
        buckets[bisect_left(BUCKETS_S, seconds)] += 1  # left: a bucket includes its upper limit
        self._seconds[key] += seconds

    def read(self) -> Iterable[AttemptFigure]:
        """Return the figures so far, by kind and outcome."""
        return [
            AttemptFigure(kind, outcome, sum(buckets), self._seconds[kind, outcome], tuple(buckets))
            for (kind, outcome), buckets in sorted(self._buckets.items())
        ]


class AttemptWatch:
    """Watches attempts: counts how they end, and traces them where there is an SDK."""

    def __init__(self, figures: AttemptFigures | None = None) -> None:
        self.figures = figures or AttemptFigures()
        self.traces = is_tracing()
        """Whether there is an SDK. Asked once, as asking costs as much as counting an attempt."""

    def note(self, attempt: Attempt, outcome: Outcome | None, seconds: float) -> None:
        """Count an attempt and its duration; without an outcome it was cut off."""
        self.figures.note(attempt.job.kind, _name(outcome), seconds)

    @contextmanager
    def span(self, attempt: Attempt) -> Generator[list[Outcome]]:
        """Trace what runs within the context; spans begun there become its children.

        Enter and leave it in the same task. Append the outcome to the list that is yielded; an
        empty list means that the attempt was cut off.
        """
        span, ended = _started(attempt), list[Outcome]()
        token = otel_context.attach(trace.set_span_in_context(span))
        try:
            yield ended
        finally:
            otel_context.detach(token)
            _end(span, ended[0] if ended else None)


def _name(outcome: Outcome | None) -> str:
    return STOPPED if outcome is None else type(outcome).__name__.lower()


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
        # An empty context, so that no other span of this process becomes the parent: an embedded
        # worker may have been started during some client's call.
        context=_PROPAGATOR.extract(carrier, context=otel_context.Context()),
        kind=SpanKind.CONSUMER,
        attributes=attributes,
    )


def _end(span: trace.Span, outcome: Outcome | None) -> None:
    name = _name(outcome)
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
