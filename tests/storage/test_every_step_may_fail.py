"""Whichever statement of a step fails, and however: the step is done, or it is not begun.

Each case is a step of the store, or several that share a transaction, on a file in which there is
something of everything. It is carried out with its first statement failing, its second, and so on
until none is left to fail. Who got an answer has what it says; who was refused has changed nothing
and gets the answer when he asks again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import psycopg
import pytest

from mcp_server.entities.effects import ABSENT, KeepPage, Require, SavePageFile, SaveRevision
from mcp_server.entities.entity import PREVIEW, Author
from mcp_server.entities.page_files import KnownFile, Source, bytes_hash
from mcp_server.errors import StorageError
from mcp_server.jobs.job import Attempt, Dedup, JobState, Step
from mcp_server.jobs.outcome import Done, Enqueue, Fail, Outcome, Pause, Retry
from mcp_server.jobs.records import Claim, Cursor, DoneAtOnce, Host, Report, Request
from mcp_server.jobs.retry import decide
from tests.harness import ManualClock
from tests.storage.failing import Faults
from tests.storage.stages import STAGES, Stage
from tests.storage.stores import DAY_S, DONE, ENGINES, Bench, a_job, a_text, sqlite, stores_on
from tests.storage.test_updates import updates_of
from tests.waiting import PATIENCE_S

FAILED = Fail("no", "it cannot")
EXPORT = a_job(kind="export", dedup=Dedup.COALESCE, dedup_key="export:menu", counted=False)
THEN_EXPORT = Done(effects=(Enqueue(EXPORT),))
REQUEST = Request(key="r", digest="d")


# The world in which a step is taken


@dataclass(frozen=True)
class World:
    """What is there before a step: a bench, and attempts that run, by the job's id."""

    bench: Bench
    running: Mapping[str, Attempt]

    async def exchange(
        self, *reports: tuple[str, Outcome], claims: int = 0
    ) -> tuple[Sequence[Any], Sequence[Attempt]]:
        """Record how attempts ended and claim jobs; a report that is refused is a refusal."""
        claim = Claim(
            id="mine",
            worker_id="w1",
            limit=claims,
            kinds=["work", "export", "asks"],
            abilities=[],
            lease_s=30,
        )
        made = [self._report(job_id, outcome) for job_id, outcome in reports]
        now = self.bench.now
        exchange = await self.bench.store.exchange(made, claim if claims else None, now=now)
        for recorded in exchange.recorded:
            assert not isinstance(recorded, (sqlite3.Error, psycopg.Error)), (
                "no outcome is to blame for the disk"
            )
        return [repr(recorded) for recorded in exchange.recorded], exchange.attempts

    def _report(self, job_id: str, outcome: Outcome) -> Report:
        attempt = self.running[job_id]
        verdict = decide(attempt.job, outcome, now=self.bench.now, jitter=1.0)
        return Report(attempt, verdict, Step(current=1, total=2))


async def furnish(bench: Bench) -> dict[str, Attempt]:
    """Put something of everything into the file; return the attempts that run."""
    store = bench.store
    await bench.enqueue("old")
    await bench.work()
    await bench.submit("done")
    await bench.work()
    await bench.submit("failed", a_job(dedup=Dedup.SKIP, dedup_key="menu/hero"), a_job())
    await bench.work_all(FAILED)
    bench.clock.advance(2 * DAY_S)
    await bench.submit("resumable", a_job(), a_job(delay_s=5))
    await store.pause("resumable", "no key")
    await bench.submit("lost", a_job(), a_job())
    running = list(await bench.claim(2, worker="gone", lease_s=1))
    bench.clock.advance(10)
    for id in ("first", "second"):  # both wait for one export, which runs
        await bench.submit(id, a_job(kind="asks"))
        await bench.work(THEN_EXPORT, kinds=["asks"])
    running += await bench.claim(1, kinds=["export"])
    await bench.submit("third", a_job(kind="asks"))  # and this one for the next
    await bench.work(THEN_EXPORT, kinds=["asks"])
    await bench.submit("busy", *[a_job() for _ in range(6)], a_job(delay_s=1), submit_key="busy")
    running += await bench.claim(4)
    await bench.submit("stopping", a_job(kind="asks"), a_job())
    await bench.work(Done(effects=(Enqueue(a_job(kind="export", counted=False)),)), kinds=["asks"])
    await leave_behind(bench)
    bench.clock.advance(5)
    return {a.job.id if a.job.kind == "work" else a.job.kind: a for a in running}


