"""What the store suites work with: stores on a real file, a clock that stands still, shorthand."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from mcp_server.clock import new_id
from mcp_server.entities.entity import PREVIEW, Author, Revision
from mcp_server.entities.store import EntityStore
from mcp_server.entities.usage import Ledger
from mcp_server.jobs.job import Attempt, Batch, Job, JobState, NewJob, Origin
from mcp_server.jobs.outcome import Done, Outcome
from mcp_server.jobs.records import Cancelled, Claim, NewBatch, Report, Submission
from mcp_server.jobs.retry import Verdict, decide
from mcp_server.jobs.store import JobStore
from mcp_server.storage.postgres.database import PostgresDatabase
from mcp_server.storage.sql.content.effects import ContentEffects
from mcp_server.storage.sql.content.store import SqlEntityStore
from mcp_server.storage.sql.database import Database
from mcp_server.storage.sql.queue.store import SqlJobStore
from mcp_server.storage.sql.usage import SqlLedger
from mcp_server.storage.sqlite.file.database import Database as Sqlite
from tests.attempts import record
from tests.harness import ManualClock
from tests.storage.postgres_server import SCHEMAS, server
from tests.storage.raw import PostgresRaw, Raw, SqliteRaw
from tests.waiting import until

ORIGIN = Origin(owner="ada", interface="test", destination="room-7")
DONE = Done({"ok": True})
HOUR_S = 3600.0
DAY_S = 24 * HOUR_S


@dataclass(frozen=True)
class Stores:
    """All stores on one file, or schema."""

    jobs: JobStore
    entities: EntityStore
    ledger: Ledger
    database: Database | None = None
    raw: Raw | None = None


Engine = Callable[..., AbstractAsyncContextManager[Stores]]
"""Opens the workspace of this name, new or not."""


@asynccontextmanager
async def sqlite(path: Path, **settings: Any) -> AsyncGenerator[Stores]:
    """Open the stores on a SQLite file."""
    async with Sqlite.open(path, synchronous="NORMAL") as database:
        yield stores_on(database, SqliteRaw(path), **settings)


@asynccontextmanager
async def postgres(path: Path, **settings: Any) -> AsyncGenerator[Stores]:
    """Open the stores in a schema of a PostgreSQL server's; each path has one of its own."""
    async with PostgresDatabase.open(server(), SCHEMAS.of(path)) as database:
        await listens(database)
        yield stores_on(database, PostgresRaw(path), **settings)


async def listens(database: PostgresDatabase) -> None:
    """Wait until it hears of commits: the connection for that counts as news, and is made last."""

    async def quiet() -> bool:
        await database.look()
        return database.is_quiet()

    await until(quiet)


def stores_on(database: Database, raw: Raw | None = None, **settings: Any) -> Stores:
    """Return all stores of a database."""
    ids = partial(new_id, "j", ManualClock())
    jobs = SqlJobStore(database, ContentEffects(), ids, **settings)
    return Stores(jobs, SqlEntityStore(database), SqlLedger(database), database, raw)


ENGINES: dict[str, Engine] = {"postgres": postgres, "sqlite": sqlite}
BY_STEPS: dict[str, Engine] = {
    "postgres": partial(postgres, follow_max=2),
    "sqlite": partial(sqlite, follow_max=2),
}
"""As those, where jobs follow two by two what is said of their batch."""


def a_job(**different: Any) -> NewJob:
    """Make a job of kind `work`; keywords say what is different."""
    made: dict[str, Any] = {"kind": "work", "payload": {"n": 1}}
    return NewJob(**(made | different))


def a_text(entity_id: str = "menu/hero", text: str = "hello", **different: Any) -> Revision:
    """Make a draft that is not stored yet; keywords say what is different."""
    made: dict[str, Any] = {
        "type": PREVIEW,
        "entity_id": entity_id,
        "template": "note",
        "fields": {"text": text},
        "markdown": f"{text}\n",
        "author": Author(kind="model", name="test:one"),
    }
    return Revision(**(made | different))


