"""Ending a process by signals: the first lets it finish what runs, the second cancels it."""

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
    """Run `body` in an event loop; the event that it gets is set by the first signal to end.

    The second signal cancels `body`. So does the first if the event was set before it, because a
    client hung up, say. From the third on, signals have the operating system's default effect, so
    that a process which hangs can be ended.
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
            # Not the handlers of before: asyncio's would only cancel the main task, and wait.
            for each in SIGNALS:
                signal.signal(each, signal.SIG_DFL)
        heard.append(number)
        # The loop may be waiting for I/O: this way of calling wakes it.
        loop.call_soon_threadsafe(end)

    # Not `loop.add_signal_handler`: this handler runs even while something blocks the loop.
    before = {number: signal.signal(number, hear) for number in SIGNALS}

    try:
        with scope:
            yield stopping
    finally:
        # `None` stands for a handler that was not set from Python and cannot be put back.
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
