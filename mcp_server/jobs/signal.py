"""An event that can be set again and again."""

from __future__ import annotations

import anyio


class Signal:
    """Wakes its waiter. Given while nobody waits, it lets the next wait return at once."""

    def __init__(self) -> None:
        self._event = anyio.Event()

    def give(self) -> None:
        """Wake the waiter, or the next one to come."""
        self._event.set()

    async def wait(self) -> None:
        """Wait until the signal is given, and use it up."""
        await self._event.wait()
        self._event = anyio.Event()
