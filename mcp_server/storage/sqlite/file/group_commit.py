"""Group commit: the writes that wait share one transaction, and each gets an answer of its own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import anyio

from mcp_server.errors import StorageBusy
from mcp_server.storage.sqlite.file.commits import Changes
from mcp_server.storage.sqlite.file.errors import DRIVER_ERRORS, storage_error
from mcp_server.storage.sqlite.file.transaction import Transaction, spells_out

T = TypeVar("T")

GROUP_MAX = 100
"""The most members of one transaction: so none waits for long, and the log, which slows readers
down as it grows, stays short."""


class Written(NamedTuple, Generic[T]):
    """What a caller's function returned, once it is committed, and what that did."""

    result: T
    changed: bool
    """Whether it changed anything."""
    version: int
    """The last commit number (of `Changes`) that this result is certain to include. Later commits
    may have landed while it ran."""


class Member(Generic[T]):
    """One caller's write, as part of a group, and what became of it."""

    def __init__(self, function: Callable[[Transaction], T]) -> None:
        self.function = function
        self._result: list[T] = []
        self.changed = False
        self.version = 0
        self.error: Exception | None = None
        self.committed = anyio.Event()

    def run(self, connection: sqlite3.Connection) -> None:
        """Run the caller's function; what it raises is raised."""
        before = connection.total_changes
        result = self.function(Transaction(connection))
        self.keep(result, changed=connection.total_changes != before)

    def keep(self, result: T, *, changed: bool) -> None:
        """Keep what the caller's function has returned; an earlier run was rolled back."""
        self.error, self._result, self.changed = None, [result], changed

    def outcome(self) -> tuple[T, bool]:
        """Return the result and whether anything was changed, or raise what stood in the way."""
        if isinstance(self.error, DRIVER_ERRORS):
            raise storage_error(self.error) from self.error
        if self.error is not None:
            raise self.error
        return self._result[0], self.changed


def anything(_: sqlite3.Connection) -> None:
    """Allow every transaction: the check where none is needed."""


class _Undone(Exception):
    """A member raised, so the whole transaction was rolled back."""


def commit(
    connection: sqlite3.Connection,
    group: Sequence[Member[Any]],
    check: Callable[[sqlite3.Connection], None] = anything,
) -> None:
    """Commit the group as one transaction; a member that raises is undone, and no other.

    A savepoint costs as much as a small member, and members hardly ever raise. So the group runs
    without savepoints first, and once more with them if a member raised. If the transaction fails
    as a whole, each member is tried alone; but not if another process holds the lock, since all of
    them have waited for it already. What `check` raises at the start of a transaction is raised,
    and nothing is done.
    """
    try:
        try:
            _commit_together(connection, group, check, _run_openly)
        except _Undone:
            if any(spells_out(connection, member.error) for member in group):
                commit(connection, group, check)
                return
            # Alone, the member that raised has its error already, and there is nobody else to save.
            if len(group) > 1:
                _commit_together(connection, group, check, _run_in_savepoint)
    except DRIVER_ERRORS as error:
        if len(group) == 1 or isinstance(storage_error(error), StorageBusy):
            for member in group:
                member.error = error
            return
        for member in group:
            commit(connection, [member], check)


def _commit_together(
    connection: sqlite3.Connection,
    group: Sequence[Member[Any]],
    check: Callable[[sqlite3.Connection], None],
    run: Callable[[sqlite3.Connection, Member[Any]], None],
) -> None:
    # IMMEDIATE takes the write lock now, and waits for it. A transaction that asks for it after its
    # first read is refused at once if another process has written since.
    begin(connection, "BEGIN IMMEDIATE")
    try:
        check(connection)
        for member in group:
            run(connection, member)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def begin(connection: sqlite3.Connection, how: str) -> None:
    if connection.in_transaction:  # the ROLLBACK of the one before failed, too
        connection.execute("ROLLBACK")
    connection.execute(how)


def _run_openly(connection: sqlite3.Connection, member: Member[Any]) -> None:
    """Run a member without a savepoint: what it raises undoes the whole transaction.

    Raises:
        _Undone: it raised; its error is kept for its caller.
    """
    try:
        member.run(connection)
    except Exception as error:  # whatever it is, it is that caller's: `Member.outcome` raises it
        member.error = error
        raise _Undone from error


def _run_in_savepoint(connection: sqlite3.Connection, member: Member[Any]) -> None:
    """Run a member in a savepoint: what it raises undoes it, and no other member.

    Raises:
        sqlite3.Error: the whole transaction is gone (a full disk, an I/O error).
    """
    connection.execute("SAVEPOINT member")
    try:
        member.run(connection)
    except Exception as error:
        if not connection.in_transaction:  # SQLite has rolled all of it back, the savepoint too
            raise
        connection.execute("ROLLBACK TO member")
        member.error = error
    connection.execute("RELEASE member")
    if spells_out(connection, member.error):
        _run_in_savepoint(connection, member)


class GroupCommit:
    """Commits group after group, each with one call of `commit_group`."""

    def __init__(
        self, commit_group: Callable[[Sequence[Member[Any]]], Awaitable[None]], changes: Changes
    ) -> None:
        self._commit_group, self._changes = commit_group, changes
        self._waiting: deque[Member[Any]] = deque()
        self._committer: asyncio.Task[None] | None = None

    async def write(self, function: Callable[[Transaction], T]) -> Written[T]:
        """Run `function` in the next group that has room, after every earlier call."""
        member = Member(function)
        self._waiting.append(member)
        if self._committer is None:
            self._committer = asyncio.create_task(self._commit_waiting())
        with anyio.CancelScope(shield=True):
            await member.committed.wait()
        return Written(*member.outcome(), member.version)

    async def aclose(self) -> None:
        """Commit what waits."""
        if self._committer is not None:
            await self._committer

    async def _commit_waiting(self) -> None:
        """Commit group after group, in a task that no caller's cancellation reaches."""
        try:
            while self._waiting:
                group = [self._waiting.popleft() for _ in range(min(GROUP_MAX, len(self._waiting)))]
                await self._commit(group)
        finally:
            self._committer = None

    async def _commit(self, group: Sequence[Member[Any]]) -> None:
        before = self._changes.version
        try:
            await self._commit_group(group)
        except Exception as error:  # noqa: BLE001 -- each caller is told, and none waits for ever
            for member in group:
                member.error = error
        # Only a change wakes those who wait: a worker whose claim found nothing would otherwise
        # wake itself to claim again, and so for ever.
        changed = any(member.changed and member.error is None for member in group)
        if changed:
            self._changes.note()
        # A member has not seen what later members of its group changed. With the number of the
        # common commit, its caller would wait past those changes; so it gets the number before.
        later = False
        for member in reversed(group):
            member.version = before + (changed and not later)
            later = later or (member.changed and member.error is None)
        for member in group:
            member.committed.set()
