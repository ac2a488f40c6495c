"""The events of one listener, made when he asks for them.

Who listens reads the store himself, at his own pace: what he has not fetched waits in the database,
as the newest there is of each operation, and nobody else is held up by it.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import anyio

from mcp_server.clock import Clock
from mcp_server.errors import StorageError
from mcp_server.jobs.job import ENDED_JOB_STATES, Batch, BatchState, Job, JobState
from mcp_server.jobs.store import JobStore
from mcp_server.progress.event import ERRORS_MAX, ProgressEvent, batch_event, job_event
from mcp_server.progress.reads import Reader
from mcp_server.progress.throttle import Throttle

LOOK_S = 60.0
"""The longest wait for a change before a listener looks all the same."""
GATHER_S = 0.05
"""A listener looks no more often than this: commits that follow each other are read together."""
PAUSE_S = 1.0
"""How long a listener lets the database be after it refused."""

logger = logging.getLogger(__name__)


class EventStream:
    """What becomes of operations, event by event; for one task, and to be dropped at any time.

    The present comes first. Then, of each operation, at most one event per `interval_s`, always
    the newest, and a trailing one; an end or a pause at once. Each round of a batch, and each job,
    has one end, which is never lost. A database that refuses is logged, and asked again.
    """

    def __init__(
        self, store: JobStore, clock: Clock, reader: Reader, *, interval_s: float, buffer: int
    ) -> None:
        self._store, self._clock, self._reader = store, clock, reader
        self._interval_s, self._buffer = interval_s, buffer
        self._ends: deque[Batch | Job] = deque()
        self._waiting: dict[str, Batch | Job] = {}
        self._sent: dict[str, Throttle] = {}
        """Of what was sent lately, the earliest first."""
        self._told: dict[str, int] = {}
        """Of batches that are not over, the change that was sent last."""
        self._paused: set[str] = set()
        """Of which a pause was sent last."""
        self._version: int = -1
        """The store's version that was read."""
        self._read_at = -GATHER_S
        self._again = False
        """Whether there is more to read, though nothing has changed since."""

    @property
    def caught_up(self) -> bool:
        """Whether all was told that has been noticed so far."""
        left = self._again or self._ends or self._waiting
        return not left and self._version == self._store.version

    def __aiter__(self) -> AsyncIterator[ProgressEvent]:
        return self

    async def __anext__(self) -> ProgressEvent:
        refusal = None
        while True:
            try:
                await self._read()
                if (ready := self._next_ready()) is not None:
                    present = await self._present(ready)
                    event = await self._event(present)
                    # Nothing awaits from here on: a listener who is cancelled loses none.
                    self._take(ready, present)
                    if event is not None:
                        return event
                    continue
                if self._reader.done and not self._waiting:
                    raise StopAsyncIteration
                await self._wait()
            except StorageError as error:
                if str(error) != refusal:  # once, not every second
                    refusal = str(error)
                    logger.warning("progress cannot be read; trying again: %s", error)
                await anyio.sleep(PAUSE_S)

    async def _read(self) -> None:
        """Take in what is new, unless the listener has something to fetch that is of now."""
        fresh = anyio.current_time() - self._read_at < GATHER_S and self._next_ready() is not None
        more = self._again or self._store.version != self._version
        while more and not fresh and not self._reader.done and self._has_room():
            version = self._store.version  # before reading: a later commit is read again
            found = await self._reader.read()
            more = found.more
            self._version, self._again = version, found.more or found.unchecked
            self._read_at = anyio.current_time()
            for operation in found.operations:
                self._put(operation)

    def _has_room(self) -> bool:
        held = self._sent.keys() & self._waiting.keys()
        return len(self._ends) + len(self._waiting) - len(held) < self._buffer

    def _put(self, operation: Batch | Job) -> None:
        if _is_over(operation):
            self._waiting.pop(operation.id, None)
            self._ends.append(operation)
        elif isinstance(operation, Job) or operation.change > self._told.get(operation.id, -1):
            self._waiting[operation.id] = operation

    def _next_ready(self) -> Batch | Job | None:
        if self._ends:
            return self._ends[0]
        self._forget_sent()
        ready = (each for each in self._waiting.values() if not self._is_held(each))
        return next(ready, None)

    def _is_held(self, operation: Batch | Job) -> bool:
        pauses = _is_paused(operation) and operation.id not in self._paused
        return operation.id in self._sent and not pauses

    def _forget_sent(self) -> None:
        """Forget what was sent so long ago that nothing is held any more."""
        now = anyio.current_time()
        while self._sent:
            earliest = next(iter(self._sent))
            if self._sent[earliest].hold_s(now) > 0:
                return
            del self._sent[earliest]

    async def _present(self, operation: Batch | Job) -> Batch | Job | None:
        """Return the operation with what runs of it now; `None` if it is over: that is read next.

        Only what is sent is looked at so closely, and not whatever changes.
        """
        if isinstance(operation, Job) or operation.ended:
            return operation
        present = await self._store.batch(operation.id, running=True)
        over = present is None or present.ended or present.round != operation.round
        return None if over else present

    async def _event(self, operation: Batch | Job | None) -> ProgressEvent | None:
        if operation is None:
            return None
        if isinstance(operation, Job):
            return job_event(operation)
        failures = tuple(await self._failures(operation))
        return batch_event(replace(operation, failures=failures), now=self._clock.now())

    async def _failures(self, batch: Batch) -> Sequence[Job]:
        """Return the first failures of the batch's round; none if another round has followed."""
        if not batch.failed and batch.state is not BatchState.FAILED:
            return ()
        states = {JobState.FAILED}
        failures = await self._store.jobs(batch.id, states=states, limit=ERRORS_MAX)
        present = await self._store.batch(batch.id)  # after its jobs: a retry may come between
        return failures if present is not None and present.round == batch.round else ()

    def _take(self, ready: Batch | Job, sent: Batch | Job | None) -> None:
        """Note that this was ready, and what of it was sent."""
        self._sent.pop(ready.id, None)
        self._paused.discard(ready.id)
        if _is_over(ready):
            self._told.pop(ready.id, None)
            self._ends.popleft()
            return
        del self._waiting[ready.id]
        if sent is not None:
            self._sent[ready.id] = Throttle(self._interval_s, anyio.current_time())
            if _is_paused(sent):
                self._paused.add(ready.id)
        if isinstance(sent, Batch):
            self._told[ready.id] = sent.change

    async def _wait(self) -> None:
        """Return when something has changed, or something that is held may be sent."""
        if self._again:
            await anyio.sleep(GATHER_S)
            return
        if self._waiting:
            first = next(iter(self._sent.values()))
            timeout_s = first.hold_s(anyio.current_time())
        else:
            timeout_s = LOOK_S
        if await self._store.wait_for_change(timeout_s, since=self._version):
            await anyio.sleep(GATHER_S)


def _is_over(operation: Batch | Job) -> bool:
    if isinstance(operation, Job):
        return operation.state in ENDED_JOB_STATES
    return operation.ended


def _is_paused(operation: Batch | Job) -> bool:
    return operation.state in (BatchState.PAUSED, JobState.PAUSED)
