"""Handlers in threads and processes: what crosses the border, and what does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from mcp_server.errors import ConfigError
from mcp_server.jobs.handler import handler
from mcp_server.jobs.job import Job, JobState, Step
from mcp_server.jobs.outcome import Done, Outcome
from tests.unit.jobs.apart import KINDS, Deed, a_deed, told
from tests.unit.jobs.rig import Rig, a_toy, left
from tests.waiting import until

pytestmark = pytest.mark.anyio

APART = ("threaded", "processed")


@pytest.fixture(autouse=True)
def kinds(rig: Rig) -> None:
    """The queue of this test knows the kinds that run elsewhere."""
    for kind in KINDS:
        rig.registry.register(kind)


async def run(rig: Rig, kind: str, name: str, folder: Path | str = "") -> Job:
    """Let a worker run one job; return it as the attempt left it."""
    [job_id] = await rig.submit("b", a_deed(kind, name, folder))
    async with rig.working(concurrency=1):
        return await left(rig, job_id)


async def word(folder: Path, name: str) -> int:
    """Wait for what a handler that is elsewhere has to say."""
    await until(lambda: told(folder, name) is not None)
    pid = told(folder, name)
    assert pid is not None
    return pid


def lives(pid: int) -> bool:
    """Whether there is a process that does something."""
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return bool(state.stdout.strip()) and not state.stdout.startswith("Z")


async def gone(pid: int) -> None:
    """Wait until a process has ended."""
    await until(lambda: not lives(pid))


async def test_a_thread_is_not_the_loops_and_a_process_not_the_workers(rig: Rig) -> None:
    """Each is told which job it is."""
    ids = await rig.submit("b", *[a_deed(kind, "who") for kind in APART])
    async with rig.working():
        threaded, processed = [await left(rig, id) for id in ids]
    assert threaded.result == {"pid": os.getpid(), "thread": True, "job": ids[0]}
    assert processed.result is not None
    assert processed.result["pid"] != os.getpid()
    assert processed.result["job"] == ids[1]


async def test_a_process_is_kept_for_the_next_job_and_ends_with_the_worker(rig: Rig) -> None:
    """Starting one, with what its handler imports, is slow."""
    ids = await rig.submit("b", *[a_deed("processed", "who") for _ in range(4)])
    async with rig.working(concurrency=1):
        jobs = [await left(rig, id) for id in ids]
    pids = {cast("Any", job.result)["pid"] for job in jobs}
    assert len(pids) == 1
    await gone(pids.pop())


async def test_jobs_run_in_as_many_processes_as_there_are_lanes(rig: Rig, tmp_path: Path) -> None:
    """Beside each other."""
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for folder in folders:
        folder.mkdir()
    ids = await rig.submit("b", *[a_deed("processed", "stay", folder) for folder in folders])
    async with rig.working(concurrency=2):
        first = {await word(folder, "entered") for folder in folders[:2]}
        assert not (folders[2] / "entered").exists()
        for folder in folders:
            (folder / "go").touch()
        jobs = [await left(rig, id) for id in ids]
    assert len(first) == 2
    assert told(folders[2], "entered") in first
    assert [job.state for job in jobs] == [JobState.COMPLETED] * 3


@pytest.mark.parametrize("kind", APART)
async def test_progress_crosses_the_border_and_the_last_of_it_always(rig: Rig, kind: str) -> None:
    """A thousand steps are a few transactions."""
    before = await rig.store.last_change()
    job = await run(rig, kind, "steps")
    assert (job.state, job.step) == (JobState.COMPLETED, Step(999, 1000, "step 999"))
    assert await rig.store.last_change() - before <= 8


@pytest.mark.parametrize("kind", APART)
@pytest.mark.parametrize(
    ("deed", "state", "code", "reason"),
    [
        ("fail", JobState.FAILED, "no", "not this one"),
        ("refused", JobState.FAILED, "refused", "it is none"),
        ("rubbish", JobState.FAILED, "handler-error", "its handler answered function"),
        ("unsendable", JobState.FAILED, "handler-error", " cannot "),
        ("crash", JobState.SCHEDULED, "retrying", "crashed (RuntimeError)"),
        ("interrupt", JobState.SCHEDULED, "retrying", "crashed (KeyboardInterrupt)"),
    ],
)
async def test_an_end_elsewhere_is_an_end_like_any_other(
    rig: Rig, kind: str, deed: str, state: JobState, code: str, reason: str
) -> None:
    """Whatever it is; and the next job is run."""
    [job_id, next_id] = await rig.submit("b", a_deed(kind, deed), a_deed(kind, "who"))
    async with rig.working(concurrency=1):
        job, after = await left(rig, job_id), await left(rig, next_id)
    assert (job.state, job.code) == (state, code)
    assert job.reason is not None
    assert reason in job.reason and "secret" not in job.reason
    assert after.state is JobState.COMPLETED


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        ("die", "its process was killed (SIGKILL), perhaps since memory had run out"),
        ("leave", "its process ended by itself, with code 3"),
        ("close", "its process was killed (SIGKILL)"),
    ],
)
async def test_a_process_that_dies_costs_its_own_attempt_alone(
    rig: Rig, tmp_path: Path, deed: str, reason: str
) -> None:
    """The job beside it goes on in its own, and the next has another."""
    jobs = (
        a_deed("processed", "stay", tmp_path),
        a_deed("processed", deed),
        a_deed("processed", "who"),
    )
    beside_id, job_id, next_id = await rig.submit("b", *jobs)
    async with rig.working(concurrency=2):
        await word(tmp_path, "entered")
        job = await left(rig, job_id)
        after = await left(rig, next_id)
        (tmp_path / "go").touch()
        beside = await left(rig, beside_id)
    assert (job.state, job.code, job.attempts, job.crashes) == ("scheduled", "retrying", 1, 0)
    assert job.reason is not None and reason in job.reason
    assert (after.state, beside.state) == (JobState.COMPLETED, JobState.COMPLETED)


async def test_an_answer_too_large_to_be_read_at_once_is_refused(rig: Rig) -> None:
    """It would stop the worker's loop."""
    job = await run(rig, "processed", "huge")
    assert (job.state, job.code) == (JobState.FAILED, "handler-error")
    assert job.reason is not None and "bytes" in job.reason


