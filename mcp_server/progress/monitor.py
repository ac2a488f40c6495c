"""Who listens to what: to one batch, or to all that an owner has under way.

Of one batch there are snapshots: many calls may wait for the same, so changes are read once and
fanned out. Of everything there are events: an interface asks for those once, and reads them at its
own pace. Nobody is waited for either way, and a listener's mistake is his own.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
from anyio.abc import TaskStatus

from mcp_server.clock import Clock
from mcp_server.errors import NotFound, StorageError
from mcp_server.jobs.job import Batch, BatchState
from mcp_server.jobs.store import JobStore
from mcp_server.jobs.worker.attempt import is_in_a_task
from mcp_server.progress.event import EventSink, ProgressEvent
from mcp_server.progress.reads import reader_of
from mcp_server.progress.stream import GATHER_S, PAUSE_S, EventStream
from mcp_server.progress.throttle import Throttle

WAIT_S = 1.0
"""The longest wait for a change: how late a commit is noticed if nothing else tells of it."""

logger = logging.getLogger(__name__)


class ProgressMonitor:
    """Tells whoever listens what becomes of operations. Nobody listening costs nothing.

    `buffer` is how many changes are read at a time. What waits for a subscriber is always one
    snapshot, the newest, so that a slow one holds up neither the others nor the memory.
    """

    def __init__(self, store: JobStore, clock: Clock, *, buffer: int = 256) -> None:
        self._store = store
        self._clock = clock
        self._buffer = buffer
        self._subscriptions: list[_Subscription] = []
        self._cursor: int | None = None
        self._somebody = anyio.Event()

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Fan changes out until cancelled; a database that refuses is logged and asked again."""
        task_status.started()
        refusal = None
        while True:
            await self._somebody.wait()  # forever, if need be: nobody is kept waiting by it
            try:
                version = self._store.version
                await self.tick()
                refusal = None
                await self._store.wait_for_change(WAIT_S, since=version)
                await anyio.sleep(GATHER_S)
            except StorageError as error:
                if str(error) != refusal:  # once, not every second
                    refusal = str(error)
                    logger.exception("progress cannot be read; trying again")
                await anyio.sleep(PAUSE_S)

    async def tick(self) -> None:
        """Hand every subscriber what its batch has become since the last call.

        Raises:
            StorageError: the database refused; the next call starts where this one did.
        """
        cursor = self._cursor
        if cursor is None:
            # Somebody is the first to listen: the snapshot holds all that has happened so far.
            cursor = await self._store.last_change()
            await self._publish(self._listened_to())
        while changed := await self._store.changes_after(cursor, limit=self._buffer):
            await self._publish(self._listened_to() & {batch.id for batch in changed})
            cursor = changed[-1].change
        self._cursor = cursor if self._subscriptions else None

    @asynccontextmanager
    async def watch(
        self, batch_id: str, *, interval_s: float = 0.5
    ) -> AsyncGenerator[AsyncIterator[Batch]]:
        """Yield an iterator of snapshots of a batch, with its running jobs: the present one first.

        Then at most one per `interval_s`, always the newest, and a trailing one. An end or a pause
        comes at once, is never lost, and is the last.

        Raises:
            NotFound: there is no such batch.
        """
        subscription = _Subscription(batch_id, Throttle(interval_s), self._clock)
        self._add(subscription)
        try:
            # Read after subscribing: a change in between comes twice rather than not at all.
            present = await self._store.batch(batch_id, running=True)
            if present is None:
                raise NotFound("batch", batch_id)
            subscription.put(present)
            yield subscription
        finally:
            self._remove(subscription)

    async def events(
        self, owner: str | None, *, only: str | None = None, interval_s: float = 0.5
    ) -> EventStream:
        """Return the events of an owner's operations (`None`: of everybody's), from now on.

        An operation is a batch, or a job outside any; what begins later is found by itself. With
        `only`, the id of a batch or a job, it is that one, until it ends. There is nothing to
        close: a listener who has had enough lets go of it.

        Raises:
            NotFound: the owner has no such batch or job.
            StorageError: the database refused.
        """
        reader = await reader_of(self._store, owner=owner, only=only, limit=self._buffer)
        return EventStream(
            self._store, self._clock, reader, interval_s=interval_s, buffer=self._buffer
        )

    async def feed(
        self,
        sink: EventSink,
        *,
        owner: str | None = None,
        interval_s: float = 0.5,
        task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        """Hand each event to `sink`, one after the other, until cancelled.

        A sink that takes its time gets the newest of what happened meanwhile, and each end. What it
        raises, whatever it is, is logged, and costs that one event.

        Raises:
            StorageError: the database refused before it began.
        """
        events = await self.events(owner, interval_s=interval_s)
        task_status.started()
        async for event in events:
            await _hand(event, sink)

    async def _publish(self, batch_ids: Collection[str]) -> None:
        for batch_id in batch_ids:
            batch = await self._store.batch(batch_id, running=True)
            for subscription in self._subscriptions:
                if batch is not None and subscription.batch_id == batch_id:
                    subscription.put(batch)

    def _listened_to(self) -> set[str]:
        return {subscription.batch_id for subscription in self._subscriptions}

    def _add(self, subscription: _Subscription) -> None:
        self._subscriptions.append(subscription)
        self._somebody.set()

    def _remove(self, subscription: _Subscription) -> None:
        self._subscriptions.remove(subscription)
        if not self._subscriptions:
            self._somebody = anyio.Event()
            self._cursor = None


async def _hand(event: ProgressEvent, sink: EventSink) -> None:
    """Hand over an event; this is the boundary to code that is not ours."""
    try:
        await sink.emit(event)
    except BaseException as error:  # a sink cannot end the server, not by SystemExit
        if isinstance(error, anyio.get_cancelled_exc_class()):
            await anyio.lowlevel.checkpoint_if_cancelled()  # raises where we were cancelled
        if isinstance(error, GeneratorExit) and not is_in_a_task():
            raise  # nobody listens any more: the loop is gone
        name = type(sink).__name__
        logger.exception("%s did not take the progress of %s", name, event.id)


class _Subscription:
    """One listener: a place for the newest snapshot, and the iterator that empties it."""

    def __init__(self, batch_id: str, throttle: Throttle, clock: Clock) -> None:
        self.batch_id = batch_id
        self._throttle: Throttle = throttle
        self._clock = clock
        self._newest: Batch | None = None
        self._taken: Batch | None = None
        self._arrived = anyio.Event()
        self._final = anyio.Event()

    def put(self, batch: Batch) -> None:
        """Offer a snapshot; one that is older or the same, or comes after the last, is dropped."""
        newest = self._newest
        if self._final.is_set() or batch == newest:
            return
        if newest is not None and batch.change < newest.change:
            return
        self._newest = batch
        self._arrived.set()
        if _is_last(batch):
            self._final.set()

    def __aiter__(self) -> _Subscription:
        return self

    async def __anext__(self) -> Batch:
        if self._taken is not None and _is_last(self._taken):
            raise StopAsyncIteration
        await self._arrived.wait()  # as long as the batch stands still; the caller has the timeout
        with anyio.move_on_after(self._throttle.hold_s(self._clock.now())):
            await self._final.wait()
        assert self._newest is not None, "something has arrived"
        self._arrived = anyio.Event()
        self._taken = self._newest
        self._throttle = self._throttle.sent(self._clock.now())
        return self._taken


def _is_last(batch: Batch) -> bool:
    return batch.ended or batch.state is BatchState.PAUSED
