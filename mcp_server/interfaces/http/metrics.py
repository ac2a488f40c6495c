"""The queue's figures for Prometheus, read at the moment of the scrape.

Gauges describe the whole workspace, whichever process works it. Attempts are only those that this
process has run, so a detached worker's are not included.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from itertools import accumulate
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from mcp_server.entities.usage import NANO, Sums
from mcp_server.errors import ServerError
from mcp_server.interfaces.services import ServicesProvider
from mcp_server.jobs.records import Stats
from mcp_server.jobs.telemetry import BUCKETS_S, AttemptFigure

logger = structlog.get_logger(__name__)

OPENMETRICS = "application/openmetrics-text"

LIMITS = (*(f"{limit:g}" for limit in BUCKETS_S), "+Inf")
"""Upper limits of the buckets, as Prometheus writes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one scrape has read of an open workspace."""

    health: Mapping[str, Any]
    stats: Stats
    attempts: Iterable[AttemptFigure]
    usage: Mapping[str, Sums]
    """What requests to models come to, by model."""
    plugin_problems: int
    at: float


async def scrape(provider: ServicesProvider, *, accept: str, now: float) -> tuple[bytes, str]:
    """Return the metrics in a format that the scraper accepts, and the name of that format.

    If the workspace cannot be opened or the database refuses, it says `pressroom_up 0`.
    """
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(_Pressroom(await _figures(provider, now)))
    encode, content_type = choose_encoder(_format(accept))
    return encode(registry), content_type


def _format(accept: str) -> str:
    """Reduce an Accept header to what the encoder is safe with: it fails on some, echoes others."""
    types = {each.partition(";")[0].strip() for each in accept.split(",")}
    return OPENMETRICS if OPENMETRICS in types else ""


async def _figures(provider: ServicesProvider, now: float) -> Figures | None:
    try:
        services = await provider.services()
        return Figures(
            health=await services.worker_health(),
            stats=await services.worker_health.stats(),
            attempts=services.worker_health.figures.read(),
            usage=await services.ledger.by_model(),
            plugin_problems=len(services.plugins.problems),
            at=now,
        )
    except ServerError as error:
        logger.warning("no figures for Prometheus", reason=str(error))
        return None


class _Pressroom(Collector):
    """Turns figures into metrics."""

    def __init__(self, figures: Figures | None) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        figures = self._figures
        yield InfoMetricFamily(
            "pressroom", "The server that answers.", {"version": version("pressroom")}
        )
        yield _gauge(
            "pressroom_up", "Whether the workspace can be worked with.", figures is not None
        )
        if figures is not None:
            yield from _of_worker(figures)
            yield from _of_jobs(figures.stats)
            yield from _of_attempts(figures.attempts)
            yield from _of_usage(figures.usage)


def _of_worker(figures: Figures) -> Iterable[Metric]:
    health = figures.health
    yield _gauge("pressroom_worker_alive", "Whether a worker lives.", health["alive"])
    yield _gauge(
        "pressroom_queue_lag_seconds",
        "Age of the oldest job that is due and that nobody works on; 0: there is none.",
        health.get("oldestDueSeconds", 0.0),
    )
    if "lastClaimSeconds" in health:
        yield _gauge(
            "pressroom_last_claim_timestamp_seconds",
            "When a worker took up a job the last time.",
            figures.at - health["lastClaimSeconds"],
        )
    if "running" in health:
        yield _gauge(
            "pressroom_worker_running_jobs", "What the worker said it runs.", health["running"]
        )
    yield _gauge("pressroom_plugin_problems", "Plugins that did not load.", figures.plugin_problems)


def _of_jobs(stats: Stats) -> Iterable[Metric]:
    states = GaugeMetricFamily(
        "pressroom_jobs", "Jobs that are stored; finished ones for a day.", labels=["state"]
    )
    for state, count in stats.jobs.items():
        states.add_metric([state.value], count)
    yield states
    kinds = GaugeMetricFamily(
        "pressroom_jobs_by_kind",
        "The same by kind, less the completed ones.",
        labels=["kind", "state"],
    )
    for kind, counts in stats.kinds.items():
        for state, count in counts.items():
            kinds.add_metric([kind, state.value], count)
    yield kinds


def _of_attempts(attempts: Iterable[AttemptFigure]) -> Iterable[Metric]:
    ended = CounterMetricFamily(
        "pressroom_attempts",
        "Attempts that this process has run, by how they ended.",
        labels=["kind", "outcome"],
    )
    seconds = HistogramMetricFamily(
        "pressroom_attempt_seconds",
        "How long those took.",
        labels=["kind", "outcome"],
    )
    for figure in attempts:
        labels = [figure.kind, figure.outcome]
        ended.add_metric(labels, figure.count)
        # Prometheus counts in a bucket everything up to its limit; our figures do not.
        buckets = list(zip(LIMITS, map(float, accumulate(figure.buckets)), strict=True))
        seconds.add_metric(labels, buckets, figure.seconds)
    yield ended
    yield seconds


def _of_usage(usage: Mapping[str, Sums]) -> Iterable[Metric]:
    cost = CounterMetricFamily(
        "pressroom_cost_usd", "What requests to models have cost.", labels=["model"]
    )
    reserved = GaugeMetricFamily(
        "pressroom_cost_reserved_usd",
        "What those may cost at most that run or never ended.",
        labels=["model"],
    )
    requests = CounterMetricFamily(
        "pressroom_model_requests", "Requests to models.", labels=["model"]
    )
    tokens = CounterMetricFamily(
        "pressroom_tokens", "Tokens that models read and wrote.", labels=["model", "direction"]
    )
    for model, sums in usage.items():
        cost.add_metric([model], sums.spent / NANO)
        reserved.add_metric([model], sums.open / NANO)
        requests.add_metric([model], sums.requests)
        tokens.add_metric([model, "in"], sums.input_tokens)
        tokens.add_metric([model, "out"], sums.output_tokens)
    yield from (cost, reserved, requests, tokens)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=float(value))
