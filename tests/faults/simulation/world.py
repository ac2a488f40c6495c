"""The simulated machine: its clock, its processes, the database they share, and what goes wrong.

All that is drawn comes from the seed: the order of events, the time each takes, the faults.
"""

from __future__ import annotations

import asyncio
import sqlite3
import zlib
from collections.abc import Coroutine, Sequence
from contextvars import copy_context
from itertools import count
from random import Random
from typing import Any

from mcp_server.storage.sql.content.effects import ContentEffects
from mcp_server.storage.sql.queue.store import SqlJobStore
from mcp_server.storage.sqlite.file.database import Database
from tests.faults.simulation.ledger import CHECKS, Ledger, Violation, check_tables
from tests.faults.simulation.loop import CURRENT, Slice, VirtualLoop
from tests.faults.simulation.storage import (
    Hop,
    Refusal,
    SimulatedConnection,
    WatchedConnection,
    create,
    open_memory,
    open_writer,
)

EPOCH = 1_700_000_000.0

LEASE_S = 2.0
"""How long a worker's claims hold; what goes wrong is made to last as long, or longer."""

REFUSALS = (
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_NOMEM,
)

FOLLOW_MAX = 3
"""Jobs that follow in one step what was said of their batch: of most batches not all."""

CHECK_ALL_EVERY = 64
"""So many transactions apart all tables are checked; one check is made after each."""

_databases = count()


class World:
    """Everything that one seed makes."""

    def __init__(self, seed: int, *, traced: bool = False) -> None:
        self.seed, self.traced = seed, traced
        self.loop = VirtualLoop(self.stream("order"))
        self.outside = copy_context()
        """The context of what belongs to no process."""
        self.ledger = Ledger()
        self.lines: list[str] = []
        self.digest = 0
        self.processes: list[Process] = []
        self.over = False
        self.faulty = True
        """Whether anything goes wrong any more."""
        self.wall_offset_s = 0.0
        self.locked_until = 0.0
        self.trouble = self.stream("trouble").choice((0.0, 0.002, 0.01, 0.05))
        """How often a trip to the database goes wrong in some way."""
        self.commits = 0
        self._uri = f"file:/simulation-{next(_databases)}?vfs=memdb"
        self._kept = create(self._uri)
        self.observer = open_memory(self._uri, sqlite3.Connection)
        self._hops = self.stream("hops")
        self._blobs = self.stream("blobs")
        self._checks = list(CHECKS)

    def stream(self, name: str) -> Random:
        """Return a source of chance of its own, which nothing else draws from."""
        return Random(f"{self.seed}/{name}")

    def now(self) -> float:
        """Return the machine's wall clock."""
        return EPOCH + self.loop.time() + self.wall_offset_s

    def note(self, who: str, what: str) -> None:
        """Write a line into the trace."""
        line = f"{self.loop.time():10.4f}  {who:<10} {what}"
        self.digest = zlib.crc32(line.encode(), self.digest)
        if self.traced:
            self.lines.append(line)

    def process(self, name: str) -> Process:
        """Start a process."""
        process = Process(self, name)
        self.processes.append(process)
        return process

    def open_writer(self) -> WatchedConnection:
        """Open a connection for a process."""
        return open_writer(self._uri, self._blobs.randbytes)

    def open_reader(self) -> WatchedConnection:
        """Open another, which changes nothing."""
        return open_memory(self._uri, WatchedConnection)

    def committed(self, process: Process, moves: Sequence[sqlite3.Row]) -> None:
        """Compare a transaction with what may be; in a trace, and now and then, all tables too."""
        if self.over:
            return
        self.commits += 1
        for move in moves:
            self.note(process.name, _described(move))
        number = self.commits % len(self._checks)
        every = self.traced or self.commits % CHECK_ALL_EVERY == 0
        try:
            self.ledger.note(process.name, self.loop.time(), moves)
            check_tables(self.observer, self._checks if every else [self._checks[number]])
        except Violation as violation:
            self.loop.failure = violation  # not to be caught by what is watched

    def hop(self, *, writes: bool) -> Hop:
        """Draw what happens to a trip to a connection's thread."""
        random = self._hops
        chance = random.random()
        before_s = chance * chance * 0.004
        if not writes:
            after_s = 0.0
        elif self.faulty and chance > 0.95:
            after_s = random.uniform(0.0, 0.5)  # so that much is waiting for the next commit
        else:
            after_s = chance * 0.001
        if not self.faulty or random.random() >= (self.trouble if writes else self.trouble / 5):
            return Hop(before_s, after_s)
        late_s = random.uniform(0.3, 1.5 * LEASE_S)
        match random.randrange(10 if writes else 6):
            case 0:
                return Hop(before_s, late_s)  # the answer is late
            case 1:
                return Hop(late_s, after_s)  # it is long on its way
            case 2 | 3 | 4 | 5:
                return Hop(before_s, after_s, refusal=self._refusal(random))
            case 6:
                return Hop(before_s, after_s, dies_before=True)
            case _:
                return Hop(before_s, random.uniform(0, 0.5), dies_after=True)

    def _refusal(self, random: Random) -> Refusal:
        statements = random.choice((1, 2, 3, 5, 8, 13, 21, 34))
        return Refusal(statements, random.choice(REFUSALS), takes_all=random.random() < 0.4)

    def close(self) -> None:
        """Let go of everything."""
        for process in self.processes:
            process.discard()
        self.observer.close()
        self._kept.close()


