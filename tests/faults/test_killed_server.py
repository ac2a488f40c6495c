"""Servers and clients die; what they asked for is done all the same."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.invariants import assert_each_section_once
from tests.faults.processes import (
    Moment,
    announced,
    end_workers,
    has_ended,
    hasten,
    hasty_site,
    kill,
    moments,
    processes,
    queued,
    reach,
    seed,
    wait_ended,
    workers,
    working,
)
from tests.waiting import wait_until
from tests.wire import environment, over_http, pipe, serving

REPOSITORY = Path(__file__).parents[2]


def test_a_batch_survives_ten_deaths_of_its_server(tmp_path: Path) -> None:
    """Its worker is a process of its own, and works on, whatever happens to the server."""
    root = hasty_site(tmp_path / "site", 4, 15, composer_delay_s=0.5)
    with pipe(root, "auto") as chat:
        chat.begin()
        batch = queued(chat)
        worker = working(root)
        kill(chat.process.pid)
    for moment in moments(random.Random(seed()), 9, jobs=60, within_s=0.6):
        with pipe(root, "auto") as chat:
            reach(root, batch, moment)
            kill(chat.process.pid)
    wait_ended(root, batch)
    assert workers(root) == [worker]
    assert assert_each_section_once(root, batch, 60).crashes == 0
    end_workers(root)


def test_a_batch_survives_the_death_of_server_and_worker_together(tmp_path: Path) -> None:
    """Nobody is left; the next client's server starts a worker that goes on, unasked."""
    root = hasty_site(tmp_path / "site", 2, 12, composer_delay_s=1)
    rng = random.Random(seed())
    with pipe(root, "auto") as chat:
        chat.begin()
        batch = queued(chat)
        worker = working(root)
        reach(root, batch, Moment(4, rng.uniform(0, 0.3)))
        kill(chat.process.pid)
        kill(worker)
    assert not has_ended(root, batch)
    hasten(root)
    with pipe(root, "legacy") as chat:
        chat.begin()
        wait_ended(root, batch)
    assert_each_section_once(root, batch, 24)
    end_workers(root)


def test_a_batch_survives_the_client_that_asked_for_it(tmp_path: Path) -> None:
    """The chat window is killed: its server leaves, the worker finishes."""
    root = hasty_site(tmp_path / "site", 2, 8, composer_delay_s=1.5)
    with client(root) as window:
        batch = spoken(window)
        worker = working(root)
        (server,) = announced(root, "server")
        reach(root, batch, Moment(4, 0))
        window.kill()
    wait_until(lambda: not lives(server))
    assert not has_ended(root, batch)
    wait_ended(root, batch)
    assert workers(root) == [worker]
    assert assert_each_section_once(root, batch, 16).crashes == 0
    end_workers(root)


@pytest.mark.anyio
async def test_an_embedded_worker_that_dies_with_its_server_goes_on_with_the_next(
    tmp_path: Path,
) -> None:
    """Over HTTP both are one process; a restart is all it takes, each time."""
    root = hasty_site(tmp_path / "site", 3, 10, composer_delay_s=0.8)
    at = moments(random.Random(seed()), 3, jobs=21, within_s=0.4)
    with serving(root) as address:
        async with over_http(address, root) as chat:
            batch = (await chat.call("generate-all"))["batchId"]
        die(root, batch, at[0])
    for moment in at[1:]:
        with serving(root):
            die(root, batch, moment)
    assert not has_ended(root, batch)
    hasten(root)
    with serving(root):
        wait_ended(root, batch)
    assert_each_section_once(root, batch, 30)
    assert workers(root) == []


def die(root: Path, batch: str, moment: Moment) -> None:
    """Kill the server that was started last."""
    reach(root, batch, moment)
    kill(announced(root, "server")[0])


def lives(pid: int) -> bool:
    """Whether a process runs."""
    return any(process.pid == pid and process.state[0] != "Z" for process in processes())


@contextmanager
def client(root: Path) -> Generator[subprocess.Popen[str]]:
    """Run a client that has called `generate-all` through a server of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.client", str(root), "generate-all"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env=environment(),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def spoken(process: subprocess.Popen[str]) -> str:
    """Return the next line that a process prints."""
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line, "the client said nothing"
    return line
