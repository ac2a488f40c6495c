"""Who waits for a commit is woken by it, whoever else comes, goes, or is late."""

from __future__ import annotations

import time
from collections.abc import Callable

import anyio
import pytest

from mcp_server.storage.sql.commits import Changes
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.anyio


class Elsewhere:
    """Another process, which has committed whenever somebody looks."""

    def __init__(self, changes: Changes, during: Callable[[], None] = lambda: None) -> None:
        self._changes, self._during = changes, during
        self.looks = 0
        self.free = anyio.Event()
        self.free.set()

    def is_quiet(self) -> bool:
        return False

    async def look(self) -> None:
        self.looks += 1
        self._during()
        await self.free.wait()
        self._changes.note()


async def test_a_wait_that_ends_as_its_look_is_due_leaves_the_look_to_the_next() -> None:
    """The loop was late: the time-out and the look fall due in the same turn."""
    changes = Changes()
    elsewhere = Elsewhere(changes)
    async with anyio.create_task_group() as tasks:

        async def wait_in_vain() -> None:
            await changes.wait(0.01, since=changes.version, poll_s=0.012, outside=elsewhere)

        tasks.start_soon(wait_in_vain)
        await anyio.lowlevel.checkpoint()
        time.sleep(0.03)  # noqa: ASYNC251 -- this is what goes wrong
    with anyio.fail_after(PATIENCE_S):
        since = changes.version
        assert await changes.wait(60, since=since, poll_s=0.01, outside=elsewhere)


async def test_a_look_that_falls_due_while_another_goes_on_is_made_after_it() -> None:
    """Who asked for it has left by then; who looked goes on waiting."""
    changes = Changes()
    begun = anyio.Event()
    elsewhere = Elsewhere(changes, begun.set)
    elsewhere.free = anyio.Event()
    async with anyio.create_task_group() as tasks:

        async def wait_for_the_second() -> None:
            with anyio.fail_after(PATIENCE_S):
                since = changes.version + 1
                assert await changes.wait(60, since=since, poll_s=0.01, outside=elsewhere)

        tasks.start_soon(wait_for_the_second)
        await begun.wait()
        await changes.wait(0.05, since=changes.version, poll_s=0.01, outside=elsewhere)
        elsewhere.free.set()
    assert elsewhere.looks >= 2
