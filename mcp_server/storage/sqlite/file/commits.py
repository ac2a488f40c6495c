"""Who waits for a commit, and how one of another process is noticed.

A process's own commits wake whoever waits at once. Another's are looked for by a timer, as often as
the most impatient asks: it costs one look at a file each time, and a trip to the connection's
thread only if that file has changed of late.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import anyio


class Outside(Protocol):
    """Where other processes' commits are seen."""

    def is_quiet(self) -> bool:
        """Whether nobody has committed for a while: a cheap look, often."""
        ...

    async def look(self) -> None:
        """See whether somebody has, and take note of it."""
        ...


class Changes:
    """How many commits were noticed, and who is woken by the next."""

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
        """Count a commit, and wake who waits for one."""
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
                    if not self._to_look:  # asked when there was nobody, or he who was has left
                        await self._woken.wait()
                    await self._look_if_asked(outside)
        finally:
            self._polls.remove(poll_s)
            if self._to_look:  # by whom, if not by us
                self._wake()
        return self._version > since

    def _set_timer(self, outside: Outside) -> None:
        """See to it that somebody looks in time; one look is for all who wait."""
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
        """Have one of those who wait look outside, if there may be something to see."""
        self._timer = None
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
        self._woken.set()
        self._woken = anyio.Event()
