"""The progress of one call, as a real client hears it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Unpack

import anyio
import pytest
from mcp import Client
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    RequestParamsMeta,
)

from mcp_server.interfaces.mcp.call import PAUSE_S, OpenCall, Waits
from mcp_server.interfaces.mcp.wait import Reporter
from mcp_server.jobs.job import Batch, BatchState, Job, JobState, Step

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("mode", ["legacy", "auto"])]


@dataclass(frozen=True)
class Heard:
    """One notification."""

    value: float
    total: float | None
    message: str | None


def client_of(
    mode: str,
    call: Callable[
        [ServerRequestContext[Any, Any], CallToolRequestParams], Awaitable[CallToolResult]
    ],
) -> Client:
    """Return a client of a server that answers each call so."""

    async def none(
        _ctx: ServerRequestContext[Any, Any], _: PaginatedRequestParams | None
    ) -> ListToolsResult:
        return ListToolsResult(tools=[])

    return Client(Server[Any]("test", on_list_tools=none, on_call_tool=call), mode=mode)


async def heard(mode: str, snapshots: list[Batch], *, queued: int | None = None) -> list[Heard]:
    """Return what a client hears of a call that reports these snapshots."""
    notes: list[Heard] = []

    async def watch(
        ctx: ServerRequestContext[Any, Any], params: CallToolRequestParams
    ) -> CallToolResult:
        assert params.name == "watch"
        reporter = Reporter(OpenCall(ctx, Waits()))
        if queued is not None:
            await reporter.queued(queued)
        for snapshot in snapshots:
            await reporter.snapshot(snapshot)
        return CallToolResult(content=[])

    async def note(progress: float, total: float | None, message: str | None) -> None:
        notes.append(Heard(progress, total, message))

    async with client_of(mode, watch) as client:
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


async def test_why_a_batch_waits_is_told_once_though_it_is_no_further(
    mode: str, batch: Batch, job: Job
) -> None:
    """Values increase all the same, by next to nothing."""
    half = job._replace(state=JobState.PROCESSING, step=Step(current=1, total=2))
    put_off = job._replace(state=JobState.SCHEDULED, reason="m is busy.")
    waiting, other = (
        replace(batch, waiting=each) for each in (put_off, put_off._replace(reason="m is away."))
    )
    running, later = replace(batch, running=(half,)), replace(batch, completed=8)
    notes = await heard(mode, [running, waiting, running, waiting, other, later], queued=40)
    assert [note.message for note in notes] == [
        "0/40 queued",
        "7/40 · drafting menu/hero",
        "7/40 · waiting: m is busy",
        "7/40 · waiting: m is away",
        "8/40 · waiting",
    ]
    values = [note.value for note in notes]
    assert values == sorted(set(values))
    assert values[3] < 7.501


async def open_call(
    mode: str, then: Callable[[OpenCall], Awaitable[None]], **meta: Unpack[RequestParamsMeta]
) -> None:
    """Do something within a call that a client has opened with this `_meta`."""

    async def call(
        ctx: ServerRequestContext[Any, Any], params: CallToolRequestParams
    ) -> CallToolResult:
        assert params.name == "x"
        await then(OpenCall(ctx, Waits()))
        return CallToolResult(content=[])

    async with client_of(mode, call) as client:
        await client.session.call_tool("x", {}, meta=meta)


async def test_an_answer_keeps_its_distance_from_the_last_progress(mode: str) -> None:
    """Read at once with the answer, it would be of a token that is forgotten."""

    async def report(call: OpenCall) -> None:
        begun = anyio.current_time()
        await call.report_progress(1, 2, "1/2")
        await call.settle()
        assert anyio.current_time() - begun >= PAUSE_S

    await open_call(mode, report, progress_token="p")


async def test_a_call_without_a_token_or_without_progress_is_answered_at_once(mode: str) -> None:
    """There is nothing to keep a distance from."""

    async def reported(call: OpenCall) -> None:
        await call.report_progress(1, 2, "1/2")
        with anyio.fail_after(0):
            await call.settle()

    async def silent(call: OpenCall) -> None:
        with anyio.fail_after(0):
            await call.settle()

    await open_call(mode, reported)
    await open_call(mode, silent, progress_token="p")


async def test_nothing_is_waited_for_once_the_client_has_left(mode: str) -> None:
    """Neither by a wait that is open, nor by one that begins then."""

    async def leave(call: OpenCall) -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(forever, call.waits)
            await anyio.wait_all_tasks_blocked()
            call.waits.end()
        await forever(call.waits)

    async def forever(waits: Waits) -> None:
        with waits.at_most(3_600):
            await anyio.sleep_forever()

    await open_call(mode, leave)
