"""Whether two statements are of the same thing and say otherwise. Pure."""

from __future__ import annotations

from collections.abc import Collection

from mcp_server.content.checks.between.siblings import are_siblings, are_side_by_side
from mcp_server.content.checks.between.sides import Side
from mcp_server.content.checks.between.statement import Statement
from mcp_server.content.checks.between.subjects import (
    differ_in_kind,
    differ_in_unit,
    kinds_of,
    shared,
)
from mcp_server.content.checks.between.vocabulary import GROUPS, UNITS
from mcp_server.content.checks.mentions.phones import is_same_phone

_KINDS = frozenset[str]().union(*GROUPS.values())
_WHEN = ("season", "holiday", "meal")
"""Of these hours differ."""
_SEASONS = frozenset({"=summer", "=winter", "=spring", "=autumn", "=holiday"})
_PLACES = frozenset(
    f"={name}"
    for name in (
        "shop", "office", "cafe", "restaurant", "kitchen", "bar", "reception", "library", "garden",
        "pool", "sauna", "museum", "workshop", "desk", "market", "tower", "phone",
    )
)  # fmt: skip
"""Parts of a business that have hours of their own."""
_LABELS = frozenset({"=emergency", "=booking", "=order", "=fax", "=mobile", "=delivery"})
"""What a telephone number is for."""
_PEOPLE = frozenset(
    {
        "=person", "=child", "=adult", "=family", "people", "guest", "gast", "mensch", "visitor",
        "besuch", "member", "=member", "kund", "client", "customer", "personn", "leut", "invit",
        "participant", "teilnehm", "=student", "=dog", "tim", "mal", "foi",
    }
)  # fmt: skip
"""What many different things are counted in."""
_NEAR_MINUTES = 150
_ENOUGH = 2
"""Words that two clauses have in common, from which on they are of one thing."""
_IN_SENTENCE = 4
"""The same of two sentences, if their clauses have one in common."""


def contradict(one: Statement, first: Side, other: Statement, second: Side) -> bool:
    """Whether two statements of two sections are of the same thing, with another value.

    Nothing is said where either section has both values, or where each is of another kind: the
    section on summer and the one on winter, the one on the small pot and on the large one.
    """
    if one.kind != other.kind or _agree(one, other) or _knows_both(one, first, other, second):
        return False
    if one.years and other.years and not one.years & other.years:
        return False
    if one.kind == "phone number":
        return _phones_clash(one, first, other, second)
    return _clash(one, first, other, second) and not are_siblings(first, second)


def _clash(one: Statement, first: Side, other: Statement, second: Side) -> bool:
    match one.kind:
        case "hours":
            return _hours_clash(one, first, other, second)
        case "price":
            return _prices_clash(one, first, other, second)
        case "time":
            return _times_clash(one, first, other, second)
        case "date":
            return _dates_clash(one, first, other, second)
        case "closing day":
            return not _of_other_seasons(one, other) and not _of_other_places(one, other)
        case _:
            return not are_side_by_side(first, second) and (
                _numbers_clash(one, first, other, second)
                if one.kind == "number"
                else one.role == other.role and bool(shared(one.wide, other.wide))
            )


def _agree(one: Statement, other: Statement) -> bool:
    if one.value & other.value:
        return True
    return one.kind == "phone number" and any(
        is_same_phone(a, b)
        for a in one.value
        for b in other.value
        if isinstance(a, str) and isinstance(b, str)
    )


_SAID_AS = {
    "price": "money", "time": "time", "year": "bare", "number": "count", "phone number": "phone",
    "date": "date", "closing day": "",
}  # fmt: skip


def _knows_both(one: Statement, first: Side, other: Statement, second: Side) -> bool:
    """Whether a section has the value of the other one, too: then it is no slip."""
    dimension = _SAID_AS.get(one.kind, "")
    return bool(
        frozenset[object](other.value) & first.read.values.get(dimension, frozenset())
        or frozenset[object](one.value) & second.read.values.get(dimension, frozenset())
    )


