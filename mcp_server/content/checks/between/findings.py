"""What is to be said of the sections of a site together: one call for all of them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from mcp_server.content.checks.between.contradictions import contradictions
from mcp_server.content.checks.between.repeated import repeated
from mcp_server.content.checks.between.sides import Text, side_of
from mcp_server.content.checks.between.statement import Kind
from mcp_server.entities.entity import Finding
from mcp_server.excerpt import as_name, shortened

_KINDS: Mapping[Kind, str] = {
    "price": "another price",
    "hours": "other hours",
    "time": "another time",
    "closing day": "another closing day",
    "date": "another date",
    "year": "another year",
    "number": "another number",
    "phone number": "another phone number",
}
_VALUE_LENGTH = 22
"""Characters of a value that are shown: both fit into what is quoted of a text."""
_EACH_MAX = 5
"""Findings of one section: who has more has seen what is wrong."""


def findings_between(texts: Sequence[Text]) -> Mapping[str, tuple[Finding, ...]]:
    """Return by section what it says otherwise than another one, or once more.

    Each finding names the other section, and both values. Nothing is said of a site of one page.
    The time is in proportion to the length of all texts, but for their vectors, of which each is
    compared with each.
    """
    if len({text.page for text in texts}) < 2:
        return {}
    found: dict[str, list[Finding]] = defaultdict(list)
    sides = [side_of(text) for text in texts]
    for each in contradictions(sides):
        pair = (each.first, each.first_value), (each.second, each.second_value)
        for (here, value), (there, other) in (pair, pair[::-1]):
            piece = (
                f"{shortened(value, _VALUE_LENGTH)} here, {shortened(other, _VALUE_LENGTH)} there"
            )
            found[here].append(_noted(f"{_KINDS[each.kind]} in {as_name(there)}", piece))
    for one, other in repeated(sides):
        for here, there in ((one, other), (other, one)):
            found[here.id].append(_noted(f"says the same as {as_name(there.id)}", ""))
    return {id: tuple(each[:_EACH_MAX]) for id, each in found.items()}


def _noted(kind: str, piece: str) -> Finding:
    return Finding(level="noted", kind=kind, piece=piece)
