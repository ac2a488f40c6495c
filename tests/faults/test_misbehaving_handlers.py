"""A plugin's handlers misbehave in a detached worker: nothing is done twice, the rest goes on."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults.invariants import assert_sound
from tests.faults.processes import end_workers, hasty_site, kill, queued, wait_ended, workers
from tests.interfaces.test_plugins import install, on_path
from tests.waiting import wait_until
from tests.wire import Pipe, pipe, query

UNRULY = '''
import os, re, threading, time
from pathlib import Path

from pydantic import BaseModel

from mcp_server.plugin import (
    Done, Failure, IsolatedContext, JobContext, Outcome, PluginContext, handler
)


class Deed(BaseModel, frozen=True, extra="forbid"):
    kind: str = "quiet"
    folder: str = ""


def note(payload: Deed) -> int:
    """Write down that this kind was run, and by whom; return how often it was by now."""
    with Path(payload.folder, payload.kind).open("a") as runs:
        runs.write(f"{os.getpid()}\\n")
    return len(Path(payload.folder, payload.kind).read_text().split())


@handler("quiet", Deed)
async def quiet(payload: Deed, context: JobContext) -> Outcome:
    return Done({"run": note(payload)})


@handler("deaf", Deed, timeout_s=0.2)
async def deaf(payload: Deed, context: JobContext) -> Outcome:
    """Takes no notice of being stopped, the first time."""
    run = note(payload)
    while run == 1:
        try:
            await never()
        except BaseException:
            pass
    return Done({"run": run})


async def never() -> None:
    import asyncio
    await asyncio.sleep(3600)


@handler("stray", Deed, timeout_s=0.2, isolation="thread")
def stray(payload: Deed, context: IsolatedContext) -> Outcome:
    """Goes on in its thread, as often as there are lanes."""
    run = note(payload)
    if run <= 2:
        threading.Event().wait(3600)
    return Done({"run": run})


@handler("blocker", Deed, timeout_s=9)
async def blocker(payload: Deed, context: JobContext) -> Outcome:
    """Blocks the event loop, the first time."""
    run = note(payload)
    if run == 1:
        time.sleep(3600)
    return Done({"run": run})


@handler("greedy", Deed, isolation="process")
def greedy(payload: Deed, context: IsolatedContext) -> Outcome:
    """Waits for its end, the first time."""
    print("NOISE")
    run = note(payload)
    if run == 1:
        threading.Event().wait(3600)
    return Done({"run": run})


KINDS = {made.kind: made for made in (quiet, deaf, stray, blocker, greedy)}


async def misbehave(arguments: Deed, context: PluginContext) -> str:
    jobs = [KINDS[arguments.kind].job(arguments, subject=arguments.kind, priority=10)]
    jobs += [quiet.job(Deed(folder=arguments.folder), subject="quiet") for _ in range(5)]
    return await context.enqueue_batch("deeds", jobs)


def register(context: PluginContext) -> None:
    for kind in KINDS.values():
        context.register_job_handler(kind)
    context.register_tool("misbehave", Deed, misbehave, title="Misbehave", description="Ill.")
'''


@contextmanager
def unruly(tmp_path: Path) -> Generator[tuple[Path, Path, Pipe]]:
    """A workspace, a folder in which handlers leave word, and a client of a server for it."""
    packages, folder = tmp_path / "packages", tmp_path / "runs"
    install(packages, "unruly", UNRULY)
    folder.mkdir()
    root = hasty_site(tmp_path / "site", 1, 1, concurrency=2, worker="detached")
    try:
        with pipe(root, "auto", PYTHONPATH=on_path(packages)) as chat:
            chat.begin()
            yield root, folder, chat
    finally:
        end_workers(root)


def runs(folder: Path, kind: str) -> list[int]:
    """Return which processes have run a kind, in order."""
    path = folder / kind
    return [int(pid) for pid in path.read_text("utf-8").split()] if path.exists() else []


def says(chat: Pipe) -> str:
    """Return what `status` says of the worker."""
    result: dict[str, Any] = chat.call("status")
    return result["structuredContent"]["worker"]["message"]


def log(root: Path) -> str:
    """Return what the workers had to say."""
    return (root / ".pressroom" / "worker.log").read_text("utf-8")


def worker_ids(root: Path) -> set[str]:
    """Return who has announced itself as a worker and is there."""
    return {id for (id,) in query(root, "SELECT id FROM hosts WHERE role = 'worker'")}


def assert_done_once(root: Path, folder: Path, kind: str, *, run: int = 2) -> None:
    """The whole batch is completed; the last run of `kind` is the one that counts."""
    assert_sound(root)
    rows = query(root, "SELECT kind, state, attempts, crashes, result FROM jobs ORDER BY kind")
    found = {row[0]: row[1:] for row in rows}
    assert found[kind] == ("completed", run, 0, f'{{"run":{run}}}')
    assert [row[1] for row in rows if row[0] == "quiet"] == ["completed"] * 5
    assert len(runs(folder, kind)) == run
    assert len(runs(folder, "quiet")) == 5


def test_a_worker_that_lost_a_lane_replaces_itself(tmp_path: Path) -> None:
    """To a handler that does not heed its cancellation; the new process runs it again."""
    with unruly(tmp_path) as (root, folder, chat):
        batch = queued(chat, "misbehave", kind="deaf", folder=str(folder))
        wait_until(lambda: runs(folder, "deaf") != [])
        before = worker_ids(root)
        wait_ended(root, batch)
        assert worker_ids(root).isdisjoint(before)
        assert "an attempt goes on although it was stopped" in log(root)
        assert "replacing this process" in log(root)
        assert_done_once(root, folder, "deaf")


def test_a_worker_that_lost_a_lane_to_a_thread_replaces_itself_without_any_server(
    tmp_path: Path,
) -> None:
    """All of them, here: the chat is closed, and the work goes on all the same."""
    with unruly(tmp_path) as (root, folder, chat):
        batch = queued(chat, "misbehave", kind="stray", folder=str(folder))
        wait_until(lambda: runs(folder, "stray") != [])
        chat.hang_up()
        wait_ended(root, batch)
        assert "replacing this process" in log(root)
        assert_done_once(root, folder, "stray", run=3)


def test_a_worker_whose_loop_is_blocked_says_so_and_is_replaced_at_the_time_limit(
    tmp_path: Path,
) -> None:
    """The log says which handler it was, and where; the jobs beside it are lost to nobody."""
    with unruly(tmp_path) as (root, folder, chat):
        batch = queued(chat, "misbehave", kind="blocker", folder=str(folder))
        wait_until(lambda: "a blocker job has blocked it" in says(chat))
        assert "It is replaced after 9 s." in says(chat)
        wait_ended(root, batch)
        said = log(root)
        assert "the event loop is blocked" in said and "time.sleep(3600)" in said
        assert "the worker hangs" in said
        assert_done_once(root, folder, "blocker")


def test_a_handlers_process_that_is_killed_costs_one_attempt(tmp_path: Path) -> None:
    """As by a system without memory: the worker lives, and so do the other jobs."""
    with unruly(tmp_path) as (root, folder, chat):
        batch = queued(chat, "misbehave", kind="greedy", folder=str(folder))
        wait_until(lambda: runs(folder, "greedy") != [])
        (worker,), (child,) = workers(root), runs(folder, "greedy")
        assert child != worker
        score = Path(f"/proc/{child}/oom_score_adj")
        assert not score.exists() or score.read_text("ascii") == "1000\n"
        kill(child)
        wait_ended(root, batch)
        assert workers(root) == [worker]
        assert "its process was killed (SIGKILL), perhaps since memory had run out" in log(root)
        assert_done_once(root, folder, "greedy")
        assert set(runs(folder, "quiet")) == {worker}
        assert os.getpid() not in runs(folder, "greedy")
