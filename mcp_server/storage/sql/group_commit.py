"""Group commit: the writes that wait share one transaction, and each gets an answer of its own."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import anyio

from mcp_server.storage.sql.commits import Changes
from mcp_server.storage.sql.transaction import Transaction

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

    def keep(self, result: T, *, changed: bool) -> None:
        """Keep what the caller's function has returned; an earlier run was rolled back."""
        self.error, self._result, self.changed = None, [result], changed

    def outcome(self) -> tuple[T, bool]:
        """Return the result and whether anything was changed, or raise what stood in the way."""
        if self.error is not None:
            raise self.error
        return self._result[0], self.changed


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
