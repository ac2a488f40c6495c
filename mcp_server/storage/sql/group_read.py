"""Reads that are asked for together are one transaction, and one hop to the reader's thread.

Going there and back takes longer than most reads. All see the same snapshot; one that fails does
not cost the others theirs, which are then read each alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from mcp_server.storage.sql.transaction import Transaction

T = TypeVar("T")

Read = Callable[[Transaction], Any]
Found = tuple[Any, Exception | None]
"""What a read returned, or its error."""


class GroupRead:
    """Gathers what is asked for in one turn of the event loop.

    `run` runs a function in a transaction on the connection's thread.
    """

    def __init__(self, run: Callable[[Read], Awaitable[Any]]) -> None:
        self._run = run
        self._asked: list[tuple[Read, asyncio.Future[Any]]] = []
        self._running: set[asyncio.Task[None]] = set()

    async def read(self, function: Callable[[Transaction], T]) -> T:
        """Run `function` on a snapshot; return what it returns, or raise its error."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._asked.append((function, done))
        if len(self._asked) == 1:
            # A task of its own: whoever asked first may be cancelled, and the others wait.
            task = asyncio.create_task(self._run_all())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return await done

    async def _run_all(self) -> None:
        asked, self._asked = self._asked, []
        try:
            results = await self._results([read for read, _ in asked])
            for (_, waiting), (found, error) in zip(asked, results, strict=True):
                if waiting.done():  # its caller was cancelled
                    continue
                if error is None:
                    waiting.set_result(found)
                else:
                    waiting.set_exception(error)
        finally:
            for _, waiting in asked:
                waiting.cancel()  # if it has no result, the event loop is being closed

    async def _results(self, reads: Sequence[Read]) -> list[Found]:
        if len(reads) > 1:
            try:
                return await self._run(lambda t: [(read(t), None) for read in reads])
            except Exception:  # noqa: BLE001, S110 -- each is told below, by its own attempt
                pass
        return [await self._alone(read) for read in reads]

    async def _alone(self, read: Read) -> Found:
        try:
            return await self._run(read), None
        except Exception as error:  # noqa: BLE001 -- raised where it was asked for
            return None, error
