"""`pressroom status --follow` as its user has it: a process, on a terminal and elsewhere."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from anyio.abc import Process
from rich.console import Console

from mcp_server.clock import SystemClock
from mcp_server.errors import NotFound
from mcp_server.interfaces.cli.bars import Bars
from mcp_server.interfaces.cli.follow import follow_all, follow_one
from mcp_server.interfaces.cli.lines import Lines
from mcp_server.interfaces.cli.presence import GOES_ON, Watched
from mcp_server.jobs.batch import BatchService
from mcp_server.jobs.hub.hub import Hub
from mcp_server.jobs.job import Batch, BatchState, Origin, Step
from mcp_server.jobs.outcome import Fail, Pause
from mcp_server.jobs.registry import Registry
from mcp_server.progress.event import ProgressEvent, batch_event
from mcp_server.progress.stream import Events
from tests.harness import ManualClock, desk, small_site
from tests.interfaces.test_cli import assert_one_line, pressroom
from tests.promises.moves import held, parts_of
from tests.specimens import BATCH
from tests.storage.stores import Bench, Stores, a_job, sqlite
from tests.waiting import PATIENCE_S, until
from tests.wire import command, environment

pytestmark = pytest.mark.anyio

OURS = Origin(owner="local", interface="test")
CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
HASTY = {"heartbeat_s": 0.3, "concurrency": 1}
NOBODY = "No worker is running. A server starts one; without a server, `pressroom worker` does."
IDLE = "Nothing waits, and nothing runs."


class Follower:
    """A `pressroom status --follow` that runs, and what it has said so far."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.said = ""

    async def says(self, text: str) -> None:
        """Wait until it has said this."""
        assert self._process.stdout is not None
        with anyio.fail_after(PATIENCE_S):
            while text not in self.said:
                self.said += (await self._process.stdout.receive()).decode()

    async def end(self) -> tuple[int, list[str], str]:
        """Wait until it has ended; return exit code, lines, and what it said on stderr."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        with anyio.fail_after(PATIENCE_S):
            async for part in self._process.stdout:
                self.said += part.decode()
            errors = b"".join([part async for part in self._process.stderr])
            code = await self._process.wait()
        return code, self.said.splitlines(), errors.decode()


@asynccontextmanager
async def followed(root: Path, *arguments: str) -> AsyncGenerator[Follower]:
    """Run it beside the test."""
    line = command("status", "--follow", "--workspace", str(root), *arguments)
    async with await anyio.open_process(line, env=environment(PYTHONUTF8="1")) as process:
        try:
            yield Follower(process)
        finally:
            if process.returncode is None:
                process.kill()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    """The queue of a workspace in which nobody works but the test."""
    root = small_site(tmp_path, {"menu": 1})
    clock = ManualClock(SystemClock().now())
    async with parts_of(root, clock) as parts:
        yield Bench(Stores(parts.store, parts.entities, parts.ledger), sqlite, root, clock)


async def test_a_batch_is_followed_line_by_line_to_its_end(bench: Bench) -> None:
    """Where nothing can move there is a line for each event, and the last says what came of it."""
    jobs = [a_job(subject=f"menu/s{n}") for n in range(3)]
    await bench.submit("b1", *jobs, origin=OURS)
    async with followed(bench.path, "b1", "--interval", "0.1") as follower:
        await follower.says("0/3 queued")
        attempt = await bench.start()
        await follower.says("0/3 · work menu/s0")
        await bench.finish(attempt)
        await follower.says("1/3 · waiting")
        await bench.work()
        await bench.work(Fail("no", "it cannot"))
        code, lines, errors = await follower.end()
    assert code == 1
    assert "No worker is running" in lines[0]
    assert lines[-1] == "Content generation b1: 3/3 · done, 1 failed"
    assert errors == "Content generation b1 is failed: 3/3 · done, 1 failed.\n"
    again = pressroom("status", "-f", "-w", bench.path, "--batch", "b1")
    assert (again.returncode, again.stdout) == (1, f"{lines[-1]}\n")


async def test_a_batch_that_the_database_has_lost_is_followed_no_further(bench: Bench) -> None:
    """As a standby that took over has, or an older copy: no event would ever come."""
    await bench.submit("b1", origin=OURS)
    async with followed(bench.path, "b1") as follower:
        await follower.says("0/1 queued")
        await anyio.to_thread.run_sync(_lose, bench)
        code, _, errors = await follower.end()
    assert code == 1
    assert errors.startswith("The database does not know b1 any more: a server took over that")
    assert errors.count("\n") == 1


async def test_a_wait_for_a_batch_that_was_lost_says_that_there_is_none(bench: Bench) -> None:
    """And not which of its jobs are outstanding."""
    await bench.submit("b1", origin=OURS)
    batches = BatchService(bench.store, Registry(), bench.clock, lambda: "j_new")

    async def lose(_: Batch) -> None:
        await anyio.to_thread.run_sync(_lose, bench)

    with pytest.raises(NotFound, match="no batch 'b1'"):
        await batches.wait("b1", owner=OURS.owner, timeout_s=0.5, on_progress=lose)


def _lose(bench: Bench) -> None:
    with closing(sqlite3.connect(bench.path / ".pressroom" / "pressroom.db")) as file, file:
        for table in ("jobs", "rounds", "batches"):
            file.execute(f"DELETE FROM {table}")


async def test_all_is_followed_until_nothing_waits_or_runs(bench: Bench) -> None:
    """What begins meanwhile is found; what pauses is not waited for."""
    idle = pressroom("status", "--follow", "--workspace", bench.path)
    assert (idle.returncode, idle.stdout) == (0, f"{IDLE}\n")
    await bench.submit("b1", origin=OURS)
    async with followed(bench.path) as follower:
        await follower.says("b1: 0/1 queued")
        await bench.store.enqueue("j1", a_job(subject="menu"), origin=OURS, now=bench.now)
        await follower.says("Work menu j1: pending")
        await bench.submit("b2", origin=OURS)
        await follower.says("b2: 0/1 queued")
        await bench.work()
        await follower.says("b1: 1/1 · done")
        attempt = await bench.start()
        await bench.store.step([(attempt, Step(current=1, total=2, message="half of it"))])
        await follower.says("Work menu j1: processing · 50 % · half of it")
        await bench.finish(attempt)
        await bench.work(Pause("the key was refused"))
        code, lines, errors = await follower.end()
    assert (code, errors) == (1, f"{IDLE} Followed: 2 completed, 1 paused.\n")
    assert "Work menu j1: completed" in lines
    assert lines[-1] == "Content generation b2: 0/1 · paused: the key was refused"
    again = pressroom("status", "--follow", "--workspace", bench.path)
    assert (again.returncode, again.stdout) == (1, f"{lines[-1]}\n")
    assert again.stderr == f"{IDLE} Followed: 1 paused.\n"


async def test_one_job_is_shown_by_its_id(bench: Bench) -> None:
    """Followed or not."""
    later = a_job(subject="menu", delay_s=3600)
    await bench.store.enqueue("j1", later, origin=OURS, now=bench.now)
    seen = pressroom("status", "-w", bench.path, "j1")
    assert seen.returncode == 0
    assert seen.stdout.startswith("Work menu is scheduled.")
    async with followed(bench.path, "j1") as follower:
        await follower.says("Work menu j1: scheduled\n")
        await bench.store.cancel_job("j1", reason="enough", now=bench.now)
        code, lines, errors = await follower.end()
    assert (code, lines[-1]) == (1, "Work menu j1: cancelled · enough")
    assert errors == "Work menu j1 is cancelled: enough.\n"


async def test_an_interrupt_ends_the_watching_and_nothing_else(bench: Bench) -> None:
    """The work goes on, and the user is told so."""
    if sys.platform == "win32":
        pytest.skip("there is no interrupt to send to one process")
    await bench.submit("b1", origin=OURS)
    line = command("status", "--follow", "--workspace", str(bench.path))
    # A script that runs in the background ignores interrupts, and so does whoever is started there.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = await anyio.open_process(line, env=environment())
    signal.signal(signal.SIGINT, before)
    async with process:
        follower = Follower(process)
        await follower.says("queued")
        process.send_signal(signal.SIGINT)
        code, _, errors = await follower.end()
    assert (code, errors) == (130, "No longer watching; the work goes on.\n")
    assert (await bench.batch("b1")).state == "pending"


async def test_what_is_not_there_is_one_line_and_options_must_fit(tmp_path: Path) -> None:
    """As with the other commands."""
    root = small_site(tmp_path / "site", {"menu": 1})
    unknown = pressroom("status", "--follow", "b_none", "-w", root)
    assert_one_line(unknown)
    assert "There is no batch or job 'b_none'" in unknown.stderr
    for arguments in (["--follow", ""], [""], ["--batch", ""]):
        empty = pressroom("status", *arguments, "-w", root)
        assert_one_line(empty)
        assert "There is no batch" in empty.stderr
    assert "only with --follow" in pressroom("status", "--interval", "1", "-w", root).stderr
    assert "name one, not two" in pressroom("status", "b_1", "--batch", "b_2", "-w", root).stderr


async def test_what_a_server_does_is_followed_from_another_process(tmp_path: Path) -> None:
    """A real batch, with a real worker."""
    root = small_site(tmp_path / "site", {"menu": 6}, composer_delay_s=0.3, concurrency=1)
    async with desk(root) as chat:
        batch_id = (await chat.call("generate-all"))["batchId"]
        async with followed(root, batch_id) as follower:
            code, lines, _ = await follower.end()
    name = f"Content generation {batch_id}"
    assert code == 0
    assert lines[-2:] == [f"{name}: 6/6 · done", f"{name} is completed: 6/6 · done."]


async def test_it_is_said_when_the_worker_dies_and_when_another_goes_on(tmp_path: Path) -> None:
    """Once each; how long it takes is nothing that anybody knows in between."""
    root = small_site(tmp_path / "site", {"menu": 12}, composer_delay_s=0.4, lease_s=1, **HASTY)
    async with held(root), desk(root) as chat:
        batch_id = (await chat.call("generate-all"))["batchId"]
    work = command("worker", "--workspace", str(root))
    async with (
        await anyio.open_process(work, env=environment(), stderr=None) as first,
        followed(root, batch_id, "--interval", "0.1") as follower,
    ):
        await follower.says(" left\n")
        first.kill()
        await follower.says(NOBODY)
        async with await anyio.open_process(work, env=environment(), stderr=None) as second:
            await follower.says(GOES_ON)
            code, lines, _ = await follower.end()
            second.terminate()
    assert code == 0
    died = max(n for n, line in enumerate(lines) if line.startswith(NOBODY))
    went_on = max(n for n, line in enumerate(lines) if line == GOES_ON)
    assert [line for line in lines[died:went_on] if " left" in line] == []
    assert died < went_on
    assert any(" left" in line for line in lines[went_on:])


async def test_what_waits_for_a_worker_stopped_by_hand_has_no_time_left(tmp_path: Path) -> None:
    """It is said what starts it again instead."""
    root = small_site(tmp_path / "site", {"menu": 40}, composer_delay_s=0.3, **HASTY)
    async with held(root), desk(root) as chat:
        batch_id = (await chat.call("generate-all"))["batchId"]
    work = command("worker", "--workspace", str(root))
    async with await anyio.open_process(work, env=environment(), stderr=None) as worker:
        async with followed(root, batch_id, "--interval", "0.1") as before:
            await before.says(" left\n")
        pressroom("stop", "--workspace", root)
        await worker.wait()
    async with followed(root) as follower:
        await follower.says("Content generation")
    stopped, batch, *_ = follower.said.splitlines()
    assert stopped.startswith("The worker was stopped by hand. A retry of what waits starts it")
    assert batch.startswith(f"Content generation {batch_id}: ")
    assert " left" not in batch


def test_bars_show_no_time_left_while_nobody_works() -> None:
    """What was shown of it before is gone, too."""
    drawn = StringIO()
    bars = Bars(Console(file=drawn, width=100, force_terminal=True))
    running = replace(BATCH, total=2, completed=1, started_at=0.0)
    event = batch_event(running, now=600.0)
    assert event.batch is not None and event.batch.estimate == "about 10 minutes"
    with bars.shown():
        bars.show(event)
        bars.halt("No worker is running.")
    assert "left" not in drawn.getvalue().partition("No worker is running.")[2]


async def test_on_a_terminal_a_bar_moves(bench: Bench) -> None:
    """And what is over stays as a line above it."""
    if sys.platform == "win32":
        pytest.skip("there is no pseudo-terminal to run it on")
    await bench.submit("b1", a_job(subject="menu/s1"), a_job(subject="menu/s2"), origin=OURS)
    line = command("status", "--follow", "--workspace", str(bench.path))
    terminal, process = on_a_terminal(line)
    drawn = await read_until(terminal, "0/2 pending")
    assert re.search(r"Content generation ━+ 0/2", drawn)
    attempt = await bench.start()
    await read_until(terminal, "0/2 work menu/s1")
    await bench.finish(attempt)
    await bench.work()
    drawn = await read_until(terminal, "Followed: 1 completed.")
    assert "✓ Content generation b1: 2/2 · done" in drawn
    _, status = await anyio.to_thread.run_sync(os.waitpid, process, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0


def on_a_terminal(line: list[str]) -> tuple[int, int]:
    """Run a command on a terminal of 100 columns; return the terminal, and the process."""
    import pty

    process, terminal = pty.fork()
    if process == 0:
        where = environment(TERM="xterm-256color", COLUMNS="100", PYTHONUTF8="1")
        os.execve(line[0], line, where)
    return terminal, process


async def read_until(terminal: int, text: str) -> str:
    """Return what is drawn on the terminal from now on, until it is this."""
    drawn = ""
    with anyio.fail_after(PATIENCE_S):
        while text not in CONTROLS.sub("", drawn):
            part = await anyio.to_thread.run_sync(os.read, terminal, 65_536)
            drawn += part.decode(errors="replace")
    return CONTROLS.sub("", drawn)


async def test_who_has_read_enough_ends_it_without_a_word(bench: Bench) -> None:
    """There is nobody left to tell."""
    if sys.platform == "win32":
        pytest.skip("there is no shell that says how it ended")
    await bench.submit("b1", a_job(), a_job(), origin=OURS)
    line = command("status", "--follow", "--workspace", str(bench.path))
    piped = ["/bin/sh", "-c", '{ "$@"; echo "$?" >&2; } | head -n 1', "sh", *line]
    async with await anyio.open_process(piped, env=environment(PYTHONUTF8="1")) as process:
        follower = Follower(process)
        await follower.says("No worker is running")
        await bench.work()
        await bench.work()
        _, _, errors = await follower.end()
    assert errors == "1\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is full")
async def test_a_full_disk_is_one_line(bench: Bench) -> None:
    """Whatever was being written there."""
    await bench.submit("b1", origin=OURS)
    for arguments in (["--follow"], ["b1", "--follow"], []):
        line = command("status", "--workspace", str(bench.path), *arguments)
        full = ["/bin/sh", "-c", '"$@" > /dev/full', "sh", *line]
        with anyio.fail_after(PATIENCE_S):
            done = await anyio.run_process(full, env=environment(), check=False)
        errors = done.stderr.decode()
        assert (done.returncode, errors.count("\n")) == (2, 1), errors
        assert errors.startswith("pressroom: "), errors


async def test_without_a_place_to_write_to_it_waits_all_the_same(bench: Bench) -> None:
    """Its exit code says how it ended."""
    if sys.platform == "win32":
        pytest.skip("there is no shell that closes it")
    await bench.submit("b1", origin=OURS)
    await bench.work()
    line = command("status", "--workspace", str(bench.path), "--follow", "b1")
    closed = ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *line]
    with anyio.fail_after(PATIENCE_S):
        done = await anyio.run_process(closed, env=environment(), check=False)
    assert (done.returncode, done.stderr) == (0, b"")


async def test_no_terminal_takes_a_name_for_a_command(bench: Bench) -> None:
    """Names of batches and of what jobs work on are others' words."""
    odd = "ab\x1b[31mred\x07\x9b2J\r\nmore"
    await bench.submit("b1", a_job(subject=odd), origin=OURS, kind=odd)
    await bench.store.enqueue("j1", a_job(subject=odd), origin=OURS, now=bench.now)
    await bench.start()
    for arguments in (["status"], ["status", "b1"], ["wait", "--timeout", "0"], ["status", "j1"]):
        done = pressroom(*arguments, "-w", bench.path)
        said = done.stdout + done.stderr
        assert said
        assert all(each.isprintable() for each in said.split("\n")), ascii(said)
        assert "\nmore" not in said


