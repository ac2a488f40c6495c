"""An event loop without time or threads: what runs next is drawn, and time jumps to what is due.

Every callback belongs to a simulated process. Within one they run in order, as in any event loop;
between processes the order is drawn, as between processes of a machine. One that is held runs
nothing until it is let go (SIGSTOP), or nothing ever again (SIGKILL).
"""

from __future__ import annotations

import asyncio
import asyncio.events
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from itertools import count
from random import Random
from typing import Any, TypeVar

from anyio._backends import _asyncio as anyio_asyncio

T = TypeVar("T")

BUSY_MAX = 100_000
"""So many callbacks without any time going by are a loop that never waits."""


class Stuck(Exception):
    """Nothing can ever run again, or something runs without end."""


class Slice:
    """The callbacks of one simulated process."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.held = False
        self.ready: deque[asyncio.Handle] = deque()


_OUTSIDE = Slice("outside")
CURRENT: ContextVar[Slice] = ContextVar("slice", default=_OUTSIDE)
"""The process that a callback belongs to; tasks and timers inherit it with their context."""


class NumberedTask(asyncio.Task[Any]):
    """A task whose place in a set does not depend on where in memory it lies."""

    def __init__(self, number: int, coroutine: Coroutine[Any, Any, Any], **more: Any) -> None:
        self._number = number
        super().__init__(coroutine, **more)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class VirtualLoop(asyncio.AbstractEventLoop):
    """Runs callbacks in an order drawn from `random`, on a clock of its own."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._now = 0.0
        self._runnable: list[Slice] = []
        self._timers: list[tuple[float, int, Slice, asyncio.TimerHandle]] = []
        self._numbers = count(1)
        self._busy = 0
        self.tasks: list[asyncio.Task[Any]] = []
        self.failure: BaseException | None = None
        """What ends the run at once."""

    # Running

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run until `main` has ended, and return what it did."""
        asyncio.events._set_running_loop(self)  # pyright: ignore[reportAttributeAccessIssue] -- how a loop says that it runs
        try:
            task = self.create_task(main)
            while not task.done():
                self._run_one()
                if self.failure is not None:
                    raise self.failure
            return task.result()
        finally:
            asyncio.events._set_running_loop(None)  # pyright: ignore[reportAttributeAccessIssue] -- as above

    def hold(self, slice: Slice) -> None:
        """Run nothing of it from now on."""
        if not slice.held:
            slice.held = True
            if slice in self._runnable:
                self._runnable.remove(slice)

    def release(self, slice: Slice) -> None:
        """Let it go on where it was."""
        if slice.held:
            slice.held = False
            if slice.ready:
                self._runnable.append(slice)

    def _run_one(self) -> None:
        while not self._runnable:
            self._pass_time()
        self._busy += 1
        if self._busy > BUSY_MAX:
            raise Stuck(f"{[slice.name for slice in self._runnable]} never wait")
        slices = self._runnable
        index = 0 if len(slices) == 1 else int(self._random.random() * len(slices))
        slice = slices[index]
        handle = slice.ready.popleft()
        if not slice.ready:
            del slices[index]
        if not handle.cancelled():
            handle._run()  # pyright: ignore[reportAttributeAccessIssue] -- what a loop is for

    def _pass_time(self) -> None:
        if not self._timers:
            raise Stuck("everybody waits for somebody else")
        when, _, slice, handle = heapq.heappop(self._timers)
        if handle.cancelled():
            return
        if when > self._now:
            self._now, self._busy = when, 0
        self._put(slice, handle)

    def _put(self, slice: Slice, handle: asyncio.Handle) -> None:
        if not slice.ready and not slice.held:
            self._runnable.append(slice)
        slice.ready.append(handle)

    # What asyncio and anyio ask of a loop

    def time(self) -> float:
        return self._now

    def call_soon(
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        context = copy_context() if context is None else context  # an empty one is false
        handle = asyncio.Handle(callback, args, self, context)
        self._put(context.get(CURRENT, _OUTSIDE), handle)
        return handle

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        context = copy_context() if context is None else context  # an empty one is false
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        slice = context.get(CURRENT, _OUTSIDE)
        heapq.heappush(self._timers, (when, next(self._numbers), slice, handle))
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Any,
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> asyncio.Task[Any]:
        number = next(self._numbers)
        task = NumberedTask(number, coro, loop=self, name=name or f"task-{number}", context=context)
        self.tasks.append(task)
        return task

    def get_task_factory(self) -> None:
        return None

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def get_debug(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Nobody asked for the result of a task; `Simulation` does, at the end."""

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It is passed over when its time comes."""


def settle_cancellation_order() -> None:
    """Let anyio cancel what runs inside a scope in the same order each time.

    It keeps scopes in sets; a scope hashes like its task, which in `VirtualLoop` has a number.
    """

    def number(scope: Any) -> int:
        return hash(scope._host_task)

    anyio_asyncio.CancelScope.__hash__ = number  # pyright: ignore[reportAttributeAccessIssue]
