"""What one subscriber is told: of each operation the newest snapshot, and every end."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from typing import Protocol

import anyio

from mcp_server.jobs.hub.throttle import Throttle
from mcp_server.jobs.job import (
    ENDED_BATCH_STATES,
    ENDED_JOB_STATES,
    Batch,
    BatchState,
    Job,
    JobState,
)

State = BatchState | JobState

ENDED: frozenset[State] = ENDED_BATCH_STATES | ENDED_JOB_STATES
"""It is over, until somebody retries it."""
PAUSED: frozenset[State] = frozenset({BatchState.PAUSED, JobState.PAUSED})
"""It waits for a person."""
STILL = ENDED | PAUSED
"""Nothing of it happens by itself."""


class Snapshot:
    """An operation as it was read: the same object for all who are told of it."""

    __slots__ = ("__weakref__", "change", "ended", "id", "operation", "paused")

    def __init__(self, operation: Batch | Job) -> None:
        self.operation = operation
        """A batch has its running jobs and its first failures."""
        self.id = operation.id
        self.ended = operation.state in ENDED
        self.paused = operation.state in PAUSED
        self.change = operation.change if isinstance(operation, Batch) else math.inf
        """The change of a batch that this is, or follows; a job has none."""

    @property
    def batch(self) -> Batch:
        """The batch, for whoever subscribed to one."""
        assert isinstance(self.operation, Batch)
        return self.operation

    @property
    def job(self) -> Job:
        """The job, for whoever subscribed to one."""
        assert isinstance(self.operation, Job)
        return self.operation


class Place(Protocol):
    """How far what is read for a subscription has come."""

    version: int
    """The store's version that was read."""
    more: bool
    """Whether there is more already."""
    parked: bool
    """Whether nothing is read here until somebody has room for it."""
    crowded: bool
    """Whether somebody may have no room."""

    @property
    def unfinished(self) -> bool:
        """Whether reading again may find more, though nothing has changed since."""
        ...


class Source(Protocol):
    """What reads for subscriptions: the hub."""

    async def refresh(self, subscription: Subscription) -> None:
        """Have put to the subscription what is new, unless that was done just now."""
        ...

    async def wait(self, subscription: Subscription, timeout_s: float) -> None:
        """Return when there may be something new for the subscription, or the time is up."""
        ...

    def is_behind(self, subscription: Subscription) -> bool:
        """Whether there may be something that was not put to the subscription."""
        ...


class Subscription:
    """What becomes of operations, snapshot by snapshot, for one task; to be dropped at any time.

    The present comes first. Then, of each operation, at most one snapshot per `interval_s`, always
    the newest, and a trailing one; an end or a pause at once. Each round of a batch, and each job,
    has one end, which is never lost. `until` are the states in which one operation is told of for
    the last time; of several there is no last.
    """

    def __init__(
        self,
        source: Source,
        *,
        until: frozenset[State] = frozenset(),
        interval_s: float,
        buffer: int,
        now: Callable[[], float],
    ) -> None:
        self.place: Place
        """Set by whoever reads for it."""
        self._source, self._until = source, until
        self._interval_s, self._buffer, self._now = interval_s, buffer, now
        self._ends: deque[Snapshot] = deque()
        self._waiting: dict[str, Snapshot] = {}
        self._sent: dict[str, Throttle] = {}
        """Of what was sent lately, the earliest first."""
        self._paused: set[str] = set()
        """Of which a pause was sent last."""
        self._present: float = -1
        """Of one batch, the change that it was at when it was subscribed to."""
        self._over = False
        self._woken: asyncio.Future[None] | None = None
        self.waits_for_commit: anyio.CancelScope | None = None
        """Set while it is the one that waits, to read for all."""

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Snapshot:
        while True:
            if self._source.is_behind(self):
                await self._source.refresh(self)
            if (ready := self._next_ready()) is not None:
                self._take(ready)  # and nothing awaits any more: who is cancelled loses none
                return ready
            if self._over:
                raise StopAsyncIteration
            await self._source.wait(self, self._hold_s())

    @property
    def caught_up(self) -> bool:
        """Whether all was sent that has been noticed so far."""
        return not (self._ends or self._waiting or self._source.is_behind(self))

    @property
    def has_room(self) -> bool:
        """Whether more may be put; what is held back for a while takes no room."""
        held = self._sent.keys() & self._waiting.keys()
        return len(self._ends) + len(self._waiting) - len(held) < self._buffer

    def begin(self, present: Snapshot) -> None:
        """Begin with one operation as it is: what was before may still be put, and is old."""
        self.put(present)
        self._present = present.change if present.change < math.inf else -1

    def put(self, snapshot: Snapshot) -> None:
        """Take in what became of an operation; it takes the place of an earlier snapshot."""
        id = snapshot.id
        if self._over or snapshot.change <= self._present:
            return
        if snapshot.ended or snapshot.paused:
            self._over = snapshot.operation.state in self._until
        if self._over or snapshot.ended:
            self._waiting.pop(id, None)
            self._ends.append(snapshot)
        else:
            self._waiting[id] = snapshot
            if id in self._sent and not (snapshot.paused and id not in self._paused):
                return  # it is held, and looked at when its time has come
        if len(self._ends) + len(self._waiting) >= self._buffer:
            self.place.crowded = True
        self.wake()

    def end(self) -> None:
        """Put no more: what was put before is still told, and nothing follows."""
        self._over = True
        self.wake()

    async def doze(self, timeout_s: float) -> None:
        """Return when woken, or when the time is up.

        Without anyio's scopes and events: a thousand subscribers do this twice a second.
        """
        loop = asyncio.get_running_loop()
        self._woken = loop.create_future()
        timer = loop.call_later(timeout_s, self.wake) if timeout_s < math.inf else None
        try:
            await self._woken
        finally:
            if timer is not None:
                timer.cancel()

    def wake(self) -> None:
        """End the wait, if there is one."""
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)
        elif self.waits_for_commit is not None:
            self.waits_for_commit.cancel()

    def _next_ready(self) -> Snapshot | None:
        if self._ends:
            return self._ends[0]
        self._forget_sent()
        ready = (each for each in self._waiting.values() if not self._is_held(each))
        return next(ready, None)

    def _is_held(self, snapshot: Snapshot) -> bool:
        pauses = snapshot.paused and snapshot.id not in self._paused
        return snapshot.id in self._sent and not pauses

    def _forget_sent(self) -> None:
        """Forget what was sent so long ago that nothing is held any more."""
        if not self._sent:
            return
        now = self._now()
        while self._sent:
            earliest = next(iter(self._sent))
            if self._sent[earliest].hold_s(now) > 0:
                return
            del self._sent[earliest]

    def _take(self, ready: Snapshot) -> None:
        self._sent.pop(ready.id, None)
        self._paused.discard(ready.id)
        if self._ends:
            self._ends.popleft()
            return
        del self._waiting[ready.id]
        self._sent[ready.id] = Throttle(self._interval_s, self._now())
        if ready.paused:
            self._paused.add(ready.id)

    def _hold_s(self) -> float:
        """Return how long nothing can become ready by itself."""
        earliest = next(iter(self._sent.values()), None)
        return math.inf if earliest is None else earliest.hold_s(self._now())