async def leave_behind(bench: Bench) -> None:
    """Put a batch into the file that is cancelled, of which two jobs of five have followed."""
    other = Bench(stores_on(bench.database, follow_max=2), sqlite, bench.path, bench.clock)
    await other.submit("behind", *[a_job(dedup=Dedup.SKIP, dedup_key=f"b/{n}") for n in "abcde"])
    await other.cancel("behind")


@dataclass(frozen=True)
class Furnished:
    """A file or schema as `furnish` leaves it, and what it returned."""

    engine: str
    path: Path
    now: float
    running: Mapping[str, Attempt]


@pytest.fixture(scope="module", params=sorted(ENGINES))
def furnished(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Furnished]:
    """What each case begins with, once for each engine."""
    path = tmp_path_factory.mktemp("furnished") / "pressroom.db"
    benches: list[Bench] = []

    async def make() -> Furnished:
        async with ENGINES[request.param](path) as stores:
            benches.append(Bench(stores, ENGINES[request.param], path))
            running = await furnish(benches[0])
            return Furnished(request.param, path, running=running, now=benches[0].now)

    made = anyio.run(make)
    benches[0].raw.check()
    yield made
    benches[0].raw.end()


# The steps

Call = Callable[[World], Awaitable[Any]]
"""One step; its answer is the same whenever it is carried out on the same file."""


def submit(id: str = "new", **different: Any) -> Call:
    """Hand in jobs that are new, held by others, to join others, and repeated."""
    jobs = [
        a_job(),
        a_job(delay_s=9),
        a_job(dedup=Dedup.SKIP, dedup_key="menu/team"),
        a_job(dedup=Dedup.SKIP, dedup_key="menu/team"),
        EXPORT,
    ]
    made = {"submit_key": id, "request": REQUEST, "effects": (SaveRevision(a_text(), ABSENT),)}
    return lambda world: world.bench.submit(id, *jobs, **(made | different))


def submit_at_once() -> Call:
    """Hand in a job that is done by the same transaction, with what it spends and what follows."""
    text = SaveRevision(a_text("menu/new"), ABSENT)
    done = DoneAtOnce("new.0", a_job(dedup=Dedup.SKIP, dedup_key="menu/new"), {}, [text])
    spends = Request(key="digest", digest="d")
    return lambda world: world.bench.submit("new", EXPORT, at_once=[done], spends=spends)


async def submit_cancelling(world: World) -> Any:
    """Hand in a batch that takes another one back."""
    busy = await world.bench.batch("busy")
    return await world.bench.submit("new", cancels=("busy", busy.change), about="busy")


def exchange(*reports: tuple[str, Outcome], claims: int = 0) -> Call:
    """Report how attempts ended, and claim jobs."""
    return lambda world: world.exchange(*reports, claims=claims)


def checkpoint(*effects: object) -> Call:
    """Apply effects while an attempt goes on."""
    return lambda world: world.bench.store.checkpoint(
        world.running["busy.1"], effects, now=world.bench.now
    )


def cancel_job(id: str) -> Call:
    """Cancel one job."""
    return lambda world: world.bench.store.cancel_job(id, reason="enough", now=world.bench.now)


def ids(world: World) -> list[str]:
    """Return the ids of all attempts that run."""
    return [attempt.id for attempt in world.running.values()]


def put_text(entity_id: str) -> SaveRevision:
    """Save a text where none is."""
    return SaveRevision(a_text(entity_id), ABSENT, keep_on_conflict=True)


KEPT = KeepPage("menu", b"Ground.", "met")
GROUND = a_text("menu/ground", markdown="Ground.", author=Author(kind="adopted"))
FOUND = SaveRevision(
    replace(GROUND, source=Source(page_hash=bytes_hash(b"Ground."), start=0, end=7)), ABSENT
)
KNOWN = KnownFile(page="menu", file="menu.md", layout="l", hash=bytes_hash(b"Ground."))
LATER = replace(KNOWN, version=7)
SAVED = Done(effects=(put_text("menu/hero"), Enqueue(EXPORT)))
UNMET = Require(PREVIEW, "menu/hero", "0" * 32)
HOST = Host(id="h", role="worker", pid=1, version="1.0.0", abilities=frozenset())

