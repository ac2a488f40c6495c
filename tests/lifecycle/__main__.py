"""Plays many sequences of moves: `python -m tests.lifecycle --seed 7`.

On the pure core, and then so many steps through a real worker, in sites of 50 steps.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import anyio

from tests.lifecycle.life import Life
from tests.lifecycle.pure import PureSite, at_once
from tests.lifecycle.real import real_site

STEPS = 30
"""Moves of one sequence: enough for a text to go and come back several times."""
REAL_STEPS = 50


def play(seed: str, steps: int = STEPS) -> None:
    """Play one sequence on the pure core."""
    life = Life(PureSite(), seed)
    for _ in range(steps):
        at_once(life.step())
    at_once(life.end())


async def play_for_real(root: Path, seed: str, steps: int) -> None:
    """Play one sequence through the tools and a worker."""
    async with real_site(root) as site:
        life = Life(site, seed)
        for _ in range(steps):
            await life.step()
        await life.end()


def main() -> None:
    """Play what is asked for, and say what it took."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sequences", type=int, default=10_000)
    parser.add_argument("--real-steps", type=int, default=400)
    parser.add_argument("--seed", default="1")
    asked = parser.parse_args()
    began = time.monotonic()
    for number in range(asked.sequences):
        play(f"{asked.seed}:{number}")
    print(f"{asked.sequences} sequences of {STEPS} in {time.monotonic() - began:.0f} s")
    began = time.monotonic()
    for number in range(-(-asked.real_steps // REAL_STEPS)):
        with tempfile.TemporaryDirectory() as folder:
            anyio.run(play_for_real, Path(folder) / "site", f"{asked.seed}:{number}", REAL_STEPS)
    print(f"{asked.real_steps} steps through a worker in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
