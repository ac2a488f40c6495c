"""One worker while there is work: the lock, who keeps it, and the mark of who stopped it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from mcp_server.errors import Unavailable
from mcp_server.folder import Folder
from mcp_server.jobs.host.keeper import WorkerKeeper, version_key
from mcp_server.jobs.host.lock import WorkerLock
from mcp_server.jobs.host.presence import SILENT_S, worker_lives
from mcp_server.jobs.host.start import DetachedWorker, EmbeddedWorker, StartWorker, work_in_turns
from mcp_server.jobs.host.stop_mark import StopMark
from mcp_server.jobs.job import BatchState
from mcp_server.jobs.outcome import Done, Outcome
from mcp_server.jobs.records import Host
from tests.unit.jobs.rig import ORIGIN, Context, Rig, a_toy
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.anyio

HOLDER = """
import sys
from pathlib import Path
from mcp_server.jobs.host.lock import WorkerLock
lock = WorkerLock(Path(sys.argv[1]))
assert lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


STAY = """
import os, time
print(os.getpid(), os.getsid(0) == os.getpid(), flush=True)
while not os.path.exists(sys.argv[2]):
    time.sleep(0.01)
"""
"""Says who it is, and stays until a file tells it to leave."""


@contextmanager
def holder(lock: Path) -> Generator[subprocess.Popen[str]]:
    """A process of its own that holds the lock."""
    command = [sys.executable, "-c", HOLDER, str(lock)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """Where the lock lies."""
    return tmp_path / "worker.lock"


def keeper(
    rig: Rig,
    lock: WorkerLock,
    start: StartWorker | None = None,
    *,
    host: Host | None = None,
    run: Callable[[], Awaitable[None]] | None = None,
    several: bool = False,
) -> WorkerKeeper:
    """Make what keeps a worker alive; `run` is what an embedded one does."""
    return WorkerKeeper(
        rig.store,
        lock,
        rig.clock,
        host or rig.host("server", "server"),
        start or EmbeddedWorker(lock, run or rig.worker(idle_s=0.0).run, anyio.Event()),
        StopMark(Folder(rig.path.parent)),
        kinds=rig.registry.kinds,
        heartbeat_s=0.05,
        alive_s=30,
        several=several,
    )


def gone() -> int:
    """Return the number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def is_there(pid: int) -> bool:
    """Whether a process of this number exists, dead or alive."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# The lock


def test_the_lock_is_held_by_one_at_a_time(lock: Path) -> None:
    """Also within one process; and free again when it is let go."""
    one, two = WorkerLock(lock), WorkerLock(lock)
    assert not one.is_held()
    assert one.acquire()
    assert (one.is_held(), two.is_held(), two.acquire()) == (True, True, False)
    one.release()
    assert not two.is_held()
    assert two.acquire()
    two.release()


async def test_the_lock_of_a_process_that_was_killed_is_free_at_once(lock: Path) -> None:
    """The operating system lets it go, whatever the process would have done."""
    mine = WorkerLock(lock)
    with holder(lock) as process:
        assert mine.is_held()
        assert not mine.acquire()
        process.kill()
        await anyio.to_thread.run_sync(process.wait)
        assert not mine.is_held()
        assert mine.acquire()
    mine.release()


# The keeper


async def test_a_worker_is_started_when_there_is_work_and_none(rig: Rig, lock: Path) -> None:
    """Without work none is; it works, leaves and lets the lock go."""
    held = WorkerLock(lock)
    kept = keeper(rig, held)
    await kept.tick()
    assert await rig.store.last_change() == 0
    await rig.submit("b", a_toy())
    await kept.tick()
    assert (await rig.batches.get("b", owner="ada")).completed == 1
    assert not held.is_held()


async def test_no_worker_is_started_beside_one_that_lives(rig: Rig, lock: Path) -> None:
    """In whatever process."""

    async def never() -> None:
        raise AssertionError("two workers")

    await rig.submit("b", a_toy())
    with holder(lock):
        await keeper(rig, WorkerLock(lock), run=never).tick()
        await EmbeddedWorker(WorkerLock(lock), never, anyio.Event())()


async def test_of_several_workers_one_that_lives_is_enough(rig: Rig, lock: Path) -> None:
    """They hold no lock: one is started where none has said of late that it lives."""
    await rig.submit("b", a_toy())
    await rig.store.announce(rig.host("living"), now=rig.clock.now())
    kept = keeper(rig, WorkerLock(lock), several=True)
    await kept.tick()
    assert (await rig.batches.get("b", owner="ada")).completed == 0
    rig.clock.advance(SILENT_S + 1)
    await kept.tick()
    assert (await rig.batches.get("b", owner="ada")).completed == 1


async def test_of_several_workers_one_whose_process_is_gone_does_not_live(
    rig: Rig, lock: Path
) -> None:
    """Nobody waits for its silence to be noticed."""
    await rig.store.announce(rig.host("dead", pid=gone()), now=rig.clock.now())
    hosts, held = await rig.store.hosts(seen_after=0), WorkerLock(lock)
    now = rig.clock.now()
    assert not worker_lives(held, hosts, now=now, several=True)
    await rig.store.announce(rig.host("living"), now=now)
    hosts = await rig.store.hosts(seen_after=0)
    assert worker_lives(held, hosts, now=now, several=True)
    assert not worker_lives(held, hosts, now=now, several=False)


async def test_of_two_keepers_one_runs_the_worker(rig: Rig, lock: Path) -> None:
    """At any time at most one, although both see the work."""
    running, most, runs = 0, 0, 0

    async def run() -> None:
        nonlocal running, most, runs
        running, runs = running + 1, runs + 1
        most = max(most, running)
        await rig.worker(idle_s=0.0).run()
        running -= 1

    await rig.submit("b", *[a_toy() for _ in range(10)])
    async with anyio.create_task_group() as tasks:
        for number in range(2):
            host = rig.host(f"server{number}", "server")
            tasks.start_soon(keeper(rig, WorkerLock(lock), run=run, host=host).run)
        with anyio.fail_after(PATIENCE_S):
            assert (await rig.batches.wait("b", owner="ada")).completed == 10
        tasks.cancel_scope.cancel()
    assert most == 1 and runs >= 1


async def test_a_worker_in_a_server_that_ends_is_waited_for_and_the_last(
    rig: Rig, lock: Path
) -> None:
    """What it runs is finished; of what is queued then, nothing is begun here."""
    held, stopping = WorkerLock(lock), anyio.Event()
    began, may_end = anyio.Event(), anyio.Event()

    async def slowly(context: Context) -> Outcome:
        began.set()
        await may_end.wait()
        return Done()

    async def run() -> None:
        worker = rig.worker()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(worker.run)
            await stopping.wait()
            worker.stop()

    rig.acts["slowly"] = slowly
    await rig.submit("one", a_toy("slowly"))
    start = EmbeddedWorker(held, run, stopping)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keeper(rig, held, start=start).run)
        with anyio.fail_after(PATIENCE_S):
            await began.wait()
            stopping.set()
            await rig.submit("two", a_toy())
            may_end.set()
            await start.ended()
        assert not held.is_held()
        await start()
        tasks.cancel_scope.cancel()
    assert (await rig.batches.get("one", owner="ada")).completed == 1
    assert (await rig.batches.get("two", owner="ada")).state is BatchState.PENDING