# In this process


@asynccontextmanager
async def following_all(bench: Bench, *, interval_s: float) -> AsyncGenerator[list[str]]:
    """Follow everything beside the test, until it is over; what was said comes as it is said."""
    events, said = Events(Hub(bench.store), bench.clock), list[str]()
    batches = BatchService(bench.store, Registry(), bench.clock, lambda: "j_new")

    async def follow() -> None:
        board = Lines(said.append)
        owner = OURS.owner
        waited = await follow_all(events, batches, board, owner=owner, interval_s=interval_s)
        said.append(waited.message)

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follow)
            await until(lambda: bool(said))
            yield said


async def test_the_first_that_is_said_of_a_batch_is_what_it_does(bench: Bench) -> None:
    """It is shown with the jobs that run, though it was found without them."""
    await bench.submit("b1", a_job(subject="menu/hero"), origin=OURS)
    attempt = await bench.start()
    async with following_all(bench, interval_s=0.05) as said:
        await bench.finish(attempt)
    assert said[0] == "Content generation b1: 0/1 · work menu/hero"


async def test_it_ends_when_all_has_however_seldom_it_looks(bench: Bench) -> None:
    """The last end is an event."""
    await bench.submit("b1", origin=OURS)
    async with following_all(bench, interval_s=3_600) as said:
        await bench.work()
    assert said[-1] == f"{IDLE} Followed: 1 completed."


