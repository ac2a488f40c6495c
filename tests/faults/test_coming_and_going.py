"""Servers and workers start while others die: one worker at a time, nothing lost, nothing twice."""

from __future__ import annotations

import random
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path

from tests import databases
from tests.faults.invariants import assert_each_section_once
from tests.faults.processes import (
    announced,
    end_workers,
    has_ended,
    hasty_site,
    kill,
    queued,
    seed,
    wait_ended,
    workers,
    working,
)
from tests.waiting import PATIENCE_S, wait_until
from tests.wire import command, environment, pipe


def test_workers_are_killed_while_other_servers_start(tmp_path: Path) -> None:
    """Each new server finds the lock held, or free, or its holder just dead."""
    root, rng = hasty_site(tmp_path / "site", 2, 16, composer_delay_s=0.4), random.Random(seed())
    with ExitStack() as servers:
        chat = servers.enter_context(pipe(root, "auto"))
        chat.begin()
        batch = queued(chat)
        for _ in range(4):
            worker = working(root)
            late = servers.enter_context(pipe(root, "auto"))
            hold(rng.uniform(0, 0.8))  # it takes about as long to start
            kill(worker)
            late.begin()
            if has_ended(root, batch):
                break
        wait_ended(root, batch)
        wait_until(lambda: len(workers(root)) <= 1)
    assert_each_section_once(root, batch, 32)
    end_workers(root)


def test_two_servers_and_workers_by_hand_share_one_batch(tmp_path: Path) -> None:
    """Who comes second leaves with one clear line, but works beside it on a shared database.

    When the first is killed, another takes over.
    """
    root = hasty_site(tmp_path / "site", 2, 10, composer_delay_s=0.4)
    with pipe(root, "auto") as one, pipe(root, "legacy") as two:
        one.begin()
        two.begin()
        batch = queued(one)
        working(root)
        by_hand = [start_by_hand(root) for _ in range(2)]
        if databases.address() is None:
            said = [process.communicate(timeout=PATIENCE_S)[1] for process in by_hand]
            for process, line in zip(by_hand, said, strict=True):
                assert process.returncode == 2
                assert "Another worker works this workspace" in line.splitlines()[-1]
                assert "Traceback" not in line
        else:
            pids = {process.pid for process in by_hand}
            wait_until(lambda: pids <= {*announced(root)})
            for process in by_hand:
                process.kill()
                process.communicate()
        kill(working(root))
        third = start_by_hand(root)
        wait_ended(root, batch)
        kill(third.pid, signal.SIGTERM)
        third.communicate(timeout=PATIENCE_S)
        wait_until(lambda: len(workers(root)) <= 1)
    assert_each_section_once(root, batch, 20)
    end_workers(root)


def start_by_hand(root: Path) -> subprocess.Popen[str]:
    """Start a worker as a person does."""
    return subprocess.Popen(
        command("worker", "--workspace", str(root)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


def hold(seconds: float) -> None:
    """Let so much time pass for everybody else."""
    with subprocess.Popen(["sleep", str(seconds)]) as timer:
        timer.wait()
