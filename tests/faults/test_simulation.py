"""Simulated machines in which everything that may go wrong does.

`python -m tests.faults.simulation --seeds 1000` tries more of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.processes import seed
from tests.faults.simulation.run import simulate_many

SAME, OTHERS = 50, 100
"""How many machines are the same every time, and how many are not: a campaign tries thousands."""
REPLAYED = (3,)


@pytest.mark.timeout(600)
def test_whatever_goes_wrong_nothing_is_lost_and_nothing_is_done_twice() -> None:
    """Crashes, stalls, clocks, refusals: jobs, counters, ends and texts agree, and all drains."""
    first = SAME + seed()
    seeds = (*range(SAME), *range(first, first + OTHERS))
    failed = [report for report in simulate_many(seeds) if report.problem is not None]
    assert not failed, "\n".join(
        f"seed {report.seed}: {report.problem}\n  again: {report.again}" for report in failed
    )


def test_a_seed_replays_exactly_in_another_process() -> None:
    """Whatever the interpreter makes of hashes and addresses: the same events at the same times."""
    root = Path(__file__).parents[2]
    for replayed in REPLAYED:
        module = [sys.executable, "-m", "tests.faults.simulation"]
        command = [*module, "--seed", str(replayed), "--trace"]
        said = [
            subprocess.run(
                command,
                cwd=root,
                env={**os.environ, "PYTHONHASHSEED": hash_seed},
                capture_output=True,
                check=True,
            ).stdout
            for hash_seed in ("1", "2")
        ]
        assert said[0] == said[1]
        assert said[0].count(b"\n") > 50
