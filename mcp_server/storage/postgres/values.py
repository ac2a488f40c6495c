"""Values as the columns of PostgreSQL take them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum

from mcp_server.errors import InvalidPayload

Bound = Mapping[str, object]


def bound(values: Mapping[str, object]) -> Bound:
    """Return values as columns take them: truths as 0 or 1, enumerations by their words.

    Raises:
        InvalidPayload: a text has a NUL.
    """
    return {name: _plain(value) for name, value in values.items()}


def size_of(values: Bound) -> int:
    """Return how many characters and bytes they hold."""
    return sum(len(value) for value in values.values() if isinstance(value, str | bytes))


def in_parts(rows: Iterable[Bound], most: int) -> Iterator[Sequence[Bound]]:
    """Yield rows in parts that end where they hold more than `most`."""
    part: list[Bound] = []
    size = 0
    for row in rows:
        part.append(row)
        size += size_of(row)
        if size > most:
            yield part
            part, size = [], 0
    if part:
        yield part


def _plain(value: object) -> object:
    if isinstance(value, bool):
        return int(value)
    value = value.value if isinstance(value, Enum) else value
    if isinstance(value, str) and "\0" in value:
        raise InvalidPayload("text", ["it holds a NUL character, which PostgreSQL cannot keep"])
    return value
