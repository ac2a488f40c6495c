"""What asking models costs: a ledger of requests, and the rule by which one has room in a budget.

Money is counted in billionths of a US dollar, in whole numbers: sums of floats drift. Fractions are
rounded up.

An entry is made before a request is sent, with the most that it can cost, and closed once, with
what it did cost. An entry that is not closed counts with all that was reserved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

NANO = 1_000_000_000
"""Units to the dollar."""

DAY_S = 86_400

Scope = Literal["batch", "day"]
"""What a budget is for: one batch over all its rounds, or one day (UTC) of the workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """One request to a model, before it is sent. `cost` is the most it can cost, if that is known.

    `id` is the caller's choice: it closes the entry.
    """

    id: str
    model: str
    batch_id: str | None
    job_id: str
    attempt_id: str
    input_tokens: int
    output_tokens: int
    cost: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a request did cost; `None` where that is not known."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: int | None = None


NOTHING = Spent(input_tokens=0, output_tokens=0, cost=0)
"""The cost of a request that was not sent, or not taken up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that may be spent; `None`: any amount."""

    batch: int | None = None
    day: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What the entries of one scope come to.

    `open` is reserved by entries that are not closed; `lost` is the part of it whose attempts hold
    their jobs no more: nobody is going to close these.
    """

    spent: int = 0
    open: int = 0
    lost: int = 0
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    unpriced: int = 0
    """Requests whose price is not known; they count with nothing."""

    @property
    def counted(self) -> int:
        """All that counts against a budget."""
        return self.spent + self.open


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Whether a request has room in the budget that is closest to its end.

    `taken`: there is none until what others have reserved is spent or given back, so wait.
    `spent`: there will be none, so somebody has to decide.
    """

    verdict: Literal["granted", "taken", "spent"]
    scope: Scope | None = None
    limit: int = 0
    sums: Sums = Sums()


GRANTED = Room(verdict="granted")

_WORSE = ("granted", "taken", "spent")


def room_in(scope: Scope, limit: int | None, cost: int, sums: Sums) -> Room:
    """Return whether one more request of at most `cost` has room in one budget."""
    if limit is None or sums.counted + cost <= limit:
        return GRANTED
    surely = sums.spent + sums.lost
    verdict = "spent" if surely + cost > limit else "taken"
    return Room(verdict=verdict, scope=scope, limit=limit, sums=sums)


def room_for(cost: int, limits: Limits, *, batch: Sums, day: Sums) -> Room:
    """Return whether one more request of at most `cost` has room in all budgets."""
    rooms = room_in("batch", limits.batch, cost, batch), room_in("day", limits.day, cost, day)
    return max(rooms, key=lambda room: _WORSE.index(room.verdict))


def day_of(now: float) -> int:
    """Return the day (UTC) of a time, counted from 1970."""
    return int(now // DAY_S)


class Ledger(Protocol):
    """The requests to models. Entries stay for good."""

    async def reserve(self, reservation: Reservation, limits: Limits, *, now: float) -> Room:
        """Make an entry if there is room for it; looking and writing are one transaction."""
        ...

    async def close(self, id: str, spent: Spent, *, now: float) -> bool:
        """Close an entry, once; return whether it was open.

        Where the price is known and the cost is not, all that was reserved counts as its cost.
        """
        ...

    async def of_batch(self, batch_id: str) -> Sums:
        """Return what the requests of a batch come to, over all its rounds."""
        ...

    async def of_day(self, day: int) -> Sums:
        """Return what the requests that were begun on a day come to."""
        ...

    async def by_model(self) -> Mapping[str, Sums]:
        """Return what all requests ever come to, by model."""
        ...
