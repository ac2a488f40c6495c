"""A look that is shared by those who ask at once, and by nobody who asks later."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from mcp_server.jobs.host.shared_look import SharedLook
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.anyio


class Gate:
    """A look that waits until it is let through, and finds how many looks there were."""

    def __init__(self) -> None:
        self.looks = 0
        self.open = anyio.Event()

    async def __call__(self) -> int:
        self.looks += 1
        found = self.looks
        await self.open.wait()
        return found


async def test_who_comes_during_a_look_shares_the_next_one() -> None:
    """What he is told was found after he had asked."""
    gate = Gate()
    look, found = SharedLook(gate), dict[str, int]()

    async def ask(who: str) -> None:
        found[who] = await look()

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, "first")
            await anyio.wait_all_tasks_blocked()
            for who in ("second", "third", "fourth"):
                tasks.start_soon(ask, who)
            await anyio.wait_all_tasks_blocked()
            gate.open.set()
    assert found == {"first": 1, "second": 2, "third": 2, "fourth": 2}
    assert await look() == 3


async def test_a_look_that_breaks_or_is_cancelled_holds_up_nobody() -> None:
    """Whoever waits for it looks himself."""
    looks = 0

    async def broken_once() -> int:
        nonlocal looks
        looks += 1
        await anyio.lowlevel.checkpoint()
        if looks == 1:
            raise OSError("no")
        return looks

    look = SharedLook(broken_once)
    with anyio.fail_after(PATIENCE_S):
        with pytest.raises(OSError, match="no"):
            await look()
        assert await look() == 2
        with anyio.CancelScope() as scope:
            scope.cancel()
            await look()
        assert await look() == 3
