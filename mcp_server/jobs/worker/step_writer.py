"""Stores handlers' progress now and then, so that others see it while they run."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

import anyio
import structlog

from mcp_server.errors import StorageError
from mcp_server.jobs.job import Attempt, Step
from mcp_server.jobs.signal import Signal
from mcp_server.jobs.store import JobStore
from mcp_server.jobs.worker.attempt import Progress

STEP_INTERVAL_S = 0.5
"""A step is written at most this often, to spare the writer; the newest one is never lost."""

logger = structlog.get_logger(__name__)


class StepWriter:
    """Writes the newest step of each attempt that is still held."""

    def __init__(self, store: JobStore, held: Container[str]) -> None:
        self._store, self._held = store, held
        self._steps: dict[str, Progress] = {}
        self._stepped = Signal()

    def note(self, progress: Progress) -> None:
        """Note that a handler has reported progress."""
        self._steps[progress.attempt.id] = progress
        self._stepped.give()

    async def run(self) -> None:
        """Write until cancelled; steps that the database refuses are written with the next."""
        while True:
            await self._stepped.wait()
            taken, self._steps = self._steps, {}
            steps = [
                (progress.attempt, step)
                for id, progress in taken.items()
                if id in self._held and (step := progress.take()) is not None
            ]
            try:
                if steps:
                    await self._store.step(steps)
            except StorageError as error:
                logger.warning("cannot record progress", error=str(error))
                self._put_back(steps, taken)
            await anyio.sleep(STEP_INTERVAL_S)

    def _put_back(
        self, steps: Sequence[tuple[Attempt, Step]], taken: Mapping[str, Progress]
    ) -> None:
        for attempt, step in steps:
            progress = taken[attempt.id]
            if progress.latest is None:  # otherwise a newer step has come meanwhile
                progress.latest = step
            self._steps.setdefault(attempt.id, progress)
        self._stepped.give()
