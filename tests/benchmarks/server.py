"""Measures the server and the drafting: what waits for what, how long, and with how much memory.

    uv run python -m tests.benchmarks.server [--quick] [--json] …

Server and worker are processes of their own, as a client and a server start them. Round by round,
each figure is measured on a fresh workspace.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import anyio
from rich.console import Console
from rich.table import Table

from tests.benchmarks import (
    at_once,
    drafting,
    idling,
    listening,
    loading,
    planning,
    publishing,
    reviewing,
    starting,
    steps,
    subscribers,
    watching,
)
from tests.benchmarks.measuring import OWN, QUICK, Part, ServerFigure, ServerSizes
from tests.benchmarks.queue import TABLE_WIDTH, leave, machine, names_among
from tests.benchmarks.results import Row, number

PROGRAM = "tests.benchmarks.server"
Figures = Callable[[ServerSizes], Mapping[str, ServerFigure]]
ROUNDS = 3
STEPS = ("cancel", "retry", "pause", "resume", "release", "prune", "submit")
FIGURE_S = 900
"""How long one figure may take in one round."""


def figures(sizes: ServerSizes) -> Mapping[str, ServerFigure]:
    """Return what can be measured, by name."""
    return {
        "start": ServerFigure(
            words="over stdio, in either era: from the start of the process to the list of tools, "
            "and one call of `status`; beside a bare MCPServer, in turns",
            parts={
                f"{what}-{era}": Part(
                    unit="ms", to=(starting.BARE, f"{what}-{era}"), words="a bare MCPServer"
                )
                for era, _ in starting.ERAS
                for what in ("listed", "asked")
            },
            measure=starting.start_and_ask,
        ),
        "status": ServerFigure(
            words="`status` of all, and of one batch, while the worker beside the server drains "
            f"{sizes.noops:,} no-ops; the longest stall of the server's event loop meanwhile, "
            "and that of a loop beside it which does nothing",
            parts={
                "status-p99": Part(unit="ms"),
                "status-batch-p99": Part(unit="ms"),
                "status-stall": Part(
                    unit="ms", to=("bare-loop", "status-stall"), words="a loop that does nothing"
                ),
                "status-drain": Part(unit="jobs/s"),
            },
            measure=watching.status_beside_a_drain,
        ),
        "generate": ServerFigure(
            words="`generate-all` until its batch ID, its dry run, and the first look at a site "
            "(site.yaml is read); nobody works meanwhile; the longest stall of the event loop",
            parts=_planning(sizes),
            measure=planning.generate_all,
        ),
        "page": ServerFigure(
            words=f"dry runs about one page of a site of {sizes.paged[0]:,} pages, and of one of "
            f"{sizes.paged[1]:,}, all of them drafted, promoted and exported; the sites take turns",
            parts=_one_page(sizes),
            measure=planning.one_page,
        ),
        "review": ServerFigure(
            words=f"`review` of {sizes.reviewed:,} sections of 2 kB, half of them live: 200 "
            "rows, with `diff`, in one state, a page, a section, the history, a day before; each "
            "from its first row and from the middle; the slowest of all these calls, and the "
            "longest stall of the event loop; words that are nowhere, plans of `promote`, and an "
            "`edit`",
            parts={
                name: Part(unit="ms")
                for name in (
                    *reviewing.ROWS,
                    *("review-slowest", "review-stall"),
                    *reviewing.WHOLE,
                    "plan-stall",
                    "edit",
                )
            },
            measure=reviewing.review,
        ),
        "at-once": ServerFigure(
            words=f"`promote` of {sizes.reviewed:,} sections of 2 kB with a digest, which "
            "changes all in one transaction: until its answer, and the longest wait of another "
            "writer",
            parts={name: Part(unit="ms") for name in ("at-once-call", "at-once-wait")},
            measure=at_once.at_once,
        ),
        "calls": ServerFigure(
            words=f"`status` over HTTP by {sizes.callers} clients at once, and a tool that does "
            "nothing on the protocol library's own server; the servers take turns",
            parts={
                "calls": Part(unit="calls/s", to=(loading.BARE, "calls"), words="the bare server")
            },
            measure=loading.status_only,
        ),
        "load": ServerFigure(
            words=f"{sizes.loaders} clients over HTTP, each of which drafts, promotes and takes "
            f"back a page of its own for {sizes.load_s:g} s, the worker in the same process; "
            "how late the last has finished, and how memory grew in the second half; no call "
            "fails, no batch is lost or there twice",
            parts={
                "load-generate-p99": Part(
                    unit="ms",
                    to=(loading.BARE, "load-generate-p99"),
                    words="a tool that does nothing, of a bare server under as many clients",
                ),
                "load-batches": Part(unit="batches/s"),
                "load-late": Part(unit="s"),
                "load-growth": Part(unit="kB"),
            },
            measure=loading.lives,
        ),
        "draft": ServerFigure(
            words=f"drafting with a model double of {sizes.double_s * 1000:g} ms, so many at once",
            parts={
                f"draft-{lanes}": Part(unit="sections/s")
                if number == 0
                else Part(
                    unit="sections/s",
                    to=(OWN, f"draft-{sizes.lanes[0][0]}"),
                    words=f"draft-{sizes.lanes[0][0]}",
                )
                for number, (lanes, _) in enumerate(sizes.lanes)
            },
            measure=drafting.draft_at_once,
        ),
        "answer": ServerFigure(
            words=f"until `generate-all` of {sizes.answered} sections returns",
            parts={
                "answer": Part(
                    unit="ms",
                    to=("in-call", "answer"),
                    words="drafting in the call, one after another: so many times sooner",
                    times=True,
                )
            },
            measure=drafting.answer_at_once,
        ),
        "memory": ServerFigure(
            words=f"growth of the idle worker while it drafts {sizes.drafted:,} sections of 2 kB",
            parts={
                "memory": Part(
                    unit="kB", to=("collecting", "memory"), words="a loop that keeps all drafts"
                ),
                "drafting": Part(unit="sections/s"),
            },
            measure=drafting.draft_in_memory,
        ),
        "publish": ServerFigure(
            words="a site drafted by the composer, promoted and rolled back, its files included",
            parts=_publishing(sizes),
            measure=publishing.publish,
        ),
        "progress": ServerFigure(
            words="a change in the worker until its notification at the client; the last one of a "
            "batch; those that never came",
            parts={
                "progress-p95": Part(unit="ms"),
                "progress-last-p95": Part(unit="ms"),
                "progress-lost": Part(unit="changes"),
            },
            measure=listening.follow,
        ),
        "subscribers": ServerFigure(
            words=f"what {sizes.subscribers:,} take who are told of a batch, each by himself; and "
            f"one of {subscribers.SECTIONS} sections while as many read `/events` of its process",
            parts={
                "subscribers-cpu": Part(
                    unit="s", to=("nobody", "subscribers-cpu"), words="nobody subscribed"
                ),
                "subscribers-batch": Part(
                    unit="s", to=("nobody", "subscribers-batch"), words="nobody subscribed"
                ),
            },
            measure=subscribers.subscribe,
        ),
        "idle": ServerFigure(
            words=f"server and worker in one process with nothing to do, {sizes.idle_s:g} s",
            parts={
                "idle-server-cpu": Part(unit="% of a core"),
                "idle-server-growth": Part(unit="kB"),
            },
            measure=idling.idle_embedded,
        ),
        "steps": ServerFigure(
            words=f"the longest transaction of each step over a batch of {sizes.batch:,} jobs; "
            "until its cancellation is answered; growth of the process; and of handing it in",
            parts={
                "steps-answer": Part(unit="ms"),
                **{f"steps-{name}": Part(unit="ms") for name in STEPS},
                "steps-growth": Part(unit="kB"),
            },
            measure=steps.steps,
        ),
    }


def _planning(sizes: ServerSizes) -> dict[str, Part]:
    least = sizes.sections[0]
    parts: dict[str, Part] = {}
    for what in ("generate", "dry-run", "first-look"):
        parts[f"{what}-{least}"] = Part(unit="ms")
        for sections in sizes.sections[1:]:
            words = f"{what}-{least}; {sections / least:g} is linear"
            parts[f"{what}-{sections}"] = Part(unit="ms", to=(OWN, f"{what}-{least}"), words=words)
    return parts | {"planning-stall": Part(unit="ms"), "first-look-stall": Part(unit="ms")}


def _one_page(sizes: ServerSizes) -> dict[str, Part]:
    few, many = sizes.paged
    parts: dict[str, Part] = {}
    for tool in planning.ABOUT_A_PAGE:
        to, words = (OWN, f"page-{tool}-{few}"), f"page-{tool}-{few}; 1 is as long"
        parts[f"page-{tool}-{few}"] = Part(unit="ms")
        parts[f"page-{tool}-{many}"] = Part(unit="ms", to=to, words=words)
    return parts


def _publishing(sizes: ServerSizes) -> dict[str, Part]:
    least, *others = sizes.published
    parts: dict[str, Part] = {}
    for step in publishing.STEPS:
        base = f"{step}-{least}"
        parts[base] = Part(unit="sections/s")
        for sections in others:
            to = Part(unit="sections/s", to=(OWN, base), words=f"{base}; 1 is linear")
            parts[f"{step}-{sections}"] = to
    return parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is measured, and how often."""

    figures: Mapping[str, ServerFigure]
    sizes: ServerSizes
    rounds: int
    folder: Path


