"""What goes wrong beside single trips to the database: processes, clocks, the write lock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from tests.faults.simulation.world import LEASE_S, Process, World

Fault = Callable[[], Awaitable[None]]


class Faults:
    """Lets one thing after another go wrong."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = world.stream("faults")
        self._pace_s = self._random.choice((0.3, 0.8, 2.0))
        drawn: list[tuple[Fault, int]] = [
            (self._kill, 4),
            (self._stop, 4),
            (self._jump, 2),
            (self._skew, 2),
            (self._sleep, 1),
            (self._lock, 2),
        ]
        # Not everything goes wrong in every world: one fault may hide what another does.
        self._kinds = [(fault, n) for fault, n in drawn if self._random.random() < 0.6]

    async def run(self) -> None:
        """Go on until cancelled."""
        while self._world.faulty and self._kinds:
            await anyio.sleep(self._random.expovariate(1 / self._pace_s))
            if self._world.faulty:
                await self._random.choices(*zip(*self._kinds, strict=True))[0]()

    def _victim(self) -> Process | None:
        living = [process for process in self._world.processes if not process.dead]
        return self._random.choice(living) if living else None

    async def _kill(self) -> None:
        if victim := self._victim():
            victim.die()

    async def _stop(self) -> None:
        """Withhold the processor, shorter or longer than a lease."""
        if victim := self._victim():
            victim.stop_for(self._random.uniform(0.2, 3 * LEASE_S))

    async def _jump(self) -> None:
        """Set the machine's clock."""
        seconds = self._random.choice((-1, 1)) * self._random.choice((0.5, 3.0, 10.0, 60.0))
        self._world.note("clock", f"jumps by {seconds:g} s")
        self._world.wall_offset_s += seconds

    async def _skew(self) -> None:
        """Let one process see another time than the others."""
        if victim := self._victim():
            victim.skew_s = self._random.uniform(-3 * LEASE_S, 3 * LEASE_S)
            self._world.note(victim.name, f"is off by {victim.skew_s:.1f} s")

    async def _sleep(self) -> None:
        """Suspend the machine: the wall clock goes on without everybody."""
        seconds = self._random.uniform(1, 10 * LEASE_S)
        self._world.note("machine", f"sleeps for {seconds:.1f} s")
        self._world.wall_offset_s += seconds

    async def _lock(self) -> None:
        """Let somebody who is not simulated hold the write lock."""
        seconds = self._random.choice((0.1, 1.0, 8.0))
        self._world.note("lock", f"is held for {seconds:g} s")
        self._world.locked_until = self._world.loop.time() + seconds

    def end(self) -> None:
        """Let nothing go wrong any more; what was held goes on, and all that waited is due."""
        world = self._world
        world.note("faults", "end")
        world.faulty = False
        world.wall_offset_s += 600
        world.locked_until = 0.0
        for process in world.processes:
            process.skew_s = 0.0
            process.go_on()
