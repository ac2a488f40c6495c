"""Where and how much one measurement measures; what every queue under measurement can do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

Durability = Literal["FULL", "NORMAL", "none"]
"""When a commit answers: on the disk, safe from a crash of the process only, or never."""

REST_S = 0.2
"""How long a job takes that waits as for a model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured."""

    jobs: int = 20_000
    """Drained per figure (a system that is known to be slow gets fewer)."""
    bulk: int = 10_000
    """Handed in as one batch."""
    enqueues: int = 2_000
    """Handed in one by one."""
    pings: int = 100
    """Jobs handed in to an idle worker, to see how soon each starts."""
    kept: int = 1_000_000
    """Finished jobs in the table of `drain-kept`."""
    waiting: int = 100_000
    """Pending or scheduled jobs beside those that are drained."""
    idle_s: float = 60.0
    """How long an idle worker is watched."""


QUICK = Sizes(
    jobs=1_000, bulk=1_000, enqueues=200, pings=20, kept=20_000, waiting=5_000, idle_s=3.0
)
"""Enough to see that everything runs; too little to say how fast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An empty folder to measure in, and how durable commits are to be."""

    folder: Path
    durability: Durability
    postgres: str | None = None
    """Address of a fresh database on the same disk."""
    made: bool = False
    """Whether another process has made the tables there."""
    works: bool = True
    """Whether this process is to run jobs, and not only to hand them in."""

    @property
    def file(self) -> Path:
        """Where a database of one file lies."""
        return self.folder / "queue.db"

    @property
    def synchronous(self) -> Literal["FULL", "NORMAL"]:
        """What SQLite is told, and PostgreSQL in its own words."""
        assert self.durability != "none", "a database commits to the disk"
        return self.durability


class Queue(Protocol):
    """A queue on fresh storage, set up as its documentation would have it."""

    async def enqueue_each(self, count: int) -> None:
        """Hand in no-op jobs one after another, each stored before the next is handed in."""
        ...

    async def enqueue_at_once(self, count: int, at_once: int) -> None:
        """Hand in no-op jobs one by one from so many tasks at once, each waiting for its own."""
        ...

    async def enqueue_many(self, count: int) -> None:
        """Hand in no-op jobs by the fastest way there is."""
        ...

    async def drain(self, count: int, concurrency: int) -> float:
        """Run the `count` jobs that are queued; return how many a second."""
        ...


class SharedQueue(Queue, Protocol):
    """A queue in a database that several processes have open, each as a worker or handing in."""

    async def enqueue_many(self, count: int, kind: str = "noop") -> None:
        """Hand in jobs that do nothing, or of the kind `rest`, that take `REST_S`."""
        ...

    async def ping(self) -> None:
        """Hand in a job that notes how long after this moment it starts."""
        ...

    async def work(self, lanes: int, hit: Callable[[], None]) -> None:
        """Run jobs until cancelled, `lanes` at once; call `hit` for each but the pings."""
        ...

    @property
    def delays_s(self) -> Sequence[float]:
        """How late the pings that this process ran started."""
        ...


@dataclass(slots=True)
class Tally:
    """Counts what a peer's handler was called for, in whichever thread.

    A peer's drain is counted from its first handler to its last: neither its start nor its last
    write costs it anything.
    """

    count: int
    done: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _hits: int = 0
    _first: float = 0.0
    _last: float = 0.0

    def hit(self) -> None:
        """Note that a handler runs."""
        with self._lock:
            if not self._hits:
                self._first = time.perf_counter()
            self._hits += 1
            if self._hits == self.count:
                self._last = time.perf_counter()
                self.done.set()

    @property
    def rate(self) -> float:
        """Jobs a second, once all have run."""
        assert self.done.is_set(), f"{self._hits} of {self.count} jobs ran"
        return (self.count - 1) / (self._last - self._first)


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """What is measured, and what a reader of its figures must know."""

    name: str
    module: str
    """Has `open_queue(Place)`, an async context manager of a `Queue`."""
    needs: tuple[str, ...] = ()
    """Packages that must be installed."""
    storage: Literal["sqlite", "postgresql", "memory"] = "sqlite"
    durabilities: tuple[Durability, ...] = ("FULL", "NORMAL")
    figures: tuple[str, ...] = ()
    jobs_max: Mapping[str, int] = field(default_factory=dict[str, int])
    """By figure, how many jobs are enough where it takes its time."""
    note: str = ""
