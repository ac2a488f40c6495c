"""Live many lives of small sites: `python -m tests.faults.page_campaign --sequences 500 --seed 1`.

Each is a random series of what tools, people and git do to the files of a site that was there
before, with real servers and workers that are killed at any moment. What fails tells its seed and
its moves; `--seed N --only M` plays that one again.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.page_campaign.campaign import run
from tests.faults.processes import seed


def main() -> None:
    """Run the campaign of the command line."""
    parser = argparse.ArgumentParser(prog="tests.faults.page_campaign", description=__doc__)
    parser.add_argument("--sequences", type=int, default=500)
    parser.add_argument("--first", type=int, default=0, help="the number of the first one")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--moves", type=int, default=14, help="of each sequence")
    parser.add_argument("--only", type=int, help="play this one alone")
    parser.add_argument("--at-once", type=int, default=3, help="sequences side by side")
    parser.add_argument("--keep", action="store_true", help="leave the folders of failures")
    options = parser.parse_args()
    chosen = seed() if options.seed is None else options.seed
    numbers = range(options.first, options.first + options.sequences)
    if options.only is not None:
        numbers = range(options.only, options.only + 1)
    folder = Path(tempfile.mkdtemp(prefix="page-campaign-"))
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
    print(f"{len(numbers)} sequences in {took:.0f} s, seed {chosen}: {len(failed)} failed")
    for number in failed:
        print(f"  again: python -m tests.faults.page_campaign --seed {chosen} --only {number}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
