"""A thousand simulated machines in which everything that may go wrong does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.simulation.run import simulate_many

SEEDS = 1000
REPLAYED = (3, 14)


@pytest.mark.timeout(600)
def test_a_thousand_seeds_lose_nothing_and_do_nothing_twice() -> None:
    """Crashes, stalls, clocks, refusals: jobs, counters, ends and texts agree, and all drains."""
    failed = [report for report in simulate_many(range(SEEDS)) if report.problem is not None]
    assert not failed, "\n".join(
        f"seed {report.seed}: {report.problem}\n  again: {report.again}" for report in failed
    )


def test_a_seed_replays_exactly_in_another_process() -> None:
    """Whatever the interpreter makes of hashes and addresses: the same events at the same times."""
    root = Path(__file__).parents[2]
    for seed in REPLAYED:
        command = [sys.executable, "-m", "tests.faults.simulation", "--seed", str(seed), "--trace"]
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
