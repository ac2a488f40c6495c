"""Whether two sections are of two things of one sort, which differ in all they like. Pure."""

from __future__ import annotations

from mcp_server.content.checks.between.sides import Side
from mcp_server.content.checks.between.subjects import shared
from mcp_server.content.checks.between.vocabulary import GROUPS

_ALIKE = 0.4
"""Share of its words that the shorter of two products has in common with the other."""


def are_siblings(one: Side, other: Side) -> bool:
    """Whether two sections are of two things of one sort: two products, two branches, two years."""
    ones, others = one.read.heading, other.read.heading
    if are_of_other_kinds(one, other):
        return True
    both = shared(ones, others)
    only, their = ones - both, others - shared(others, ones)
    if not only or not their:
        return False
    if both:
        return True
    return _folder(one) == _folder(other) and _are_built_alike(one, other)


def are_of_other_kinds(one: Side, other: Side) -> bool:
    """Whether one is headed `Summer`, and the other `Winter`."""
    ones, others = one.read.heading, other.read.heading
    return any(
        ones & group and others & group and not ones & others & group for group in GROUPS.values()
    )


def are_side_by_side(one: Side, other: Side) -> bool:
    """Whether two sections with headings of their own stand on one page, or in one folder."""
    apart = one.read.heading and other.read.heading
    return bool(apart and not shared(one.read.heading, other.read.heading)) and _folder(
        one
    ) == _folder(other)


def _folder(side: Side) -> str:
    """Return what two products have in common: their page, or the folder of their pages."""
    return side.page.rpartition("/")[0] or side.page


def _are_built_alike(one: Side, other: Side) -> bool:
    if not one.words or not other.words:
        return False
    return len(one.words & other.words) >= _ALIKE * min(len(one.words), len(other.words))
