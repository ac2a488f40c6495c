"""The progress of one call, as a real client hears it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from mcp import Client
from mcp.server import MCPServer
from mcp.server.mcpserver import Context

from mcp_server.interfaces.mcp.wait import Reporter
from mcp_server.jobs.job import Batch, BatchState, Job, JobState, Step

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("mode", ["legacy", "auto"])]


@dataclass(frozen=True)
class Heard:
    """One notification."""

    value: float
    total: float | None
    message: str | None


async def heard(mode: str, snapshots: list[Batch], *, queued: int | None = None) -> list[Heard]:
    """Return what a client hears of a call that reports these snapshots."""
    server: MCPServer[Any] = MCPServer("test")
    notes: list[Heard] = []

    @server.tool()
    async def watch(ctx: Context[Any, Any]) -> str:
        reporter = Reporter(ctx)
        if queued is not None:
            await reporter.queued(queued)
        for snapshot in snapshots:
            await reporter.snapshot(snapshot)
        return "done"

    async def note(progress: float, total: float | None, message: str | None) -> None:
        notes.append(Heard(progress, total, message))

    async with Client(server, mode=mode) as client:
        await client.call_tool("watch", {}, progress_callback=note)
    return notes


async def test_a_queueing_call_first_says_that_nothing_has_begun(mode: str) -> None:
    """0/n, before its answer."""
    assert await heard(mode, [], queued=40) == [Heard(0, 40, "0/40 queued")]


async def test_values_strictly_increase_and_repeats_are_dropped(mode: str, batch: Batch) -> None:
    """The protocol wants it so; a snapshot that is older than the last is not sent."""
    counts = [0, 3, 3, 2, 7, 39]
    notes = await heard(mode, [replace(batch, completed=n) for n in counts], queued=40)
    assert [note.value for note in notes] == [0, 3, 7, 39]


async def test_what_runs_counts_by_its_fraction(mode: str, batch: Batch, job: Job) -> None:
    """A single long section moves too."""
    half = job._replace(state=JobState.PROCESSING, step=Step(current=1, total=2))
    (note,) = await heard(mode, [replace(batch, running=(half,))])
    assert note == Heard(7.5, 40, "7/40 · drafting menu/hero")


async def test_only_the_end_is_the_whole(mode: str, batch: Batch, ended: Batch) -> None:
    """All sections may be drafted while files are still being written."""
    nearly = replace(batch, completed=40)
    notes = await heard(mode, [nearly, nearly, ended])
    assert [note.value for note in notes] == [39.99, 40]
    assert notes[-1] == Heard(40, 40, "40/40 · done")


async def test_a_cancelled_batch_ends_in_the_whole_too(mode: str, batch: Batch) -> None:
    """Nothing more will come."""
    over = replace(batch, state=BatchState.CANCELLED, cancelled=33)
    assert (await heard(mode, [batch, over]))[-1].value == 40


async def test_a_pause_is_no_end(mode: str, batch: Batch) -> None:
    """It says why it stands still."""
    paused = replace(batch, state=BatchState.PAUSED, reason="no key")
    assert await heard(mode, [paused]) == [Heard(7, 40, "7/40 · paused: no key")]