class Bench:
    """Works through a run."""

    def __init__(self, run: Run, console: Console) -> None:
        self._run, self._console = run, console
        self._values: dict[tuple[str, str], list[float]] = {}
        self.errors: dict[str, None] = {}

    async def measure(self) -> Sequence[Row]:
        """Measure everything, round by round; a figure that breaks does not cost the others."""
        with tempfile.TemporaryDirectory(prefix="pressroom-bench-", dir=self._run.folder) as folder:
            self._console.print(machine(Path(folder)), highlight=False)
            for round in range(self._run.rounds):
                for name, figure in self._run.figures.items():
                    if figure.once and round:
                        continue
                    here = f"round {round + 1}/{self._run.rounds}  {name}"
                    self._console.print(here, style="dim", highlight=False)
                    place = Path(folder) / f"{name}-{round}"
                    place.mkdir()
                    await self._once(name, figure, place)
        return self._rows()

    def _rows(self) -> Sequence[Row]:
        rows: list[Row] = []
        for figure in self._run.figures.values():
            for part, about in figure.parts.items():
                bases = (about.to[0],) if about.to else ()
                for system in dict.fromkeys((OWN, *bases, *figure.peers)):
                    if (system, part) in self._values:
                        durable = system in {OWN, *figure.peers}
                        rows.append(self._row(system, part, about, durable=durable))
        return rows

    async def _once(self, name: str, figure: ServerFigure, place: Path) -> None:
        try:
            with anyio.fail_after(FIGURE_S):
                values = await figure.measure(place, self._run.sizes)
        except Exception as error:  # noqa: BLE001 -- told where the table is printed
            traceback.print_exc()
            self.errors[f"{name}: {type(error).__name__}: {error}"] = None
            return
        for key, value in values.items():
            self._values.setdefault(key, []).append(value)

    def _row(self, system: str, part: str, about: Part, *, durable: bool) -> Row:
        values = self._values[system, part]
        median = statistics.median(values)
        base = self._values.get(about.to) if about.to and system == OWN else None
        return Row(
            system=system,
            figure=part,
            durability="FULL" if durable else "none",
            unit=about.unit,
            median=median,
            min=min(values),
            max=max(values),
            rounds=len(values),
            ratio=_ratio(median, statistics.median(base), about) if base else None,
            ratio_to=about.words if base else None,
        )


