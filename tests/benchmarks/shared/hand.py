"""One process with a queue open that others have open too: a worker, or who hands jobs in.

    python -m tests.benchmarks.shared.hand ORDER

prints `ready`, then does what each line says and answers it in a line of JSON, until its stdin
ends. A worker counts each job that it has run where the measuring process looks (`Counts`), which
asks the database nothing.
"""

from __future__ import annotations

import json
import mmap
import random
import struct
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from pydantic import BaseModel

from tests.benchmarks.memory import peak_kb
from tests.benchmarks.place import Place, SharedQueue
from tests.benchmarks.systems import SYSTEMS

SETTLE_S = 0.7
"""How long a worker starts up before it counts as idle."""
PAUSE_S = (0.03, 0.13)
"""Between two pings: long enough that the worker is idle again, and out of step with its polls."""
NUMBER = struct.Struct("q")


class Order(BaseModel, frozen=True, extra="forbid"):
    """What a process is to be."""

    system: str
    address: str
    folder: Path
    lanes: int = 0
    """Of a worker, how many jobs it runs at once; 0: it hands in."""
    made: bool = True
    """Whether the tables are there."""
    counts: Path | None = None


class Report(BaseModel):
    """How a process has fared so far."""

    at: float
    cpu_s: float
    peak_kb: float
    delays_s: list[float]


class Counts:
    """How many jobs a worker has run, in a file that both processes look at."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), NUMBER.size)
        self._count = 0

    @classmethod
    def made(cls, path: Path) -> Counts:
        """Make the file."""
        path.write_bytes(NUMBER.pack(0))
        return cls(path)

    def hit(self) -> None:
        """Note one more."""
        self._count += 1
        NUMBER.pack_into(self._map, 0, self._count)

    @property
    def value(self) -> int:
        """How many there are now."""
        return NUMBER.unpack_from(self._map)[0]


async def main(order: Order) -> None:
    """Be one of the processes."""
    place = Place(
        folder=order.folder,
        durability="FULL",
        postgres=order.address,
        made=order.made,
        works=bool(order.lanes),
    )
    async with (
        import_module(SYSTEMS[order.system].module).open_queue(place) as queue,
        anyio.create_task_group() as tasks,
    ):
        if order.counts is not None:
            tasks.start_soon(queue.work, order.lanes, Counts(order.counts).hit)
            await anyio.sleep(SETTLE_S)
        print("ready", flush=True)
        while line := await anyio.to_thread.run_sync(sys.stdin.readline):
            print(json.dumps(await _do(queue, *json.loads(line))), flush=True)
        tasks.cancel_scope.cancel()


async def _do(queue: SharedQueue, what: str, *words: Any) -> object:
    begun = time.monotonic()
    match what:
        case "report":
            return Report(
                at=begun,
                cpu_s=time.process_time(),
                peak_kb=peak_kb(),
                delays_s=list(queue.delays_s),
            ).model_dump()
        case "pings":
            for _ in range(*words):
                await queue.ping()
                await anyio.sleep(random.uniform(*PAUSE_S))
        case _:
            await getattr(queue, what)(*words)
    return {"begun": begun, "ended": time.monotonic()}


if __name__ == "__main__":
    anyio.run(main, Order.model_validate_json(sys.argv[1]))
