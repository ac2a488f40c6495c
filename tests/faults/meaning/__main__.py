"""Kill whoever embeds, many times: `python -m tests.faults.meaning --rounds 100 --seed 1`.

Each round is a small site with a shop, whose texts are changed by tools, by people and by a plugin,
while servers, workers and the process that embeds are killed (SIGKILL) and frozen (SIGSTOP) and the
embedder is switched. Then a worker works until it is idle, and search must know every text as it is
now, once, by the present embedder, and nothing else. `--seed N --only M` plays a round again.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.meaning.campaign import run
from tests.faults.processes import seed


def main() -> None:
    """Run the campaign of the command line."""
    parser = argparse.ArgumentParser(prog="tests.faults.meaning", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="the number of the first one")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--moves", type=int, default=12, help="of each round")
    parser.add_argument("--only", type=int, help="play this one alone")
    parser.add_argument("--at-once", type=int, default=2, help="rounds side by side")
    parser.add_argument("--keep", action="store_true", help="leave the folders")
    options = parser.parse_args()
    chosen = seed() if options.seed is None else options.seed
    numbers = range(options.first, options.first + options.rounds)
    if options.only is not None:
        numbers = range(options.only, options.only + 1)
    folder = Path(tempfile.mkdtemp(prefix="meaning-campaign-"))
    state = {"XDG_STATE_HOME": str(folder / "state"), "XDG_CONFIG_HOME": str(folder / "config")}
    os.environ |= state
    began = time.monotonic()
    failed, counts = run(
        folder,
        numbers,
        seed=chosen,
        moves=options.moves,
        at_once=options.at_once,
        keep=options.keep,
        quiet=False,
    )
    took = time.monotonic() - began
    print("\n".join(f"  {what}: {n:,}" for what, n in sorted(counts.items())))
    print(f"{len(numbers)} rounds in {took:.0f} s, seed {chosen}: {len(failed)} failed")
    for number in failed:
        print(f"  again: python -m tests.faults.meaning --seed {chosen} --only {number}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
