"""The ways to start a worker: in this process, or in one that outlives it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from typing import NoReturn, Protocol

import anyio
import structlog

from mcp_server.clock import Clock
from mcp_server.folder import Folder, neutral_folder
from mcp_server.jobs.host.lock import WorkerLock
from mcp_server.jobs.store import JobStore

START_S = 15.0
"""How long a detached worker may take to get the lock. If it exits with an error sooner, it has
failed."""

RESTART_S = (1.0, 60.0)
"""How long to wait after a worker that failed before the next is started: at first, and at most."""

REPLACE_CODE = 75
"""Exit code of a process that should be started again (`EX_TEMPFAIL`)."""

logger = structlog.get_logger(__name__)


class StartWorker(Protocol):
    """One way to run a worker."""

    async def __call__(self) -> None:
        """Start a worker; return when it has ended, or once it lives in a process of its own."""
        ...


class EmbeddedWorker:
    """Runs the worker in this process, holding the lock while it runs.

    Once `stopping` is set no worker is started any more; the one that runs has to watch it, too.
    """

    def __init__(
        self, lock: WorkerLock, run: Callable[[], Awaitable[object]], stopping: anyio.Event
    ) -> None:
        self._lock, self._run, self._stopping = lock, run, stopping
        self._at_work = anyio.Lock()

    async def __call__(self) -> None:
        async with self._at_work:
            if self._stopping.is_set() or not self._lock.acquire():
                return
            try:
                await self._run()
            finally:
                self._lock.release()

    async def ended(self) -> None:
        """Return once none is running."""
        async with self._at_work:
            return


class WorkerProcess:
    """The process of a worker that has it to itself: handlers that cannot be stopped end with it.

    The operating system frees the lock in that moment.
    """

    def replace(self) -> NoReturn:
        """Begin afresh with the same command line, in this process's place."""
        sys.stderr.flush()
        if sys.platform != "win32":  # there, exec starts another process and ends this one
            with suppress(OSError):
                os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 -- our own command line
        os._exit(REPLACE_CODE)

    def end(self) -> NoReturn:
        """End at once, whatever still runs."""
        sys.stderr.flush()
        os._exit(0)


async def work_in_turns(turn: Callable[[], Awaitable[bool]], store: JobStore, clock: Clock) -> None:
    """Run turns until one ends with nothing left to do (R26).

    `turn` holds the lock while it works, and returns whether it left because nothing was to do. A
    job may be queued while a turn ends. Its server saw the lock held, so it started no worker, and
    it may be gone by now: the next turn does that job.
    """
    while await turn() and await store.work_before(now=clock.now(), horizon_s=0):
        logger.info("something was queued on the way out")


class DetachedWorker:
    """Starts the worker as a process in its own session, its output to a log in the state folder.

    After a worker that failed soon after its start, the next has to wait, each time for longer.
    """

    def __init__(
        self,
        command: Sequence[str],
        state: Folder,
        lock: WorkerLock,
        *,
        log: str = "worker.log",
        now: Callable[[], float] = time.monotonic,
        several: bool = False,
        stays: bool = True,
    ) -> None:
        """`stays`: whether whoever starts it stays until it works, to start no other meanwhile."""
        self._several, self._stays = several, stays
        self._command, self._lock, self._now = command, lock, now
        self._state, self._log = state, log
        self._child: subprocess.Popen[bytes] | None = None
        self._started_at = self._not_before = now()
        self._pause_s = 0.0
        self.exit_code: int | None = None
        """What the last worker ended with, if it failed soon after its start."""
        self.refusal: str | None = None
        """Why the system would not start one, the last time, in its own words."""

    async def __call__(self) -> None:
        """Start it, unless one is starting or ending; return once it works, has ended or hangs.

        Raises:
            OSError: the system does not start it.
        """
        self.reap()
        if self._child is not None or self._now() < self._not_before:
            return  # it is starting or ending; or it failed, and the next has to wait
        self._started_at = self._now()
        try:
            self._child = self._open_process()
        except OSError as error:
            self.refusal = error.strerror or type(error).__name__
            raise
        self.refusal = None
        logger.info("started a detached worker", pid=self._child.pid)
        if self._several or not self._stays:
            return  # of several, its row tells that it works, and no lock does
        with anyio.move_on_after(START_S):
            while not self.reap() and not self._lock.is_held():
                await anyio.sleep(0.05)

    def _open_process(self) -> subprocess.Popen[bytes]:
        with ExitStack() as files:
            folder = files.enter_context(self._state.opened())
            log = files.enter_context(folder.open(self._log, "ab"))
            # In a session of its own, so that it outlives this server and its terminal. And with
            # none of our streams: those of a server carry the protocol.
            return subprocess.Popen(  # noqa: S603 -- our own command line
                list(self._command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=neutral_folder(),
                start_new_session=True,
            )

    def reap(self) -> bool:
        """Collect the exit status of a worker that has ended, so that no zombie stays.

        Return whether none is left.
        """
        if self._child is None:
            return True
        if (code := self._child.poll()) is None:
            return False
        self._child = None
        now = self._now()
        if code <= 0 or now - self._started_at > START_S:
            # One that was killed is followed by the next at once: how often a job may take its
            # worker along is bounded by the cap on its crashes.
            self.exit_code, self._pause_s = None, 0.0
        else:
            first_s, longest_s = RESTART_S
            self.exit_code = code
            self._pause_s = min(max(first_s, 2 * self._pause_s), longest_s)
            logger.warning("the worker failed", code=code, again_in_s=self._pause_s)
        self._not_before = now + self._pause_s
        return True
