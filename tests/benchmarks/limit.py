"""What SQLite can do here at all: a bare `sqlite3` loop on Pressroom's schema.

It makes the same row changes as the queue, JSON included, and nothing else: nothing is checked,
nobody waits, no row is read twice. Counters and change number are written once per group: nothing
that groups its commits could do better.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from tests.benchmarks.place import Place
from tests.benchmarks.rows import (
    JOB,
    insert_batch,
    job_row,
    next_change,
    opened,
    some_id,
    transaction,
)

GROUPS = (50, 100, 500)
"""Jobs per transaction; the best of these is the limit."""

LEASE_S = 30.0

READY = "SELECT id, payload FROM jobs WHERE state = 'pending' ORDER BY priority DESC, id LIMIT ?"
CLAIM = """
UPDATE jobs
SET state = 'processing', attempt_id = ?, worker_id = ?, lease_until = ?, started_at = ?
WHERE id = ? AND state = 'pending'
"""
NOTE_CLAIM = "UPDATE counters SET value = ? WHERE name = 'last_claim_ms'"
START_BATCH = """
UPDATE rounds SET state = 'processing', started_at = coalesce(started_at, ?), change = ?
WHERE batch = ? AND number = 1
"""
FINISH = """
UPDATE jobs
SET state = 'completed', attempts = attempts + 1, ended_at = ?, lease_until = NULL, result = ?
WHERE id = ? AND attempt_id = ? AND state = 'processing'
"""
COUNT = """
UPDATE rounds SET completed = completed + ?, outstanding = outstanding - ?, change = ?
WHERE batch = ? AND number = 1
"""

Claimed = Sequence[tuple[int, str, str]]
"""Row id, payload and attempt id."""


class Limit:
    """The bare loop."""

    def __init__(self, connection: sqlite3.Connection, thread: ThreadPoolExecutor) -> None:
        self._connection, self._thread = connection, thread
        self._batch = 0

    async def enqueue_each(self, count: int) -> None:
        """Insert and commit, each through one hop to a thread."""
        loop = asyncio.get_running_loop()
        for number in range(count):
            await loop.run_in_executor(self._thread, self._insert, number)

    async def enqueue_at_once(self, count: int, at_once: int) -> None:
        """As one after another: a bare loop groups nothing."""
        await self.enqueue_each(count)

    async def enqueue_many(self, count: int) -> None:
        with transaction(self._connection):
            self._batch = insert_batch(self._connection, count)

    async def drain(self, count: int, concurrency: int) -> float:
        """Drain a share with each size of group; return the best rate."""
        return max(self._drain(count // len(GROUPS), group) for group in GROUPS)

    def _insert(self, number: int) -> None:
        with transaction(self._connection):
            self._connection.execute(JOB, job_row(number, time.time()))

    def _drain(self, count: int, group: int) -> float:
        begun = time.perf_counter()
        for done in range(0, count, group):
            claimed = self._claim(min(group, count - done))
            for _, payload, _ in claimed:
                json.loads(payload)
            self._finish(claimed)
        return count / (time.perf_counter() - begun)

    def _claim(self, group: int) -> Claimed:
        connection, now = self._connection, time.time()
        with transaction(connection):
            rows = connection.execute(READY, (group,)).fetchall()
            claimed = [(id, payload, some_id("a")) for id, payload in rows]
            connection.executemany(
                CLAIM, [(attempt, "w_limit", now + LEASE_S, now, id) for id, _, attempt in claimed]
            )
            connection.execute(START_BATCH, (now, next_change(connection), self._batch))
            connection.execute(NOTE_CLAIM, (int(now * 1000),))
        return claimed

    def _finish(self, claimed: Claimed) -> None:
        connection, now, count = self._connection, time.time(), len(claimed)
        with transaction(connection):
            connection.executemany(
                FINISH, [(now, json.dumps({}), id, attempt) for id, _, attempt in claimed]
            )
            connection.execute(COUNT, (count, count, next_change(connection), self._batch))


@asynccontextmanager
async def open_queue(place: Place) -> AsyncGenerator[Limit]:
    """Open the file as Pressroom has it."""
    with (
        opened(place.file, synchronous=place.synchronous) as connection,
        ThreadPoolExecutor(max_workers=1) as thread,
    ):
        yield Limit(connection, thread)
