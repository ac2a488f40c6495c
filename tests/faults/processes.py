"""Real processes to be killed, and the moments at which to kill them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
import tomllib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.harness import small_site, write_settings
from tests.storage.invariants import PRESENT_ROUND
from tests.waiting import PATIENCE_S, wait_until
from tests.wire import Pipe, command, environment, query

ENDED = ("completed", "failed", "cancelled")


def seed() -> int:
    """Return the seed of this run, printed so that a failure can be repeated."""
    chosen = int(os.environ.get("PRESSROOM_TEST_SEED") or random.SystemRandom().randrange(10**6))
    print(f"PRESSROOM_TEST_SEED={chosen}")
    return chosen


def hasty_site(root: Path, pages: int, sections: int, **settings: object) -> Path:
    """Make a workspace that notices a death within a second."""
    defaults: dict[str, object] = {"lease_s": 1, "heartbeat_s": 0.3, "composer_delay_s": 0.3}
    return small_site(root, {f"p{n}": sections for n in range(1, pages + 1)}, **defaults | settings)


def hasten(root: Path) -> None:
    """Let workers that start from now on draft quickly: what the present one does takes its time.

    So a test can hold far more work than anything done meanwhile takes, and yet end soon.
    """
    path = root / "pressroom.toml"
    settings = tomllib.loads(path.read_text("utf-8"))
    write_settings(root, **settings | {"composer_delay_s": 0.05})


def take_back(root: Path) -> None:
    """Say, as its user, that a state folder which was copied or put back is theirs."""
    line = command("trust", "--yes", "--workspace", str(root))
    subprocess.run(line, env=environment(), check=True, capture_output=True)


# Who lives


@dataclass(frozen=True, slots=True)
class Process:
    """A line of the list of processes."""

    pid: int
    parent: int
    state: str
    command: str


def processes() -> list[Process]:
    """Return all processes of this machine."""
    listed = subprocess.run(
        ["ps", "-axwwo", "pid=,ppid=,stat=,command="], capture_output=True, text=True, check=True
    )
    fields = [line.split(None, 3) for line in listed.stdout.splitlines()]
    return [Process(int(f[0]), int(f[1]), f[2], f[3] if len(f) > 3 else "") for f in fields]


def workers(root: Path) -> list[int]:
    """Return the worker processes of a workspace, those that are just starting included."""
    ending = f"--workspace {root}"
    return [
        process.pid
        for process in processes()
        if " worker " in process.command
        and process.command.endswith(ending)
        and not process.state.startswith("Z")
    ]


def children(parent: int) -> list[Process]:
    """Return the children of a process; one that ended and was not collected has state Z."""
    return [process for process in processes() if process.parent == parent]


def announced(root: Path, role: str = "worker") -> list[int]:
    """Return who says to take part in a workspace, latest first; the dead say nothing more."""
    rows = query(root, "SELECT pid FROM hosts WHERE role = ? ORDER BY seen_at DESC", role)
    return [pid for (pid,) in rows]


def working(root: Path) -> int:
    """Wait until a living worker has announced itself; return its pid."""
    found: list[int] = []

    def lives() -> bool:
        found[:] = set(announced(root)) & set(workers(root))
        return bool(found)

    wait_until(lives)
    return found[0]


def kill(pid: int, sent: int = signal.SIGKILL) -> None:
    """Send a signal to a process that may be gone already."""
    with suppress(ProcessLookupError):
        os.kill(pid, sent)


def end_workers(root: Path) -> None:
    """Leave no worker behind."""

    def none_left() -> bool:
        left = workers(root)
        for pid in left:
            kill(pid)
        return not left

    wait_until(none_left)


# Moments


@dataclass(frozen=True, slots=True)
class Moment:
    """When to strike: so long after so many jobs of the batch were completed."""

    completed: int
    after_s: float


def moments(rng: random.Random, count: int, *, jobs: int, within_s: float) -> list[Moment]:
    """Return so many moments in the first two thirds of a batch, in order."""
    thresholds = sorted(rng.randrange(jobs * 2 // 3) for _ in range(count))
    return [Moment(threshold, rng.uniform(0, within_s)) for threshold in thresholds]


def reach(root: Path, batch_id: str, moment: Moment) -> None:
    """Wait for a moment; the end of the batch is none later."""
    wait_until(
        lambda: has_ended(root, batch_id) or completed(root, batch_id) >= moment.completed,
    )
    until = time.monotonic() + moment.after_s
    wait_until(lambda: time.monotonic() >= until)


def strike(root: Path, batch_id: str, at: Sequence[Moment]) -> list[int]:
    """Kill the worker at each of these moments, another process each time; return whom."""
    killed: list[int] = []
    for moment in at:
        wait_until(
            lambda: has_ended(root, batch_id) or bool(set(workers(root)) - set(killed)),
        )
        reach(root, batch_id, moment)
        alive = [pid for pid in workers(root) if pid not in killed]
        for pid in alive:
            kill(pid)
        killed.extend(alive)
    return killed


# What became of a batch


def state(root: Path, batch_id: str) -> str:
    """Return the batch's state."""
    asked = f"SELECT state FROM batches {PRESENT_ROUND} WHERE batch_id = ?"
    return query(root, asked, batch_id)[0][0]


def completed(root: Path, batch_id: str) -> int:
    """Return how many jobs of the batch are completed, its exports included."""
    return query(
        root,
        "SELECT count(*) FROM jobs JOIN batches ON batches.id = jobs.batch "
        "WHERE batch_id = ? AND jobs.state = 'completed'",
        batch_id,
    )[0][0]


def processing(root: Path) -> int:
    """Return how many jobs are being worked on."""
    rows = query(
        root, "SELECT count(*) FROM jobs WHERE state = 'processing' AND started_at IS NOT NULL"
    )
    return rows[0][0]


def taken_up(root: Path) -> int:
    """Return how many jobs the workers say to have in their lanes; they say it every heartbeat.

    Between the claim that is in the database and the lanes there is a moment in which a worker that
    is stopped still gives jobs back.
    """
    rows = query(
        root, "SELECT sum(json_extract(details, '$.running')) FROM hosts WHERE role = 'worker'"
    )
    return rows[0][0] or 0


def has_ended(root: Path, batch_id: str) -> bool:
    """Whether the batch has ended."""
    return state(root, batch_id) in ENDED


def wait_ended(root: Path, *batch_ids: str, seconds: float = PATIENCE_S) -> None:
    """Wait until these batches have ended."""
    wait_until(lambda: all(has_ended(root, id) for id in batch_ids), seconds=seconds)


# Asking for work, and for its end


def queued(chat: Pipe, tool: str = "generate-all", /, **arguments: Any) -> str:
    """Call a queueing tool; return the id of its batch."""
    result = chat.call(tool, **arguments)
    assert not result.get("isError"), result
    return result["structuredContent"]["batchId"]


def pressroom(*arguments: str, **variables: str) -> str:
    """Run `pressroom` with these arguments to its end; return what it printed."""
    done = subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        env=environment(**variables),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def stop(root: Path) -> str:
    """Run `pressroom stop`; return what it says."""
    return pressroom("stop", "--workspace", str(root))


def looked(root: Path, seconds: float = 3) -> Callable[[], bool]:
    """Return whether every server has been at work for so long since now: time to look for work."""
    began = time.time()
    return lambda: all(
        seen > began + seconds
        for (seen,) in query(root, "SELECT seen_at FROM hosts WHERE role = 'server'")
    )