def _prices_clash(one: Statement, first: Side, other: Statement, second: Side) -> bool:
    if one.role != other.role or differ_in_unit(one.core, other.core):
        return False
    if _differ_in_measure(one, other) or _differ_in_measure(other, one):
        return False
    if _are_of_other_kinds(one, first, other, second):
        return False
    return _same_subject(one, other)


_LASTING = frozenset({"duration", "calendar", "night"})
_UNITS_OF_TIME = {
    "=hour": 3_600.0, "=day": 86_400.0, "=week": 604_800.0, "=month": 1.0, "=year": 12.0,
    "=night": 1.0,
}  # fmt: skip
"""How much of its dimension each is: 60 minutes are an hour."""


def _differ_in_measure(one: Statement, other: Statement) -> bool:
    """Whether one is for 100 g or three nights, and the other for 300 g or by the night."""
    for dimension, _ in one.measures:
        mine, theirs = (
            {value for name, value in each.measures if name == dimension} for each in (one, other)
        )
        if theirs and not mine & theirs:
            return True
        units = _UNITS_OF_TIME.keys() & other.core
        if dimension in _LASTING and units and not theirs:
            return not any(frozenset({_UNITS_OF_TIME[each]}) in mine for each in units)
    return False


def _are_of_other_kinds(
    one: Statement, first: Side, other: Statement, second: Side, groups: Collection[str] = ()
) -> bool:
    mine, theirs = kinds_of(one.core, first.read.heading), kinds_of(other.core, second.read.heading)
    return differ_in_kind(mine, theirs, (one.wide, other.wide), groups)


def _same_subject(one: Statement, other: Statement) -> bool:
    """Whether a row, an item or a clause is of the same thing as another."""
    ones, others = (each.core - UNITS - {"=adult"} for each in (one, other))
    both, back = shared(ones, others), shared(others, ones)
    if not both:
        return False
    if one.exact and other.exact:
        return len(both) == len(ones) and len(back) == len(others)
    if one.exact or other.exact:
        exact, said = (one, other) if one.exact else (other, one)
        return len(shared(exact.core - UNITS - {"=adult"}, said.wide)) == len(
            exact.core - UNITS - {"=adult"}
        )
    if len(both) >= _ENOUGH or 2 * len(both) >= max(len(ones), len(others)):
        return True
    return len(shared(one.wide, other.wide) - UNITS) >= _IN_SENTENCE


def _hours_clash(one: Statement, first: Side, other: Statement, second: Side) -> bool:
    if not _on_one_day(one, other) or not _overlap(one, other):
        return False
    if _of_other_seasons(one, other) or _are_of_other_kinds(one, first, other, second, _WHEN):
        return False
    if any(
        theirs.kind == "hours" and theirs.value & mine.value and _on_one_day(theirs, mine)
        for mine, side in ((one, second), (other, first))
        for theirs in side.read.statements
    ):
        return False
    if _of_other_places(one, other) or _are_called_apart(first, second):
        return False
    return _are_of_one_opening(one, other)


def _are_of_one_opening(one: Statement, other: Statement) -> bool:
    """Whether both are opening hours, or one is of what the other is opened of: `in the shop`."""
    if _are_opening(one) and _are_opening(other):
        return True
    for opening, named in ((one, other), (other, one)):
        if _are_opening(opening) and named.core and shared(named.core, opening.wide) == named.core:
            return True
    return len(shared(one.core - {"=open"}, other.core)) >= _ENOUGH


def _are_opening(said: Statement) -> bool:
    return "=open" in said.wide or (bool(said.days) and not said.core)


def _on_one_day(one: Statement, other: Statement) -> bool:
    return bool(one.days & other.days) if one.days or other.days else True


