"""Watches whether a worker lives while operations are followed, and says when that changes."""

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
"""How often to look for a worker: as often as a server does, which may start one."""

GOES_ON = "A worker is running now; the work goes on."


class Watched:
    """A board that says when there is no worker, and shows no remaining time until there is one.

    It says too what waits although workers live: for a key, or for the machine with the pages.
    """

    def __init__(
        self,
        board: Board,
        health: Callable[[], Awaitable[Mapping[str, Any]]],
        batches: BatchService,
        *,
        owner: str | None,
    ) -> None:
        self._board, self._health = board, health
        self._batches, self._owner = batches, owner
        self._halted: str | None = None
        """What was said about the missing worker; `None` while there is one, or no work."""
        self._left_over: str | None = None
        """What was said last about work that no worker does which lives."""

    def show(self, event: ProgressEvent) -> None:
        """Show where an operation stands now."""
        if self._halted is not None and event.batch is not None:
            event = replace(event, batch=replace(event.batch, estimate=None))
        self._board.show(event)

    def say(self, line: str) -> None:
        """Say something about all operations."""
        self._board.say(line)

    def halt(self, line: str) -> None:
        """Say why nothing goes on, and take back the remaining times that were shown."""
        self._board.halt(line)

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await anyio.sleep(LOOK_S)
            try:
                await self.look()
            except StorageError:  # the reader of the events meets it as well, and says why
                continue

    async def look(self) -> None:
        """Look once for a worker, and say so if that has changed and there is work.

        Raises:
            StorageError: the database refused.
        """
        facts = await self._health()
        if facts["alive"]:
            left_over = next(iter(facts.get("leftOver", ())), None)
            if self._halted is None and left_over == self._left_over:
                return
            # What was in the way of work is gone, too, where that was cancelled.
            has_work = await self._is_under_way()
            if self._halted is not None:
                self._halted = None
                if has_work:
                    self._board.say(GOES_ON)
            if left_over != self._left_over:
                if has_work:
                    self._board.say(left_over or GOES_ON)
                if has_work or left_over is None:
                    self._left_over = left_over
        elif facts["message"] != self._halted and await self._is_under_way():
            self._halted = facts["message"]
            self._board.halt(facts["message"])

    async def _is_under_way(self) -> bool:
        return bool(await self._batches.under_way(owner=self._owner, limit=1))