async def test_a_worker_that_breaks_does_not_end_the_server(rig: Rig, lock: Path) -> None:
    """Another is started after it."""
    runs: list[int] = []

    async def run() -> None:
        runs.append(len(runs))
        if len(runs) == 1:
            raise ExceptionGroup("broken", [RuntimeError("a lane")])
        await rig.worker(idle_s=0.0).run()

    await rig.submit("b", a_toy())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keeper(rig, WorkerLock(lock), run=run).run)
        with anyio.fail_after(PATIENCE_S):
            await rig.batches.wait("b", owner="ada")
        tasks.cancel_scope.cancel()
    assert len(runs) >= 2


async def test_a_server_announces_itself_and_withdraws(rig: Rig, lock: Path) -> None:
    """Others see it as long as it lives."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keeper(rig, WorkerLock(lock)).run)
        await until(lambda: rig.store.hosts(seen_after=0))
        tasks.cancel_scope.cancel()
    assert await rig.store.hosts(seen_after=0) == []


@pytest.mark.parametrize(
    ("theirs", "asked"), [("0.9.9", True), ("1.0.0", False), ("1.0.1", False), ("0.10.0", True)]
)
async def test_an_older_worker_is_asked_to_make_room(
    rig: Rig, lock: Path, theirs: str, asked: bool
) -> None:
    """By numbers, not by letters; a newer one is left alone."""
    worker = rig.host(version=theirs)
    await rig.store.announce(worker, now=rig.clock.now())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keeper(rig, WorkerLock(lock)).run)
        rows = await until(lambda: _hosts(rig), lambda rows: len(rows) == 2)
        if asked:
            rows = await until(lambda: _hosts(rig), lambda rows: rows[worker.id].wanted is not None)
        assert (rows[worker.id].wanted == "drain") is asked
        tasks.cancel_scope.cancel()


async def _hosts(rig: Rig) -> Mapping[str, Host]:
    """Return the announced processes by id."""
    return {host.id: host for host in await rig.store.hosts(seen_after=0)}


@pytest.mark.parametrize("others", [True, False], ids=["another-has-it", "nobody-has-it"])
async def test_work_that_needs_a_key_is_left_to_a_server_that_has_it(
    rig: Rig, lock: Path, others: bool
) -> None:
    """Where nobody has it, a worker is started, to pause the batch and say so (R25)."""
    abilities = frozenset({"key:x"} if others else ())
    await rig.store.announce(rig.host("other", "server", abilities=abilities), now=rig.clock.now())
    await rig.submit("b", a_toy(requires="key:x"))
    await keeper(rig, WorkerLock(lock)).tick()
    state = (await rig.batches.get("b", owner="ada")).state
    assert state == ("pending" if others else "paused")


@pytest.mark.parametrize("has_key", [True, False], ids=["can-do-it", "lacks-the-key"])
async def test_work_is_left_to_a_newer_server_that_can_do_it(
    rig: Rig, lock: Path, has_key: bool
) -> None:
    """It would ask our worker to make room, again and again; not while it lacks the key."""
    keys = frozenset({"key:x"})
    newer = rig.host("new", "server", version="1.10.0", abilities=keys if has_key else frozenset())
    await rig.store.announce(newer, now=rig.clock.now())
    await rig.submit("b", a_toy(requires="key:x"))
    host = rig.host("server", "server", version="1.9.0", abilities=keys)
    run = rig.worker(host=rig.host(abilities=keys), idle_s=0.0).run
    await keeper(rig, WorkerLock(lock), host=host, run=run).tick()
    assert (await rig.batches.get("b", owner="ada")).completed == (0 if has_key else 1)
    rig.clock.advance(31)
    await keeper(rig, WorkerLock(lock), host=host, run=run).tick()
    assert (await rig.batches.get("b", owner="ada")).completed == 1


async def test_what_is_queued_while_a_worker_leaves_is_worked_by_it(rig: Rig, lock: Path) -> None:
    """Between its last look and the moment when its lock is free, nobody else starts one (R26)."""
    held, turns = WorkerLock(lock), 0

    async def turn() -> bool:
        nonlocal turns
        turns += 1
        assert held.acquire()
        await rig.worker(idle_s=0.0).run()
        if turns == 1:
            await rig.submit("late", a_toy())
        held.release()
        return True

    await rig.submit("b", a_toy())
    await work_in_turns(turn, rig.store, rig.clock)
    assert (await rig.batches.get("late", owner="ada")).completed == 1
    assert turns == 2


async def test_a_worker_that_was_asked_to_stop_looks_no_more(rig: Rig) -> None:
    """However much there is to do."""
    turns = 0

    async def turn() -> bool:
        nonlocal turns
        turns += 1
        return False

    await rig.submit("b", a_toy())
    await work_in_turns(turn, rig.store, rig.clock)
    assert turns == 1


async def test_a_detached_worker_that_cannot_start_is_tried_less_and_less_often(
    rig: Rig, lock: Path, tmp_path: Path
) -> None:
    """After one second, two, four, up to a minute; and how it ended is known."""
    log = tmp_path / "worker.log"
    command = [sys.executable, "-c", "print('x', flush=True); raise SystemExit(3)"]
    start = DetachedWorker(command, Folder(log.parent), WorkerLock(lock), now=rig.clock.now)
    assert start.exit_code is None
    with anyio.fail_after(PATIENCE_S):
        for tries, wait_s in enumerate([1, 2, 4], start=1):
            await start()
            await start()
            assert log.read_text("utf-8").count("x") == tries
            rig.clock.advance(wait_s - 0.5)
            await start()
            assert log.read_text("utf-8").count("x") == tries
            rig.clock.advance(0.5)
    assert start.exit_code == 3


async def test_a_detached_worker_is_a_process_with_a_session_and_a_log_of_its_own(
    rig: Rig, lock: Path, tmp_path: Path
) -> None:
    """A second call starts no second one while it lives."""
    log = tmp_path / "worker.log"
    leave = anyio.Path(tmp_path / "leave")
    script = HOLDER.replace("sys.stdin.read()", STAY)
    command = [sys.executable, "-c", script, str(lock), str(leave)]
    start = DetachedWorker(command, Folder(log.parent), WorkerLock(lock))
    await start()
    await start()
    await leave.touch()

    async def said() -> list[tuple[str, str]]:
        return re.findall(r"(\d+) (True|False)", log.read_text("utf-8"))

    [(pid, alone)] = await until(said)
    assert alone == "True"

    def is_gone() -> bool:
        start.reap()
        return not is_there(int(pid))

    await until(is_gone)


# The mark


async def test_a_stopped_worker_is_not_started_until_something_is_queued(
    rig: Rig, lock: Path
) -> None:
    """Not for what waits already; a job outside any batch is enough."""
    mark = StopMark(Folder(rig.path.parent))
    await rig.submit("b", a_toy())
    mark.set(await rig.store.last_change())
    kept = keeper(rig, WorkerLock(lock))
    await kept.tick()
    assert mark.is_set
    assert (await rig.batches.get("b", owner="ada")).completed == 0
    await rig.queue.enqueue(a_toy(), origin=ORIGIN)
    await kept.tick()
    assert not mark.is_set
    assert (await rig.batches.get("b", owner="ada")).completed == 1


async def test_a_mark_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    """On a full disk, or in a folder that is read-only or gone."""
    with pytest.raises(Unavailable, match="cannot be written"):
        StopMark(Folder(tmp_path / "gone")).set(1)


async def test_a_mark_that_cannot_be_read_stops_nothing(rig: Rig, tmp_path: Path) -> None:
    """Better a worker too many than none for ever."""
    mark = StopMark(Folder(tmp_path))
    assert not await mark.holds(rig.store, now=rig.clock.now())
    (tmp_path / "stopped").write_text("half a", "utf-8")
    assert not await mark.holds(rig.store, now=rig.clock.now())
    mark.clear()
    mark.clear()


def test_versions_are_in_the_order_in_which_they_come_out() -> None:
    """By numbers, and a candidate before what it is a candidate for."""
    order = ["", "0.9", "1.0.0a2", "1.0.0rc1", "1.0.0", "1.0.0.post1", "1.0.1", "1.2", "1.10"]
    assert sorted(order, key=version_key) == order
    assert version_key("1.0.0+local") == version_key("1.0.0")
