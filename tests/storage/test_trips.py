"""How often a step waits for the database server, while it holds the lock of its workspace.

Over a network each time takes a millisecond or more: so many steps a second are all that a
workspace can take.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mcp_server.entities.effects import ABSENT, SaveRevision
from mcp_server.jobs.job import Attempt, Dedup, Step
from mcp_server.jobs.outcome import Done, Enqueue
from mcp_server.jobs.records import Claim, Report, Request
from mcp_server.jobs.retry import decide
from mcp_server.storage.postgres.database import PostgresDatabase
from mcp_server.storage.sql.transaction import Transaction
from tests.storage.cutting import Proxy
from tests.storage.postgres_server import SCHEMAS, server
from tests.storage.stores import DONE, Bench, a_job, a_text, listens, opened, postgres, stores_on

pytestmark = pytest.mark.anyio

KINDS = ("work", "export", "asks", "embed", "import", "promote", "review", "write")
EXPORT = a_job(kind="export", dedup=Dedup.COALESCE, dedup_key="export:menu", counted=False)
DRAFTED = Done(effects=(SaveRevision(a_text(), ABSENT), Enqueue(EXPORT)))

KEYED = [a_job(dedup=Dedup.SKIP, dedup_key=f"draft:menu/{n}") for n in range(100)]
KEYS = {
    "request": Request(key="r", digest="d"),
    "spends": Request(key="s", digest="d"),
    "submit_key": "generate:menu",
}


@dataclass
class Line:
    """A bench whose connections are counted on their way."""

    bench: Bench
    proxy: Proxy

    async def claimed(self, count: int) -> list[Attempt]:
        """Have so many jobs of one batch run, with as many behind them."""
        await self.bench.submit("b1", *[a_job() for _ in range(2 * count)])
        return list(await self.bench.claim(count, kinds=KINDS, abilities=["key:x"]))

    async def exchange(
        self, attempts: list[Attempt], claims: int, outcome: Any = DONE, *, found: bool = True
    ) -> None:
        """Report ends, and claim."""
        now = self.bench.now
        ends = [decide(attempt.job, outcome, now=now, jitter=1.0) for attempt in attempts]
        reports = [Report(*each, Step(1, 2)) for each in zip(attempts, ends, strict=True)]
        claim = Claim(
            id="next",
            worker_id="w1",
            limit=claims,
            kinds=KINDS,
            abilities=["key:x"],
            lease_s=30,
        )
        done = await self.bench.store.exchange(reports, claim, now=now)
        assert not [each for each in done.recorded if isinstance(each, Exception)]
        assert len(done.attempts) == (claims if found else 0)


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    """A bench on a line that has all its connections already."""
    async with (
        opened(postgres, tmp_path / "one") as bench,
        Proxy(server()).open() as proxy,
        PostgresDatabase.open(proxy.address, SCHEMAS.of(bench.path), poll_s=3600) as database,
    ):
        line = Line(Bench(stores_on(database), postgres, bench.path, bench.clock), proxy)
        await line.bench.enqueue("first", a_job(kind="nobody's"))
        await listens(database)
        yield line


Step_ = Callable[[Line, list[Attempt]], Awaitable[Any]]
STEPS: dict[str, tuple[int, int, Step_]] = {
    "a look for work, in vain": (0, 3, lambda line, _: line.exchange([], 50, found=False)),
    "a batch of one": (0, 4, lambda line, _: line.bench.submit("new")),
    "a batch of a thousand": (
        0,
        4,
        lambda line, _: line.bench.submit("new", *[a_job() for _ in range(1000)]),
    ),
    "a batch with keys": (0, 6, lambda line, _: line.bench.submit("new", *KEYED, **KEYS)),
    "a job alone": (0, 2, lambda line, _: line.bench.enqueue("alone")),
    "one ends, one begins": (1, 6, lambda line, running: line.exchange(running, 1)),
    "fifty end, fifty begin": (50, 6, lambda line, running: line.exchange(running, 50)),
    "a batch is cancelled": (50, 6, lambda line, _: line.bench.cancel()),
    "a draft is stored, and its page exported": (
        1,
        5,
        lambda line, running: line.exchange(running, 0, DRAFTED),
    ),
    "that, and one begins": (1, 8, lambda line, running: line.exchange(running, 1, DRAFTED)),
    "a heartbeat": (
        4,
        2,
        lambda line, running: line.bench.store.renew(
            [each.id for each in running], lease_s=30, now=line.bench.now
        ),
    ),
    "progress of four": (
        4,
        2,
        lambda line, running: line.bench.store.step([(each, Step(1, 2)) for each in running]),
    ),
}
"""By step: how many jobs run before it, and how often it may wait."""


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_waits_for_the_server_a_few_times_whatever_its_size(
    line: Line, step: str
) -> None:
    """What needs no answer of another statement is sent with it."""
    running, trips, call = STEPS[step]
    attempts = await line.claimed(running) if running else []
    before = line.proxy.turns
    await call(line, attempts)
    assert 0 < line.proxy.turns - before <= trips


async def test_long_texts_are_sent_as_they_come(line: Line) -> None:
    """To keep many of them takes the driver ever longer for each."""
    before, text = line.proxy.turns, "x" * 900_000

    def step(tx: Transaction) -> None:
        for n in range(10):
            tx.run("put_site", hash=f"{n}", document=text)

    await line.bench.database.write(step)
    assert line.proxy.turns - before >= 5
