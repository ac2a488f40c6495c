"""Processes that write one file at the same time: what they get done, and what it costs each.

    python -m tests.benchmarks.contending FOLDER DURABILITY COUNT

prints `ready`, waits for a line, hands in `COUNT` jobs from `AT_ONCE` tasks, each job stored before
its task goes on, and prints how it went as one JSON object.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from pydantic import BaseModel

from mcp_server.errors import StorageBusy
from tests.benchmarks.place import Place, Sizes
from tests.benchmarks.pressroom import PressroomQueue, open_queue
from tests.benchmarks.rows import opened

AT_ONCE = 50
WRITERS = 2
TURNS = 3
"""Runs of each sort, in turns: alone, together, alone, …"""
LINE_BYTES_MAX = 10_000


class Writing(BaseModel):
    """How one process fared; times are `time.monotonic()`, one clock for all of a machine."""

    begun: float
    ended: float
    slowest_s: float = 0.0
    """The longest that one job took until it was stored."""
    busy: int = 0
    """Jobs that were refused because the other process wrote for too long."""


async def contended(place: Place, sizes: Sizes) -> dict[str, float]:
    """Let one process write, then two at the same time, in turns and on fresh files."""
    alone, together, slowest, busy = list[float](), list[float](), list[float](), 0
    for turn in range(TURNS):
        for writers, rates in ((1, alone), (WRITERS, together)):
            folder = place.folder / f"{writers}-{turn}"
            folder.mkdir()
            fresh = Place(folder=folder, durability=place.durability)
            written = await write(fresh, writers, sizes.bulk)
            seconds = max(w.ended for w in written) - min(w.begun for w in written)
            rates.append(writers * sizes.bulk / seconds)
            if writers > 1:
                slowest += [w.slowest_s for w in written]
                busy += sum(w.busy for w in written)
    rate = statistics.median(together)
    return {
        "contended": rate,
        "contended-of-alone": 100 * rate / statistics.median(alone),
        "contended-slowest": 1000 * max(slowest),
        "contended-busy": busy,
    }


async def write(place: Place, writers: int, count: int) -> Sequence[Writing]:
    """Let so many processes hand in `count` jobs each, at the same time; return how each fared."""
    async with open_queue(place):  # makes the file
        pass
    command = [sys.executable, "-m", __name__, str(place.folder), place.durability, str(count)]
    async with AsyncExitStack() as stack:
        processes: list[tuple[Process, BufferedByteReceiveStream]] = []
        for _ in range(writers):
            process = await stack.enter_async_context(
                await anyio.open_process(command, stdin=subprocess.PIPE, stderr=None)
            )
            assert process.stdout is not None
            processes.append((process, BufferedByteReceiveStream(process.stdout)))
        for _, lines in processes:
            assert await lines.receive_until(b"\n", LINE_BYTES_MAX) == b"ready"
        for process, _ in processes:
            assert process.stdin is not None
            await process.stdin.send(b"go\n")
        said = [await lines.receive_until(b"\n", LINE_BYTES_MAX) for _, lines in processes]
    written = [Writing.model_validate_json(line) for line in said]
    assert _stored(place.file) == writers * count - sum(w.busy for w in written)
    return written


def _stored(path: Path) -> int:
    with opened(path, synchronous="NORMAL") as connection:
        return connection.execute("SELECT count(*) FROM jobs").fetchone()[0]


async def main(place: Place, count: int) -> None:
    """Be one of the writers."""
    async with open_queue(place) as queue:
        print("ready", flush=True)
        await anyio.to_thread.run_sync(sys.stdin.readline)
        begun = time.monotonic()
        fared = Writing(begun=begun, ended=begun)
        async with anyio.create_task_group() as tasks:
            for _ in range(AT_ONCE):
                tasks.start_soon(_hand_in, queue, count // AT_ONCE, fared)
        fared.ended = time.monotonic()
        print(fared.model_dump_json(), flush=True)


async def _hand_in(queue: PressroomQueue, count: int, fared: Writing) -> None:
    for _ in range(count):
        begun = time.monotonic()
        try:
            await queue.enqueue_each(1)
        except StorageBusy:
            fared.busy += 1
        fared.slowest_s = max(fared.slowest_s, time.monotonic() - begun)


if __name__ == "__main__":
    where, durability, jobs = sys.argv[1:]
    assert durability in ("FULL", "NORMAL")
    anyio.run(main, Place(folder=Path(where), durability=durability), int(jobs))
