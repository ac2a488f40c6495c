"""What was measured, put together: medians, ratios, a table to read or lines to keep."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from tests.benchmarks.place import Durability
from tests.benchmarks.systems import FIGURES, SYSTEMS

Key = tuple[str, str, Durability]
"""System, part of a figure, durability."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure of one system."""

    system: str
    figure: str
    durability: Durability
    unit: str
    median: float
    min: float
    max: float
    rounds: int
    ratio: float | None
    """To the limit; of a figure that the limit has not, to another of the same system."""
    ratio_to: str | None

    def as_json(self) -> str:
        """Return it as one line."""
        ratio = None if self.ratio is None else round(self.ratio, 4)
        values = {
            "system": self.system,
            "figure": self.figure,
            "durability": self.durability,
            "unit": self.unit,
            "median": round(self.median, 3),
            "min": round(self.min, 3),
            "max": round(self.max, 3),
            "rounds": self.rounds,
            "ratio": ratio,
            "ratio_to": self.ratio_to,
        }
        return json.dumps(values)


@dataclass(slots=True)
class Results:
    """Every value of every round, and what could not be measured."""

    _values: dict[Key, list[float]] = field(default_factory=dict[Key, list[float]])
    errors: dict[str, None] = field(default_factory=dict[str, None])

    def add(self, system: str, durability: Durability, values: Mapping[str, float]) -> None:
        """Keep what one round found."""
        for part, value in values.items():
            self._values.setdefault((system, part, durability), []).append(value)

    def rows(self) -> Sequence[Row]:
        """Return every figure, as the list of figures has them, Pressroom after the limit."""
        return [
            self._row(system, name, part, unit, durability)
            for name, figure in FIGURES.items()
            for part, unit in figure.parts.items()
            for durability in ("FULL", "NORMAL", "none")
            for system in SYSTEMS
            if (system, part, durability) in self._values
        ]

    def _row(self, system: str, name: str, part: str, unit: str, durability: Durability) -> Row:
        values = self._values[system, part, durability]
        median = statistics.median(values)
        base, words = self._base(system, name, durability)
        return Row(
            system=system,
            figure=part,
            durability=durability,
            unit=unit,
            median=median,
            min=min(values),
            max=max(values),
            rounds=len(values),
            ratio=median / base if base else None,
            ratio_to=words if base else None,
        )

    def _base(self, system: str, name: str, durability: Durability) -> tuple[float | None, str]:
        """What a ratio is taken to; of what commits nothing to the disk, to the limit of NORMAL."""
        figure = FIGURES[name]
        if figure.own is not None:
            return self._median((system, figure.own, durability)), f"own {figure.own}"
        if figure.against is None:
            return None, ""
        commits: Durability = "NORMAL" if durability == "none" else durability
        return self._median(("limit", figure.against, commits)), "limit"

    def _median(self, key: Key) -> float | None:
        values = self._values.get(key)
        return statistics.median(values) if values else None


def print_table(rows: Sequence[Row], console: Console) -> None:
    """Print the figures, each with its systems below one another."""
    table = Table(title="The queue and its peers", title_justify="left")
    for heading in ("figure", "commits", "system", "unit"):
        table.add_column(heading, no_wrap=True)
    for heading in ("median", "min", "max", "ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    last = None
    for row in rows:
        if last is not None and row.figure != last:
            table.add_section()
        last = row.figure
        numbers = [number(value) for value in (row.median, row.min, row.max)]
        table.add_row(row.figure, row.durability, row.system, row.unit, *numbers, _ratio(row))
    console.print(table)
    for line in (*_explained(rows), *_ahead(rows)):
        console.print(line, highlight=False)


def number(value: float) -> str:
    """Return a value as the tables show it."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def _ratio(row: Row) -> str:
    if row.ratio is None:
        return ""
    return f"{row.ratio:.2f}" + ("" if row.ratio_to == "limit" else "*")


def _explained(rows: Sequence[Row]) -> Iterable[str]:
    yield "ratio: to the limit (of drains, at any concurrency); *: to the same system's drain-50"
    for system in dict.fromkeys(row.system for row in rows):
        if note := SYSTEMS[system].note:
            yield f"{system}: {note}"


def _ahead(rows: Sequence[Row]) -> Iterable[str]:
    """Say how far Pressroom's drain is ahead of each kind of peer at its best concurrency."""
    drains = [row for row in rows if row.figure.startswith("drain-") and row.ratio_to != "own"]
    for own in drains:
        if own.system != "pressroom" or own.figure != "drain-50":
            continue
        for storage in ("sqlite", "postgresql", "memory"):
            peers = [
                row
                for row in drains
                if row.system not in {"pressroom", "limit"}
                and SYSTEMS[row.system].storage == storage
                and row.durability in {own.durability, "none"}
            ]
            if best := max(peers, key=lambda row: row.median, default=None):
                yield (
                    f"pressroom, {own.durability}: {own.median / best.median:.2f} times the "
                    f"fastest peer on {storage} ({best.system}, {best.figure})"
                )
