"""A worker is stopped before or after a statement of its end, at each of them in turn.

It stands still until its lease is over and another has taken the job, or has found that there is
nothing to take. What the job does is done once, and its worker knows whether it was by it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self, cast
from unittest.mock import patch

import anyio
import psycopg
from psycopg.pq import PipelineStatus
from psycopg.sql import Composable

from mcp_server.entities.effects import ABSENT, SaveRevision
from mcp_server.errors import LostClaim
from mcp_server.jobs.job import Dedup
from mcp_server.jobs.outcome import Done, Enqueue
from mcp_server.storage.postgres import connection
from mcp_server.storage.postgres.connecting import connect
from mcp_server.storage.postgres.database import PostgresDatabase
from mcp_server.storage.postgres.rows import PostgresRow
from tests.faults.postgres.tidying import CHECKED, tidy
from tests.harness import ManualClock
from tests.storage.postgres_server import SCHEMAS, server
from tests.storage.raw import PostgresRaw, Raw
from tests.storage.stores import Bench, a_job, a_text, postgres, stores_on
from tests.waiting import PATIENCE_S, until

STILL_S = 0.3
"""How long a transaction may stand still here."""
EXPORT = a_job(kind="export", dedup=Dedup.COALESCE, dedup_key="export", counted=False)
WAITING_EXPORTS = "SELECT count(*) FROM jobs WHERE kind = 'export' AND state = 'pending'"


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
            if self.connection.info.pipeline_status is not PipelineStatus.OFF:
                with self.connection.pipeline():  # it waits until the statement was carried out
                    pass
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
                await tidy(other, raw, clock)
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
