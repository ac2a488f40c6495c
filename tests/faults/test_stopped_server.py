"""A server with the worker in its process is stopped: kindly, and at once."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.invariants import assert_each_section_once, assert_sound
from tests.faults.processes import announced, hasten, hasty_site, kill, queued, taken_up, wait_ended
from tests.waiting import PATIENCE_S, wait_until
from tests.wire import Pipe, http_server, over_http, pipe, query

pytestmark = pytest.mark.anyio

GIVEN_BACK = ("pending", 0, 0)
FINISHED = ("completed", 1, 0)
"""State, tries and crashes of a job."""


def jobs(root: Path) -> list[tuple[str, int, int]]:
    """Return state, tries and crashes of every job."""
    rows = query(root, "SELECT state, attempts, crashes FROM jobs ORDER BY state, id")
    return [(name, attempts, crashes) for name, attempts, crashes in rows]


def says_that_it_finishes(log: Path) -> bool:
    """Whether a server has said that it is ending, and lets what runs go on."""
    return "finishing what runs" in log.read_text("utf-8")


@contextmanager
def at_work(root: Path) -> Generator[Pipe]:
    """Run a server over stdio, its worker within, until it works on four sections."""
    with pipe(root, "auto", PRESSROOM_WORKER="embedded") as chat:
        chat.begin()
        queued(chat)
        wait_until(lambda: taken_up(root) == 4)
        yield chat


async def drafting(root: Path, url: str) -> str:
    """Have a server over HTTP work on four sections; return the batch."""
    async with over_http(url, root) as chat:
        batch = (await chat.call("generate-all"))["batchId"]
        wait_until(lambda: taken_up(root) == 4)
        return batch


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
async def test_a_server_that_is_told_to_end_finishes_what_it_runs(
    tmp_path: Path, told: signal.Signals
) -> None:
    """It claims no more; what it drafts is stored at the first try, and the next server goes on."""
    root = hasty_site(tmp_path / "site", 1, 8, composer_delay_s=3)
    with http_server(root) as (server, url):
        batch = await drafting(root, url)
        kill(server.pid, told)
        assert server.wait(PATIENCE_S) == 0
        assert jobs(root) == [FINISHED] * 4 + [GIVEN_BACK] * 4
        assert announced(root) == announced(root, "server") == []
        assert_sound(root)
    hasten(root)
    with http_server(root):
        wait_ended(root, batch)
    assert_each_section_once(root, batch, 8)


async def test_what_a_server_cannot_finish_in_its_grace_is_given_back(tmp_path: Path) -> None:
    """At no cost: neither a try nor a crash is counted, and nothing of it is written."""
    root = hasty_site(tmp_path / "site", 1, 6, composer_delay_s=30, grace_s=0.2)
    with http_server(root) as (server, url):
        await drafting(root, url)
        kill(server.pid, signal.SIGTERM)
        assert server.wait(PATIENCE_S) == 0
    assert jobs(root) == [GIVEN_BACK] * 6
    assert_sound(root)


async def test_a_second_signal_ends_a_server_at_once(tmp_path: Path) -> None:
    """Whatever the grace: what runs is given back at no cost."""
    root = hasty_site(tmp_path / "site", 1, 6, composer_delay_s=60, grace_s=600)
    with http_server(root) as (server, url):
        await drafting(root, url)
        kill(server.pid, signal.SIGTERM)
        wait_until(lambda: says_that_it_finishes(tmp_path / "site.http.stderr"))
        assert taken_up(root) == 4
        kill(server.pid, signal.SIGTERM)
        assert server.wait(PATIENCE_S) == 0
    assert jobs(root) == [GIVEN_BACK] * 6
    assert announced(root) == announced(root, "server") == []
    assert_sound(root)


def test_a_server_whose_client_hangs_up_finishes_what_it_runs(tmp_path: Path) -> None:
    """With the worker in its process; the next server goes on with the rest."""
    root = hasty_site(tmp_path / "site", 1, 8, composer_delay_s=3)
    with at_work(root) as chat:
        assert chat.hang_up() == 0
    assert jobs(root) == [FINISHED] * 4 + [GIVEN_BACK] * 4
    assert announced(root) == announced(root, "server") == []
    assert_sound(root)


def test_a_client_that_hung_up_and_signals_ends_its_server_at_once(tmp_path: Path) -> None:
    """As clients do that wait two seconds, and would send SIGKILL next."""
    root = hasty_site(tmp_path / "site", 1, 6, composer_delay_s=60, grace_s=600)
    with at_work(root) as chat:
        assert chat.process.stdin is not None
        chat.process.stdin.close()
        wait_until(lambda: says_that_it_finishes(tmp_path / "site.stderr"))
        kill(chat.process.pid, signal.SIGTERM)
        assert chat.process.wait(PATIENCE_S) == 0
    assert jobs(root) == [GIVEN_BACK] * 6
    assert_sound(root)


def test_a_signal_ends_a_server_over_stdio_kindly_too(tmp_path: Path) -> None:
    """A service manager may be its parent."""
    root = hasty_site(tmp_path / "site", 1, 4, composer_delay_s=3)
    with at_work(root) as chat:
        kill(chat.process.pid, signal.SIGTERM)
        assert chat.process.wait(PATIENCE_S) == 0
    assert jobs(root) == [FINISHED] * 4
    assert_sound(root)