class Bench:
    """A store and the steps that many tests take."""

    def __init__(
        self, stores: Stores, engine: Engine, path: Path, clock: ManualClock | None = None
    ) -> None:
        self.store, self.entities = stores.jobs, stores.entities
        self.ledger = stores.ledger
        self._stores = stores
        self.path = path
        self.clock = clock or ManualClock()
        self._engine = engine
        self._attempts = count(1)

    @property
    def now(self) -> float:
        """Where the clock stands."""
        return self.clock.now()

    @property
    def database(self) -> Database:
        """That of the stores, where steps are taken that no store has."""
        assert self._stores.database is not None
        return self._stores.database

    @property
    def raw(self) -> Raw:
        """The rows, past all our own code."""
        assert self._stores.raw is not None
        return self._stores.raw

    @asynccontextmanager
    async def another(self) -> AsyncGenerator[Bench]:
        """Open the same file once more, as another process would."""
        async with self._engine(self.path) as stores:
            yield Bench(stores, self._engine, self.path, self.clock)

    async def submit(self, id: str = "b1", *jobs: NewJob, **different: Any) -> Submission:
        """Hand in a batch; without jobs, one of a single job. Job ids are `b1.1` and so on."""
        handed = [(f"{id}.{n}", job) for n, job in enumerate(jobs or [a_job()], start=1)]
        made: dict[str, Any] = {"id": id, "kind": "generate", "origin": ORIGIN, "jobs": handed}
        return await self.store.submit(NewBatch(**(made | different)), now=self.now)

    async def enqueue(self, id: str, job: NewJob | None = None) -> tuple[str, bool]:
        """Hand in a job outside any batch."""
        return await self.store.enqueue(id, job or a_job(), origin=ORIGIN, now=self.now)

    async def claim(
        self,
        limit: int = 1,
        *,
        worker: str = "w1",
        kinds: Collection[str] = ("work",),
        abilities: Collection[str] = (),
        lease_s: float = 30.0,
        ahead: int = 0,
        quick_kinds: Collection[str] | None = None,
        holds_nothing: bool = True,
    ) -> Sequence[Attempt]:
        """Claim ready jobs, and so many more that are quick; as all are unless some are named."""
        claim = Claim(
            id=f"{worker}.{id(self)}.{next(self._attempts)}",
            worker_id=worker,
            limit=limit,
            kinds=kinds,
            abilities=abilities,
            lease_s=lease_s,
            ahead=ahead,
            quick_kinds=kinds if quick_kinds is None else quick_kinds,
            holds_nothing=holds_nothing,
        )
        return (await self.store.exchange([], claim, now=self.now)).attempts

    async def start(self, **claim: Any) -> Attempt:
        """Claim the next job."""
        [attempt] = await self.claim(**claim)
        return attempt

    async def finish(self, attempt: Attempt, outcome: Outcome = DONE) -> Verdict:
        """Report how an attempt ended; raises what kept it from being recorded."""
        verdict = decide(attempt.job, outcome, now=self.now, jitter=1.0)
        return await record(self.store, Report(attempt, verdict), now=self.now)

    async def work(self, outcome: Outcome = DONE, **claim: Any) -> Verdict:
        """Take the next job to an end."""
        return await self.finish(await self.start(**claim), outcome)

    async def work_all(self, outcome: Outcome = DONE) -> list[Verdict]:
        """Take every ready job to an end, one after the other."""
        ended: list[Verdict] = []
        while attempts := await self.claim():
            ended.append(await self.finish(attempts[0], outcome))
        return ended

    async def cancel(self, batch_id: str = "b1") -> Cancelled:
        """Cancel a batch."""
        return await self.store.cancel_batch(batch_id, reason="enough", now=self.now)

    async def follow(self) -> None:
        """Let all jobs follow what was said of their batch."""
        while await self.store.follow(now=self.now):
            pass

    async def retry(self, batch_id: str = "b1", **different: Any) -> Submission:
        """Take a batch up again."""
        asked: dict[str, Any] = {"terms": None, "requires": None, "leave_out": (), "request": None}
        return await self.store.retry(batch_id, **(asked | different), now=self.now)

    async def rescue(self, *, crashes_max: int = 10, **different: Any) -> int:
        """Return lost attempts to the queue."""
        asked: dict[str, Any] = {"except_worker": None, "limit": 100}
        return await self.store.rescue(now=self.now, crashes_max=crashes_max, **(asked | different))

    async def batch(self, batch_id: str = "b1", *, running: bool = False) -> Batch:
        """Return a batch that is there."""
        batch = await self.store.batch(batch_id, running=running)
        assert batch is not None
        return batch

    async def job(self, job_id: str = "b1.1") -> Job:
        """Return a job that is there."""
        job = await self.store.job(job_id)
        assert job is not None
        return job

    async def states(self, batch_id: str = "b1") -> list[JobState]:
        """Return the states of a batch's jobs, in their order."""
        return [job.state for job in await self.store.jobs(batch_id)]


@asynccontextmanager
async def opened(engine: Engine, path: Path) -> AsyncGenerator[Bench]:
    """Open a bench, whose rows do not contradict each other in the end."""
    with ExitStack() as after:
        async with engine(path) as stores:
            bench = Bench(stores, engine, path)
            after.callback(bench.raw.end)
            yield bench
        bench.raw.check()
