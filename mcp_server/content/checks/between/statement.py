"""A value that a section says of something. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mcp_server.content.checks.mentions.mention import Date

Kind = Literal["price", "hours", "time", "closing day", "date", "year", "number", "phone number"]
Value = frozenset[float | str | Date | tuple[float, float]]
"""All that a figure may stand for: `9:30` is in the morning or in the evening."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A value that a section says of something."""

    kind: Kind
    written: str
    """As it stands there."""
    value: Value
    core: frozenset[str]
    """The words right beside the value, or its row and column."""
    wide: frozenset[str]
    """Those of the sentence and of the headings above it."""
    exact: bool = False
    """Whether `core` is all there is to say of what: a row, an item of a list."""
    days: frozenset[int] = frozenset()
    """Days of the week, for hours and times."""
    role: str = ""
    """`from`, `until`; the verb that a year belongs to; what a number counts."""
    measures: frozenset[tuple[str, Value]] = frozenset()
    """How much of it that is: a price by 100 g is none by 300 g."""
    years: frozenset[str] = frozenset()
    """Years that stand beside it: what was then may be another now."""