class Process:
    """A simulated process: a clock, connections and tasks of its own; only the file is shared."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.slice = Slice(name)
        self.dead = False
        self.death: asyncio.Future[None] = world.loop.create_future()
        """Done when it is killed."""
        self.skew_s = 0.0
        """How far its clock is off the machine's."""
        self._context = copy_context()
        self._context.run(CURRENT.set, self.slice)
        self._ids = count(1)
        self._writer = SimulatedConnection(self, world.open_writer(), writes=True)
        self._reader = SimulatedConnection(self, world.open_reader(), writes=False)
        database = Database(self._writer, self._reader)
        self.store = SqlJobStore(database, ContentEffects(), self.new_id, follow_max=FOLLOW_MAX)

    def new_id(self) -> str:
        """Return an id that no other process makes."""
        return f"{self.name}:{next(self._ids)}"

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something in this process."""
        return self.world.loop.create_task(work, context=self._context)

    def stop(self) -> None:
        """Withhold the processor from it (SIGSTOP)."""
        self.world.note(self.name, "is stopped")
        self.world.loop.hold(self.slice)

    def stop_for(self, seconds: float) -> None:
        """Withhold the processor from it for so long."""
        self.stop()
        loop, outside = self.world.loop, self.world.outside
        loop.call_at(loop.time() + seconds, self.go_on, context=outside)

    def go_on(self) -> None:
        """Let it go on (SIGCONT)."""
        if not self.dead:
            self.world.note(self.name, "goes on")
            self.world.loop.release(self.slice)

    def unwind(self) -> None:
        """Let what is left of it run to its end, at the end of the world."""
        self.world.loop.release(self.slice)

    def discard(self) -> None:
        """Close its connections."""
        self._writer.discard()
        self._reader.discard()

    # Its clock

    def now(self) -> float:
        """Return its wall clock."""
        return self.world.now() + self.skew_s

    # What its connections ask

    @property
    def over(self) -> bool:
        return self.world.over

    def hop(self, *, writes: bool) -> Hop:
        return self.world.hop(writes=writes)

    def locked_s(self) -> float:
        return self.world.locked_until - self.world.loop.time()

    def die(self) -> None:
        """Run nothing any more (SIGKILL); what was committed stays."""
        if not self.dead:
            self.world.note(self.name, "is killed")
            self.dead = True
            self.death.set_result(None)
            self.world.loop.hold(self.slice)

    def committed(self, moves: Sequence[sqlite3.Row]) -> None:
        self.world.committed(self, moves)


def _described(move: sqlite3.Row) -> str:
    code = f" ({move['code']})" if move["code"] else ""
    attempt = f" by {move['attempt']}" if move["attempt"] else ""
    old, new = move["old"] or "new", move["new"] or "gone"
    return f"{move['what']} {move['name']}: {old} → {new}{code}{attempt}"