def _ratio(value: float, base: float, about: Part) -> float | None:
    over, under = (base, value) if about.times else (value, base)
    return over / under if under else None


def print_table(rows: Sequence[Row], run: Run, console: Console) -> None:
    """Print the figures, and below them what they are."""
    table = Table(title="The server and the drafting", title_justify="left")
    for heading in ("figure", "system", "unit"):
        table.add_column(heading, no_wrap=True)
    for heading in ("median", "min", "max", "ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        values = [number(value) for value in (row.median, row.min, row.max)]
        table.add_row(row.figure, row.system, row.unit, *values, ratio)
    console.print(table)
    for name, figure in run.figures.items():
        console.print(f"{name}: {figure.words}", highlight=False)
    for row in rows:
        if row.ratio_to:
            console.print(f"ratio of {row.figure}: to {row.ratio_to}", highlight=False)


def arguments(
    words: Sequence[str], figures: Figures = figures, program: str = PROGRAM
) -> tuple[Run, bool]:
    """Return what to do, and whether to answer in JSON."""
    known = figures(ServerSizes())
    parser = argparse.ArgumentParser(prog=program, description=__doc__)
    parser.add_argument("--rounds", type=int, help=f"measure so often (default {ROUNDS})")
    parser.add_argument("--figures", type=names_among(known), metavar="F,…", help=", ".join(known))
    parser.add_argument("--folder", type=Path, help="a folder on the disk to measure")
    parser.add_argument("--quick", action="store_true", help="see that it runs, in a minute or so")
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument(
        "--size",
        type=_size,
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help=f"measure so much instead: {', '.join(_SIZES)}",
    )
    given = parser.parse_args(words)
    sizes = replace(QUICK if given.quick else ServerSizes(), **dict(given.size))
    run = Run(
        figures={k: f for k, f in figures(sizes).items() if k in (given.figures or known)},
        sizes=sizes,
        rounds=given.rounds or (1 if given.quick else ROUNDS),
        folder=given.folder or Path(tempfile.gettempdir()),
    )
    return run, given.json


_SIZES = {
    size.name: type(size.default)
    for size in fields(ServerSizes)
    if isinstance(size.default, int | float)
}


def _size(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    if name not in _SIZES:
        raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(_SIZES)}")
    return name, _SIZES[name](value)


def main(words: Sequence[str], figures: Figures = figures, program: str = PROGRAM) -> int:
    """Measure, print; what was measured goes to stdout, all else to stderr."""
    run, as_json = arguments(words, figures, program)
    aside = Console(stderr=True)
    bench = Bench(run, aside)
    signal.signal(signal.SIGTERM, leave)  # or a database server stays
    rows = anyio.run(bench.measure)
    if as_json:
        for row in rows:
            print(row.as_json())
    else:
        out = Console()
        print_table(rows, run, out if out.is_terminal else Console(width=TABLE_WIDTH))
    for error in bench.errors:
        aside.print(f"not measured: {error}", highlight=False)
    return 1 if bench.errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