@pytest.mark.parametrize("key", ["leftOver", "halted"])
async def test_nothing_goes_on_that_was_cancelled_while_it_stood_still(
    bench: Bench, key: str
) -> None:
    """What was in its way is gone with it; of the next work, why it stands still is said again."""
    lack, said = "Jobs are due, and no worker has the pages.", list[str]()
    still = {"leftOver": {"alive": True, "leftOver": [lack]}, "halted": {"alive": False}}
    facts: dict[str, Any] = {}

    async def health() -> Mapping[str, Any]:
        return facts | {"message": lack}

    batches = BatchService(bench.store, Registry(), bench.clock, lambda: "j_new")
    watched = Watched(Lines(said.append), health, batches, owner=OURS.owner)

    async def stands_still_then_goes_on(batch: str, *, cancelled: bool) -> None:
        nonlocal facts
        await bench.submit(batch, origin=OURS)
        facts = still[key]
        await watched.look()
        if cancelled:
            await bench.store.cancel_batch(batch, reason="enough", now=bench.now)
        facts = {"alive": True}
        await watched.look()

    await stands_still_then_goes_on("b1", cancelled=True)
    assert said == [lack]
    await stands_still_then_goes_on("b2", cancelled=False)
    assert said == [lack, lack, GOES_ON]


