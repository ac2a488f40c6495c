"""What is asked of both databases of a move, in one transaction each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from mcp_server.storage.moving.shapes import Shape
from mcp_server.storage.sql.transaction import Transaction

Row = tuple[object, ...]


class End(Protocol):
    """One of the two, as its rows are read or written one after the other."""

    @property
    def transaction(self) -> Transaction:
        """The statements of the stores, in the same transaction."""
        ...

    def count(self, shape: Shape) -> int:
        """Return how many rows there are to copy."""
        ...

    def rows(self, shape: Shape) -> Iterator[Row]:
        """Return the rows to copy, by their key."""
        ...

    def fill(self, shape: Shape, rows: Iterable[Row]) -> None:
        """Put rows in the place of those that are there."""
        ...

    def newest(self, shape: Shape) -> int:
        """Return the highest number that was ever given to a row, 0 where there is none."""
        ...

    def number_after(self, shape: Shape, newest: int) -> None:
        """Give the next rows higher numbers than that."""
        ...
