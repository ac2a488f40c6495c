"""Housekeeping: what is forgotten, and which processes live. Each method is one transaction."""

from __future__ import annotations

from functools import partial

from mcp_server.jobs.json_text import dumped
from mcp_server.jobs.records import Host
from mcp_server.jobs.rules.requests import REQUEST_KEY_S
from mcp_server.storage.sql.queue import clock, pruning
from mcp_server.storage.sql.queue.reads import JobReads
from mcp_server.storage.sql.queue.rows import host_of
from mcp_server.storage.sql.queue.work import work_until
from mcp_server.storage.sql.transaction import Transaction

HOST_FORGOTTEN_S = 3600.0
"""How long the row of a process stays that died without withdrawing it."""

FREE_PAGES_KEPT = 1000
"""Pages (of 4 kB) that are kept for what comes next: a file that shrinks has to grow again."""

FREED_MAX = 200
"""Pages that are given back in one transaction, in a few milliseconds."""


class JobUpkeep(JobReads):
    """The part of a job store that keeps house."""

    async def prune(self, *, completed_before: float, ended_before: float, limit: int) -> int:
        while True:
            found = await self._database.read(
                lambda tx: pruning.find(
                    tx, completed_before=completed_before, ended_before=ended_before, limit=limit
                )
            )
            if not found:
                return 0
            if deleted := await self._database.write(partial(pruning.prune, found=found)):
                return deleted

    async def forget_requests(self, *, now: float, limit: int) -> int:
        before = now - REQUEST_KEY_S
        if await self._database.read(lambda tx: tx.one("find_old_request", before=before)) is None:
            return 0
        ages = {"before": before, "limit": limit}
        return await self._database.write(
            lambda tx: tx.count("prune_requests", **ages) + tx.count("prune_spent", **ages)
        )

    async def shrink(self) -> bool:
        found = await self._database.read(lambda tx: tx.one("count_free_pages"))
        assert found is not None
        if not found["shrinks"] or found["pages"] <= FREE_PAGES_KEPT:
            await self._database.checkpoint()
            return False

        def step(tx: Transaction) -> None:
            for _ in range(FREED_MAX):
                tx.run("free_page")

        await self._database.write(step)
        return True

    async def announce(self, host: Host, *, now: float) -> Host:
        def step(tx: Transaction) -> Host:
            clock.follow(tx, now=now)
            tx.run("forget_hosts", before=now - HOST_FORGOTTEN_S)
            row = tx.one(
                "put_host",
                id=host.id,
                role=host.role,
                pid=host.pid,
                version=host.version,
                abilities=dumped(sorted(host.abilities)),
                details=dumped(host.details),
                now=now,
            )
            assert row is not None
            return host_of(row)

        return await self._database.write(step)

    async def withdraw(
        self, host_id: str, *, unless_work_within_s: float | None, now: float
    ) -> bool:
        def step(tx: Transaction) -> bool:
            if unless_work_within_s is not None and work_until(tx, now + unless_work_within_s):
                return False
            tx.run("delete_host", id=host_id)
            return True

        return await self._database.write(step)

    async def ask(self, host_id: str, wanted: str) -> None:
        await self._database.write(lambda tx: tx.run("ask_host", id=host_id, wanted=wanted))
