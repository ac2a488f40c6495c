"""Handlers in threads. A thread cannot be ended: one that is told to stop may go on as a *stray*.

Threads of our own and not of a pool, since they must not keep the process from ending; starting one
costs less than anything that is worth a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Any

import anyio
from opentelemetry import context as otel_context

from mcp_server.jobs.isolation.context import IsolatedContext
from mcp_server.jobs.job import Attempt


class Threads:
    """Runs functions in threads, and knows which of them go on although nobody waits for them."""

    def __init__(self) -> None:
        self._strays: dict[str, anyio.Event] = {}

    def stray(self, attempt: Attempt) -> anyio.Event | None:
        """Return the event of the thread's end, if it goes on after its attempt was stopped."""
        return self._strays.get(attempt.id)

    async def run(
        self,
        attempt: Attempt,
        context: IsolatedContext,
        call: Callable[[IsolatedContext], Any],
    ) -> Any:
        """Return what `call` returns, or raise what it raises, whatever that is.

        If this is cancelled, it ends at once, and the thread is a stray until it ends, too.
        """
        loop, ended = asyncio.get_running_loop(), anyio.Event()
        work = _Work(call, context)

        def end() -> None:
            self._strays.pop(attempt.id, None)
            ended.set()

        def run() -> None:
            work.run()
            with suppress(RuntimeError):  # the loop is closed: nobody is left to hear of it
                loop.call_soon_threadsafe(end)

        Thread(target=run, name=f"{attempt.job.kind} {attempt.id}", daemon=True).start()
        try:
            await ended.wait()
        finally:
            if not ended.is_set():
                context.stop()
                self._strays[attempt.id] = ended
        return work.answer()


class _Work:
    """A call, made in one thread and answered in another."""

    __slots__ = ("_call", "_context", "_error", "_parent", "_result")

    def __init__(self, call: Callable[[IsolatedContext], Any], context: IsolatedContext) -> None:
        self._call, self._context = call, context
        self._parent = otel_context.get_current()
        self._result: Any = None
        self._error: BaseException | None = None

    def run(self) -> None:
        """Make the call; its spans are children of the attempt's."""
        otel_context.attach(self._parent)
        try:
            self._result = self._call(self._context)
        except BaseException as error:  # noqa: BLE001 -- raised again where it is waited for
            self._error = error

    def answer(self) -> Any:
        """Return or raise what came of it."""
        if self._error is not None:
            raise self._error
        return self._result
