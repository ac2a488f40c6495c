"""What a text says in figures: prices, numbers, dates, times, telephone numbers, addresses. Pure.

Each is a mention with all that it may stand for, so that two texts can be compared by value:
`9 am` is `09:00 Uhr`, and `three` is `3`. Reading takes time in proportion to the text's length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["price", "number", "date", "time", "phone number", "address"]
Date = tuple[int, int, int]
Value = float | str | Date


@dataclass(frozen=True, slots=True)
class Quantity:
    """One thing that a mention may stand for: its dimension, its value, and the figure as written.

    Dimensions are `money:EUR`, `duration` (seconds), `calendar` (months), `time` (minutes of the
    day), `date` (year, month, day; 0 where it is left open), `weekday` (0 is Monday), `count` (of a
    noun), `bare` (a figure alone) and so on.
    """

    dimension: str
    value: Value
    figure: float = -1.0


@dataclass(frozen=True, slots=True)
class Mention:
    """A place in a text that says something in figures."""

    kind: Kind
    start: int
    end: int
    quantities: tuple[Quantity, ...]
    about: bool = False
    """Whether it is said to be about so much: `nearly 50`."""

    def values_of(self, dimension: str) -> list[float]:
        """Return the values that it may stand for in one dimension."""
        return [
            q.value
            for q in self.quantities
            if q.dimension == dimension and isinstance(q.value, float)
        ]