async def test_what_a_process_prints_does_not_reach_our_stdout(
    rig: Rig, capfd: pytest.CaptureFixture[str]
) -> None:
    """That may be where the protocol is spoken; and there is nothing to read."""
    job = await run(rig, "processed", "noise")
    captured = capfd.readouterr()
    assert (job.state, job.reason) == (JobState.COMPLETED, "''")
    assert "NOISE" not in captured.out
    assert captured.err.count("NOISE") == 2


async def test_a_process_that_takes_too_long_is_killed(rig: Rig, tmp_path: Path) -> None:
    """And the attempt is tried again."""
    job = await run(rig, "hasty-process", "stay", tmp_path)
    assert (job.state, job.code, job.attempts) == (JobState.SCHEDULED, "retrying", 1)
    assert job.reason is not None and "time limit of 3 s" in job.reason
    await gone(await word(tmp_path, "entered"))


async def test_a_process_whose_job_is_cancelled_is_killed(rig: Rig, tmp_path: Path) -> None:
    """The lane is free at once."""
    [job_id, next_id] = await rig.submit(
        "b", a_deed("processed", "stay", tmp_path), a_deed("processed", "who")
    )
    async with rig.working(concurrency=1):
        pid = await word(tmp_path, "entered")
        await rig.store.cancel_job(job_id, reason="no", now=rig.clock.now())
        after = await left(rig, next_id)
        await gone(pid)
    assert after.state is JobState.COMPLETED
    assert (await rig.job(job_id)).state is JobState.CANCELLED


