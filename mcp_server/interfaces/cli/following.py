"""`status --follow`: what runs, as it goes on, until it is over.

New operations are looked for at an interval; what becomes of each is told by events.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import anyio

from mcp_server.interfaces.cli.lines import stands_still
from mcp_server.interfaces.cli.runners import Board, Waited
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.job import Batch, BatchState, JobState
from mcp_server.progress.event import ProgressEvent, batch_event, job_event
from mcp_server.progress.monitor import ProgressMonitor
from mcp_server.progress.stream import GATHER_S, EventStream

FOUND_MAX = 200
"""Operations that one look finds at most; those beyond it tell of themselves by their events."""


async def follow_one(events: EventStream, board: Board) -> Waited:
    """Show one operation until it ends or pauses, and say what became of it."""
    last: ProgressEvent | None = None
    async for last in events:
        board.show(last)
        if stands_still(last):
            break
    if last is None:
        return Waited(done=False, message="It was forgotten before it could be followed.")
    said = f": {last.message}" if last.message else ""
    return Waited(
        done=last.status in (BatchState.COMPLETED, JobState.COMPLETED),
        message=f"{last.name} {last.id} is {last.status}{said}.",
    )


async def follow_all(
    monitor: ProgressMonitor,
    batches: BatchService,
    board: Board,
    *,
    owner: str,
    interval_s: float,
    now: Callable[[], float],
) -> Waited:
    """Show an owner's operations until none of them waits or runs, and say how they ended."""
    followed = _Followed(board)
    events = await monitor.events(owner, interval_s=interval_s)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(followed.listen, events)
        while True:
            followed.settled.clear()
            found = await batches.under_way(owner=owner, limit=FOUND_MAX)
            for operation in found:
                followed.find(
                    batch_event(operation, now=now())
                    if isinstance(operation, Batch)
                    else job_event(operation)
                )
            idle = not found and not followed.going_on
            if idle and events.caught_up:
                break
            await anyio.sleep(min(interval_s, GATHER_S) if idle else interval_s)
        tasks.cancel_scope.cancel()
    return Waited(done=True, message=followed.summary())


class _Followed:
    """The operations that were seen: which still go on, and how the others ended."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._going_on: set[str] = set()
        self._paused: set[str] = set()
        self._ends: Counter[str] = Counter()
        self.settled: set[str] = set()
        """What ended or paused lately: who began to look before that may still find it."""

    @property
    def going_on(self) -> bool:
        """Whether there are any of which the end, or a pause, is still to be told."""
        return bool(self._going_on)

    def find(self, event: ProgressEvent) -> None:
        """Show an operation that was found, unless it is known: its events tell more."""
        if event.id not in self._going_on | self.settled:
            self._note(event)

    async def listen(self, events: EventStream) -> None:
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
        self._board.show(event)
