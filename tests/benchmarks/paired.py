"""Measures another commit against this checkout, in pairs that take turns.

    uv run python -m tests.benchmarks.paired COMMIT [--pairs 7] [--quick]

Each pair measures the commit and the checkout one right after the other, the first of them in turn,
and gives a ratio for each figure, such that more is better: what this machine does beside it is in
both. The answer is the median of the ratios. It ends with 1 where one is below `--least`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.results import number

PAIRS = 7
LEAST = 0.97
"""A median below this is a loss; above, two runs of the very same code differ by as much."""

REPOSITORY = Path(__file__).resolve().parents[2]

QUEUE = ("drain-1", "drain-50", "bulk", "enqueue-1", "enqueue-50", "start")
SERVER = ("status", "generate")

RATES = ("jobs/s", "sections/s", "batches/s")
"""Units of which more is better; of the others, less is."""

NOT_OURS = "bare-loop"
"""A system that is measured beside ours only to compare with."""


def figures_of(tree: Path, *, quick: bool) -> Mapping[str, tuple[float, str]]:
    """Measure a checkout once; return each figure's value and unit."""
    sizes = ["--quick"] if quick else []
    queue = [*sizes, "--only", "pressroom", "--commits", "FULL", "--figures", ",".join(QUEUE)]
    server = [*sizes, "--figures", ",".join(SERVER)]
    rows = [*_rows(tree, "queue", queue), *_rows(tree, "server", server)]
    return {
        row["figure"]: (row["median"], row["unit"]) for row in rows if row["system"] != NOT_OURS
    }


def _rows(tree: Path, module: str, words: Sequence[str]) -> Iterator[dict[str, Any]]:
    line = ["uv", "run", "--project", str(tree), "python", "-m", f"tests.benchmarks.{module}"]
    kept = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(
        [*line, "--json", "--rounds", "1", *words],
        cwd=tree,
        env=kept,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    for found in done.stdout.splitlines():
        yield json.loads(found)


def ratios(
    old: Mapping[str, tuple[float, str]], new: Mapping[str, tuple[float, str]]
) -> Mapping[str, float]:
    """Return by figure how much better the new one is: 1.1 is a tenth faster, or a tenth sooner.

    Figures that only one of them has, and those of which nothing was measured, are left out.
    """
    found: dict[str, float] = {}
    for name, (value, unit) in new.items():
        before = old.get(name, (0.0, ""))[0]
        if value and before:
            found[name] = value / before if unit in RATES else before / value
    return found


@contextmanager
def checked_out(commit: str) -> Generator[Path]:
    """Give a checkout of another commit of this repository, which goes with the block."""
    with tempfile.TemporaryDirectory(prefix="pressroom-paired-") as folder:
        tree = Path(folder) / "old"
        _git("worktree", "add", "--quiet", "--detach", str(tree), commit)
        try:
            yield tree
        finally:
            _git("worktree", "remove", "--force", str(tree))


def _git(*words: str) -> None:
    subprocess.run(["git", "-C", str(REPOSITORY), *words], check=True)


def main(words: Sequence[str]) -> int:
    """Measure in pairs, print a table; progress goes to stderr."""
    parser = argparse.ArgumentParser(prog="tests.benchmarks.paired", description=__doc__)
    parser.add_argument("commit", help="what this checkout is compared with")
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"so many (default {PAIRS})")
    parser.add_argument("--least", type=float, default=LEAST, help=f"default {LEAST}")
    parser.add_argument("--quick", action="store_true", help="small sizes: see that it runs")
    given = parser.parse_args(words)
    found: dict[str, list[float]] = {}
    with checked_out(given.commit) as old:
        for pair in range(given.pairs):
            order = [old, REPOSITORY] if pair % 2 == 0 else [REPOSITORY, old]
            measured = {tree: figures_of(tree, quick=given.quick) for tree in order}
            for name, ratio in ratios(measured[old], measured[REPOSITORY]).items():
                found.setdefault(name, []).append(ratio)
            print(f"pair {pair + 1} of {given.pairs}", file=sys.stderr)
    medians = {name: statistics.median(values) for name, values in found.items()}
    _print(found, medians)
    return 0 if medians and min(medians.values()) >= given.least else 1


def _print(found: Mapping[str, Sequence[float]], medians: Mapping[str, float]) -> None:
    table = Table("figure", "median", "lowest", "highest", "pairs")
    for name, values in found.items():
        table.add_row(
            name,
            number(medians[name]),
            number(min(values)),
            number(max(values)),
            str(len(values)),
        )
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
