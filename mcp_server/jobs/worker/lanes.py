"""Lanes: the worker's concurrent places, which run attempts and say how they ended.

A lane is one long-lived task that runs attempt after attempt: a task, a timeout and a wake-up for
each job would cost more than the job's transaction. One timekeeper sees to all deadlines. A lane
that takes an attempt wakes one idle lane; jobs that never wait are over before that one gets its
turn, so a single lane runs them all.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import anyio

from mcp_server.jobs.job import Attempt
from mcp_server.jobs.outcome import Outcome
from mcp_server.jobs.records import Report
from mcp_server.jobs.worker.attempt import AttemptRunner, Progress

SLICE_S = 0.005
"""How long jobs that never wait may keep the event loop to themselves."""

QUICK_S = 0.005
"""A kind whose jobs take less on average is quick: a worker may claim more of them than it has
lanes."""

LATE_S = 0.5
"""An attempt that runs for longer is late: if it was claimed ahead, its start is worth a write."""

PACE_WEIGHT = 0.2
"""Weight of the newest job in its kind's moving average."""


class _Stop(Enum):
    """Why a running attempt is stopped."""

    TIME_LIMIT = "time limit"
    LOST = "lost"
    GIVEN_UP = "given up"
    """It went on after it was stopped; whatever it still answers is dropped."""


@dataclass(slots=True, eq=False)
class _Lane:
    """A place, the attempt that runs in it, and what stops it."""

    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    progress: Progress | None = None
    began: float = 0.0
    deadline: float = math.inf
    stop: _Stop | None = None
    stray: Attempt | None = None
    """A stopped attempt that goes on here; until it ends, nothing else can run here."""
    lost: bool = False
    """Whether the stray was given its time to stop, and has gone on beyond it."""
    task_id: int = 0
    wake: anyio.Event = field(default_factory=anyio.Event)


