"""Many workers, servers and clients in one simulated machine, where everything that may goes wrong.

`python -m tests.faults.simulation --seeds 1000 [--first N]` runs many seeds, on all processors;
`--seed N --trace` runs one, and tells what happened when. The same seed is the same course of
events, on any machine.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.faults.simulation.run import Report, simulate, simulate_many


def main() -> int:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--trace", action="store_true", help="print what happens")
    options = parser.parse_args()
    if options.seed is not None:
        return _one(simulate(options.seed, traced=options.trace))
    return _many(options.first, options.seeds)


def _one(report: Report) -> int:
    for line in report.lines:
        print(line)
    print(f"seed {report.seed}: {report.commits} transactions, digest {report.digest:08x}")
    print(report.problem or "all is well")
    return int(report.problem is not None)


def _many(first: int, seeds: int) -> int:
    began, failed = time.perf_counter(), 0
    counts, simulated, commits = Counter[str](), 0.0, 0
    for report in simulate_many(range(first, first + seeds)):
        counts.update(report.counts)
        simulated, commits = simulated + report.seconds, commits + report.commits
        if report.problem is not None:
            failed += 1
            print(f"seed {report.seed}: {report.problem}")
            print(f"  again: {report.again}")
    took = time.perf_counter() - began
    print(f"{seeds} seeds, {failed} failed; {simulated / 3600:.1f} simulated hours in {took:.1f} s")
    print(f"{commits} transactions;", ", ".join(f"{n} {name}" for name, n in counts.most_common()))
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
