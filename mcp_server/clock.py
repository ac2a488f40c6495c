"""The only place that asks the machine for the time or for randomness."""

from __future__ import annotations

import secrets
import time
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
