"""How many ready jobs a claim is given, and which: by its lanes, and by the limits of kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Candidate = tuple[int, int, bool, int, float]
"""A ready job, in a tuple that sorts as jobs are claimed: its priority (negative, for the highest
comes first), its number (the oldest first), whether its kind is quick, how often it crashed, and
since when it has been due."""


def room(limits: Mapping[str, int], running: Mapping[str, int]) -> dict[str, int]:
    """Return how many more jobs of each limited kind may run; all that run are counted."""
    return {kind: max(0, most - running.get(kind, 0)) for kind, most in limits.items()}


def most_of(kind: str, *, limit: int, ahead: int, quick: bool, room: Mapping[str, int]) -> int:
    """Return how many jobs of a kind are enough to look at: more would not be claimed.

    `limit` for the worker's free lanes, `ahead` more of a quick kind, and never more than its room.
    """
    most = limit + ahead if quick else limit
    return min(most, room.get(kind, most))


def chosen(found: Sequence[Candidate], *, limit: int, ahead: int) -> list[int]:
    """Return the numbers of the jobs to claim, those that start at once before the others.

    `found` is in order. The first `limit` have a lane; of those behind them at most `ahead` may be
    claimed to wait for one, and only quick ones, for they must not wait long.
    """
    more = [number for _, number, quick, *_ in found[limit:] if quick]
    return [number for _, number, *_ in found[:limit]] + more[:ahead]