def alter(path: Path, statement: str) -> None:
    """Do to the file what nobody should."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)


async def test_a_database_that_refuses_for_a_while_is_asked_again(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """It goes on where it was, and says why it halted, without a traceback."""
    await bench.submit("b1", origin=OURS)
    [path] = bench.path.rglob("*.db")
    async with following_all(bench, interval_s=0.05) as said:
        alter(path, "ALTER TABLE batches RENAME TO gone")
        await bench.store.enqueue("j1", a_job(), origin=OURS, now=bench.now)
        await until(lambda: "trying again: " in caplog.text)
        for _ in range(5):  # both have looked by then
            await bench.store.wait_for_change(0.1, since=bench.store.version)
        alter(path, "ALTER TABLE gone RENAME TO batches")
        await bench.work_all()
    assert said[-1] == f"{IDLE} Followed: 2 completed."
    assert "Traceback" not in caplog.text


def test_bars_say_once_that_something_stands_still() -> None:
    """Though events go on: jobs of a paused batch come to their end."""
    drawn = StringIO()
    bars = Bars(Console(file=drawn, width=100))
    paused = ProgressEvent(
        id="b1",
        type="batch",
        name="Content generation",
        status=BatchState.PAUSED,
        message="0/2 · paused: no key",
        progress=None,
        origin=OURS,
    )
    for event in (paused, paused, replace(paused, message="1/2 · paused: no key"), paused):
        bars.show(event)
    assert [line.split(": ", 1)[1] for line in drawn.getvalue().splitlines()] == [
        "0/2 · paused: no key",
        "1/2 · paused: no key",
        "0/2 · paused: no key",
    ]


async def test_a_pause_ends_it_and_says_why(bench: Bench) -> None:
    """It waits for a person: nobody should wait with it."""
    events = Events(Hub(bench.store), bench.clock)
    await bench.submit("b1", a_job(), a_job(), origin=OURS)
    await bench.store.pause("b1", "the key was refused")
    said: list[str] = []
    with anyio.fail_after(PATIENCE_S):
        waited = await follow_one(events, "b1", Lines(said.append), owner=OURS.owner)
    assert not waited.done
    assert waited.message == (
        "Content generation b1 is paused: 0/2 · paused: the key was refused. "
        "`pressroom retry b1` goes on with it, cancel gives it up."
    )
    assert said == ["Content generation b1: 0/2 · paused: the key was refused"]
