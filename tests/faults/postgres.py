"""Many hands on one job at once, on PostgreSQL: `python -m tests.faults.postgres barrier|lease`.

`barrier`: several processes' connections claim at the same moment. No limit is ever passed, no key
has two jobs that run, no job is claimed twice, and none is left.

`lease`: a worker is stopped before or after a statement of its end, each in turn, until its lease
is over and another has taken the job, or has found that there is nothing to take. What the job does
is done once, and its worker knows whether it was by it.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Self, cast
from unittest.mock import patch

import anyio
import psycopg
from psycopg.sql import Composable

from mcp_server.entities.effects import ABSENT, SaveRevision
from mcp_server.errors import LostClaim
from mcp_server.jobs.job import Attempt, Dedup
from mcp_server.jobs.outcome import Done, Enqueue
from mcp_server.jobs.records import Claim, Report
from mcp_server.jobs.retry import decide
from mcp_server.storage.postgres import connection
from mcp_server.storage.postgres.connecting import connect
from mcp_server.storage.postgres.database import PostgresDatabase
from mcp_server.storage.postgres.rows import PostgresRow
from tests.harness import ManualClock
from tests.storage.postgres_server import SCHEMAS, server
from tests.storage.raw import PostgresRaw, Raw
from tests.storage.stores import HOUR_S, Bench, a_job, a_text, postgres, stores_on
from tests.waiting import PATIENCE_S, until

CLAIMERS = 4
LIMIT = 2
LIMITS = {"limited": LIMIT}
CHECKED = 50
"""After so many rounds the rows are compared with each other, and what has ended is forgotten."""
STILL_S = 0.3
"""How long a transaction may stand still here."""
EXPORT = a_job(kind="export", dedup=Dedup.COALESCE, dedup_key="export", counted=False)
KEYED = a_job(kind="export", dedup=Dedup.COALESCE, dedup_key="key", counted=False)

OVER_LIMIT = f"""
SELECT count(*) FROM jobs WHERE kind = 'limited' AND state = 'processing' HAVING count(*) > {LIMIT}
"""
TWO_OF_A_KEY = """
SELECT dedup_key FROM jobs WHERE dedup = 'coalesce' AND state = 'processing'
GROUP BY dedup_key HAVING count(*) > 1
"""
WAITING_EXPORTS = "SELECT count(*) FROM jobs WHERE kind = 'export' AND state = 'pending'"


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="tests.faults.postgres", description=__doc__)
    parser.add_argument("what", choices=["barrier", "lease"])
    parser.add_argument("--rounds", type=int, default=1_000)
    options = parser.parse_args()
    began = time.monotonic()
    campaign = barrier if options.what == "barrier" else lease
    with tempfile.TemporaryDirectory() as folder:
        counted = anyio.run(partial(campaign, Path(folder) / "x", options.rounds))
    told = ", ".join(f"{what} {n:,}" for what, n in sorted(counted.items()))
    print(f"{options.rounds:,} rounds in {time.monotonic() - began:.0f} s: {told}")


# Claimers at a barrier


async def barrier(path: Path, rounds: int, *, claimers: int = CLAIMERS) -> Counter[str]:
    """Let several claim at once, again and again; return how much there was."""
    clock, counted = ManualClock(), Counter[str]()
    async with AsyncExitStack() as stack:
        raw = PostgresRaw(path)
        stack.callback(raw.end)
        benches = [
            Bench(await stack.enter_async_context(postgres(path)), postgres, path, clock)
            for _ in range(claimers)
        ]
        hands = [_Hand(bench, f"w{n}") for n, bench in enumerate(benches)]
        for number in range(rounds):
            jobs = [a_job(kind="limited") for _ in range(2 * LIMIT + 1)]
            await benches[0].submit(f"b{number}", *jobs, KEYED, a_job(), a_job())
            running, turns = 0, 0
            while True:
                await _at_once(hand.exchange for hand in hands)
                counted["claims"] += claimers
                held = [attempt.job for hand in hands for attempt in hand.held]
                assert len({job.id for job in held}) == len(held), "a job was claimed twice"
                assert raw.all(OVER_LIMIT) == [], "a limit was passed"
                assert raw.all(TWO_OF_A_KEY) == [], "two jobs of a key run"
                running += len(held)
                turns += 1
                if turns == 1:  # while one of the key runs, another comes
                    assert sum(job.kind == "limited" for job in held) == LIMIT
                    await benches[-1].enqueue(f"later{number}", KEYED)
                if not held:
                    break
            assert running == len(jobs) + 4, "a job was left"
            counted["jobs"] += running
            if number % CHECKED == CHECKED - 1 or number == rounds - 1:
                await _tidy(benches[0], raw, clock)
    return counted


class _Hand:
    """A worker that reports what it has done and claims what it can, in one step."""

    def __init__(self, bench: Bench, name: str) -> None:
        self._bench, self._name, self._numbers = bench, name, count()
        self.held: list[Attempt] = []

    async def exchange(self) -> None:
        """Report all that it holds, and claim as much as one worker would."""
        now = self._bench.now
        reports = [
            Report(attempt, decide(attempt.job, Done(), now=now, jitter=1.0))
            for attempt in self.held
        ]
        claim = Claim(
            id=f"{self._name}.{next(self._numbers)}",
            worker_id=self._name,
            limit=4,
            kinds=["limited", "export", "work"],
            abilities=[],
            lease_s=HOUR_S,
            limits=LIMITS,
        )
        exchange = await self._bench.store.exchange(reports, claim, now=now)
        for recorded in exchange.recorded:
            assert not isinstance(recorded, Exception), recorded
        self.held = list(exchange.attempts)


async def _at_once(calls: Iterable[Callable[[], Coroutine[Any, Any, None]]]) -> None:
    async with anyio.create_task_group() as tasks:
        for call in calls:
            tasks.start_soon(call)


async def _tidy(bench: Bench, raw: Raw, clock: ManualClock) -> None:
    """Compare the rows with each other, and forget what has ended."""
    raw.check()
    clock.advance(HOUR_S)
    while await bench.store.prune(completed_before=bench.now, ended_before=bench.now, limit=500):
        pass


# A worker that is stopped past its lease


class Stop:
    """Where a worker stands still: before or after one of its next statements."""

    def __init__(self) -> None:
        self._at = self._seen = 0
        self._after = False
        self._stopped, self._go = threading.Event(), threading.Event()

    def arm(self, at: int, *, after: bool) -> None:
        """Let it stand still at that statement from now on."""
        self._at, self._after, self._seen = at, after, 0
        self._stopped.clear()
        self._go.clear()

    def go_on(self) -> None:
        """Let it go on, and not stand still any more."""
        self._at = 0
        self._go.set()

    def note(self) -> bool:
        """Count a statement; say whether it is the one."""
        self._seen += 1
        return self._seen == self._at

    def meet(self, *, after: bool) -> None:
        """Stand still, if it is here."""
        if after == self._after:
            self._stopped.set()
            assert self._go.wait(PATIENCE_S), "nobody let it go on"

    @property
    def stands(self) -> bool:
        """Whether it does."""
        return self._stopped.is_set()


class StoppingCursor(psycopg.Cursor[PostgresRow]):
    """A cursor as the driver's, whose thread stands still where it is told to."""

    stop: Stop

    def execute(self, query: Any, params: Any = None, **how: Any) -> Self:
        """Execute a statement, in time or late."""
        text = query.as_string() if isinstance(query, Composable) else str(query)
        here = not text.startswith(("ROLLBACK", "BEGIN ISOLATION")) and self.stop.note()
        if here:
            self.stop.meet(after=False)
        super().execute(cast("Any", query), params, **how)
        if here:
            self.stop.meet(after=True)
        return self


