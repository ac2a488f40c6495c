"""A queue that several processes have open, as the process that measures them has it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from tests.benchmarks.measuring import OWN
from tests.benchmarks.shared.hand import Counts, Order, Report
from tests.wire import own_module

HAND = "tests.benchmarks.shared.hand"
LINE_BYTES_MAX = 10_000_000
LOOK_S = 0.005
DRAIN_S = 300.0


class Hand:
    """Such a process, as the measuring one has it."""

    def __init__(self, process: Process, counts: Counts | None) -> None:
        assert process.stdout is not None
        self._process, self.counts = process, counts
        self._lines = BufferedByteReceiveStream(process.stdout)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    async def ask(self, *words: object) -> Any:
        """Let it do something; return what it answers."""
        assert self._process.stdin is not None
        await self._process.stdin.send(json.dumps(words).encode() + b"\n")
        return json.loads(await self.line())

    async def report(self) -> Report:
        """Return how it has fared so far."""
        return Report.model_validate(await self.ask("report"))

    async def line(self) -> bytes:
        """Return the next line that it prints."""
        return await self._lines.receive_until(b"\n", LINE_BYTES_MAX)

    def end(self) -> None:
        """End it, whatever it does."""
        with suppress(ProcessLookupError):
            self._process.kill()


class Desk:
    """A queue in a fresh database, and the processes that have it open."""

    def __init__(self, system: str, address: str, folder: Path, stack: AsyncExitStack) -> None:
        self.system, self.address, self._folder, self._stack = system, address, folder, stack
        self.workers: list[Hand] = []
        self.clients: list[Hand] = []

    async def start(self, workers: int, lanes: int, *, made: bool = False) -> None:
        """Start who hands in, and so many workers; return once they are idle."""
        self.clients.append(await self._start(lanes=0, made=made))
        for _ in range(workers):
            self.workers.append(await self._start(lanes=lanes, made=True))
        for worker in self.workers:
            assert await worker.line() == b"ready"

    @property
    def client(self) -> Hand:
        """Who hands in."""
        return self.clients[0]

    async def _start(self, *, lanes: int, made: bool) -> Hand:
        counts = self._folder / f"counts-{time.monotonic_ns()}" if lanes else None
        found = None if counts is None else Counts.made(counts)
        order = Order(
            system=self.system,
            address=self.address,
            folder=self._folder,
            lanes=lanes,
            made=made,
            counts=counts,
        )
        command, variables = own_module(HAND, order.model_dump_json())
        process = await self._stack.enter_async_context(
            await anyio.open_process(
                command, stdin=subprocess.PIPE, stderr=sys.stderr, env=variables
            )
        )
        hand = Hand(process, found)
        if not lanes:  # whoever comes later finds the tables
            assert await hand.line() == b"ready"
        return hand

    async def drain(self, count: int, kind: str = "noop") -> float:
        """Hand in a batch, and return how many of it were run a second from then on.

        Of ours, until the batch has ended; of the others, until the last handler was called.
        """
        before = self._ran()
        handed_in = (await self.client.ask("enqueue_many", count, kind))["ended"]
        early = self._ran() - before
        begun = max(handed_in, time.monotonic() - LOOK_S)
        with anyio.fail_after(DRAIN_S):
            while self._ran() - before < count:
                await anyio.sleep(LOOK_S)
            if self.system == OWN:
                await self.client.ask("wait")
        ended = time.monotonic()
        assert self._ran() - before == count, "a job was run twice"
        return (count - early) / (ended - begun)

    async def delays_s(self, count: int) -> Sequence[float]:
        """Hand in so many pings, one now and then; return how late each started."""
        [worker] = self.workers
        await self.client.ask("pings", count)
        with anyio.fail_after(DRAIN_S):
            while len(found := (await worker.report()).delays_s) < count:
                await anyio.sleep(LOOK_S)
        return found

    def _ran(self) -> int:
        return sum(worker.counts.value for worker in self.workers if worker.counts is not None)


@asynccontextmanager
async def desk(
    system: str, address: str, folder: Path, *, workers: int, lanes: int, made: bool = False
) -> AsyncGenerator[Desk]:
    """Let processes open a queue in a database, which is fresh unless the tables are `made`."""
    async with AsyncExitStack() as stack:
        found = Desk(system, address, folder, stack)
        try:
            await found.start(workers, lanes, made=made)
            yield found
        finally:
            for hand in (*found.workers, *found.clients):
                hand.end()
