"""Operations as events: what the hub tells, in the words and figures of progress."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from weakref import WeakKeyDictionary

import anyio
import anyio.lowlevel
from anyio.abc import TaskStatus

from mcp_server.clock import Clock
from mcp_server.jobs.hub.hub import Hub
from mcp_server.jobs.hub.subscription import Snapshot, Subscription
from mcp_server.jobs.job import Job
from mcp_server.jobs.worker.attempt import is_in_a_task
from mcp_server.progress.event import EventSink, ProgressEvent, batch_event, job_event

logger = logging.getLogger(__name__)


class EventStream:
    """What becomes of operations, event by event, as of a subscription."""

    def __init__(
        self, subscription: Subscription, event_of: Callable[[Snapshot], ProgressEvent]
    ) -> None:
        self._subscription, self._event_of = subscription, event_of

    def __aiter__(self) -> AsyncIterator[ProgressEvent]:
        return self

    async def __anext__(self) -> ProgressEvent:
        return self._event_of(await anext(self._subscription))

    def end(self) -> None:
        """Let nothing follow."""
        self._subscription.end()

    @property
    def caught_up(self) -> bool:
        """Whether all was told that has been noticed so far."""
        return self._subscription.caught_up


class Events:
    """Events of operations, for whoever subscribes; each is made once for all of them."""

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self._hub, self._clock = hub, clock
        self._made: WeakKeyDictionary[Snapshot, ProgressEvent] = WeakKeyDictionary()

    async def subscribe(
        self, owner: str | None, *, only: str | None = None, interval_s: float = 0.5
    ) -> EventStream:
        """Return the events of an owner's operations (`None`: of everybody's), from now on.

        As `Hub.subscribe`: of each operation one event per `interval_s`, and its end at once.

        Raises:
            NotFound: the owner has no such batch or job.
            StorageError: the database refused.
        """
        subscription = await self._hub.subscribe(owner, only=only, interval_s=interval_s)
        return EventStream(subscription, self._event_of)

    async def knows(self, id: str) -> bool:
        """Whether there is such a batch or job.

        Raises:
            StorageError: the database refused.
        """
        return await self._hub.knows(id)

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
        events = await self.subscribe(owner, interval_s=interval_s)
        task_status.started()
        async for event in events:
            await _hand(event, sink)

    def _event_of(self, snapshot: Snapshot) -> ProgressEvent:
        event = self._made.get(snapshot)
        if event is None:
            event = self._made[snapshot] = self._made_of(snapshot)
        return event

    def _made_of(self, snapshot: Snapshot) -> ProgressEvent:
        operation = snapshot.operation
        if isinstance(operation, Job):
            return job_event(operation)
        return batch_event(operation, now=self._clock.now())


async def _hand(event: ProgressEvent, sink: EventSink) -> None:
    """Hand over an event; this is the boundary to code that is not ours."""
    try:
        await sink.emit(event)
    except BaseException as error:  # a sink cannot end the server, not by SystemExit
        if isinstance(error, anyio.get_cancelled_exc_class()):
            await anyio.lowlevel.checkpoint_if_cancelled()  # raises where we were cancelled
        if isinstance(error, GeneratorExit) and not is_in_a_task():
            raise  # nobody is subscribed any more: the loop is gone
        name = type(sink).__name__
        logger.exception("%s did not take the progress of %s", name, event.id)
