"""The hub: whoever wants to hear of changes subscribes here, and the store is read once for all.

There is no task that reads: of those who wait, one waits for the next commit and then reads for
everybody. So nobody subscribed costs nothing, and nothing has to be started.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Hashable
from weakref import WeakKeyDictionary

import anyio

from mcp_server.errors import NotFound, StorageError
from mcp_server.jobs.hub.reading import NamedReading, OwnerReading, Reading
from mcp_server.jobs.hub.subscription import ENDED, Snapshot, State, Subscription
from mcp_server.jobs.job import Batch, Job
from mcp_server.jobs.store import JobStore

LOOK_S = 60.0
"""The longest wait for a commit before it is read all the same."""
GATHER_S = 0.05
"""It is read no more often than this: commits that follow each other are read together."""
PAUSE_S = 1.0
"""How long the database is let be after it refused."""

logger = logging.getLogger(__name__)


class Hub:
    """Tells subscribers what becomes of operations: of batches, and of jobs outside any.

    There should be one in a process. `buffer` is how many operations are read at a time, and how
    many may wait for a subscriber of all: what is beyond that waits in the database, and is read
    for him alone until he has caught up. `now` is what intervals are measured with.
    """

    def __init__(
        self, store: JobStore, *, buffer: int = 256, now: Callable[[], float] | None = None
    ) -> None:
        self._store, self._buffer, self._now = store, buffer, now or _loop_time
        self._named = NamedReading()
        self._of_owners: WeakKeyDictionary[OwnerReading, None] = WeakKeyDictionary()
        """Their members hold them: what nobody needs any more is gone."""
        self._lock = anyio.Lock(fast_acquire=True)
        self._overdue = False
        self._pause_until = -math.inf
        self._refusal: str | None = None
        self._damaged: str | None = None
        self._reader: Subscription | None = None
        """Who waits for a commit, to read it for all."""
        self._idle: dict[Subscription, None] = {}
        """Who only waits to be woken."""

    async def subscribe(
        self,
        owner: str | None,
        *,
        only: str | None = None,
        until: frozenset[State] = ENDED,
        interval_s: float = 0.5,
        patient: bool = True,
    ) -> Subscription:
        """Return what becomes of an owner's operations (`None`: of everybody's), from now on.

        What begins later is found by itself. With `only`, the id of a batch or a job, it is that
        one, in a batch or not, until it is in one of the states of `until`. There is nothing to
        close: whoever has had enough lets go of it. If the database refuses later, a `patient`
        subscription goes on once it answers again; any other raises what it said.

        Raises:
            NotFound: the owner has no such batch or job.
            StorageError: the database refused.
        """
        subscription = Subscription(
            self,
            until=until if only is not None else frozenset(),
            interval_s=interval_s,
            buffer=self._buffer,
            now=self._now,
            patient=patient,
        )
        async with self._lock:
            if only is None:
                reading = OwnerReading(owner, await self._store.cursor(owner=owner))
                reading.add([subscription])
                self._of_owners[reading] = None
            else:
                await self._name(subscription, owner, only)
        return subscription

    async def knows(self, id: str) -> bool:
        """Whether there is such a batch or job. Of one that was lost, nothing is told.

        Raises:
            StorageError: the database refused.
        """
        return (await self._store.batch(id) or await self._store.job(id)) is not None

    async def read(self) -> None:
        """Have put to all subscriptions what has become of operations since it was read last.

        Raises:
            StorageError: the database refused; the next call starts where this one did.
        """
        async with self._lock:
            await self._read()

    # What subscriptions ask for

    def is_behind(self, subscription: Subscription) -> bool:
        """Whether there may be something that was not put to the subscription."""
        place = subscription.place
        return place.unfinished or place.version != self._store.version or self._overdue

    async def refresh(self, subscription: Subscription) -> None:
        """Have put to the subscription what is new, unless that was done just now."""
        if self._pause_s() > 0:
            return
        try:
            async with self._lock:
                more = True
                while more and subscription.has_room and self.is_behind(subscription):
                    subscription.place.parked = False
                    await self._read()
                    more = subscription.place.more
        except StorageError as error:
            self._pause_until = _loop_time() + PAUSE_S
            if str(error) != self._refusal:  # once, not every second
                self._refusal = str(error)
                logger.warning("progress cannot be read; trying again: %s", error)
            if not subscription.patient:
                raise
            for idle in self._idle:
                if not idle.patient:
                    idle.wake()  # it asks for itself, and is told

    async def wait(self, subscription: Subscription, timeout_s: float) -> None:
        """Return when there may be something new for the subscription, or the time is up."""
        # It waits because all it had was taken: it has room again, and the next reading is for it
        # as well. Otherwise only a chain of others, each waking the next, might get to it.
        subscription.place.parked = False
        try:
            if self._reader is None:
                self._reader = subscription
                with anyio.move_on_after(timeout_s) as subscription.waits_for_commit:
                    await self._until_due(subscription)
            elif self._is_apart(subscription, self._reader):
                await anyio.sleep(self._pause_s())
            else:
                self._idle[subscription] = None
                await subscription.doze(timeout_s)
        finally:
            self._idle.pop(subscription, None)
            if self._reader is subscription:
                self._reader = subscription.waits_for_commit = None
            if self._reader is None and self._idle:
                next(iter(self._idle)).wake()  # who will find that nobody reads

    async def _until_due(self, reader: Subscription) -> None:
        """Wait for a commit that the reader does not know, and until it may be read."""
        place = reader.place
        if not place.unfinished and not await self._store.wait_for_change(
            LOOK_S, since=place.version
        ):
            self._overdue = True
        await anyio.sleep(self._pause_s())

    def _is_apart(self, subscription: Subscription, reader: Subscription) -> bool:
        """Whether there is something to read for a subscription that the reader may not wait for.

        It has subscribed, or found room again, since the last reading.
        """
        place = subscription.place
        if not self.is_behind(subscription):
            return False
        return place.unfinished or place.version < reader.place.version

    def _pause_s(self) -> float:
        return max(0.0, self._pause_until - _loop_time())

    # Reading, with the lock held

    async def _name(self, subscription: Subscription, owner: str | None, id: str) -> None:
        """Read the present of one operation, and from then on what becomes of it."""
        if not self._named.has_members:
            version = self._store.version  # before reading: a later commit is read again
            self._named.begin(await self._store.last_change(), version)
        subscription.place = self._named
        present = await self._present(id)
        if present is None or not present.origin.is_seen_by(owner):
            raise NotFound("batch or job", id, hint="Finished jobs are forgotten after a day.")
        subscription.begin(Snapshot(present))
        self._named.add(subscription, present)

    async def _present(self, id: str) -> Batch | Job | None:
        batch = await self._store.batch(id, running=True, failures=True)
        return batch or await self._store.job(id)

    async def _read(self) -> None:
        readings = self._readings()
        if not readings:  # nobody is subscribed
            return
        version = self._store.version  # before reading: a later commit is read again
        questions = [reading.question(version) for reading in readings]
        answers = await self._store.updates(questions, limit=self._buffer)
        self._overdue, self._refusal = False, None
        self._pause_until = _loop_time() + GATHER_S
        for reading, updates in zip(readings, answers, strict=True):
            if updates.damaged not in (None, self._damaged):  # once, not with every reading
                self._damaged = updates.damaged
                logger.warning("progress cannot be read of everything: %s", updates.damaged)
            for operation, subscriptions in reading.take(updates, version):
                snapshot = Snapshot(operation)
                for subscription in subscriptions:
                    subscription.put(snapshot)

    def _readings(self) -> list[Reading]:
        """Return what is to be read: one reading for all who know the same and can be told."""
        alike: dict[Hashable, OwnerReading] = {}
        for reading in list(self._of_owners):
            if not reading.parked and not self._park(reading):
                first = alike.setdefault(reading.mark, reading)
                if first is not reading and first.knows_the_same(reading):
                    first.absorb(reading)
        readings: list[Reading] = [each for each in self._of_owners if not each.parked]
        return [each for each in (self._named, *readings) if each.has_members]

    def _park(self, reading: OwnerReading) -> bool:
        """Let those be who have no room, as they are slow; whether these are all."""
        full: list[Subscription] = []
        if reading.crowded:
            reading.crowded = False
            full = [each for each in reading.members if not each.has_room]
        if full:
            slow = reading if len(full) == len(reading.members) else reading.part(full)
            slow.parked = True
            self._of_owners[slow] = None
        return reading.parked


def _loop_time() -> float:
    """Return `anyio.current_time`, without the way there."""
    return asyncio.get_running_loop().time()
