"""A thread that stands in for the worker while a handler blocks its event loop.

A blocked loop can neither renew leases nor announce that the worker lives. This thread does so, on
a store of its own, until the handler's time limit. After that the worker counts as hung. If it has
a process to itself, the process is replaced; in a server's process it can only be reported.
"""

from __future__ import annotations

import asyncio
import faulthandler
import sys
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from threading import Event, Thread, get_ident
from typing import Protocol

import anyio
import anyio.to_thread
import structlog

from mcp_server.clock import Clock
from mcp_server.errors import ServerError
from mcp_server.jobs.handler import TIME_LIMIT_S
from mcp_server.jobs.job import Attempt
from mcp_server.jobs.records import Host, Report
from mcp_server.jobs.store import JobStore
from mcp_server.jobs.worker.attempt import AttemptRunner, Progress, named
from mcp_server.jobs.worker.lanes import Lanes

LOOK_S = 2.5
"""How often the thread checks that the loop still runs what it is given."""

BLOCKED_S = 5.0
"""A loop that does not respond for this long is blocked; nothing that belongs in it takes so
long."""

HAND_BACK_S = 5.0
"""How long giving back what a hung worker holds may take; the leases run out without it."""

LAST_RESORT_S = 60.0
"""How long after the time limit the process is ended if not even this thread can run, because
native code holds the interpreter's lock."""

logger = structlog.get_logger(__name__)

OpenStore = Callable[[], AbstractAsyncContextManager[JobStore]]
"""Opens the store once more, for a thread whose loop is not the worker's."""


class OwnProcess(Protocol):
    """The process of a worker that has it to itself. Neither method returns."""

    def replace(self) -> None:
        """Begin afresh, with another process in this one's place."""
        ...

    def end(self) -> None:
        """End it at once, whatever runs in it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The attempts that a worker holds, and the ends that it has not recorded yet."""

    attempt_ids: Collection[str]
    reports: Sequence[Report]


