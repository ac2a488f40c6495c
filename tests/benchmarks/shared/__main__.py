"""Measures the queue on PostgreSQL, and other queues on the same server in the same run.

    uv run --group bench python -m tests.benchmarks.shared [--quick] [--json] [--size sites=1000] …

Who works and who hands in are processes of their own. The server is started for each figure, with
its own defaults: a commit answers once it is on the disk.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from tests.benchmarks.measuring import OWN, Part, ServerFigure, ServerSizes
from tests.benchmarks.server import main
from tests.benchmarks.shared import draining, idling, many_sites
from tests.benchmarks.shared.systems import BARE, BARES, NEEDS, PEERS, THOSE_HEARD

PROGRAM = "tests.benchmarks.shared"


def figures(sizes: ServerSizes) -> Mapping[str, ServerFigure]:
    """Return what can be measured, by name."""
    bare = f"{BARE}'s"
    workers = [str(number) for number in sizes.workers]
    return {
        "workers": ServerFigure(
            words=f"drain of {sizes.queued:,} no-ops by idle worker processes, 50 at once in each",
            parts={f"workers-{n}": _rate(f"workers-{n}", bare) for n in workers},
            measure=draining.by_workers,
            peers=PEERS,
        ),
        "hand-in": ServerFigure(
            words=f"{sizes.handed_in:,} jobs handed in at once, and {sizes.one_by_one:,} one after "
            "another",
            parts={name: _rate(name, bare) for name in ("bulk", "one-by-one")},
            measure=draining.handing_in,
            peers=PEERS,
        ),
        "start": ServerFigure(
            words="from handing in, in one process, to the start in another that idles",
            parts={
                f"start-{rank}": Part(unit="ms", to=(BARE, f"start-{rank}"), words=bare)
                for rank in ("p50", "p95")
            },
            measure=draining.starts,
            peers=THOSE_HEARD,
        ),
        "kept": ServerFigure(
            words=f"drain by one worker without, and beside, {sizes.kept:,} ended jobs, in turns",
            parts={
                "kept-none": Part(unit="jobs/s"),
                "kept-many": Part(unit="jobs/s", to=(OWN, "kept-none"), words="kept-none"),
            },
            measure=draining.beside_kept,
            once=True,
        ),
        "resting": ServerFigure(
            words=f"{sizes.resting:,} jobs whose handler waits 200 ms as for a model, by "
            f"{draining.RESTERS} worker processes of {draining.REST_LANES} lanes",
            parts={
                "resting": Part(
                    unit="jobs/s", to=(draining.IDEAL, "resting"), words="what waits only"
                )
            },
            measure=draining.resting,
            peers=THOSE_HEARD,
        ),
        "line": ServerFigure(
            words="as `workers`, over a line with a round trip of 1 ms at least",
            parts={f"line-{n}": _rate(f"line-{n}", bare) for n in (workers[0], workers[-1])}
            | {"line-trip": Part(unit="ms")},
            measure=draining.over_a_line,
            peers=BARES,
        ),
        "idle": ServerFigure(
            words="nobody wants anything: statements a second, and seconds of a core in a minute, "
            "of the process and of the database; a worker, and a server with its worker",
            parts={
                f"idle-{who}-{what}": Part(
                    unit=unit,
                    to=(BARE, f"idle-{who}-{what}") if who == "worker" else None,
                    words=bare,
                )
                for who in ("worker", "server")
                for what, unit in idling.PARTS.items()
            },
            measure=idling.idle,
            peers=BARES,
            once=True,
        ),
        "sites": ServerFigure(
            words=f"{sizes.sites:,} sites in one database: making one (the median, and that of the "
            "last tenth), what it takes on the disk, a drain in the first beside none and beside "
            "all, a worker's start in the last, and the memory of such a worker",
            parts={
                "site-made": Part(unit="ms"),
                "site-made-last": Part(unit="ms", to=(OWN, "site-made"), words="site-made"),
                "site-disk": Part(unit="kB"),
                "sites-drain-one": Part(unit="jobs/s"),
                "sites-drain-all": Part(
                    unit="jobs/s", to=(OWN, "sites-drain-one"), words="sites-drain-one"
                ),
                "site-opened": Part(unit="ms"),
                "site-worker": Part(unit="MB"),
                "site-connections": Part(unit="MB"),
            },
            measure=many_sites.many_sites,
            once=True,
        ),
    }


def _rate(part: str, words: str) -> Part:
    return Part(unit="jobs/s", to=(BARE, part), words=words)


if __name__ == "__main__":
    for name in NEEDS:
        if name not in PEERS:
            print(f"{name} is left out: not installed (uv run --group bench …)", file=sys.stderr)
    sys.exit(main(sys.argv[1:], figures, PROGRAM))
