"""An event that may be given again and again."""

from __future__ import annotations

import anyio


class Signal:
    """Wakes who waits for it; given while nobody does, it wakes the next at once."""

    def __init__(self) -> None:
        self._event = anyio.Event()

    def give(self) -> None:
        """Wake who waits, or who will."""
        self._event.set()

    async def wait(self) -> None:
        """Wait until it is given, and take it."""
        await self._event.wait()
        self._event = anyio.Event()