class Lanes:
    """Runs attempts, at most `size` at once.

    `ended` is called with each attempt and its report, or `None` if the attempt lost its claim;
    `stepped` when a handler reports progress; `strayed` when a lane is lost to an attempt that goes
    on `heed_s` after it was stopped, and when such a lane is back. All are called in the event
    loop, and must return soon.
    """

    def __init__(
        self,
        size: int,
        runner: AttemptRunner,
        *,
        ended: Callable[[Attempt, Report | None], None],
        stepped: Callable[[Progress], None],
        strayed: Callable[[], None],
        heed_s: float,
    ) -> None:
        self._runner, self._ended, self._stepped = runner, ended, stepped
        self._strayed, self._heed_s = strayed, heed_s
        self._waiting: deque[Attempt] = deque()
        self._lanes = [_Lane() for _ in range(size)]
        self._idle: list[_Lane] = []
        self._paces: dict[str, float] = {}
        self._time = anyio.current_time
        self._away = 0
        self._scope, self._over = anyio.CancelScope(), anyio.Event()
        self._alarm = math.inf
        self._alarm_moved = anyio.Event()

    async def run(self) -> None:
        """Run attempts until cancelled."""
        self._time = asyncio.get_running_loop().time  # what `anyio.current_time` calls in the end
        try:
            with self._scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._keep_time)
                    for lane in self._lanes:
                        tasks.start_soon(self._live, lane)
        finally:
            self._over.set()
            await self._runner.aclose()

    async def end(self) -> bool:
        """Stop everything that runs; return whether it has ended within `heed_s`."""
        self._scope.cancel()
        if not self.strays:  # they have had their time already, and go on
            with anyio.move_on_after(self._heed_s):
                await self._over.wait()
        await self._runner.aclose()
        return self._over.is_set()

    def give(self, attempts: Sequence[Attempt]) -> None:
        """Run these as soon as lanes are free."""
        self._waiting.extend(attempts)
        self._wake_next()

    @property
    def quick_kinds(self) -> frozenset[str]:
        """Kinds whose jobs have taken less than `QUICK_S` on average."""
        return frozenset(kind for kind, usual_s in self._paces.items() if usual_s < QUICK_S)

    @property
    def usable(self) -> int:
        """How many lanes there are, without those that a stray occupies."""
        return len(self._lanes) - self._away

    @property
    def strays(self) -> Sequence[Attempt]:
        """The stopped attempts that go on, and whose lanes are lost."""
        return [lane.stray for lane in self._lanes if lane.stray is not None and lane.lost]

    def admitted(self, kinds: frozenset[str]) -> frozenset[str]:
        """Return which of these kinds may run: on the last lane, none that took the others."""
        if self._away < len(self._lanes) - 1 or not self._away:
            return kinds
        return kinds.difference(stray.job.kind for stray in self.strays)

    @property
    def running(self) -> Sequence[Progress]:
        """The attempts that run, with what is needed to report their end."""
        return [lane.progress for lane in self._lanes if lane.progress is not None]

    @property
    def late(self) -> Mapping[str, float]:
        """The attempts, by id, that have run for longer than `LATE_S`; each with the seconds."""
        now = self._time()
        return {
            lane.progress.attempt.id: now - lane.began
            for lane in self._lanes
            if lane.progress is not None and now - lane.began > LATE_S
        }

    def running_in(self, task_id: int) -> Progress | None:
        """Return the attempt that runs in a task."""
        found = (lane.progress for lane in self._lanes if lane.task_id == task_id)
        return next(found, None)

    def take_back(self) -> Sequence[Attempt]:
        """Take back and return the attempts that no lane has begun."""
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting

    def take_back_late(self) -> Sequence[Attempt]:
        """Take back the waiting attempts of kinds that are not quick any more.

        All of them, if every lane is busy with a late attempt.
        """
        if not self._waiting or len(self.running) < self.usable:  # a lane is about to take it
            return ()
        if len(self.late) >= self.usable:
            for attempt in self._waiting:  # they wait all the same: their kinds are quick no more
                self._paces.pop(attempt.job.kind, None)
        quick, waiting = self.quick_kinds, self.take_back()
        self._waiting.extend(attempt for attempt in waiting if attempt.job.kind in quick)
        return [attempt for attempt in waiting if attempt.job.kind not in quick]

    def lose(self, attempt_ids: Collection[str]) -> None:
        """Stop attempts whose claim is gone; they report nothing."""
        for attempt in [waiting for waiting in self._waiting if waiting.id in attempt_ids]:
            self._waiting.remove(attempt)
            self._ended(attempt, None)
        for lane in self._lanes:
            if lane.progress is not None and lane.progress.attempt.id in attempt_ids:
                self._stop(lane, _Stop.LOST)

    # One lane

    async def _live(self, lane: _Lane) -> None:
        lane.task_id = anyio.get_current_task().id
        while True:
            try:
                with lane.scope:
                    await self._work(lane)
            except anyio.get_cancelled_exc_class():
                # Raises if the worker is being cancelled. If not, it was a handler that cancelled
                # its own task, which is our lane's and has to live on.
                await anyio.lowlevel.checkpoint_if_cancelled()
                self._go_on(lane)
            if lane.progress is not None:
                await self._end_stopped(lane, lane.progress)
            if lane.stray is not None:
                self._come_back(lane)
            lane.scope = anyio.CancelScope()  # one that was cancelled is of no more use

    def _go_on(self, lane: _Lane) -> None:
        if lane in self._idle:
            self._idle.remove(lane)
        self._wake_next()  # in case it was our wake-up that was lost

    async def _end_stopped(self, lane: _Lane, progress: Progress) -> None:
        """Report a stopped attempt; if it left a thread behind, wait for that before the next."""
        ended = self._runner.stray(progress.attempt)
        if ended is not None:
            self._go_away(lane, progress.attempt)
        self._end(lane, progress, None)
        if ended is not None:
            with anyio.move_on_after(self._heed_s):
                await ended.wait()
                return
            self._lose_lane(lane)
            await ended.wait()

    async def _work(self, lane: _Lane) -> None:
        """Run attempts until one of them is stopped."""
        now = self._time()
        slice_ends = now + SLICE_S
        while not lane.scope.cancel_called:
            if not self._waiting:
                await self._wait(lane)
                now = self._time()
                slice_ends = now + SLICE_S
            elif now > slice_ends:  # jobs that never wait would keep the loop's other tasks from it
                await anyio.lowlevel.checkpoint()
                now = self._time()
                slice_ends = now + SLICE_S
                continue
            attempt = self._waiting.popleft()
            self._wake_next()  # before the handler, which may wait for long
            lane.progress = progress = Progress(attempt, self._stepped)
            lane.began = now
            self._set_deadline(lane, now + self._runner.time_limit_s(attempt))
            outcome = await self._runner.run(attempt, progress)
            now = self._time()
            self._end(lane, progress, outcome)

    async def _wait(self, lane: _Lane) -> None:
        while not self._waiting:
            lane.wake = anyio.Event()
            self._idle.append(lane)
            await lane.wake.wait()

    def _wake_next(self) -> None:
        if self._waiting and self._idle:
            self._idle.pop().wake.set()

    def _note_pace(self, kind: str, seconds: float) -> None:
        usual_s = self._paces.get(kind, seconds)
        self._paces[kind] = usual_s + PACE_WEIGHT * (seconds - usual_s)

    def _end(self, lane: _Lane, progress: Progress, outcome: Outcome | None) -> None:
        """Report how an attempt ended; without an outcome it was stopped."""
        stop, lane.stop, lane.deadline, lane.progress = lane.stop, None, math.inf, None
        if stop is _Stop.GIVEN_UP:  # reported when it was given up
            return
        attempt, seconds = progress.attempt, self._time() - lane.began
        self._runner.note(attempt, outcome, seconds)
        self._note_pace(attempt.job.kind, seconds)
        if stop is _Stop.LOST:
            self._ended(attempt, None)
        else:
            ended = outcome or self._runner.time_out(attempt)
            self._ended(attempt, self._runner.report(progress, ended))

    # Lanes whose attempt goes on after it was stopped

    def _give_up(self, lane: _Lane, progress: Progress) -> None:
        """Report an attempt that goes on after it was stopped; its lane is lost until it ends."""
        self._go_away(lane, progress.attempt)
        self._end(lane, progress, None)
        lane.stop = _Stop.GIVEN_UP  # after `_end`, which clears it
        self._lose_lane(lane)

    def _go_away(self, lane: _Lane, stray: Attempt) -> None:
        lane.stray = stray
        self._away += 1

    def _lose_lane(self, lane: _Lane) -> None:
        lane.lost = True
        self._strayed()

    def _come_back(self, lane: _Lane) -> None:
        was_lost, lane.stray, lane.lost, lane.stop = lane.lost, None, False, None
        self._away -= 1
        if was_lost:
            self._strayed()

    # Time limits

    def _set_deadline(self, lane: _Lane, deadline: float) -> None:
        lane.deadline = deadline
        if deadline < self._alarm:
            self._alarm = deadline
            self._alarm_moved.set()

    async def _keep_time(self) -> None:
        while True:
            self._alarm = min(lane.deadline for lane in self._lanes)
            self._alarm_moved = anyio.Event()
            with anyio.move_on_at(self._alarm):
                await self._alarm_moved.wait()
                continue
            now = anyio.current_time()
            for lane in self._lanes:
                if lane.deadline > now:
                    continue
                if lane.stop is None:
                    self._stop(lane, _Stop.TIME_LIMIT)
                elif lane.progress is not None:  # the second deadline, which `_stop` has set
                    self._give_up(lane, lane.progress)

    def _stop(self, lane: _Lane, why: _Stop) -> None:
        if lane.stop is None:
            lane.stop = why
            lane.scope.cancel()
            self._set_deadline(lane, self._time() + self._heed_s)