@asynccontextmanager
async def _stopping(path: Path, clock: ManualClock, stop: Stop) -> AsyncGenerator[Bench]:
    kind = type("Cursor", (StoppingCursor,), {"stop": stop})

    def by(address: str, *, prepared: bool = True) -> psycopg.Connection[PostgresRow]:
        made = connect(address, prepared=prepared)
        made.cursor_factory = kind
        return made

    async with PostgresDatabase.open(server(), SCHEMAS.of(path), by=by) as database:
        yield Bench(stores_on(database), postgres, path, clock)


async def lease(path: Path, rounds: int, *, stride: int = 1) -> Counter[str]:
    """Stop a worker at each statement of its end in turn; return what became of its jobs.

    With a `stride`, only at every so many.
    """
    clock, stop, counted = ManualClock(), Stop(), Counter[str]()
    async with AsyncExitStack() as stack:
        raw = PostgresRaw(path)
        stack.callback(raw.end)
        with patch.object(connection, "STILL_S", STILL_S):
            slow = await stack.enter_async_context(_stopping(path, clock, stop))
            other = Bench(await stack.enter_async_context(postgres(path)), postgres, path, clock)
        at, after = 1, False
        for number in range(rounds):
            arm = partial(stop.arm, at, after=after)
            stood, ended = await _round(slow, other, stop, arm, f"b{number}")
            _check_effects(raw, f"b{number}.1", ended)
            counted[f"ended by {ended}"] += 1
            counted["stopped after" if after else "stopped before"] += stood
            counted["statements"] = max(counted["statements"], at if stood else 0)
            at, after = (at + stride, after) if stood else (1, not after)
            await _finish_exports(other)
            if number % CHECKED == CHECKED - 1 or number == rounds - 1:
                await _tidy(other, raw, clock)
    return counted


