"""Batches and jobs outside any are listed together, newest first, and each on one page only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from mcp_server.interfaces.mcp.answers.listing import newest_active, read_operations
from mcp_server.jobs.job import Batch, Job, Origin
from tests.unit.jobs.rig import ORIGIN, Rig, a_toy, open_rig

pytestmark = pytest.mark.anyio


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """A queue with nothing in it."""
    async with open_rig(tmp_path / "jobs.db") as opened:
        yield opened


async def queue(rig: Rig, what: str, *, ends: bool) -> list[str]:
    """Queue batches (`b`) and jobs (`j`) a second apart, run them where they end; newest first."""
    ids: list[str] = []
    for letter in what:
        rig.clock.advance(1)
        if letter == "b":
            ids.append(f"b{rig.clock.now():.0f}")
            await rig.submit(ids[-1], a_toy())
        else:
            ids.append(await rig.queue.enqueue(a_toy(), origin=ORIGIN))
        if ends:
            await rig.run_next()
    return ids[::-1]


async def pages(rig: Rig, rows: int, *, active_only: bool = False) -> list[Sequence[Batch | Job]]:
    """Read every page."""
    read: list[Sequence[Batch | Job]] = []
    cursor: int | None = None
    while True:
        found = await read_operations(
            rig.batches, owner="ada", cursor=cursor, rows=rows, active_only=active_only
        )
        read.append(found.listed[:rows])
        cursor = found.cursor_after(rows)
        if cursor is None:
            return read


@pytest.mark.parametrize(
    "what", ["", "b", "j", "bbb", "jjj", "bjbj", "jjjbbb", "bbbjjj", "jbbjbjj"]
)
@pytest.mark.parametrize("rows", [1, 2, 3, 9])
@pytest.mark.parametrize("active_only", [True, False])
async def test_each_is_on_one_page_newest_first(
    rig: Rig, what: str, rows: int, *, active_only: bool
) -> None:
    """Whatever the order in which they came, and the size of the pages."""
    expected = await queue(rig, what, ends=not active_only)
    read = await pages(rig, rows, active_only=active_only)
    assert [each.id for page in read for each in page] == expected
    assert all(len(page) == rows for page in read[:-1])


async def test_what_runs_comes_first_and_is_not_on_the_next_page(rig: Rig) -> None:
    """The cursor goes on among what has ended."""
    ended = await queue(rig, "bjbj", ends=True)
    active = await queue(rig, "jb", ends=False)
    read = await pages(rig, 3)
    assert [each.id for page in read for each in page] == [*active, *ended]


async def test_what_came_meanwhile_moves_no_page(rig: Rig) -> None:
    """Newer ones are before the cursor, whichever of the two they are."""
    expected = await queue(rig, "bjbj", ends=True)
    first = await read_operations(rig.batches, owner="ada", cursor=None, rows=2, active_only=False)
    await queue(rig, "jjb", ends=True)
    second = await read_operations(
        rig.batches, owner="ada", cursor=first.cursor_after(2), rows=2, active_only=False
    )
    assert [each.id for each in second.listed] == expected[2:]


async def test_what_is_anothers_is_not_listed(rig: Rig) -> None:
    """Neither batches nor jobs."""
    await queue(rig, "bj", ends=True)
    await queue(rig, "bj", ends=False)
    found = await read_operations(rig.batches, owner="eve", cursor=None, rows=9, active_only=False)
    assert (found.listed, found.active, found.latest) == ([], [], None)


async def test_the_newest_that_is_under_way_is_a_batch_or_a_job(rig: Rig) -> None:
    """Whichever was queued last."""
    assert await newest_active(rig.batches, owner="ada") is None
    for what in "bjb":
        [id] = await queue(rig, what, ends=False)
        newest = await newest_active(rig.batches, owner="ada")
        assert newest is not None and newest.id == id
        if what == "b":
            await rig.batches.cancel(id, owner="ada")
    await rig.queue.enqueue(a_toy(), origin=Origin(owner="eve", interface="test"))
    assert isinstance(await newest_active(rig.batches, owner="ada"), Job)
