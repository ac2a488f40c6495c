"""Measures the queue and its peers in one interleaved run on one disk.

    uv run --group bench python -m tests.benchmarks.queue [--quick] [--json] …

Round by round, every system is measured in a process of its own, on fresh files; within a round the
systems take turns, so that what else the machine does is spread over all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from pydantic_core import to_json
from rich.console import Console

from tests.benchmarks import postgres
from tests.benchmarks.place import QUICK, Durability, Sizes, System
from tests.benchmarks.results import Results, print_table
from tests.benchmarks.systems import FIGURES, SYSTEMS
from tests.wire import own_module

ROUNDS = 3
TABLE_WIDTH = 120
ORDER_S = 900
"""How long one system may take for its figures of one round."""

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is measured, and how often."""

    systems: Sequence[System]
    figures: Sequence[str]
    durabilities: Sequence[Durability]
    sizes: Sizes
    rounds: int
    folder: Path


class Bench:
    """Works through a run."""

    def __init__(self, run: Run, console: Console) -> None:
        self._run, self._console = run, console
        self._results = Results()
        self._server: postgres.Postgres | None = None

    def measure(self) -> Results:
        """Measure everything, round by round."""
        with ExitStack() as stack:
            root = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="pressroom-bench-", dir=self._run.folder)
            )
            folder = Path(root)
            folder.chmod(0o755)  # the database server may run as another user
            self._console.print(machine(folder), highlight=False)
            if any(system.storage == "postgresql" for system in self._run.systems):
                data = folder / "pg"
                data.mkdir()
                self._server = stack.enter_context(postgres.running(data))
            for round in range(self._run.rounds):
                for system, durability in self._turns(round):
                    self._order(system, durability, round, folder)
        return self._results

    def _turns(self, round: int) -> Iterator[tuple[System, Durability]]:
        """Let each round begin with another system."""
        systems = self._run.systems
        start = round % len(systems)
        for system in (*systems[start:], *systems[:start]):
            for durability in system.durabilities:
                if durability in (*self._run.durabilities, "none"):
                    yield system, durability

    def _order(self, system: System, durability: Durability, round: int, folder: Path) -> None:
        figures = [
            figure
            for figure in self._wanted(system)
            if figure in system.figures and not (FIGURES[figure].once and round)
        ]
        if not figures:
            return
        self._console.print(
            f"round {round + 1}/{self._run.rounds}  {system.name} {durability}: "
            f"{', '.join(figures)}",
            style="dim",
            highlight=False,
        )
        answer = folder / "answer.jsonl"
        addresses = {
            figure: self._server.fresh(durability)
            for figure in figures
            if system.storage == "postgresql" and self._server is not None
        }
        order = {
            "system": system.name,
            "figures": figures,
            "durability": durability,
            "sizes": self._run.sizes,
            "folder": folder,
            "answer": answer,
            "postgres": addresses,
        }
        self._await(system, durability, to_json(order).decode())
        if answer.exists():
            self._note(system, durability, answer.read_text("utf-8"))
            answer.unlink()

    def _wanted(self, system: System) -> Sequence[str]:
        """Return the figures that were asked for, with those that their ratios are taken to."""
        asked = self._run.figures
        if system.name == "limit":
            bases = [FIGURES[figure].against for figure in asked]
        else:
            bases = [*asked, *(FIGURES[figure].own for figure in asked)]
        return [figure for figure in FIGURES if figure in bases]

    def _await(self, system: System, durability: Durability, order: str) -> None:
        command, variables = own_module("tests.benchmarks.one", order)
        try:
            done = subprocess.run(
                command,
                check=False,
                env=variables,
                timeout=ORDER_S,
                stdin=subprocess.DEVNULL,
                capture_output=True,
            )
        except subprocess.TimeoutExpired:
            self._fail(system, durability, f"gave up after {ORDER_S} s")
            return
        if done.returncode != 0:
            self._fail(system, durability, f"its process ended with {done.returncode}")
            self._console.print(done.stderr.decode(errors="replace")[-2000:], highlight=False)

    def _note(self, system: System, durability: Durability, lines: str) -> None:
        for line in lines.splitlines():
            found = json.loads(line)
            if "error" in found:
                self._fail(system, durability, f"{found['figure']}: {found['error']}")
            else:
                self._results.add(system.name, durability, found["values"])

    def _fail(self, system: System, durability: Durability, why: str) -> None:
        self._results.errors[f"{system.name} {durability}: {why}"] = None


