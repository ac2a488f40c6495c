"""Ending a process by signals: the first lets it finish what runs, the second cancels it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

import anyio

T = TypeVar("T")

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


async def until_told(stopping: anyio.Event, items: AsyncIterator[T]) -> AsyncGenerator[T]:
    """Yield `items` until `stopping` is set, so that an endless stream does not delay the end."""
    while not stopping.is_set():
        next_item: list[T] = []
        async with anyio.create_task_group() as tasks:

            async def leave() -> None:
                await stopping.wait()
                tasks.cancel_scope.cancel()

            tasks.start_soon(leave)
            async for item in items:
                next_item.append(item)
                break
            tasks.cancel_scope.cancel()
        if not next_item:
            return
        # Outside of the task group: a generator must not yield within a cancel scope.
        yield next_item[0]


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
