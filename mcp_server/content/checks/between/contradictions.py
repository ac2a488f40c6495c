"""The same thing with another value in two sections of a site. Pure.

Statements are looked up by their words, so that ten thousand sections are not each compared with
each: what has many values in a site, such as the price of a tin, differs from tin to tin.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mcp_server.content.checks.between.compare import contradict
from mcp_server.content.checks.between.sides import Side
from mcp_server.content.checks.between.statement import Kind, Statement
from mcp_server.content.checks.between.subjects import key_of
from mcp_server.content.checks.between.twins import differing_twins

_VALUES_MAX = 6
"""Values under one word from which on it names a sort of things, each with its own."""
_EACH_MAX = 4
"""Sections with one value under one word that are compared: a footer is on every page."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two places that say otherwise of the same thing."""

    kind: Kind
    first: str
    first_value: str
    second: str
    second_value: str
    about: tuple[str, ...] = ()


def contradictions(sides: Sequence[Side]) -> Iterator[Contradiction]:
    """Yield what two sections say otherwise, each pair of values of two sections once."""
    seen: set[tuple[str, str, Kind]] = set()
    for bucket in _buckets(sides).values():
        if len(bucket) < 2 or len(bucket) > _VALUES_MAX:
            continue
        groups = list(bucket.values())
        for at, mine in enumerate(groups):
            for theirs in groups[at + 1 :]:
                for side, one in mine:
                    for partner, other in theirs:
                        pair = (min(side.id, partner.id), max(side.id, partner.id), one.kind)
                        if (
                            side is partner
                            or pair in seen
                            or not contradict(one, side, other, partner)
                        ):
                            continue
                        seen.add(pair)
                        yield Contradiction(
                            one.kind, side.id, one.written, partner.id, other.written
                        )

    for side, one, partner, other in differing_twins(sides):
        pair = (min(side.id, partner.id), max(side.id, partner.id), one.kind)
        if pair not in seen:
            yield Contradiction(one.kind, side.id, one.written, partner.id, other.written)


_Group = list[tuple[Side, Statement]]


def _buckets(sides: Sequence[Side]) -> Mapping[tuple[str, ...], Mapping[object, _Group]]:
    """Return the statements by kind and word, and among these by value."""
    buckets: dict[tuple[str, ...], dict[object, _Group]] = defaultdict(dict)
    for side in sides:
        for each in side.read.statements:
            for key in _keys(each, side):
                group = buckets[each.kind, key].setdefault(each.value, [])
                if len(group) < _EACH_MAX:
                    group.append((side, each))
    return buckets


def _keys(said: Statement, side: Side) -> set[str]:
    beside = {key_of(each) for each in said.core}
    match said.kind:
        case "hours":
            return beside | ({f"day {day}" for day in said.days} or {"any day"})
        case "year":
            return {f"{said.role} {key_of(each)}" for each in said.wide}
        case "phone number":
            return beside | {*_as_misdialled(said)}
        case "time" | "date":
            return beside | {key_of(each) for each in side.read.heading}
        case "price":
            return beside
        case _:
            return {said.role or "closed"}


def _as_misdialled(said: Statement) -> Iterator[str]:
    """Yield what a number and the same with two digits swapped, or one changed, have in common."""
    for digits in said.value:
        if isinstance(digits, str):
            yield "".join(sorted(digits))
            yield from (f"{digits[:at]}?{digits[at + 1 :]}" for at in range(len(digits) - 2))
