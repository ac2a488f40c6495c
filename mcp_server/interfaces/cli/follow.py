"""`status --follow`: shows operations while they run, until they are over.

New operations are looked for at an interval; the progress of each comes as events.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import anyio

from mcp_server.errors import StorageError
from mcp_server.interfaces.cli.lines import outcome_line, stands_still
from mcp_server.interfaces.cli.runners import Board, Waited
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.hub.hub import GATHER_S, PAUSE_S
from mcp_server.jobs.job import BatchState, JobState
from mcp_server.progress.event import ProgressEvent
from mcp_server.progress.stream import Events, EventStream

FOUND_MAX = 200
"""Operations that one look finds at most; any beyond these show up by their events."""

KNOWN_S = 2.0
"""How often it is looked whether what is followed is still there: nobody tells that it is not."""
LOST = (
    "The database does not know {id} any more: a server took over that lacks the last commits, an "
    "older copy was put back, or it is over and forgotten. `pressroom status` shows what there is; "
    "queue again what is missing."
)


async def follow_one(
    events: Events, operation_id: str, board: Board, *, owner: str | None, interval_s: float = 0.5
) -> Waited:
    """Show one operation until it ends or pauses; return how it ended.

    Raises:
        NotFound: the owner has no such operation.
        StorageError: the database refused at the beginning; if it does later, it is asked again.
    """
    of_one = await events.subscribe(owner, only=operation_id, interval_s=interval_s)
    last: ProgressEvent | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_end_once_lost, events, operation_id, of_one)
        async for last in of_one:
            board.show(last)
            if stands_still(last):
                break
        tasks.cancel_scope.cancel()
    if last is None or not stands_still(last):
        return Waited(done=False, message=LOST.format(id=operation_id))
    is_batch = last.batch is not None
    return Waited(
        done=last.status in (BatchState.COMPLETED, JobState.COMPLETED),
        message=outcome_line(last.name, last.id, last.status, last.message, is_batch=is_batch),
    )


async def _end_once_lost(events: Events, operation_id: str, stream: EventStream) -> None:
    """Let nothing follow once the database does not know the operation any more."""
    while True:
        await anyio.sleep(KNOWN_S)
        with suppress(StorageError):  # the reader of the events meets it as well, and says why
            if not await events.knows(operation_id):
                stream.end()


async def follow_all(
    events: Events,
    batches: BatchService,
    board: Board,
    *,
    owner: str | None,
    interval_s: float,
) -> Waited:
    """Show an owner's operations until none of them waits or runs; return how they ended.

    Raises:
        StorageError: the database refused at the beginning; if it does later, it is asked again.
    """
    followed = _Followed(board)
    of_all = await events.subscribe(owner, interval_s=interval_s)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(followed.show, of_all)
        while True:
            followed.settled.clear()  # from here on: what ends during the look is not going on
            try:
                found = await batches.under_way(owner=owner, limit=FOUND_MAX)
            except StorageError:  # the reader of the events meets it as well, and says why
                await anyio.sleep(PAUSE_S)
                continue
            for operation in found:
                followed.find(operation.id)
            if not found and not followed.going_on:
                if of_all.caught_up:
                    break
                await anyio.sleep(GATHER_S)
                continue
            with anyio.move_on_after(interval_s):
                await followed.wait_until_idle()
        tasks.cancel_scope.cancel()
    return Waited(done=not followed.paused, message=followed.summary())


class _Followed:
    """The operations seen so far: which still go on, and how the others ended."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._going_on: set[str] = set()
        self._paused: set[str] = set()
        self._ends: Counter[str] = Counter()
        self._idle = anyio.Event()
        self.settled: set[str] = set()
        """What ended or paused since the present look began: the look may still find it."""

    @property
    def going_on(self) -> bool:
        """Whether the end, or a pause, of any operation is still to come."""
        return bool(self._going_on)

    @property
    def paused(self) -> bool:
        """Whether something stands still and waits for a person."""
        return bool(self._paused)

    async def wait_until_idle(self) -> None:
        """Wait until nothing goes on any more."""
        while self._going_on:
            self._idle = anyio.Event()
            await self._idle.wait()

    def find(self, id: str) -> None:
        """Note an operation that a look has found; it is shown by its events."""
        if id not in self.settled:
            self._going_on.add(id)

    async def show(self, events: EventStream) -> None:
        """Show what becomes of operations, until cancelled."""
        async for event in events:
            self._note(event)

    def summary(self) -> str:
        """Return how it all ended."""
        ends = self._ends + Counter({"paused": len(self._paused)})
        counts = [f"{count} {state}" for state, count in ends.items() if count]
        followed = f" Followed: {', '.join(counts)}." if counts else ""
        return f"Nothing waits, and nothing runs.{followed}"

    def _note(self, event: ProgressEvent) -> None:
        self._going_on.discard(event.id)
        self._paused.discard(event.id)
        if stands_still(event):
            self.settled.add(event.id)
        if event.ended:
            self._ends[event.status.value] += 1
        elif stands_still(event):
            self._paused.add(event.id)
        else:
            self._going_on.add(event.id)
        if not self._going_on:
            self._idle.set()
        self._board.show(event)