async def test_a_process_ends_with_its_worker_in_the_middle_of_a_job(
    rig: Rig, tmp_path: Path
) -> None:
    """It is given back as if it had never been claimed."""
    [job_id] = await rig.submit("b", a_deed("processed", "stay", tmp_path))
    async with rig.working(concurrency=1):
        pid = await word(tmp_path, "entered")
    await gone(pid)
    job = await rig.job(job_id)
    assert (job.state, job.attempts, job.crashes) == (JobState.PENDING, 0, 0)


ORPHAN = """
import sys, anyio
from pathlib import Path
from tests.unit.jobs.apart import a_deed, KINDS
from tests.unit.jobs.rig import open_rig

async def main():
    async with open_rig(Path(sys.argv[1], "jobs.db")) as rig:
        for kind in KINDS:
            rig.registry.register(kind)
        await rig.submit("b", a_deed("processed", "stay", sys.argv[1]))
        async with rig.working():
            await anyio.sleep_forever()

anyio.run(main)
"""


async def test_a_process_ends_when_its_worker_is_killed(tmp_path: Path) -> None:
    """In the middle of its handler: nobody would hear what it answers."""
    path = os.pathsep.join(entry or "." for entry in sys.path)
    environment = os.environ | {"PYTHONPATH": path}
    command = [sys.executable, "-c", ORPHAN, str(tmp_path)]
    async with await anyio.open_process(command, env=environment) as worker:
        pid = await word(tmp_path, "entered")
        assert lives(pid)
        worker.kill()
    await gone(pid)


# Threads that are stopped


async def test_a_thread_that_is_stopped_is_told_so(rig: Rig, tmp_path: Path) -> None:
    """It ends by itself, and its lane runs the next job."""
    jobs = (a_deed("hasty-thread", "heed", tmp_path), a_toy())
    job_id, next_id = await rig.submit("b", *jobs)
    async with rig.working(concurrency=1):
        after = await left(rig, next_id)
    job = await rig.job(job_id)
    assert (job.state, job.code) == (JobState.SCHEDULED, "retrying")
    assert job.reason is not None and "time limit" in job.reason
    assert after.state is JobState.COMPLETED


async def test_no_more_threads_run_than_there_are_lanes(rig: Rig, tmp_path: Path) -> None:
    """A lane whose thread was stopped and goes on takes no job until it has ended."""
    ran: list[str] = []

    async def note(context: Any) -> Outcome:
        ran.append(context.attempt.job.subject)
        return Done()

    rig.acts["note"] = note
    stuck_id, next_id = await rig.submit(
        "b", a_deed("hasty-thread", "stay", tmp_path), a_toy("note")
    )
    async with rig.working(concurrency=1):
        stuck = await left(rig, stuck_id)
        assert (await rig.job(next_id)).state is JobState.PENDING
        assert ran == []
        (tmp_path / "go").touch()
        after = await left(rig, next_id)
    assert (stuck.state, stuck.attempts) == (JobState.SCHEDULED, 1)
    assert (await rig.job(stuck_id)).result is None  # what it answered late is nobody's
    assert after.state is JobState.COMPLETED


# What is refused where it is written


async def test_a_handler_that_cannot_run_there_is_refused_at_once() -> None:
    """Async in a thread, or where no process can import it."""

    async def waits(payload: Deed, context: object) -> Outcome:
        return Done()

    def plain(payload: Deed, context: object) -> Outcome:
        return Done()

    for isolation in ("thread", "process"):
        with pytest.raises(ConfigError, match="plain function"):
            handler("x", Deed, isolation=isolation)(cast("Any", waits))
    with pytest.raises(ConfigError, match="top of a module"):
        handler("x", Deed, isolation="process")(plain)
    assert handler("x", Deed, isolation="thread")(plain).isolation == "thread"


async def test_a_handlers_process_runs_no_module_of_the_folder_it_is_started_in(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is it run there: whatever it opens by a bare name is not that folder's."""
    for name in ("json", "sys", "importlib", "pickle", "mcp_server"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    job = await run(rig, "processed", "who")
    assert job.state is JobState.COMPLETED
    assert not (tmp_path / "ran").exists()
