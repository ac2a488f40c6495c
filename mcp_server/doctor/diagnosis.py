"""One finding of the doctor, and figures in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One finding, and what helps if something is wrong."""

    check: str
    level: Level
    message: str
    advice: str = ""


def first_of(findings: Sequence[Diagnosis], count: int, nouns: str) -> Sequence[Diagnosis]:
    """Return the first `count` findings; where there are more, the last says how many."""
    if len(findings) <= count:
        return findings
    *first, last = findings[:count]
    more = f"{last.message}; and {len(findings) - count} more {nouns}"
    return [*first, replace(last, message=more)]


def size(count: float) -> str:
    """Return `1.5 MB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TB"


def duration(seconds: float) -> str:
    """Return `3 hours`."""
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"
