"""Plays many lives of a page: `python -m tests.pages_core --sequences 10000 --seed 7`."""

from __future__ import annotations

import argparse
import time

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.pages_core.machine import PageLife
from tests.pages_core.world import COUNTS

STEPS = 40
"""Moves of one sequence, at most: enough for a text to go and come back several times."""


def play(sequences: int, number: int) -> None:
    """Play so many sequences, the same for the same number."""
    chosen = settings(
        max_examples=sequences,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.filter_too_much,
            HealthCheck.data_too_large,
        ],
    )

    @seed(number)
    class Seeded(PageLife):
        pass

    run_state_machine_as_test(Seeded, settings=chosen)


def main() -> None:
    """Play what is asked for, and say what happened."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sequences", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    began = time.monotonic()
    play(asked.sequences, asked.seed)
    for what, times in sorted(COUNTS.items()):
        print(f"{times:9,}  {what}")
    print(f"{asked.sequences} sequences of at most {STEPS} in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
