"""What is said of the worker where it cannot start."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from mcp_server.content.actions.payloads import export_of
from mcp_server.jobs.host.health import Health
from mcp_server.jobs.host.start import DetachedWorker
from mcp_server.jobs.host.stop_mark import StopMark
from mcp_server.jobs.job import Origin
from tests.harness import ManualClock, desk, small_site
from tests.promises.moves import QUICK, held, parts_of
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.anyio


async def test_a_worker_that_cannot_start_is_told_with_its_code_and_its_log(tmp_path: Path) -> None:
    """Not that one is being started, for good."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with held(root), desk(root) as chat:
        await chat.call("generate-all")
    async with parts_of(root) as parts:
        command = [sys.executable, "-c", "raise SystemExit(3)"]
        start = DetachedWorker(command, parts.state_folder, parts.lock)
        mark = StopMark(parts.state_folder)
        health = Health(
            parts.store,
            parts.lock,
            parts.clock,
            "detached",
            mark,
            start,
            log=".pressroom/worker.log",
        )
        assert "one is being started" in (await health())["message"]
        with anyio.fail_after(PATIENCE_S):
            await start()
        message = (await health())["message"]
        assert "ended with code 3" in message
        assert ".pressroom/worker.log" in message


async def test_a_worker_that_was_stopped_is_told_until_it_is_asked_for_again(
    tmp_path: Path,
) -> None:
    """By a call that queues work, or by a retry of what waits."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with held(root), desk(root) as chat:
        await chat.call("generate-all")
    async with parts_of(root) as parts:
        mark = StopMark(parts.state_folder)
        health = Health(parts.store, parts.lock, parts.clock, "detached", mark)
        assert not health.resume()
        mark.set(await parts.store.last_change())
        told = await health()
        assert told["stopped"] and told["halted"]
        assert "A retry of what waits starts it again" in told["message"]
        await parts.jobs.queue.enqueue(export_of("menu/s1").job, origin=Origin("local", "test"))
        assert "stopped" not in await health()
        mark.set(await parts.store.last_change())
        assert health.resume()
        assert "stopped" not in await health()


async def test_a_worker_whose_log_cannot_be_written_is_told_with_the_systems_reason(
    tmp_path: Path,
) -> None:
    """And once that was mended it is started like any other."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with held(root), desk(root) as chat:
        await chat.call("generate-all")
    async with parts_of(root) as parts:
        log = parts.workspace.worker_log
        log.mkdir()
        start = DetachedWorker([sys.executable, "-c", ""], parts.state_folder, parts.lock)
        mark = StopMark(parts.state_folder)
        health = Health(
            parts.store, parts.lock, parts.clock, "detached", mark, start, log=".pressroom/x.log"
        )
        with pytest.raises(IsADirectoryError):
            await start()
        message = (await health())["message"]
        assert "cannot be started (Is a directory); see to .pressroom/x.log" in message
        log.rmdir()
        with anyio.fail_after(PATIENCE_S):
            await start()
        assert "one is being started" in (await health())["message"]


async def test_work_that_waits_for_long_without_a_worker_is_a_failure(tmp_path: Path) -> None:
    """A worker that is only just coming is none, nor one that somebody has stopped."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with held(root) as hand, desk(root) as chat:
        await chat.call("generate-all")
        now = hand.clock.now()
    async with parts_of(root) as parts:
        clock, mark = ManualClock(now + 30), StopMark(parts.state_folder)
        health = Health(parts.store, parts.lock, clock, "detached", mark)
        assert await health.why_failing() is None
        clock.advance(60)
        assert await health.why_failing() == "work waits, and no worker runs"
        mark.set(await parts.store.last_change())
        assert await health.why_failing() is None


async def test_a_worker_that_says_nothing_for_long_is_a_failure(tmp_path: Path) -> None:
    """It is there, and holds the lock, and does nothing."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with parts_of(root) as parts:
        clock = ManualClock()
        assert parts.lock.acquire()
        await parts.store.announce(parts.host("worker"), now=clock.now())
        health = Health(parts.store, parts.lock, clock, "detached", StopMark(parts.state_folder))
        clock.advance(30)
        assert await health.why_failing() is None
        clock.advance(31)
        assert await health.why_failing() == "the worker is unhealthy"
        assert "it has said nothing for 61 s" in (await health())["message"]
        parts.lock.release()


async def test_a_worker_that_says_what_ails_it_is_a_failure_and_is_not_called_silent(
    tmp_path: Path,
) -> None:
    """Such as one that cannot record all that it does."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with parts_of(root) as parts:
        clock, host = ManualClock(), parts.host("worker")
        assert parts.lock.acquire()
        ailing = replace(host, details={**host.details, "unhealthy": "not all can be recorded."})
        await parts.store.announce(ailing, now=clock.now())
        health = Health(parts.store, parts.lock, clock, "detached", StopMark(parts.state_folder))
        assert await health.why_failing() == "the worker is unhealthy"
        assert "not all can be recorded" in (await health())["message"]
        parts.lock.release()
