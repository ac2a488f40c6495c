"""What the stores ask of a database: transactions, and to hear of those of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from mcp_server.clock import Clock
from mcp_server.storage.sql.group_commit import Written
from mcp_server.storage.sql.transaction import Transaction

T = TypeVar("T")


class Database(Protocol):
    """One workspace's database, as one process has it open.

    A write sees what every earlier one of any process has committed, and no other commits while it
    runs: what it has read stays true until its end.
    """

    async def write(self, function: Callable[[Transaction], T]) -> T:
        """Run one write transaction; if it changed anything, wake those who wait for a change."""
        ...

    async def write_step(self, function: Callable[[Transaction], T]) -> Written[T]:
        """Run one write transaction; return its result with the `version` it surely includes."""
        ...

    async def read(self, function: Callable[[Transaction], T]) -> T:
        """Run one read transaction on a snapshot."""
        ...

    async def read_aside(self, function: Callable[[Transaction], T]) -> T:
        """Do the same on a connection of its own, for what takes long."""
        ...

    def clock(self, own: Clock) -> Clock:
        """Return the clock that all who use the database go by: of one machine, its `own`."""
        ...

    async def checkpoint(self) -> None:
        """Give free room back to the disk, where that is not the database's own affair."""
        ...

    @property
    def version(self) -> int:
        """How many commits were noticed so far."""
        ...

    @property
    def trouble(self) -> str | None:
        """Why nothing, or not everything, could be written of late, in words.

        It is `None` again once that is over, as far as is known.
        """
        ...

    async def wait_for_change(
        self, timeout_s: float, *, since: int, poll_s: float | None = None
    ) -> bool:
        """Wait until `version` is past `since`; False: the time ran out first.

        Where commits of other processes have to be looked for, that is every `poll_s`.
        """
        ...
