"""What a listener reads of the store: what is new of all operations, or of one.

Nothing is kept of what is over, and nothing of what nobody has asked for: it waits in the database.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple, Protocol

from mcp_server.errors import NotFound
from mcp_server.jobs.job import ENDED_JOB_STATES, Batch, Job, JobState, Step
from mcp_server.jobs.records import Cursor, Question, Updates
from mcp_server.jobs.store import JobStore

CHECKED_MAX = 1_000
"""Jobs that wait, looked after at a time: where more do, they take turns. What runs has no turn."""


class Found(NamedTuple):
    """Operations that are not as they were, in the order of their changes."""

    operations: Sequence[Batch | Job]
    more: bool = False
    """Whether there is more already."""
    unchecked: bool = False
    """Whether more may be found by looking again, though nothing has changed since."""


class Seen(NamedTuple):
    """What was told of a job that runs."""

    id: str
    state: JobState
    step: Step | None
    attempts: int


class Reader(Protocol):
    """Reads what a listener wants to know."""

    async def read(self) -> Found:
        """Return what is new since the last call; the first returns the present."""
        ...

    @property
    def done(self) -> bool:
        """Whether there is nothing more to read, ever."""
        ...


class AllOperations:
    """Reads every operation of an owner (`None`: of everybody).

    Of those that were over at the cursor nothing is told.
    """

    def __init__(self, store: JobStore, owner: str | None, cursor: Cursor, *, limit: int) -> None:
        self._store, self._owner, self._limit = store, owner, limit
        self._cursor = cursor._replace(jobs=())
        self._running: dict[int, Seen] = {}
        self._waiting: dict[int, JobState | None] = dict.fromkeys(cursor.jobs)
        """Whatever is to be compared; `None`: not told of yet."""
        self._told: dict[str, int] = {}
        """While there is more to read: of each batch, the last change that was told."""
        self._version = -1
        self._unchecked = 0

    async def read(self) -> Found:
        if self._version != self._store.version:
            self._version, self._unchecked = self._store.version, len(self._waiting)
        known = self._next_in_turn() | dict.fromkeys(self._running, JobState.PROCESSING)
        asked = Question(self._cursor, known, self._owner)
        [news] = await self._store.updates([asked], limit=self._limit)
        self._cursor = news.cursor
        self._unchecked -= CHECKED_MAX
        found = [*self._changed(news), *self._moved(news)]
        return Found(found, more=news.more, unchecked=self._unchecked > 0)

    @property
    def done(self) -> bool:
        return False

    def _next_in_turn(self) -> dict[int, JobState | None]:
        """Return some that wait, others each time; all where they are few."""
        turn = dict(islice(self._waiting.items(), CHECKED_MAX))
        if len(turn) < len(self._waiting):
            for id, state in turn.items():
                del self._waiting[id]
                self._waiting[id] = state
        return turn

    def _changed(self, news: Updates) -> list[Batch]:
        """Return what is news of batches: an end may come again until all is read."""
        changed: list[Batch] = []
        for batch in news.batches:
            if batch.change > self._told.get(batch.id, -1):
                self._told[batch.id] = batch.change
                changed.append(batch)
        if not news.more:
            self._told.clear()
        return changed

    def _moved(self, news: Updates) -> list[Job]:
        for id in news.gone:
            self._forget(id)
        return [job for job in news.jobs if self._is_new(job)]

    def _is_new(self, job: Job) -> bool:
        """Keep what has to be known of a job to tell its next change; whether this is one."""
        seen = Seen(job.id, job.state, job.step, job.attempts)
        if self._running.get(job.order) == seen or self._waiting.get(job.order) is job.state:
            return False
        self._forget(job.order)
        if job.state is JobState.PROCESSING:
            self._running[job.order] = seen
        elif job.state not in ENDED_JOB_STATES:
            self._waiting[job.order] = job.state
        return True

    def _forget(self, order: int) -> None:
        self._running.pop(order, None)
        self._waiting.pop(order, None)


class OneBatch:
    """Reads one batch, until its round ends; of a round that was retried at once, the end."""

    def __init__(self, store: JobStore, batch: Batch) -> None:
        self._store, self._id = store, batch.id
        self._known = batch
        self._seen: Batch | None = None

    async def read(self) -> Found:
        batch = await self._store.batch(self._id)
        if batch is not None and batch.round > self._known.round and not self._known.ended:
            batch = await self._end_before(batch)
        if batch is None or batch == self._seen:
            return Found(())
        self._known = self._seen = batch
        return Found((batch,))

    async def _end_before(self, present: Batch) -> Batch | None:
        """Return how the known round ended; `None`: the batch has changed again meanwhile."""
        since = Cursor(
            change=present.change - 1,  # so that the batch comes first
            order=sys.maxsize,
            began=present.change,
            complete=self._known.change,
            under_way=None,
        )
        [news] = await self._store.updates([Question(since, {}, only=[self._id])], limit=1)
        ends = (each for each in news.batches if each.id == self._id)
        return next(ends, None)

    @property
    def done(self) -> bool:
        return self._seen is not None and self._seen.ended


class OneJob:
    """Reads one job, in a batch or not, until it ends or is forgotten."""

    def __init__(self, store: JobStore, job: Job) -> None:
        self._store, self._id = store, job.id
        self._seen: Job | None = None
        self._forgotten = False

    async def read(self) -> Found:
        job = await self._store.job(self._id)
        self._forgotten = job is None
        if job is None or job == self._seen:
            return Found(())
        self._seen = job
        return Found((job,))

    @property
    def done(self) -> bool:
        ended = self._seen is not None and self._seen.state in ENDED_JOB_STATES
        return ended or self._forgotten


async def reader_of(store: JobStore, *, owner: str | None, only: str | None, limit: int) -> Reader:
    """Return what reads one operation of an owner, or all of them from now on.

    Raises:
        NotFound: the owner has no such batch or job.
    """
    if only is None:
        return AllOperations(store, owner, await store.cursor(owner=owner), limit=limit)
    if (batch := await store.batch(only)) is not None and owner in (None, batch.origin.owner):
        return OneBatch(store, batch)
    if (job := await store.job(only)) is not None and owner in (None, job.origin.owner):
        return OneJob(store, job)
    raise NotFound("batch or job", only, hint="Finished jobs are forgotten after a day.")
