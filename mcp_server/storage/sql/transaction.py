"""What a step of a store gets: the statements of one transaction, whichever database runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

Asked = tuple[str, Mapping[str, object]]
"""A statement whose rows are wanted, by its name, and its values."""

EVERYTHING = 2**62
"""As a `LIMIT`: all rows there are. Both databases take it; they have no other word in common."""


class Row(Protocol):
    """One row, asked by the name of a column or by its place. A truth is 0 or 1."""

    def __getitem__(self, key: str | int, /) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...


class Transaction(Protocol):
    """The statements of one transaction, by the name of their file."""

    def run(self, name: str, /, **values: object) -> None:
        """Execute a statement. Nobody waits for its answer, where that takes a while."""
        ...

    def count(self, name: str, /, **values: object) -> int:
        """Execute a statement; return how many rows it changed."""
        ...

    def many(self, name: str, rows: Iterable[Mapping[str, object]], /) -> None:
        """Execute a statement once for each of `rows`; nobody waits for it either."""
        ...

    def count_many(self, name: str, rows: Iterable[Mapping[str, object]], /) -> int:
        """Execute a statement once for each of `rows`; return how many rows it changed in all."""
        ...

    def insert(self, name: str, /, **values: object) -> int:
        """Execute an INSERT; return the new row's id."""
        ...

    def one(self, name: str, /, **values: object) -> Row | None:
        """Execute a statement; return its first row."""
        ...

    def all(self, name: str, /, **values: object) -> list[Row]:
        """Execute a statement; return its rows."""
        ...

    def together(self, asked: Iterable[Asked], /) -> list[list[Row]]:
        """Execute statements that need nothing of each other; return the rows of each."""
        ...

    def ran(self, name: str, /) -> bool:
        """Whether this statement was executed in this transaction, by `run`."""
        ...

    def next_change(self) -> int:
        """Return the number of the next change, which no other gets."""
        ...

    def kept_unless(
        self, step: Callable[[], T | None], *, failed: Callable[[T | None], bool]
    ) -> T | None:
        """Run `step` in a savepoint; undo what it did if `failed` says so of its result."""
        ...

    def trial(self, step: Callable[[], T]) -> T | Exception:
        """Run `step` in a savepoint; what it raises undoes it, and is returned.

        The machine's trouble (a full disk, a lost connection) is raised: it is no fault of this
        step, and the transaction may be gone.
        """
        ...


@cache
def statements_of(room: str) -> Mapping[str, Traversable]:
    """Return the file of each statement by name: those that all run, and a database's own.

    `room` is the package of the database. No two folders share a name.
    """
    ours = resources.files("mcp_server.storage.sql")
    return {
        file.name.removesuffix(".sql"): file
        for package in (ours, resources.files(room))
        for folder in package.joinpath("statements").iterdir()
        for file in folder.iterdir()
    }
