"""One look for all who ask at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import anyio

T = TypeVar("T")


class SharedLook(Generic[T]):
    """Looks, and gives what it found to everybody who had asked before that look began.

    Who comes during a look shares the next one: so nobody is told what was true before he asked.
    """

    def __init__(self, look: Callable[[], Awaitable[T]]) -> None:
        self._look = look
        self._looking = anyio.Lock()
        self._next: list[T] | None = None
        """What the next look will have found, for those who wait for it."""

    async def __call__(self) -> T:
        """Return what a look found that began after this call; raise what it raised."""
        if self._next is None:
            self._next = []
        found = self._next
        async with self._looking:
            if not found:
                if self._next is found:
                    self._next = None
                found.append(await self._look())
            return found[0]