WRITES: dict[str, Call] = {
    "submit": submit(),
    "submit, an effect in conflict": submit(effects=(put_text("menu/team"), UNMET)),
    "submit, under way already": submit(submit_key="busy"),
    "submit and cancel": submit_cancelling,
    "enqueue": lambda world: world.bench.enqueue("alone"),
    "enqueue, joining": lambda world: world.bench.enqueue("alone", EXPORT),
    "claim": exchange(claims=4),
    "renew": lambda world: world.bench.store.renew(ids(world), lease_s=30, now=world.bench.now),
    "step": lambda world: world.bench.store.step(
        [(world.running[id], Step(1, 2, "half")) for id in ("busy.1", "busy.2")]
    ),
    "checkpoint": checkpoint(put_text("menu/hero"), put_text("menu/team")),
    "checkpoint, a page": checkpoint(KEPT, FOUND, SavePageFile(KNOWN)),
    "checkpoint, a page in conflict": checkpoint(KEPT, FOUND, SavePageFile(LATER)),
    "seen": lambda world: world.bench.entities.put_seen([LATER]),
    "checkpoint, in conflict": checkpoint(put_text("menu/hero"), Require(PREVIEW, "a/b", "0" * 32)),
    "give back": lambda world: world.bench.store.give_back(ids(world), now=world.bench.now),
    "finish": exchange(("busy.1", DONE)),
    "finish several and claim": exchange(
        ("busy.1", DONE), ("busy.2", FAILED), ("busy.3", Retry("busy")), claims=2
    ),
    "finish, lost": exchange(("busy.1", DONE), ("lost.1", DONE), ("busy.2", DONE)),
    "finish with effects": exchange(("busy.1", SAVED)),
    "finish with follow-ups": exchange(("busy.1", Done(effects=(Enqueue(a_job()),)))),
    "finish in conflict": exchange(("busy.1", Done(effects=(put_text("menu/hero"), UNMET)))),
    "finish what two batches share": exchange(("export", DONE)),
    "fail what two batches share": exchange(("export", FAILED)),
    "finish and be joined": exchange(("export", Retry("busy"))),
    "finish, to be tried again": exchange(("busy.1", Retry("busy"))),
    "finish, pausing": exchange(("busy.1", Pause("no key")), ("busy.2", Retry("busy"))),
    "submit what is done at once": submit_at_once(),
    "cancel a batch": lambda world: world.bench.cancel("busy"),
    "cancel a batch with follow-ups": lambda world: world.bench.cancel("stopping"),
    "cancel a paused batch": lambda world: world.bench.cancel("resumable"),
    "cancel a job": cancel_job("busy.5"),
    "cancel a running job": cancel_job("busy.1"),
    "retry": lambda world: world.bench.retry("failed", requires="key:x", request=REQUEST),
    "retry a paused batch": lambda world: world.bench.retry("resumable", terms={"m": "x"}),
    "rescue": lambda world: world.bench.rescue(),
    "rescue, for the last time": lambda world: world.bench.rescue(crashes_max=0),
    "rescue all of others": lambda world: world.bench.rescue(except_worker="w9"),
    "release due": lambda world: world.bench.store.release_due(now=world.bench.now, limit=9),
    "submit what has not followed": lambda world: world.bench.submit(
        "new", *[a_job(dedup=Dedup.SKIP, dedup_key=f"b/{n}") for n in "ae"]
    ),
    "cancel a job that has not followed": cancel_job("behind.4"),
    "follow": lambda world: world.bench.store.follow(now=world.bench.now),
    "shrink": lambda world: world.bench.store.shrink(),
    "pause": lambda world: world.bench.store.pause("busy", "no key"),
    "prune": lambda world: world.bench.store.prune(
        completed_before=world.bench.now - DAY_S, ended_before=world.bench.now - DAY_S, limit=9
    ),
    "remember": lambda world: world.bench.store.remember(
        REQUEST, "busy", owner="ada", now=world.bench.now
    ),
    "announce": lambda world: world.bench.store.announce(HOST, now=world.bench.now),
    "withdraw": lambda world: world.bench.store.withdraw(
        "h", unless_work_within_s=None, now=world.bench.now
    ),
}

GROUPS: dict[str, Sequence[str]] = {
    "a lost claim among others": ("enqueue", "finish, lost", "renew"),
    "a new batch while another ends": ("submit", "finish several and claim", "cancel a batch"),
    "many small ones": ("step", "release due", "enqueue", "finish with effects", "prune"),
    "what two batches share, ending": ("retry", "fail what two batches share", "claim"),
}

READS: dict[str, Call] = {
    "batch": lambda world: world.bench.store.batch("busy", running=True),
    "batches": lambda world: world.bench.store.batches(owner="ada", limit=9),
    "jobs": lambda world: world.bench.store.jobs("busy"),
    "lost": lambda world: world.bench.store.lost(ids(world)),
    "claimable": lambda world: world.bench.store.claimable(kinds=["work", "export"], abilities=[]),
    "lag": lambda world: world.bench.store.lag(now=world.bench.now),
    "updates": lambda world: updates_of(
        world.bench.store, Cursor(0, 0, 9, 0), {1: JobState.PAUSED}
    ),
    "snapshot": lambda world: world.bench.entities.snapshot(history=True),
}