class Watchdog:
    """Watches a worker's event loop."""

    def __init__(
        self,
        open_store: OpenStore,
        runner: AttemptRunner,
        lanes: Lanes,
        clock: Clock,
        host: Host,
        held: Callable[[], Held],
        *,
        lease_s: float,
        heartbeat_s: float,
        process: OwnProcess | None,
        look_s: float = LOOK_S,
        blocked_s: float = BLOCKED_S,
    ) -> None:
        self._open_store, self._runner, self._lanes = open_store, runner, lanes
        self._clock, self._host, self._held = clock, host, held
        self._lease_s, self._heartbeat_s = lease_s, heartbeat_s
        self._process, self._look_s, self._blocked_s = process, look_s, blocked_s
        self._over = Event()

    @asynccontextmanager
    async def watching(self) -> AsyncGenerator[None]:
        """Watch the loop that this is called in, for as long as the context is entered."""
        loop = asyncio.get_running_loop()
        thread = Thread(
            target=self._watch, args=(loop, get_ident()), name="pressroom watchdog", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            with anyio.CancelScope(shield=True), anyio.move_on_after(HAND_BACK_S):
                await anyio.to_thread.run_sync(thread.join, abandon_on_cancel=True)

    # In the thread

    def _watch(self, loop: asyncio.AbstractEventLoop, thread_id: int) -> None:
        while not self._over.wait(self._look_s):
            came_round = Event()
            try:
                loop.call_soon_threadsafe(came_round.set)
            except RuntimeError:  # it is closed
                return
            self._set_last_resort()
            block: _Block | None = None
            # Counted in looks, not by the clock, which jumps when the whole process was suspended:
            # nothing has blocked the loop then.
            looks = 0
            while not came_round.wait(self._look_s) and not self._over.is_set():
                looks += 1
                if looks * self._look_s < self._blocked_s:
                    continue
                block = block or self._note(loop, thread_id)
                block.lasted_s = looks * self._look_s
                self._see_to(block)
            if block is not None:
                logger.warning("the event loop goes on", blocked_s=block.lasted_s)
        if self._process is not None:
            faulthandler.cancel_dump_traceback_later()

    def _set_last_resort(self) -> None:
        """Have the process ended if no Python thread can run any more, this one included.

        `faulthandler` waits in a C thread that needs no interpreter lock. Each call starts its time
        anew.
        """
        if self._process is not None:
            limit_s = self._limit_s(None) + LAST_RESORT_S
            faulthandler.dump_traceback_later(limit_s, exit=True)

    def _note(self, loop: asyncio.AbstractEventLoop, thread_id: int) -> _Block:
        """Say once what blocks the loop, and where."""
        running = self._lanes.running
        task = asyncio.current_task(loop)
        blamed = self._lanes.running_in(id(task)) if task is not None else None
        if blamed is None and len(running) == 1:
            blamed = running[0]
        # Documented, in spite of its name.
        frame = sys._current_frames().get(thread_id)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        stack = "".join(traceback.format_stack(frame)) if frame is not None else ""
        who = named(blamed.attempt) if blamed is not None else {}
        logger.error("the event loop is blocked", stack=stack, **who)
        return _Block(blamed, self._limit_s(blamed))

    def _limit_s(self, blamed: Progress | None) -> float:
        among = self._lanes.running if blamed is None else [blamed]
        return max(
            (self._runner.time_limit_s(progress.attempt) for progress in among),
            default=TIME_LIMIT_S,
        )

    def _see_to(self, block: _Block) -> None:
        if block.hung:
            return
        if block.lasted_s >= block.limit_s:
            block.hung = True
            self._give_up(block)
        elif block.lasted_s >= block.renew_at_s:
            block.renew_at_s = block.lasted_s + self._heartbeat_s
            self._run(self._renew, block)

    def _give_up(self, block: _Block) -> None:
        logger.error(
            "the worker hangs", blocked_s=block.lasted_s, replaced=self._process is not None
        )
        if self._process is None:
            self._run(self._say, block)
        else:
            try:
                self._run(self._hand_back, block)
            finally:
                self._process.replace()

    def _run(self, act: Callable[[JobStore, _Block], Awaitable[None]], block: _Block) -> None:
        # In an event loop of this thread's own, with its own store: the worker's loop is blocked.
        async def run() -> None:
            with anyio.move_on_after(HAND_BACK_S):
                async with self._open_store() as store:
                    await act(store, block)

        try:
            anyio.run(run)
        except ServerError as error:  # it may also be a newer version's by now
            logger.warning("cannot see to the blocked worker", error=str(error))

    async def _renew(self, store: JobStore, block: _Block) -> None:
        ids = self._held().attempt_ids
        await store.renew(ids, lease_s=self._lease_s, now=self._clock.now())
        await self._say(store, block)

    async def _say(self, store: JobStore, block: _Block) -> None:
        details = {
            **self._host.details,
            "running": len(self._held().attempt_ids),
            "unhealthy": self._unhealthy(block),
        }
        await store.announce(replace(self._host, details=details), now=self._clock.now())

    async def _hand_back(self, store: JobStore, block: _Block) -> None:
        """Record what ended, and that the blamed attempt took too long; give back the rest."""
        held, now, blamed = self._held(), self._clock.now(), block.blamed
        reports = list(held.reports)
        if blamed is not None:
            reports.append(self._runner.report(blamed, self._runner.time_out(blamed.attempt)))
        await store.exchange(reports, None, now=now)
        await store.give_back(held.attempt_ids, now=now)
        await store.withdraw(self._host.id, unless_work_within_s=None, now=now)

    def _unhealthy(self, block: _Block) -> str:
        what = "something" if block.blamed is None else f"a {block.blamed.attempt.job.kind} job"
        said = f"{what} has blocked it for {block.lasted_s:.0f} s."
        if self._process is not None:
            return f"{said} It is replaced after {block.limit_s:g} s."
        return f"{said} Nothing else is done meanwhile; restart the server if it goes on."


@dataclass(slots=True)
class _Block:
    """A time in which the loop is blocked, and the attempt that is to blame for it."""

    blamed: Progress | None
    limit_s: float
    lasted_s: float = 0.0
    renew_at_s: float = 0.0
    hung: bool = False


def told_of(strays: Sequence[Attempt], *, lanes: int, replaced: bool) -> str:
    """Say how many lanes are lost to attempts that go on, and what will be done about it."""
    kinds = ", ".join(sorted({stray.job.kind for stray in strays}))
    said = f"{kinds} goes on after it was stopped; {len(strays)} of {lanes} lanes lost."
    if replaced:
        return f"{said} The worker is replaced when the rest is done."
    return f"{said} Restart the server to have them back."
