"""Whether somebody works on what is followed, said once each time that it changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import anyio

from mcp_server.errors import StorageError
from mcp_server.interfaces.cli.runners import Board
from mcp_server.jobs.batch import BatchService
from mcp_server.progress.event import ProgressEvent

LOOK_S = 1.0
"""How often it is looked for a worker: as often as a server does that may start one."""

GOES_ON = "A worker is running now; the work goes on."


class Watched:
    """A board that says when nobody works, and gives no time that is left as long as that is so."""

    def __init__(
        self,
        board: Board,
        health: Callable[[], Awaitable[Mapping[str, Any]]],
        batches: BatchService,
        *,
        owner: str,
    ) -> None:
        self._board, self._health = board, health
        self._batches, self._owner = batches, owner
        self._halted: str | None = None
        """What was said of why nobody works, while nobody does."""

    def show(self, event: ProgressEvent) -> None:
        """Show where an operation stands now."""
        if self._halted is not None and event.batch is not None:
            event = replace(event, batch=replace(event.batch, estimate=None))
        self._board.show(event)

    def say(self, line: str) -> None:
        """Say something about all of them."""
        self._board.say(line)

    def halt(self, line: str) -> None:
        """Say why nothing goes on: no time that was given still holds."""
        self._board.halt(line)

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await anyio.sleep(LOOK_S)
            try:
                await self.look()
            except StorageError:  # who reads the events says why
                continue

    async def look(self) -> None:
        """Look whether somebody works, if anything is to be worked on; say what is new of it.

        Raises:
            StorageError: the database refused.
        """
        facts = await self._health()
        if facts["alive"]:
            if self._halted is not None:
                self._halted = None
                self._board.say(GOES_ON)
        elif facts["message"] != self._halted and await self._is_under_way():
            self._halted = facts["message"]
            self._board.halt(facts["message"])

    async def _is_under_way(self) -> bool:
        return bool(await self._batches.under_way(owner=self._owner, limit=1))
