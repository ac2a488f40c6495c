"""The only place that asks the machine for the time or for randomness."""

from __future__ import annotations

import re
import secrets
import time
from datetime import UTC, datetime
from typing import Protocol

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32 in lower case: no letter can be taken for a digit."""


_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
# Two letters hold 10 bits: six pairs for the upper 58 bits of an id, seven for the lower 70.
_HIGH, _LOW = range(50, -1, -10), range(60, -1, -10)


class Clock(Protocol):
    """What the rest of the package may know of time. Times are seconds since the epoch, UTC."""

    def now(self) -> float:
        """Return the wall clock, in seconds."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        return time.time()


def new_id(prefix: str, clock: Clock) -> str:
    """Return `prefix` and 26 letters: 48 bits of time, then 80 bits nobody can guess.

    Ids made later sort after earlier ones (to the millisecond), so an index over them grows at
    one end.
    """
    value = (int(clock.now() * 1000) << 80) | secrets.randbits(80)
    high, low = value >> 70, value & (1 << 70) - 1  # small integers are shifted faster
    letters = [_PAIRS[high >> shift & 1023] for shift in _HIGH]
    return f"{prefix}_" + "".join(letters + [_PAIRS[low >> shift & 1023] for shift in _LOW])


MOMENTS = (
    "a day (2026-11-23), a time (2026-11-23T14:30, UTC unless it says another), or 7d or 12h ago"
)
"""What `moment` reads, for whoever is told that it was something else."""

_AGO = re.compile(r"(\d{1,4}) ?([hdw])")
_LAST_DAY = 253_402_214_400.0
"""9999-12-31, the last that can be shown."""
_AGO_S = {"h": 3600.0, "d": 86_400.0, "w": 604_800.0}


def moment(text: str, *, now: float) -> float:
    """Return the time that `text` names; a day is its beginning, in UTC.

    Raises:
        ValueError: it names none.
    """
    if ago := _AGO.fullmatch(text.strip().lower()):
        return now - int(ago[1]) * _AGO_S[ago[2]]
    try:
        found = datetime.fromisoformat(text.strip())
        at = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except OverflowError as error:
        raise ValueError(str(error)) from None
    return min(max(0.0, at), _LAST_DAY)


def shown_moment(at: float) -> str:
    """Return a time to read: `2026-11-23 14:30 UTC`, or the day alone at its beginning."""
    found = datetime.fromtimestamp(at, UTC)
    return f"{found:%Y-%m-%d}" if at % 86_400 == 0 else f"{found:%Y-%m-%d %H:%M} UTC"
