"""Many hands on one PostgreSQL: `python -m tests.faults.postgres barrier|lease|campaign`.

`barrier`: claimers at the same moment. `lease`: a worker that is stopped past its lease at each
statement of its end. `campaign`: machines that work one site, while workers, servers, the database
and connections are struck; `--seed N` draws what by which.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

import anyio

from tests.faults.postgres.barrier import barrier
from tests.faults.postgres.campaign import run
from tests.faults.postgres.lease import lease
from tests.faults.processes import seed


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="tests.faults.postgres", description=__doc__)
    parser.add_argument("what", choices=["barrier", "lease", "campaign"])
    parser.add_argument("--rounds", type=int, help="1,000; of the campaign, 50")
    parser.add_argument("--seed", type=int, help="of the campaign")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pressroom-campaign-") as name:
        folder = Path(name)
        if options.what == "campaign":
            rounds, counted = options.rounds or 50, _campaign(folder, options)
        else:
            rounds, campaign = options.rounds or 1_000, {"barrier": barrier, "lease": lease}
            counted = anyio.run(partial(campaign[options.what], folder / "x", rounds))
    told = ", ".join(f"{what} {n:,}" for what, n in sorted(counted.items()))
    print(f"{rounds:,} rounds in {time.monotonic() - began:.0f} s: {told}")


def _campaign(folder: Path, options: argparse.Namespace) -> Counter[str]:
    """Strike at machines whose user has no settings; tell of each round."""
    os.environ |= {"XDG_STATE_HOME": f"{folder}/state", "XDG_CONFIG_HOME": f"{folder}/config"}
    chosen = seed() if options.seed is None else options.seed
    return run(folder, rounds=options.rounds or 50, seed=chosen, quiet=False)


if __name__ == "__main__":
    main()
