"""What is measured of the server: how much, and what comes out of it."""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

OWN = "pressroom"

Values = Mapping[tuple[str, str], float]
"""By system and part of a figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSizes:
    """How much is measured."""

    noops: int = 500_000
    """Drained beside a server that is asked for `status`."""
    noops_s: float = 120.0
    """How long the server is asked, if the drain takes longer."""
    calls: int = 5
    """Calls of a kind; the median counts."""
    sections: tuple[int, ...] = (1_000, 3_000, 10_000)
    """Sites that are planned."""
    paged: tuple[int, int] = (10, 1_000)
    """Pages of the sites on which calls about one page are made."""
    paged_calls: int = 25
    """Calls of a kind about one page; the median counts."""
    callers: int = 50
    """Clients over HTTP that ask for `status` and nothing else."""
    callers_s: float = 20.0
    """How long they ask each server, in all."""
    loaders: int = 200
    """Clients over HTTP that draft, promote and take back."""
    load_s: float = 120.0
    """How long they do; a bare server is called for a quarter of that."""
    lanes: tuple[tuple[int, int], ...] = ((1, 12), (32, 960))
    """How many sections are drafted at once, and how many in all."""
    double_s: float = 0.3
    """What the model double takes for a section."""
    answered: int = 20
    """Sections of the site whose tool returns at once."""
    drafted: int = 10_000
    """Sections of 2 kB whose drafting takes memory."""
    published: tuple[int, ...] = (1_000, 10_000)
    """Sites that are drafted, promoted and rolled back."""
    reviewed: int = 10_000
    """Sections of the site that is reviewed."""
    pages: int = 10_000
    """Of a site that is there: imported, and looked at."""
    written: int = 1_000
    """Of a site that is there: pages on which a section is promoted."""
    followed: int = 120
    """Sections of the batch that a client follows."""
    followed_batches: int = 10
    """Short batches that are followed to their end."""
    embedded: int = 10_000
    """Texts that are embedded beside a server."""
    subscribers: int = 1_000
    """Who are told of a batch, each by himself."""
    batch: int = 100_000
    """Jobs of a batch that is cancelled, paused, taken up again and forgotten."""
    idle_s: float = 60.0
    """How long an idle server with its worker is watched."""
    spawned: int = 7
    """Pairs of servers that are started."""
    asked: int = 300
    """Pairs of calls of `status`."""
    queued: int = 20_000
    """No-ops that are drained from a shared database."""
    queued_by_slow: int = 500
    """Of queues that take ten times as long."""
    workers: tuple[int, ...] = (1, 2, 4)
    """How many processes drain them."""
    handed_in: int = 10_000
    """Jobs handed in as one batch."""
    one_by_one: int = 1_000
    """Jobs handed in one after another."""
    pings: int = 100
    """Jobs handed in to a worker that idles in another process."""
    kept: int = 1_000_000
    """Ended jobs beside those that are drained."""
    turns: int = 3
    """Drains of each sort, where a figure measures two by turns."""
    resting: int = 6_400
    """Jobs that wait as for a model."""
    sites: int = 100
    """Sites in one database."""
    watched_s: float = 20.0
    """How long those are watched that idle on a shared database."""


QUICK = ServerSizes(
    noops=20_000,
    noops_s=10.0,
    calls=2,
    sections=(100, 300),
    paged=(10, 50),
    paged_calls=3,
    callers=10,
    callers_s=4.0,
    loaders=20,
    load_s=10.0,
    lanes=((1, 3), (32, 96)),
    answered=4,
    drafted=300,
    published=(100, 200),
    reviewed=200,
    pages=300,
    written=30,
    followed=24,
    followed_batches=2,
    embedded=600,
    subscribers=200,
    batch=5_000,
    idle_s=3.0,
    spawned=2,
    asked=50,
    queued=1_000,
    queued_by_slow=50,
    handed_in=1_000,
    one_by_one=100,
    pings=10,
    kept=20_000,
    turns=1,
    resting=640,
    sites=5,
    watched_s=3.0,
)
"""Enough to see that everything runs; too little to say how fast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One number that comes out of a figure."""

    unit: str
    to: tuple[str, str] | None = None
    """System and part that its ratio is taken to."""
    words: str = ""
    """What that is."""
    times: bool = False
    """Whether the ratio says how many times less this is, rather than which part of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFigure:
    """One thing that is measured of the server."""

    words: str
    parts: Mapping[str, Part]
    measure: Callable[[Path, ServerSizes], Awaitable[Values]]
    """Takes an empty folder."""
    peers: tuple[str, ...] = ()
    """Other systems that are measured, whose commits are as durable as ours."""
    once: bool = False
    """Measured in the first round only."""


def p95(values: Sequence[float]) -> float:
    """Return what 95 of 100 values are not above."""
    return statistics.quantiles(values, n=100, method="inclusive")[94]


def p99(values: Sequence[float]) -> float:
    """Return what 99 of 100 values are not above."""
    return statistics.quantiles(values, n=100, method="inclusive")[98]