# What is tried with them


@dataclass
class Ordeal:
    """Carries out calls on a stage, again and again from the same beginning, with faults."""

    world: World
    faults: Faults
    calls: Sequence[Call]
    stage: Stage
    troubles: Mapping[str, Any]

    def __post_init__(self) -> None:
        self._expected: dict[tuple[int, ...], tuple[dict[int, Any], str]] = {}

    async def survive(self) -> int:
        """Let every statement go wrong in every way; return how many there were."""
        found = [await self._survive(name, trouble) for name, trouble in self.troubles.items()]
        return found[0]

    async def _survive(self, name: str, trouble: Any) -> int:
        everybody = range(len(self.calls))
        for at in range(1, 1000):
            self.stage.begin_again()
            self.faults.arm(trouble, at)
            answers = await self.call(everybody)
            self.faults.disarm()
            where = f"statement {at}: {name}"
            done = tuple(answers)
            await self.agree(done, answers, where)
            refused = tuple(number for number in everybody if number not in answers)
            again = await self.call(refused)
            await self.agree(done + refused, answers | again, f"{where}, and again")
            if not self.faults.met:
                return at - 1
        raise AssertionError("there is no end to its statements")

    async def call(self, numbers: Sequence[int]) -> dict[int, Any]:
        """Make calls at once, so that they share a transaction; return the answers there were."""
        answers: dict[int, Any] = {}

        async def make(number: int) -> None:
            with suppress(StorageError):  # refused: to be asked again
                answers[number] = await self.calls[number](self.world)

        with anyio.fail_after(PATIENCE_S):
            async with anyio.create_task_group() as tasks:
                for number in numbers:
                    tasks.start_soon(make, number)
        return {number: answers[number] for number in numbers if number in answers}

    async def agree(self, done: tuple[int, ...], answers: Mapping[int, Any], where: str) -> None:
        """Fail if the file is not as these calls leave it, and no others, or they said else."""
        found = self.stage.dump()
        expected_answers, expected = await self.expected(done)
        assert found == expected, f"{where}: the file is not what was answered"
        assert answers == expected_answers, f"{where}: answered otherwise than without it"

    async def expected(self, done: tuple[int, ...]) -> tuple[dict[int, Any], str]:
        """Return what these calls answer in this order when nothing goes wrong, and the file."""
        if done not in self._expected:
            with self.stage.kept():
                self.stage.begin_again()
                answers: dict[int, Any] = {}
                for number in done:
                    answers |= await self.call([number])
                assert len(answers) == len(done)
                self._expected[done] = answers, self.stage.dump()
                self.stage.raw.check()
        return self._expected[done]


@asynccontextmanager
async def ordeal(furnished: Furnished, path: Path, *calls: Call) -> AsyncGenerator[Ordeal]:
    """Set up calls on what was furnished."""
    open_stage, troubles = STAGES[furnished.engine]
    faults = Faults()
    async with open_stage(furnished.path, path, faults) as stage:
        clock = ManualClock(furnished.now)
        stores = stores_on(stage.database, stage.raw)
        bench = Bench(stores, ENGINES[furnished.engine], path, clock)
        yield Ordeal(World(bench, furnished.running), faults, calls, stage, troubles)


pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("step", WRITES)
async def test_a_step_of_which_any_statement_fails_is_done_or_not_begun(
    furnished: Furnished, tmp_path: Path, step: str
) -> None:
    """And it can be taken again."""
    async with ordeal(furnished, tmp_path / "x.db", WRITES[step]) as steps:
        assert await steps.survive() > 2


@pytest.mark.parametrize("group", GROUPS)
async def test_members_of_a_transaction_of_which_any_statement_fails_are_answered_each(
    furnished: Furnished, tmp_path: Path, group: str
) -> None:
    """Whoever is answered has been done, whoever is refused can ask again."""
    calls = [WRITES[step] for step in GROUPS[group]]
    async with ordeal(furnished, tmp_path / "x.db", *calls) as steps:
        assert await steps.survive() > 2 * len(calls)


@pytest.mark.parametrize("read", READS)
async def test_whoever_could_not_read_can_read_again(
    furnished: Furnished, tmp_path: Path, read: str
) -> None:
    """The reader is not left in half a transaction."""
    async with ordeal(furnished, tmp_path / "x.db", READS[read]) as steps:
        assert await steps.survive() > 2