def machine(folder: Path) -> str:
    """Say in one line what is measured on, with what one write to the disk costs."""
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"fsync of 4 kB {_fsync_ms(folder):.3f} ms in {folder.parent}"
    )


def _fsync_ms(folder: Path) -> float:
    path, taken = folder / "fsync", list[float]()
    with path.open("wb") as file:
        for _ in range(50):
            begun = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - begun)
    return statistics.median(taken) * 1000


def missing(system: System) -> Sequence[str]:
    """Return what would have to be installed to measure it."""
    return [name for name in system.needs if find_spec(name) is None]


def arguments(words: Sequence[str]) -> tuple[Run, bool, Sequence[str]]:
    """Return what to do, whether to answer in JSON, and the systems that are left out."""
    parser = argparse.ArgumentParser(prog="tests.benchmarks.queue", description=__doc__)
    parser.add_argument("--jobs", type=int, help="jobs per drain")
    parser.add_argument("--rounds", type=int, help=f"measure so often (default {ROUNDS})")
    parser.add_argument(
        "--only", type=names_among(SYSTEMS), metavar="SYSTEM,…", help=", ".join(SYSTEMS)
    )
    parser.add_argument(
        "--figures", type=names_among(FIGURES), metavar="F,…", help=", ".join(FIGURES)
    )
    parser.add_argument("--commits", choices=["FULL", "NORMAL"], help="measure only this")
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure")
    parser.add_argument("--quick", action="store_true", help="see that it runs, in a minute or so")
    parser.add_argument("--json", action="store_true", help="one object a line")
    given = parser.parse_args(words)
    sizes = QUICK if given.quick else Sizes()
    asked = [SYSTEMS[name] for name in given.only or SYSTEMS]
    run = Run(
        systems=[system for system in asked if not missing(system)],
        figures=given.figures or list(FIGURES),
        durabilities=[given.commits] if given.commits else ["FULL", "NORMAL"],
        sizes=replace(sizes, jobs=given.jobs) if given.jobs else sizes,
        rounds=given.rounds or (1 if given.quick else ROUNDS),
        folder=given.folder or Path(tempfile.gettempdir()),
    )
    skipped = [
        f"{system.name} is left out: {', '.join(missing(system))} is not installed "
        "(uv run --group bench …)"
        for system in asked
        if missing(system)
    ]
    return run, given.json, skipped


def names_among(known: Mapping[str, object]) -> Callable[[str], list[str]]:
    """Return what reads an argument of names with commas between them, each one of the `known`."""

    def names(text: str) -> list[str]:
        found = [name.strip() for name in text.split(",") if name.strip()]
        for name in found:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(known)}")
        return found

    return names


def leave(number: int, frame: object) -> None:
    """End as a handler of SIGTERM does: what was begun is brought to its end."""
    sys.exit(128 + number)


def main(words: Sequence[str]) -> int:
    """Measure, print; what was measured goes to stdout, all else to stderr."""
    run, as_json, skipped = arguments(words)
    aside = Console(stderr=True)
    for line in skipped:
        aside.print(line, highlight=False)
    if not run.systems:
        return 1
    signal.signal(signal.SIGTERM, leave)  # or the database server stays
    results = Bench(run, aside).measure()
    rows = results.rows()
    if as_json:
        for row in rows:
            print(row.as_json())
    else:
        out = Console()
        print_table(rows, out if out.is_terminal else Console(width=TABLE_WIDTH))
    for error in results.errors:
        aside.print(f"not measured: {error}", highlight=False)
    return 1 if results.errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
