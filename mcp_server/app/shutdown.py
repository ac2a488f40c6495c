"""How a process ends that is told to: kindly at first, and at once when it is told again."""

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
    """Run `body` in an event loop; what it is given is set when this process is told to end.

    Told again, it is cancelled. Where something else has set it, such as a client that hung up, the
    first signal is the second telling. Signals after the second are the operating system's: they
    end whatever hangs.
    """

    async def run() -> None:
        with _told_to_end() as stopping:
            await body(stopping)

    anyio.run(run)


async def until_told(stopping: anyio.Event, items: AsyncIterator[T]) -> AsyncGenerator[T]:
    """Yield what comes until `stopping` is set: who listens for ever is not waited for."""
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
