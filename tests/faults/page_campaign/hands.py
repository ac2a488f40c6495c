"""The hands on one workspace: servers to call, a worker that is always there again, and git."""

from __future__ import annotations

import os
import subprocess
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import IO, Any, cast

from mcp_server.config import open_workspace
from mcp_server.jobs.host.lock import WorkerLock
from tests import databases
from tests.faults.page_campaign.processes import FORKS, POINTS, Forked, strike_file
from tests.faults.processes import ENDED, announced, state
from tests.waiting import wait_until
from tests.wire import Pipe

ENDS_S = 90.0
"""How long a batch may take, whoever dies meanwhile."""


class Died(Exception):
    """A server is gone before it has answered."""


class Refused(Exception):
    """A tool answered with an error."""


@dataclass(frozen=True, slots=True)
class _Ends:
    """Our ends of a server's pipes, in the place of a process that was started with them."""

    stdin: IO[str]
    stdout: IO[str]


class Server:
    """A server of the workspace, and our end of its conversation."""

    def __init__(self, root: Path) -> None:
        reads, we_write = FORKS.Pipe(duplex=False)
        we_read, writes = FORKS.Pipe(duplex=False)
        self.forked = Forked(root, "serve", ends=(reads, writes))
        self._ends = _Ends(_opened(we_write, "w"), _opened(we_read, "r"))
        self.chat = Pipe(cast("subprocess.Popen[str]", self._ends), "auto")
        self.chat.begin()
        self._answers: dict[int, dict[str, Any]] = {}

    def answer(self, call: int) -> dict[str, Any]:
        """Return the result of a call; several may be open, and end in any order."""
        while call not in self._answers:
            message = self.chat.read()
            if message is None:
                raise Died
            if "id" in message and "method" not in message:
                self._answers[message["id"]] = message["result"]
        return self._answers.pop(call)

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self.forked.kill()
        for end in (self._ends.stdin, self._ends.stdout):
            with suppress(OSError):
                end.close()


def _opened(end: Any, mode: str) -> IO[str]:
    opened = os.fdopen(os.dup(end.fileno()), mode, encoding="utf-8")
    end.close()
    return opened


class Hands:
    """Calls tools, and kills who carries them out."""

    def __init__(self, root: Path, random: Random, struck: Counter[str], *, servers: int) -> None:
        self.root, self._random, self._struck = root, random, struck
        self._lock = WorkerLock(open_workspace(root, {}).worker_lock)
        self._worker: Forked | None = None
        self._keys = 0
        if random.random() < 0.6:  # else the first server will have one in itself
            self.work()
            wait_until(self._is_worked)
        self._servers = [Server(root) for _ in range(servers)]

    # Calls

    def call(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """Call a tool; return its answer.

        Raises:
            Refused: it answered with an error.
        """
        server = self._random.choice(self._servers)
        return self.answer(server, self.call_soon(server, tool, **arguments))

    def server(self) -> Server:
        """Return one of the servers."""
        return self._random.choice(self._servers)

    def call_soon(self, server: Server, tool: str, /, **arguments: Any) -> int:
        """Call a tool; its answer is not waited for."""
        return server.chat.call_soon(tool, **arguments)

    def answer(self, server: Server, call: int) -> dict[str, Any]:
        """Return the answer of a call."""
        result = server.answer(call)
        if result.get("isError"):
            raise Refused("\n".join(block["text"] for block in result["content"]))
        return result["structuredContent"]

    def queued(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """Call a tool that queues; if its server dies over it, another is asked the same."""
        self.work()
        self._keys += 1
        arguments["requestKey"] = f"call {self._keys}"
        if self._random.random() < 0.15:
            server = self.server()
            self.call_soon(server, tool, **arguments)
            pause(self._random.uniform(0, 0.06))
            self.kill_server(server)
        while True:
            server = self.server()
            try:
                return self.answer(server, self.call_soon(server, tool, **arguments))
            except (Died, BrokenPipeError):  # struck in the worker that it had in itself
                self._again(server)

    # Deaths

    def work(self) -> None:
        """See to it that there is a worker: one of its own, unless a server was faster."""
        alone = databases.address() is None  # on a shared database several may be
        if (self._worker is None or not self._worker.lives()) and not (
            alone and self._lock.is_held()
        ):
            self._worker = Forked(self.root, "worker", ends=None)
            self._struck["workers started"] += 1

    def _is_worked(self) -> bool:
        """Whether there is a worker, which says so as soon as it takes jobs."""
        if databases.address() is None:
            return self._lock.is_held()
        known = databases.rows(self.root, "SELECT to_regclass('hosts') IS NOT NULL") == [(True,)]
        return known and self._worker is not None and self._worker.pid in announced(self.root)

    def kill_worker(self) -> None:
        """Kill the worker; one that a server has in itself dies with all of these."""
        if self._worker is not None and self._worker.lives():
            self._worker.kill()
            self._struck["workers killed"] += 1
            return
        for server in list(self._servers):
            self.kill_server(server)

    def kill_server(self, server: Server | None = None) -> None:
        """Kill a server, and start the next."""
        server = server or self.server()
        server.kill()
        self._struck["servers killed"] += 1
        self._again(server)

    def pids(self) -> list[int]:
        """Return the processes that live: the worker and the servers."""
        there = [*(each.forked for each in self._servers)]
        there += [] if self._worker is None else [self._worker]
        return [each.pid for each in there if each.lives()]

    def _revive(self) -> None:
        for server in [each for each in self._servers if not each.forked.lives()]:
            self._again(server)

    def _again(self, server: Server) -> None:
        server.kill()
        self._servers[self._servers.index(server)] = Server(self.root)

    def arm(self) -> None:
        """Let the worker die in the middle of the next page that it writes."""
        strike_file(self.root).write_text(self._random.choice(POINTS), "utf-8")

    def disarm(self) -> bool:
        """Let no worker die any more where it writes; return whether one was to."""
        try:
            strike_file(self.root).unlink()
        except FileNotFoundError:
            return False
        return True

    def wait_ended(self, batch_id: str, *, at: tuple[float, ...] = ()) -> str:
        """Wait for a batch's end, and strike so many seconds from now; return its state."""
        began, left = time.monotonic(), sorted(at)

        def ended() -> bool:
            if left and time.monotonic() - began >= left[0]:
                del left[0]
                whom = self._random.choice(("worker", "worker", "both", "server"))
                if whom != "server":
                    self.kill_worker()
                if whom != "worker":
                    self.kill_server()
            self.work()
            self._revive()
            return state(self.root, batch_id) in ENDED

        wait_until(ended, seconds=ENDS_S)
        return state(self.root, batch_id)

    def close(self) -> None:
        """Leave nobody behind."""
        for server in self._servers:
            server.kill()
        if self._worker is not None:
            self._worker.kill()

    # The owner's own tools

    def git(self, *arguments: str) -> bool:
        """Run git in the workspace; return whether it did what it was asked for."""
        named = ("-c", "user.name=Rosa", "-c", "user.email=rosa@example.org")
        more = ("-c", "core.autocrlf=false", "-c", "gc.auto=0")
        done = subprocess.run(
            ("git", *named, *more, *arguments), cwd=self.root, capture_output=True, check=False
        )
        return done.returncode == 0


def pause(seconds: float) -> None:
    """Let the others go on for so long: when they are struck is drawn by lot."""
    until = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() >= until)
