"""How a process ends that is told to: kindly at first, and at once when it is told again."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol, TypeVar
from weakref import WeakSet

import anyio

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)
)
"""What a terminal, a service manager or a client sends to a process that is to end."""


def run_until_told(body: Callable[[anyio.Event], Awaitable[None]]) -> None:
    """Run `body` in an event loop; what it is given is set when this process is told to end.

    Told again, it is cancelled. Where something else has set it, such as a client that hung up, the
    first signal is the second telling. Signals after the second are the operating system's: they
    end whatever hangs.
    """

    async def run() -> None:
        with _told_to_end() as stopping:
            await body(stopping)

    anyio.run(run)


class Endless(Protocol):
    """What may go on for ever, and can be ended."""

    def end(self) -> None:
        """Let nothing follow."""
        ...


T = TypeVar("T", bound=Endless)


class UntilTold:
    """Ends what was added when `stopping` is set: who is subscribed for ever is not waited for."""

    def __init__(self, stopping: anyio.Event) -> None:
        self._stopping = stopping
        self._added: WeakSet[Endless] = WeakSet()

    def add(self, endless: T) -> T:
        """Have it ended when the time has come; at once if it has."""
        if self._stopping.is_set():
            endless.end()
        self._added.add(endless)
        return endless

    async def run(self) -> None:
        """Wait for that time."""
        await self._stopping.wait()
        for endless in list(self._added):
            endless.end()


@contextmanager
def _told_to_end() -> Generator[anyio.Event]:
    stopping, scope, loop = anyio.Event(), anyio.CancelScope(), asyncio.get_running_loop()
    heard: list[int] = []

    def end() -> None:
        if stopping.is_set():
            scope.cancel()
        else:
            stopping.set()

    def hear(number: int, _: FrameType | None) -> None:
        if heard:
            for each in SIGNALS:  # not what was before: asyncio would hear the next one, and wait
                signal.signal(each, signal.SIG_DFL)
        heard.append(number)
        loop.call_soon_threadsafe(end)

    before = {number: signal.signal(number, hear) for number in SIGNALS}

    try:
        with scope:
            yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
