"""Keeping one worker alive for a workspace: the lock, the process, who is asked to make room.

A file lock says who works; the operating system frees it the moment its holder dies. Every server
keeps an eye on it: where there is work and nobody holds the lock, it starts a worker, in its own
process (`embedded`) or in one that outlives it (`detached`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NoReturn, Protocol

import anyio
import structlog
from filelock import FileLock, Timeout

from mcp_server.clock import Clock
from mcp_server.errors import StorageError, Unavailable
from mcp_server.folder import PRIVATE, Folder, neutral_folder
from mcp_server.jobs.records import Host
from mcp_server.jobs.store import JobStore

LOOK_S = 1.0
"""How often a server looks whether the worker is still there."""

START_S = 15.0
"""How long a detached worker may take to say that it lives, before another is started."""

RESTART_S = (1.0, 60.0)
"""How long a detached worker that failed to start is left alone: at first, and at most."""

REPLACE_CODE = 75
"""What a process ends with that should be started again (`EX_TEMPFAIL`)."""

logger = structlog.get_logger(__name__)


class WorkerLock:
    """The right to be the worker of a workspace; held by at most one process."""

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path, mode=PRIVATE, thread_local=False)

    def acquire(self) -> bool:
        """Take the lock if it is free; whether we hold it now."""
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            return False
        return True

    def release(self) -> None:
        """Let it go."""
        self._lock.release()

    def is_held(self) -> bool:
        """Whether somebody, this process included, holds it."""
        if self._lock.is_locked:
            return True
        if not self.acquire():
            return True
        self.release()
        return False


class StopMark:
    """That somebody stopped the worker by hand: none is started until something changes again."""

    NAME = "stopped"
    BYTES_MAX = 100

    def __init__(self, state: Folder) -> None:
        self._state = state

    def set(self, change: int, *, until: float = 0.0) -> None:
        """Start no worker while the newest change is at most this one, nor before that time.

        The time is for changes that a worker makes on its way out. It passes: whoever is stopping
        the worker may be killed before the end is known.

        Raises:
            Unavailable: it cannot be written.
        """
        try:
            with self._state.opened() as folder:
                folder.write_whole(self.NAME, f"{change} {until}".encode("ascii"))
        except OSError as error:
            where = f"{self._state.path.name}/{self.NAME}"
            raise Unavailable(
                f"The worker cannot be kept from starting again: {where} cannot be written "
                f"({error.strerror or error}). Make the folder writable, and room on its disk."
            ) from error

    @property
    def is_set(self) -> bool:
        """Whether somebody stopped the worker, and none has been started since."""
        return self._read() is not None

    async def holds(self, store: JobStore, *, now: float) -> bool:
        """Whether no worker is to be started."""
        if (read := self._read()) is None:
            return False
        change, until = read
        return now < until or await store.last_change() <= change

    def clear(self) -> None:
        """Let workers be started again."""
        with suppress(FileNotFoundError), self._state.opened() as folder:
            folder.remove(self.NAME)

    def _read(self) -> tuple[int, float] | None:
        try:
            change, until = self._state.read(self.NAME, self.BYTES_MAX).decode("ascii").split()
            return int(change), float(until)
        except (OSError, ValueError):
            return None


class StartWorker(Protocol):
    """One way to run a worker."""

    async def __call__(self) -> None:
        """Start a worker; return when it has ended, or once it lives in a process of its own."""
        ...


class EmbeddedWorker:
    """Runs the worker in this process, as long as it holds the lock.

    Once `stopping` is set it runs no other; `run` has to heed that too.
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
    """The process of a worker that has it to itself; what cannot be stopped ends with it.

    The operating system frees the lock in that moment.
    """

    def replace(self) -> NoReturn:
        """Begin afresh with the same command line, in this process's place."""
        sys.stderr.flush()
        if sys.platform != "win32":  # where it would be another process, beside its starter
            with suppress(OSError):
                os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 -- our own command line
        os._exit(REPLACE_CODE)

    def end(self) -> NoReturn:
        """End at once, whatever still runs."""
        sys.stderr.flush()
        os._exit(0)


async def work_in_turns(turn: Callable[[], Awaitable[bool]], store: JobStore, clock: Clock) -> None:
    """Take turns at working; what was queued while one ended is worked by the next (R26).

    `turn` holds the lock while it works, and returns whether it left because nothing was to do. A
    server that has gone since it queued something saw the lock held, and started nobody.
    """
    while await turn() and await store.work_before(now=clock.now(), horizon_s=0):
        logger.info("something was queued on the way out")