async def _round(
    slow: Bench, other: Bench, stop: Stop, arm: Callable[[], None], id: str
) -> tuple[bool, str]:
    """Let one end a job, slowly, and the other take it; say whether it stood, and who ended it."""
    await other.submit(id, a_job())
    [attempt] = await slow.claim(lease_s=30.0)
    found: list[str] = []
    stood = taken = False

    async def end() -> None:
        try:
            await slow.finish(attempt, _wrote(id, "slow"))
            found.append("slow")
        except LostClaim:
            found.append("lost")

    try:
        async with anyio.create_task_group() as tasks:
            arm()
            tasks.start_soon(end)
            await until(lambda: bool(stop.stands or found))
            stood = stop.stands
            other.clock.advance(31)
            if await other.rescue():
                [again] = await other.claim(worker="w2")
                await other.finish(again, _wrote(id, "other"))
                taken = True
            stop.go_on()
    finally:
        stop.go_on()
    assert found == (["lost"] if taken else ["slow"]), "the stopped one was told something else"
    return stood, "other" if taken else "slow"


def _wrote(id: str, who: str) -> Done:
    text = SaveRevision(a_text(f"menu/{id}", text=who), ABSENT, keep_on_conflict=True)
    return Done(effects=(text, Enqueue(EXPORT)))


def _check_effects(raw: Raw, job_id: str, ended: str) -> None:
    written = raw.all(f"SELECT markdown FROM revisions WHERE job_id = '{job_id}' AND effective = 1")
    assert written == [(f"{ended}\n",)], f"{job_id} wrote {written}"
    states = raw.all(f"SELECT state FROM jobs WHERE job_id = '{job_id}'")
    assert states == [("completed",)], f"{job_id} is {states}"
    waiting = raw.all(WAITING_EXPORTS)
    assert waiting == [(1,)], f"{waiting} exports wait"


async def _finish_exports(bench: Bench) -> None:
    for attempt in await bench.claim(9, kinds=["export"]):
        await bench.finish(attempt)


if __name__ == "__main__":
    main()
