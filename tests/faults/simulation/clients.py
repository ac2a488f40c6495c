"""The clients: they ask servers for things, and ask again when there is no answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from random import Random
from typing import Any, TypeVar

import anyio

from mcp_server.entities.effects import ANY, SaveRevision
from mcp_server.entities.entity import PREVIEW, Author, Revision
from mcp_server.errors import CallerError, InvalidTransition, StorageError
from mcp_server.jobs.job import BatchState, Dedup, NewJob, Origin
from mcp_server.jobs.records import NewBatch, Request, Submission
from mcp_server.jobs.worker.maintenance import Maintenance, MaintenanceSettings
from tests.faults.simulation.actors import ABILITY, Server, ServerSlot
from tests.faults.simulation.ledger import Violation
from tests.faults.simulation.world import LEASE_S, Process, World

T = TypeVar("T")

ORIGIN = Origin(owner="ada", interface="simulation")
ANSWER_S = 5.0
"""How long a client waits before it asks again."""
ASKS_MAX = 4
DEDUPS = {Dedup.NONE: 8, Dedup.SKIP: 2, Dedup.COALESCE: 2, Dedup.REPLACE: 1}
"""What jobs do where another holds their key, and how often."""


class Unanswered(Exception):
    """Whatever was asked for was done, or not: the client cannot know."""


class Client:
    """Somebody who asks a server for things, and asks again when there is no answer."""

    def __init__(self, world: World, servers: Sequence[ServerSlot], number: int) -> None:
        self._world, self._servers, self._number = world, servers, number
        self._random: Random = world.stream(f"client {number}")
        self._asked = 0
        self.batches: list[str] = []
        self.jobs: list[str] = []
        self.waits: list[tuple[Process, asyncio.Task[None]]] = []
        """Waits for a batch to end, and the servers that they were begun at."""

    async def run(self) -> None:
        """Ask for one thing after another."""
        while self._world.faulty:
            await anyio.sleep(self._random.expovariate(4))
            step = self._random.choices(*zip(*self._steps(), strict=True))[0]
            try:
                await step()
            except Unanswered:
                self._world.note(self._name, "got no answer")
            except CallerError as error:
                self._world.note(self._name, f"was refused: {error}")

    @property
    def _name(self) -> str:
        return f"client{self._number}"

    def _steps(self) -> list[tuple[Callable[[], Awaitable[None]], int]]:
        return [
            (self._submit, 8), (self._enqueue, 4), (self._cancel, 2), (self._cancel_job, 2),
            (self._retry, 4), (self._wait, 3), (self._pause, 1), (self._prune, 2), (self._ask, 1),
            (self._look, 1),
        ]  # fmt: skip

    # Asking

    async def ask(self, what: str, function: Callable[[Server], Coroutine[Any, Any, T]]) -> T:
        """Have a server do something.

        Raises:
            Unanswered: it died, or is very slow, or its database refused.
            CallerError: it said no.
        """
        slot = self._random.choice(self._servers)
        server = slot.server
        if server is None:
            raise Unanswered
        self._world.note(self._name, f"asks {server.process.name} to {what}")
        task = server.process.start(function(server))
        try:
            await asyncio.wait(
                [task, server.process.death],
                timeout=ANSWER_S,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not task.done():
                raise Unanswered
            return task.result()
        except StorageError as error:
            raise Unanswered from error

    async def ask_until(
        self,
        what: str,
        function: Callable[[Server], Coroutine[Any, Any, T]],
        *,
        times: int = ASKS_MAX,
    ) -> T:
        """Ask the same a few times, of whichever server there is."""
        for _ in range(times - 1):
            try:
                return await self.ask(what, function)
            except Unanswered:
                await anyio.sleep(self._random.uniform(0, 2))
        return await self.ask(what, function)

    # Things to ask for

    async def _submit(self) -> None:
        self._asked += 1
        request = f"{self._name}.{self._asked}"
        jobs = [self._job() for _ in range(self._random.choice((1, 2, 3, 5, 12)))]
        submit_key = self._random.choice((None, None, None, "plan a", "plan b"))
        cancels = await self._to_cancel()
        effects = self._text(request) if self._random.random() < 0.1 else ()

        async def submit(server: Server) -> tuple[list[str], Submission]:
            prepared = server.batches.prepare(jobs)
            new = NewBatch(
                id=server.process.new_id(),
                kind="work",
                origin=ORIGIN,
                jobs=prepared,
                terms={"model": "one"},
                submit_key=submit_key,
                request=Request(key=request, digest=request),
                effects=effects,
                cancels=cancels,
                details={"request": request},
            )
            return [id for id, _ in prepared], await server.batches.submit(new)

        ids, submission = await self.ask_until(f"submit {request}", submit)
        if (batch := submission.batch) is not None:
            self._world.note(self._name, f"has {request} as {batch.id}")
            self.batches.append(batch.id)
            self._see(batch.id in self._world.ledger.batches, f"{batch.id} is not there")
        if submission.batch is not None and not submission.duplicate:
            free = [id for id, job in zip(ids, jobs, strict=True) if job.dedup is Dedup.NONE]
            self._see(self._world.ledger.names.issuperset(free), f"{batch} is not all there")
            self.jobs += free

    async def _to_cancel(self) -> tuple[str, int] | None:
        if not self.batches or self._random.random() > 0.1:
            return None
        id = self._random.choice(self.batches)
        batch = await self.ask("read", lambda server: server.batches.get(id, owner="ada"))
        return batch.id, batch.change

    def _text(self, name: str) -> tuple[SaveRevision, ...]:
        author = Author(kind="person", name=name)
        text = Revision(
            type=PREVIEW, entity_id=f"s/{self._random.randrange(20)}", template="note", fields={},
            markdown=name, author=author,
        )  # fmt: skip
        return (SaveRevision(text, ANY),)

    def _job(self) -> NewJob:
        random = self._random
        kind = random.choices(("write", "plain", "hasty"), (6, 3, 1))[0]
        section = f"s/{random.randrange(random.choice((3, 20)))}"
        dedup = random.choices(*zip(*DEDUPS.items(), strict=True))[0]
        shared = "one" if dedup is Dedup.SKIP else "shared"
        return NewJob(
            kind,
            {"section": section},
            subject=section,
            priority=random.choice((0, 0, 0, 10, -10)),
            delay_s=random.choice((0.0, 0.0, 0.0, 1.0)),
            max_retries=random.choice((0, 1, 3)),
            dedup=dedup,
            dedup_key=None if dedup is Dedup.NONE else f"{shared} {section}",
            requires=random.choice((None, None, None, None, ABILITY)),
            counted=random.random() < 0.9,
        )

    async def _enqueue(self) -> None:
        job = self._job()
        id = await self.ask("enqueue", lambda server: server.queue.enqueue(job, origin=ORIGIN))
        self._see(id in self._world.ledger.names, f"job {id} is not there")
        self.jobs.append(id)

    async def _cancel(self) -> None:
        if self.batches:
            id = self._random.choice(self.batches[-4:])
            await self.ask(f"cancel {id}", lambda server: server.batches.cancel(id, owner="ada"))

    async def _cancel_job(self) -> None:
        if self.jobs:
            id = self._random.choice(self.jobs[-8:])
            await self.ask(
                f"cancel {id}", lambda server: server.batches.cancel_job(id, owner="ada")
            )

    async def _retry(self) -> None:
        if self.batches:
            self._asked += 1
            id, key = self._random.choice(self.batches[-6:]), f"{self._name}.{self._asked}"
            request_key = self._random.choice((None, key))
            await self.ask_until(
                f"retry {id}", lambda server: self._take_up(server, id, request_key)
            )

    async def _take_up(self, server: Server, id: str, request_key: str | None) -> Submission:
        return await server.batches.retry(
            id,
            owner="ada",
            requires=self._random.choice((None, None, ABILITY)),
            request_key=request_key,
        )

    async def _wait(self) -> None:
        """Wait for a batch to the end of its round, beside whatever else is done."""
        slot = self._random.choice(self._servers)
        if not self.batches or slot.server is None:
            return
        id, server = self._random.choice(self.batches[-4:]), slot.server

        async def wait() -> None:
            try:
                batch = await server.batches.wait(id, owner="ada", timeout_s=3600)
            except StorageError:
                return
            self._see(batch.ended, f"the wait for {id} ended before it")

        self.waits.append((server.process, server.process.start(wait())))

    async def _pause(self) -> None:
        if self.batches:
            id = self._random.choice(self.batches[-3:])
            await self.ask(f"pause {id}", lambda server: server.process.store.pause(id, "enough"))

    async def _prune(self) -> None:
        settings = MaintenanceSettings(prune_after_s=self._random.choice((2.0, 10.0)))
        await self.ask(
            "prune",
            lambda server: Maintenance(server.process.store, server.process, settings).prune(),
        )

    async def _ask(self) -> None:
        """Have a worker make room, as a newer server would."""

        async def drain(server: Server) -> None:
            store = server.process.store
            for host in await store.hosts(seen_after=server.process.now() - LEASE_S):
                await store.ask(host.id, "drain")
                return

        await self.ask("have a worker leave", drain)

    async def _look(self) -> None:
        async def look(server: Server) -> None:
            store = server.process.store
            await store.lag(now=server.process.now())
            await store.batches(owner="ada", active=True, limit=5)
            await store.keyed([("a", "z")], owner="ada", limit=5)

        await self.ask("look around", look)

    async def take_up_paused(self) -> None:
        """Have every paused batch go on."""

        async def go_on(server: Server) -> None:
            for batch in await server.batches.list(owner="ada", active=True, limit=1000):
                if batch.state is BatchState.PAUSED:
                    try:
                        await server.batches.retry(batch.id, owner="ada")
                    except InvalidTransition:
                        continue  # it has ended meanwhile

        try:
            await self.ask("take up what is paused", go_on)
        except Unanswered:
            return

    def _see(self, holds: bool, message: str) -> None:
        if not holds:
            raise Violation(f"{self._name}: {message}")
