"""Several processes' connections claim at the same moment, again and again.

No limit is ever passed, no key has two jobs that run, no job is claimed twice, and none is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Any

import anyio

from mcp_server.jobs.job import Attempt, Dedup
from mcp_server.jobs.outcome import Done
from mcp_server.jobs.records import Claim, Report
from mcp_server.jobs.retry import decide
from tests.faults.postgres.tidying import CHECKED, tidy
from tests.harness import ManualClock
from tests.storage.raw import PostgresRaw
from tests.storage.stores import HOUR_S, Bench, a_job, postgres

CLAIMERS = 4
LIMIT = 2
LIMITS = {"limited": LIMIT}
KEYED = a_job(kind="export", dedup=Dedup.COALESCE, dedup_key="key", counted=False)

OVER_LIMIT = f"""
SELECT count(*) FROM jobs WHERE kind = 'limited' AND state = 'processing' HAVING count(*) > {LIMIT}
"""
TWO_OF_A_KEY = """
SELECT dedup_key FROM jobs WHERE dedup = 'coalesce' AND state = 'processing'
GROUP BY dedup_key HAVING count(*) > 1
"""


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
                await tidy(benches[0], raw, clock)
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
