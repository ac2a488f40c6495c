"""What is read of the store for subscriptions that know the same, and what of it is new to them.

Nothing is kept of what is over, and nothing of what nobody has asked for: it waits in the database.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple
from weakref import WeakKeyDictionary

from mcp_server.jobs.hub.subscription import Subscription
from mcp_server.jobs.job import ENDED_JOB_STATES, Batch, Job, JobState, Step
from mcp_server.jobs.records import Cursor, Question, Updates

CHECKED_MAX = 1_000
"""Jobs that wait, looked after at a time: where more do, they take turns. What runs has no turn."""

Members = WeakKeyDictionary[Subscription, None]
"""Those who are read for, in the order they came; whoever lets go of his subscription is gone."""


class Seen(NamedTuple):
    """What was told of a job that runs."""

    id: str
    state: JobState
    step: Step | None
    attempts: int


class Told(NamedTuple):
    """An operation that is not as it was, and who is to be told."""

    operation: Batch | Job
    subscriptions: Iterable[Subscription]


class OwnerReading:
    """Every operation of an owner (`None`: of everybody) from a cursor on."""

    def __init__(self, owner: str | None, cursor: Cursor) -> None:
        self.members: Members = WeakKeyDictionary()
        self.version = -1
        """The store's version that was read."""
        self.more = False
        """Whether there is more already."""
        self.parked = False
        """Whether its members have no room: what becomes of operations waits in the store."""
        self.crowded = False
        """Whether some of them may have none."""
        self._owner = owner
        self._cursor = cursor._replace(jobs=())
        self._running: dict[int, Seen] = {}
        self._waiting: dict[int, JobState | None] = dict.fromkeys(cursor.jobs)
        """Jobs that are to be compared; `None`: not told of yet."""
        self._told: dict[str, int] = {}
        """While there is more to read: of each batch, the last change that was told."""
        self._unchecked = 0

    @property
    def unfinished(self) -> bool:
        """Whether reading again may find more, though nothing has changed since."""
        return self.more or self._unchecked > 0

    @property
    def has_members(self) -> bool:
        """Whether somebody subscribed, and has not gone."""
        return bool(self.members)

    @property
    def mark(self) -> Hashable:
        """The same for all that know the same, though not for these alone."""
        return self._owner, self._cursor, self.more

    def knows_the_same(self, other: OwnerReading) -> bool:
        """Whether members of both would be told the same from now on."""
        mine = (self.mark, self.unfinished, self._running, self._waiting)
        return mine == (other.mark, other.unfinished, other._running, other._waiting)

    def add(self, subscriptions: Iterable[Subscription]) -> None:
        """Read for these, too."""
        for each in subscriptions:
            self.members[each] = None
            each.place = self

    def absorb(self, other: OwnerReading) -> None:
        """Read for the members of another that knows the same, in its place."""
        self.add(list(other.members))
        other.members.clear()

    def part(self, subscriptions: Collection[Subscription]) -> OwnerReading:
        """Let some members go their own way from here; return what reads for them."""
        fork = self._fork()
        for each in subscriptions:
            self.members.pop(each, None)
        fork.add(subscriptions)
        return fork

    def question(self, version: int) -> Question:
        """Return what to ask of the store, which is at this version."""
        if version != self.version:
            self._unchecked = len(self._waiting)
        known = self._next_in_turn() | dict.fromkeys(self._running, JobState.PROCESSING)
        return Question(self._cursor, known, self._owner)

    def take(self, updates: Updates, version: int) -> Iterator[Told]:
        """Go on to where an answer ends; yield what is new in it."""
        self.version, self.more = version, updates.more
        self._cursor = updates.cursor
        if self._cursor.under_way is None:  # then it does not matter when it began
            self._cursor = self._cursor._replace(began=0)
        self._unchecked -= CHECKED_MAX
        for id in updates.gone:
            self._forget(id)
        for operation in (*self._changed(updates), *filter(self._is_new, updates.jobs)):
            yield Told(operation, self.members)

    def _fork(self) -> OwnerReading:
        fork = OwnerReading(self._owner, self._cursor)
        fork.version, fork.more, fork._unchecked = self.version, self.more, self._unchecked
        fork._running, fork._waiting = self._running.copy(), self._waiting.copy()
        fork._told = self._told.copy()
        return fork

    def _next_in_turn(self) -> dict[int, JobState | None]:
        """Return some that wait, others each time; all where they are few."""
        turn = dict(islice(self._waiting.items(), CHECKED_MAX))
        if len(turn) < len(self._waiting):
            for id, state in turn.items():
                del self._waiting[id]
                self._waiting[id] = state
        return turn

    def _changed(self, updates: Updates) -> Sequence[Batch]:
        """Return what is new of batches: an end may come again until all is read."""
        changed: list[Batch] = []
        for batch in updates.batches:
            if batch.change > self._told.get(batch.id, -1):
                self._told[batch.id] = batch.change
                changed.append(batch)
        if not updates.more:
            self._told.clear()
        return changed

    def _is_new(self, job: Job) -> bool:
        """Keep what has to be known of a job to tell its next change; whether this is one."""
        seen = _seen(job)
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


