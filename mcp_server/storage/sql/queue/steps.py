"""Jobs that follow what was said of their batch, in steps. Each step is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

from mcp_server.jobs.job import Batch
from mcp_server.jobs.rules.following import CALLER_S, What
from mcp_server.storage.sql.database import Database
from mcp_server.storage.sql.queue import following, retrying
from mcp_server.storage.sql.queue.retrying import Held
from mcp_server.storage.sql.queue.upkeep import JobUpkeep
from mcp_server.storage.sql.transaction import Row, Transaction

T = TypeVar("T")


class JobSteps(JobUpkeep):
    """The part of a job store that lets jobs follow, some at a time."""

    def __init__(self, database: Database, *, follow_max: int) -> None:
        super().__init__(database)
        self._follow_max = follow_max
        self._carried_to: tuple[int, str, int] | None = None
        """How far the caller of a retry had come at the last look."""
        self._to_notice: list[Callable[[], None]] = []

    @contextmanager
    def arriving(self, notice: Callable[[], None]) -> Generator[None]:
        self._to_notice.append(notice)
        try:
            yield
        finally:
            self._to_notice.remove(notice)

    async def write_arrivals(self, step: Callable[[Transaction], T]) -> T:
        """Run a step that may bring work, of which those who wait for some are told before."""
        for notice in self._to_notice:
            notice()
        return await self._database.write(step)

    async def follow(self, *, now: float) -> bool:
        before = now - CALLER_S
        said = await self._database.read(lambda tx: tx.one("find_following", said_before=before))
        if said is None or self._is_carried_out(said):
            return False  # almost always

        def step(tx: Transaction) -> bool:
            said = tx.one("find_following", said_before=before)
            if said is not None:
                self._follow(tx, said)
                self._is_carried_out(tx.one("find_following", said_before=before))
            return said is not None

        return await self.write_arrivals(step)

    def _is_carried_out(self, said: Row | None) -> bool:
        """Whether whoever took a batch up has come further with it since the last look."""
        if said is None or said["what"] in {What.CANCEL, What.PAUSE}:
            return False
        at = (said["batch"], said["what"], said["after"])
        moved, self._carried_to = at != self._carried_to, at
        return moved

    async def follow_all(self, batch_id: str) -> tuple[Batch, Held]:
        """Let all jobs of a batch follow, in steps; return it, and what others hold of them."""
        held: dict[str, Batch | None] = {}

        def step(tx: Transaction) -> tuple[bool, Batch]:
            row = tx.one("get_batch", batch_id=batch_id)
            assert row is not None, "a batch row never goes away"
            left = tx.all("list_following_of", batch=row["id"])
            for said in left[:1]:
                held.update(self._follow(tx, said))
            return bool(left), retrying.stored(tx, row["id"])

        left, batch = await self.write_arrivals(step)
        while left:
            left, batch = await self.write_arrivals(step)
        return batch, held

    def begin_to_follow(self, tx: Transaction) -> Held:
        """Make the first step of what was said in this transaction, of most batches all of it."""
        held: dict[str, Batch | None] = {}
        if not tx.ran("put_following"):  # almost always
            return held
        for said in tx.all("list_new_following"):
            held.update(self._follow(tx, said))
        return held

    def _follow(self, tx: Transaction, said: Row) -> Held:
        """Let the next jobs follow; return what others hold of them."""
        limit, held = self._follow_max, dict[str, Batch | None]()
        jobs = following.next_jobs(tx, said, limit=limit)
        if said["what"] == What.RETRY:
            held |= retrying.take_up(tx, said, jobs, last=len(jobs) < limit)
        else:
            following.follow(tx, said, jobs)
        following.note(tx, said, jobs, limit=limit)
        return held