class DetachedWorker:
    """Starts the worker as a process of its own session, its streams to a log in the state folder.

    One that fails soon after its start is left alone for a while, each time for longer.
    """

    def __init__(
        self,
        command: Sequence[str],
        state: Folder,
        lock: WorkerLock,
        *,
        log: str = "worker.log",
        now: Callable[[], float] = time.monotonic,
    ) -> None:
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
        """Start it, unless one is on its way in or out; return when it works, or will not.

        Raises:
            OSError: the system does not start it.
        """
        self.reap()
        if self._child is not None or self._now() < self._not_before:
            return  # it is starting, or on its way out; or it is left alone
        self._started_at = self._now()
        try:
            self._child = self._open_process()
        except OSError as error:
            self.refusal = error.strerror or type(error).__name__
            raise
        self.refusal = None
        logger.info("started a detached worker", pid=self._child.pid)
        with anyio.move_on_after(START_S):
            while not self.reap() and not self._lock.is_held():
                await anyio.sleep(0.05)

    def _open_process(self) -> subprocess.Popen[bytes]:
        with ExitStack() as files:
            folder = files.enter_context(self._state.opened())
            log = files.enter_context(folder.open(self._log, "ab"))
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
            # One that was killed is no worse than another: the crash cap bounds what it may cost.
            self.exit_code, self._pause_s = None, 0.0
        else:
            first_s, longest_s = RESTART_S
            self.exit_code = code
            self._pause_s = min(max(first_s, 2 * self._pause_s), longest_s)
            logger.warning("the worker failed", code=code, again_in_s=self._pause_s)
        self._not_before = now + self._pause_s
        return True


class WorkerKeeper:
    """Sees to it that there is a worker while there is work."""

    def __init__(
        self,
        store: JobStore,
        lock: WorkerLock,
        clock: Clock,
        host: Host,
        start: StartWorker,
        mark: StopMark,
        *,
        kinds: Collection[str],
        heartbeat_s: float,
        alive_s: float,
    ) -> None:
        self._store, self._lock, self._clock = store, lock, clock
        self._host, self._start, self._mark, self._kinds = host, start, mark, kinds
        self._heartbeat_s, self._alive_s = heartbeat_s, alive_s

    async def run(self) -> None:
        """Keep watch until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._announce)
            while True:
                since = self._store.version
                try:
                    await self.tick()
                except StorageError as error:
                    logger.warning("cannot look for work", error=str(error))
                except OSError as error:
                    logger.warning("cannot start a worker", error=error.strerror)
                    await anyio.sleep(self._heartbeat_s)
                except Exception:  # a worker in this process that breaks must not end the server
                    logger.exception("the worker broke; starting another")
                    await anyio.sleep(self._heartbeat_s)
                await self._store.wait_for_change(LOOK_S, since=since, poll_s=LOOK_S)

    async def tick(self) -> None:
        """Start a worker if there is work for one, and none."""
        if isinstance(self._start, DetachedWorker):
            self._start.reap()
        work = await self._store.work_before(now=self._clock.now(), horizon_s=0)
        if work and not self._lock.is_held() and await self._may_start() and await self._is_ours():
            await self._start()

    async def _may_start(self) -> bool:
        if await self._mark.holds(self._store, now=self._clock.now()):
            return False
        self._mark.clear()
        return True

    async def _is_ours(self) -> bool:
        """Whether to start the worker here.

        Not if only another server has the key (R25); nor if a newer one can do the work: it asks
        our worker to make room, and we would start the next.
        """
        hosts = await self._store.hosts(seen_after=self._clock.now() - self._alive_s)
        others = [host for host in hosts if host.role == "server" and host.id != self._host.id]
        for host in others:
            newer = _number(host.version) > _number(self._host.version)
            if newer and not await self._left_over(host.abilities):
                return False
            if await self._only_runs(host):
                return False
        missing = await self._left_over(self._host.abilities)
        return not any(missing & host.abilities for host in others)

    async def _only_runs(self, other: Host) -> bool:
        """Whether what is ready is of kinds that `other` has, by a plugin, and we have not."""
        theirs = _kinds(other).difference(self._kinds)
        if not theirs or await self._store.claimable(
            kinds=self._kinds, abilities=self._host.abilities
        ):
            return False
        return await self._store.claimable(kinds=theirs, abilities=other.abilities)

    async def _lacks_kinds(self, worker: Host) -> bool:
        """Whether something is ready of a kind that we have and the worker was started without."""
        ours = set(self._kinds).difference(_kinds(worker))
        if not ours or not _kinds(worker):
            return False
        return await self._store.claimable(kinds=ours, abilities=self._host.abilities)

    async def _left_over(self, abilities: Collection[str]) -> set[str]:
        """Return what is missing where nothing can be done with these abilities."""
        missing = await self._store.unclaimable(kinds=self._kinds, abilities=abilities)
        if missing and await self._store.claimable(kinds=self._kinds, abilities=abilities):
            return set()
        return set(missing)

    async def _announce(self) -> None:
        """Say that this server lives, and ask a worker that can do less to make room."""
        try:
            while True:
                try:
                    await self._store.announce(self._host, now=self._clock.now())
                    await self._ask_lesser_to_drain()
                except StorageError as error:
                    logger.warning("cannot announce this server", error=str(error))
                await anyio.sleep(self._heartbeat_s)
        finally:
            with anyio.CancelScope(shield=True), anyio.move_on_after(2):
                await self._withdraw()

    async def _withdraw(self) -> None:
        try:
            await self._store.withdraw(
                self._host.id, unless_work_within_s=None, now=self._clock.now()
            )
        except StorageError as error:
            logger.warning("cannot withdraw this server", error=str(error))

    async def _ask_lesser_to_drain(self) -> None:
        hosts = await self._store.hosts(seen_after=self._clock.now() - self._alive_s)
        for host in hosts:
            if host.role != "worker":
                continue
            older = _number(host.version) < _number(self._host.version)
            if older or await self._lacks_kinds(host):
                await self._store.ask(host.id, "drain")


def _kinds(host: Host) -> frozenset[str]:
    return frozenset(host.details.get("kinds", ()))


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