def _of_other_seasons(one: Statement, other: Statement) -> bool:
    return _SEASONS & one.wide != _SEASONS & other.wide and bool(_SEASONS & (one.wide | other.wide))


def _of_other_places(one: Statement, other: Statement) -> bool:
    """Whether each is of a part of the business with hours of its own: the shop, the kitchen."""
    mine, theirs = _PLACES & one.wide, _PLACES & other.wide
    return bool(mine and theirs and not mine & theirs)


def _are_called_apart(first: Side, second: Side) -> bool:
    """Whether each section has a telephone number of its own, as two branches have."""
    ones, others = (each.read.values.get("phone", frozenset()) for each in (first, second))
    return bool(ones and others) and not ones & others


def _overlap(one: Statement, other: Statement) -> bool:
    """Whether two spans are nearly the same: lunch and supper are two."""
    for mine in one.value:
        for theirs in other.value:
            if isinstance(mine, tuple) and isinstance(theirs, tuple):
                common = min(mine[1], theirs[1]) - max(mine[0], theirs[0])
                if 2 * common >= max(mine[1] - mine[0], theirs[1] - theirs[0]):
                    return True
    return False


def _times_clash(one: Statement, first: Side, other: Statement, second: Side) -> bool:
    if one.role != other.role or (one.days and other.days and one.days != other.days):
        return False
    if _are_of_other_kinds(one, first, other, second) or not _are_near(one.value, other.value):
        return False
    return (
        _evidence(one, first, other, second) + bool(one.days and one.days == other.days) >= _ENOUGH
    )


def _are_near(ones: Collection[object], others: Collection[object]) -> bool:
    return any(
        abs(mine - theirs) <= _NEAR_MINUTES
        for mine in ones
        for theirs in others
        if isinstance(mine, float) and isinstance(theirs, float)
    )


def _evidence(one: Statement, first: Side, other: Statement, second: Side) -> int:
    """Return how much says that two clauses are of one thing, headings included."""
    if not shared(one.core | first.read.heading, other.core | second.read.heading):
        return 0
    found = shared(one.core, other.wide) | shared(one.wide, other.core)
    found -= _KINDS | UNITS
    meant = any(each.startswith("=") and each != "=open" for each in found)
    named = any(
        heading and shared(heading, core) == heading
        for heading, core in ((first.read.heading, other.core), (second.read.heading, one.core))
    )
    return len(found - {"=open"}) + meant + named


def _dates_clash(one: Statement, first: Side, other: Statement, second: Side) -> bool:
    if one.role != other.role or _are_of_other_kinds(one, first, other, second):
        return False
    if any(
        mine[0] and theirs[0] and mine[0] != theirs[0]
        for mine in one.value
        for theirs in other.value
        if isinstance(mine, tuple) and isinstance(theirs, tuple)
    ):
        return False
    return _evidence(one, first, other, second) >= _ENOUGH


def _numbers_clash(one: Statement, first: Side, other: Statement, second: Side) -> bool:
    if one.role != other.role or _are_of_other_kinds(one, first, other, second):
        return False
    noun = one.role.removesuffix(" at most")
    if noun not in _PEOPLE:
        return True
    both = shared(one.wide, other.wide) - {noun}
    return noun != one.role and bool(both or (one.days & other.days))


def _phones_clash(one: Statement, first: Side, other: Statement, second: Side) -> bool:
    mine, theirs = (
        next((v for v in each.value if isinstance(v, str)), "") for each in (one, other)
    )
    if len(mine) == len(theirs):
        places = [at for at in range(len(mine)) if mine[at] != theirs[at]]
        if (
            len(places) == 2
            and places[1] == places[0] + 1
            and mine[places[0]] == theirs[places[1]]
            and mine[places[1]] == theirs[places[0]]
        ):
            return True
        if len(places) == 1 and places[0] < len(mine) - 2 and not are_siblings(first, second):
            return True
    return bool(one.core & other.core & _LABELS) and not are_siblings(first, second)
