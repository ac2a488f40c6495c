"""Waiting for a commit, made by this process or by another.

A commit of this process wakes every waiter at once, as does another's that a database tells of.
Otherwise it is polled for, at the shortest interval that any waiter asks for. A poll costs next to
nothing (`Outside.is_quiet`); only if something may have happened is the database asked.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import anyio


class Outside(Protocol):
    """Finds out about the commits of other processes."""

    def is_quiet(self) -> bool:
        """Whether nobody needs to look now. Cheap, since it is called at each poll."""
        ...

    async def look(self) -> None:
        """Call `Changes.note` if another process has committed since the last look."""
        ...


class Changes:
    """Counts the commits that were noticed, and wakes those who wait for the next."""

    def __init__(self) -> None:
        self._version = 0
        self._woken = anyio.Event()
        self._polls: list[float] = []
        self._timer: asyncio.TimerHandle | None = None
        self._to_look = False

    @property
    def version(self) -> int:
        """How many commits were noticed so far."""
        return self._version

    def note(self) -> None:
        """Count a commit, and wake everybody who waits for one."""
        self._version += 1
        self._wake()

    async def wait(self, timeout_s: float, *, since: int, poll_s: float, outside: Outside) -> bool:
        """Wait until `version` is past `since`; False: the time ran out first.

        Other processes' commits are looked for every `poll_s`.
        """
        if self._version > since:
            return True
        self._polls.append(poll_s)
        try:
            self._set_timer(outside)
            with anyio.move_on_after(timeout_s):
                while self._version <= since:
                    # Set already: the waiter that was to look has left without. We do it instead.
                    if not self._to_look:
                        await self._woken.wait()
                    await self._look_if_asked(outside)
        finally:
            self._polls.remove(poll_s)
            if self._to_look:  # we leave without having looked: another waiter has to
                self._wake()
        return self._version > since

    def _set_timer(self, outside: Outside) -> None:
        """Schedule the next poll in time for the most impatient; one poll serves all waiters."""
        if not self._polls or self._to_look:
            return
        loop = asyncio.get_running_loop()
        at = loop.time() + min(self._polls)
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = loop.call_at(at, self._glance, outside)

    def _glance(self, outside: Outside) -> None:
        """Poll: if others may have committed, have a waiter look; otherwise poll again later."""
        self._timer = None
        # A timer's callback cannot await, so the look itself is left to a waiter.
        if self._polls and not outside.is_quiet():
            self._to_look = True
            self._wake()
        else:
            self._set_timer(outside)

    async def _look_if_asked(self, outside: Outside) -> None:
        if self._to_look:
            self._to_look = False
            try:
                await outside.look()
            finally:
                self._set_timer(outside)

    def _wake(self) -> None:
        # An anyio event cannot be cleared: those who wait have the old one, the next get a new one.
        self._woken.set()
        self._woken = anyio.Event()
