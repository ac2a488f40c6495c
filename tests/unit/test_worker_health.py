"""What is said of the worker where it cannot start."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
import pytest

from mcp_server.jobs.health import Health
from mcp_server.jobs.host import DetachedWorker, StopMark
from tests.harness import desk, small_site
from tests.promises.moves import QUICK, held, parts_of

pytestmark = pytest.mark.anyio


async def test_a_worker_that_cannot_start_is_told_with_its_code_and_its_log(tmp_path: Path) -> None:
    """Not that one is being started, for good."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with held(root), desk(root) as chat:
        await chat.call("generate-all")
    async with parts_of(root) as parts:
        command = [sys.executable, "-c", "raise SystemExit(3)"]
        start = DetachedWorker(command, parts.workspace.worker_log, parts.lock)
        mark = StopMark(parts.workspace.state_dir)
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
        with anyio.fail_after(20):
            await start()
        message = (await health())["message"]
        assert "ended with code 3" in message
        assert ".pressroom/worker.log" in message


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
        start = DetachedWorker([sys.executable, "-c", ""], log, parts.lock)
        mark = StopMark(parts.workspace.state_dir)
        health = Health(
            parts.store, parts.lock, parts.clock, "detached", mark, start, log=".pressroom/x.log"
        )
        with pytest.raises(IsADirectoryError):
            await start()
        message = (await health())["message"]
        assert "cannot be started (Is a directory); see to .pressroom/x.log" in message
        log.rmdir()
        with anyio.fail_after(20):
            await start()
        assert "one is being started" in (await health())["message"]