class NamedReading:
    """Batches and jobs that are asked for by their ids, each by its own subscriptions."""

    def __init__(self) -> None:
        self.version = -1
        """The store's version that was read."""
        self.more = False
        """Whether there is more already."""
        self._cursor = _beginning(0)
        self._members: dict[str, Members] = {}
        self._jobs: dict[int, Seen] = {}
        self.parked = self.crowded = False
        """Never looked at: of one operation there is always room for the newest."""

    @property
    def unfinished(self) -> bool:
        """Whether reading again may find more, though nothing has changed since."""
        return self.more

    @property
    def has_members(self) -> bool:
        """Whether somebody subscribed, and has not gone."""
        return any(self._members.values())

    def begin(self, change: int, version: int) -> None:
        """Begin anew after a change, where nobody is subscribed."""
        self.version, self.more = version, False
        self._cursor, self._jobs = _beginning(change), {}

    def add(self, subscription: Subscription, present: Batch | Job) -> None:
        """Tell a subscription of an operation that it knows as it is at present, or was lately."""
        self._members.setdefault(present.id, WeakKeyDictionary())[subscription] = None
        if isinstance(present, Job):
            self._jobs.setdefault(present.order, _seen(present))

    def question(self, version: int) -> Question:  # noqa: ARG002 - the other kind asks in turns
        """Return what to ask of the store."""
        self._members = {id: of_it for id, of_it in self._members.items() if of_it}
        self._jobs = {order: seen for order, seen in self._jobs.items() if seen.id in self._members}
        known = {order: seen.state for order, seen in self._jobs.items()}
        return Question(self._cursor, known, only=self._members.keys())

    def take(self, updates: Updates, version: int) -> Iterator[Told]:
        """Go on to where an answer ends; yield what is new in it."""
        self.version, self.more, self._cursor = version, updates.more, updates.cursor
        for order in updates.gone:
            for subscription in list(self._members.pop(self._jobs.pop(order).id, ())):
                subscription.end()
        for operation in (*updates.batches, *filter(self._is_new, updates.jobs)):
            yield Told(operation, self._members.get(operation.id, ()))

    def _is_new(self, job: Job) -> bool:
        seen = _seen(job)
        changed = self._jobs.get(job.order) != seen
        self._jobs[job.order] = seen
        return changed


Reading = OwnerReading | NamedReading


def _beginning(change: int) -> Cursor:
    """Return a cursor that has batches before it as known, and asks for no jobs."""
    return Cursor(change=change, order=0, began=change, complete=change, under_way=None)


def _seen(job: Job) -> Seen:
    return Seen(job.id, job.state, job.step, job.attempts)
