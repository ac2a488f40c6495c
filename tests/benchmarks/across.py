"""A worker in a process of its own, for what starting a job costs across processes.

    python -m tests.benchmarks.across FOLDER DURABILITY COUNT

prints `ready`, runs `COUNT` pings, and prints how late each started, in seconds, as one JSON list.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import anyio
from anyio.streams.buffered import BufferedByteReceiveStream

from tests.benchmarks.place import Place
from tests.benchmarks.pressroom import open_queue

CONCURRENCY = 50
LOOK_S = 0.02
LINE_BYTES_MAX = 10_000_000


async def delays_across(
    place: Place, count: int, ping: Callable[[], Awaitable[None]]
) -> Sequence[float]:
    """Start the worker, run `ping`, which hands in `count` pings, and return their delays."""
    command = [sys.executable, "-m", __name__, str(place.folder), place.durability, str(count)]
    async with await anyio.open_process(command, stdin=subprocess.DEVNULL, stderr=None) as process:
        assert process.stdout is not None
        lines = BufferedByteReceiveStream(process.stdout)
        assert await lines.receive_until(b"\n", LINE_BYTES_MAX) == b"ready"
        await ping()
        return json.loads(await lines.receive_until(b"\n", LINE_BYTES_MAX))


async def main(place: Place, count: int) -> None:
    """Be the worker."""
    async with open_queue(place) as queue, anyio.create_task_group() as tasks:
        await tasks.start(queue.worker(CONCURRENCY).run)
        print("ready", flush=True)
        while len(queue.delays_s) < count:
            await anyio.sleep(LOOK_S)
        print(json.dumps(list(queue.delays_s)), flush=True)
        tasks.cancel_scope.cancel()


if __name__ == "__main__":
    folder, durability, count = sys.argv[1:]
    assert durability in ("FULL", "NORMAL")
    anyio.run(main, Place(folder=Path(folder), durability=durability), int(count))
