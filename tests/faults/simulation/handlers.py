"""What the jobs of the simulation do: well, badly, late, or not at all, as it is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

import anyio
from pydantic import BaseModel

from mcp_server.entities.effects import ABSENT, ANY, KeepPage, SaveRevision
from mcp_server.entities.entity import PREVIEW, Author, Revision
from mcp_server.jobs.handler import handler
from mcp_server.jobs.job import Attempt, Dedup, NewJob
from mcp_server.jobs.outcome import Done, Enqueue, Fail, Outcome, Pause, Retry, Skip, Snooze
from mcp_server.jobs.registry import Registry
from mcp_server.jobs.worker.attempt import Progress
from tests.faults.simulation.ledger import TIME_LIMITS_S, Answer
from tests.faults.simulation.world import LEASE_S, Process, World

ACTS = {
    "done": 50, "careful": 8, "block": 4, "skip": 6, "retry": 6, "raise": 3, "snooze": 4, "fail": 6,
    "pause": 1, "rubbish": 3, "late": 2,
}  # fmt: skip
"""What a handler does, and how often."""

ENDS_WELL = ("done", "careful", "block")


class Work(BaseModel, frozen=True, extra="forbid"):
    """What a job works on."""

    section: str


class HandlerFault(BaseException):
    """What a careless handler may raise."""


@dataclass(frozen=True)
class Context:
    """What a handler is given here."""

    attempt: Attempt
    progress: Progress
    process: Process


@dataclass
class Gate:
    """Opens once so many jobs are in front of it: each must have a lane of its own."""

    wanted: int
    arrived: set[str]


class Play:
    """The handlers of one world: they draw what they do."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random: Random = world.stream("handlers")
        self.gate = Gate(0, set())
        kinds = (
            handler("write", Work)(self._write),
            handler("plain", Work)(self._plain),
            handler("hasty", Work, timeout_s=TIME_LIMITS_S["hasty"])(self._plain),
            handler("gate", Work, timeout_s=TIME_LIMITS_S["gate"])(self._wait_at_gate),
        )
        self.registry = Registry(kinds)

    async def _write(self, work: Work, context: Context) -> Outcome:
        attempt = context.attempt
        text = Revision(
            type=PREVIEW,
            entity_id=work.section,
            template="note",
            fields={"text": attempt.id},
            markdown=f"{attempt.id}\n",
            author=Author(kind="model", name=attempt.id),
        )
        act = await self._work(context)
        expects = ABSENT if act == "careful" else ANY
        return self._answer(attempt, act, (SaveRevision(text, expects),))

    async def _plain(self, work: Work, context: Context) -> Outcome:
        return self._answer(context.attempt, await self._work(context), ())

    async def _wait_at_gate(self, work: Work, context: Context) -> Outcome:
        self.gate.arrived.add(context.attempt.job.id)
        while len(self.gate.arrived) < self.gate.wanted:
            await anyio.sleep(0.5)
        self._world.ledger.answers[context.attempt.id] = Answer("done")
        return Done()

    async def _work(self, context: Context) -> str:
        """Take some time over it, perhaps say how far it is, and return what to answer."""
        random = self._random
        act = "done"
        if self._world.faulty:
            act = random.choices(list(ACTS), list(ACTS.values()))[0]
        if random.random() < 0.2:
            await context.progress(1, 2, "halfway")
        if (pace := random.random()) > 0.4:
            await anyio.sleep(random.expovariate(5) if pace < 0.8 else random.uniform(0.5, 2.5))
        if act in ("done", "careful") and random.random() < 0.15:
            await self._record_file(context)
        if act == "block":
            context.process.stop_for(random.uniform(0.5, 2.5) * LEASE_S)
            await anyio.lowlevel.checkpoint()
        if act == "late":
            with anyio.CancelScope(shield=random.random() < 0.5):  # some do not listen
                await anyio.sleep(TIME_LIMITS_S["plain"] * random.uniform(0.9, 2))
        return act

    async def _record_file(self, context: Context) -> None:
        """Store what must be stored before something outside is changed."""
        attempt, process = context.attempt, context.process
        page = f"page{self._random.randrange(4)}"
        kept = KeepPage(page, None, "after", before=attempt.id)
        await process.store.checkpoint(attempt, (kept,), now=process.now())

    def _answer(self, attempt: Attempt, act: str, effects: tuple[object, ...]) -> Any:
        follow_ups = self._follow_ups(attempt) if act in ENDS_WELL else ()
        plain = sum(effect.job.dedup is Dedup.NONE for effect in follow_ups)
        self._world.ledger.answers[attempt.id] = Answer(act, plain)
        if act in ENDS_WELL or act == "late":
            return Done({"by": attempt.id}, self._shuffled(*effects, *follow_ups))
        return self._trouble(act)

    def _trouble(self, act: str) -> Any:
        """Return what is no success, or raise."""
        random = self._random
        match act:
            case "skip":
                return Skip("nothing to do")
            case "retry":
                return Retry("not now", after_s=random.choice((None, 0.0, 1.0)))
            case "raise":
                raise random.choice((ValueError("oh"), HandlerFault("oh"), TimeoutError()))
            case "snooze":
                return Snooze(self._world.now() + random.uniform(-1, 3))
            case "fail":
                return Fail("no", "it cannot be done")
            case "pause":
                return Pause("no money left")
            case _:
                return random.choice(("a text", Done({"thing": object()})))

    def _shuffled(self, *effects: object) -> tuple[object, ...]:
        return tuple(self._random.sample(effects, len(effects)))

    def _follow_ups(self, attempt: Attempt) -> tuple[Enqueue, ...]:
        """Return what to queue with the end of this attempt: mostly nothing, never for ever."""
        random, subject = self._random, attempt.job.subject
        if (
            not self._world.faulty
            or subject.startswith(("after", "again"))
            or random.random() < 0.8
        ):
            return ()
        work = {"section": f"s/{random.randrange(20)}"}
        counted = attempt.job.counted and random.random() < 0.3
        new = NewJob("plain", work, f"after {attempt.id}", counted=counted)
        page = f"page {random.randrange(2)}"
        drawn = (
            new,
            new._replace(delay_s=1.0),
            new._replace(subject="again", dedup=Dedup.COALESCE, dedup_key=page, counted=False),
            new._replace(subject="again", dedup=Dedup.SKIP, dedup_key=f"key {page}"),
            new._replace(subject="again", dedup=Dedup.REPLACE, dedup_key=page, counted=False),
        )
        return tuple(Enqueue(random.choice(drawn)) for _ in range(random.randint(1, 2)))
