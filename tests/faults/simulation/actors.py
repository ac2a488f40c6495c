"""Who takes part: workers and servers that come and go."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import anyio

from mcp_server.errors import StorageError
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.hub.hub import Hub
from mcp_server.jobs.job import Batch
from mcp_server.jobs.queue import JobQueue
from mcp_server.jobs.records import Cursor, Host, Question
from mcp_server.jobs.telemetry import AttemptWatch
from mcp_server.jobs.worker.attempt import AttemptRunner
from mcp_server.jobs.worker.maintenance import Maintenance, MaintenanceSettings
from mcp_server.jobs.worker.worker import Worker, WorkerSettings
from tests.faults.simulation.handlers import Context, Play
from tests.faults.simulation.ledger import TIME_LIMITS_S
from tests.faults.simulation.world import LEASE_S, Process, World

CRASHES_MAX = 3
ABILITY = "key:x"
PAGE = 3
"""How many changes a server reads at a time: so few that a page often ends between two."""


class WorkerSlot:
    """A place where one worker after another lives, as whoever keeps it starts them."""

    def __init__(self, world: World, play: Play, number: int, lock: WorkspaceLock | None) -> None:
        self._world, self._play, self._number, self._lock = world, play, number, lock
        self._random = world.stream(f"worker {number}")
        self._started = 0
        self._able = False
        self.concurrency = self._random.choice((1, 2, 4, 8))
        self.process: Process | None = None
        self.worker: Worker | None = None

    async def run(self) -> None:
        """Start a worker, and another when it has ended, in whatever way."""
        while True:
            if self._lock is None or self._lock.take(self):
                await self._live()
            await anyio.sleep(self._random.uniform(0.1, 1.5))

    async def _live(self) -> None:
        self._started += 1
        process = self._world.process(f"worker{self._number}.{self._started}")
        self._world.note(process.name, "starts")
        self.process = process
        task = process.start(self._work(process))
        await asyncio.wait([task, process.death], return_when=asyncio.FIRST_COMPLETED)
        if not process.dead:
            self._world.note(process.name, "has ended")
            process.dead = True
            task.result()
        self.process = self.worker = None
        if self._lock is not None:
            self._lock.free(self)

    def make_room(self) -> None:
        """Have a worker that cannot do everything leave; whoever comes after faults ended can."""
        if self.worker is not None and not self._able:
            self.worker.stop()

    async def _work(self, process: Process) -> None:
        random, world = self._random, self._world
        self._able = able = not world.faulty or random.random() < 0.6
        host = Host(
            id=process.name,
            role="worker",
            pid=self._started,
            version="1",
            abilities=frozenset({ABILITY} if able else set[str]()),
        )
        runner = AttemptRunner(
            self._play.registry,
            process,
            lambda attempt, progress: Context(attempt, progress, process),
            time_limit_s=TIME_LIMITS_S["plain"],
            random=random.random,
            watch=AttemptWatch(),
        )
        settings = WorkerSettings(
            concurrency=self.concurrency,
            claim_max=random.choice((2, 64)),
            lease_s=LEASE_S,
            heartbeat_s=LEASE_S / 3,
            grace_s=random.choice((0.0, 2.0)),
            idle_s=random.choice((None, 1.0)) if world.faulty else None,
            heed_s=1.0,
            holds_lock=self._lock is not None,
        )
        kept = Maintenance(process.store, process, MaintenanceSettings(crashes_max=CRASHES_MAX))
        self.worker = Worker(
            process.store, self._play.registry, runner, kept, process, host, settings,
            process.new_id,
        )  # fmt: skip
        try:
            await self.worker.run()
        except StorageError as error:
            world.note(process.name, f"cannot begin: {error}")


class WorkspaceLock:
    """The lock of the one worker; freed when it ends or dies, held while it is stopped."""

    def __init__(self) -> None:
        self._holder: object | None = None

    def take(self, who: object) -> bool:
        """Take it, if nobody has it."""
        if self._holder is None:
            self._holder = who
        return self._holder is who

    def free(self, who: object) -> None:
        """Let go of it."""
        if self._holder is who:
            self._holder = None


@dataclass
class Server:
    """A server: what a tool call reaches."""

    process: Process
    batches: BatchService
    queue: JobQueue
    hub: Hub
    seen: dict[str, Batch] = field(default_factory=dict[str, Batch])
    """Each batch as the server last heard of it."""

    async def hear(self) -> None:
        """Hear of all changes, as whoever shows progress does."""
        subscription = None
        while subscription is None:
            try:
                subscription = await self.hub.subscribe(None)
                await self._look_back()
            except StorageError:
                subscription = None
                await anyio.sleep(1)
        async for snapshot in subscription:
            if isinstance(snapshot.operation, Batch):
                self.seen[snapshot.id] = snapshot.operation

    async def _look_back(self) -> None:
        """Read what was over before we subscribed."""
        question = Question(Cursor(0, 0, 0, 0, None), {})
        more = True
        while more:
            [found] = await self.process.store.updates([question], limit=PAGE)
            self.seen.update((batch.id, batch) for batch in found.batches)
            question, more = question._replace(cursor=found.cursor), found.more


class ServerSlot:
    """A place where one server after another lives."""

    def __init__(self, world: World, play: Play, number: int) -> None:
        self._world, self._play, self._number = world, play, number
        self._random = world.stream(f"server {number}")
        self._started = 0
        self.server: Server | None = None

    async def run(self) -> None:
        """Start a server, and another when it has died."""
        while True:
            self._started += 1
            process = self._world.process(f"server{self._number}.{self._started}")
            hub = Hub(process.store)
            made = (process.store, self._play.registry, process, process.new_id)
            queue, batches = JobQueue(*made, hub=hub), BatchService(*made, hub=hub)
            self.server = Server(process, batches, queue, hub)
            hearing = process.start(self.server.hear())
            await asyncio.wait([hearing, process.death], return_when=asyncio.FIRST_COMPLETED)
            if not process.dead:
                hearing.result()
            self.server = None
            await anyio.sleep(self._random.uniform(0.1, 1.5))
