"""What `status` says of a worker that is not there, and of the time that a batch still takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from mcp_server.app.services import health_of
from mcp_server.jobs.host.stop_mark import StopMark
from tests.faults.processes import end_workers, kill, taken_up, working
from tests.harness import Desk, desk, small_site
from tests.promises.moves import held, parts_of
from tests.waiting import until, wait_until
from tests.wire import command, http_server, over_http, over_stdio

pytestmark = pytest.mark.anyio

SETTINGS = """
worker = "detached"
worker_idle_s = 0.5
lease_s = 1
heartbeat_s = 0.3
composer_delay_s = 0.05
"""
SLOW = SETTINGS.replace("0.05", "4")
"""Nothing ends while a test does its work."""
BROKEN = "concurrency = 0\n"
"""No worker starts with these settings; a server that runs already has read better ones."""


def site(root: Path, sections: int = 6, settings: str = SETTINGS) -> Path:
    """Make a workspace with sections and a worker of its own process."""
    small_site(root, {"menu": sections})
    (root / "pressroom.toml").write_text(settings, "utf-8")
    return root


async def worker_that_cannot_start(chat: Desk) -> dict[str, Any]:
    """Wait until `status` says that a worker was started in vain; return what it says of it."""
    answer = await until(
        lambda: chat.call("status"), lambda seen: "ended with code 2" in seen["worker"]["message"]
    )
    return answer["worker"]


async def test_a_worker_that_never_was_is_told_with_how_long_work_waits(tmp_path: Path) -> None:
    """Not alive, the age of the oldest job that is due, and no claim (rows 001-14, L8)."""
    root = site(tmp_path / "site")
    async with over_stdio(root) as chat:
        await chat.call("status")
        (root / "pressroom.toml").write_text(BROKEN, "utf-8")
        batch = (await chat.call("generate-all"))["batchId"]
        worker = await worker_that_cannot_start(chat)
        later = await worker_that_cannot_start(chat)
        assert worker["alive"] is later["alive"] is False
        assert later["oldestDueSeconds"] >= worker["oldestDueSeconds"] > 0
        assert "lastClaimSeconds" not in worker
        assert "pid" not in worker
        assert ".pressroom/worker.log says why" in worker["message"]
        (root / "pressroom.toml").write_text(SETTINGS, "utf-8")
        mended = await chat.call("status", batchId=batch, waitSeconds=45)
    assert mended["message"] == "6 of 6 drafted."
    end_workers(root)


async def test_a_worker_that_died_is_told_with_its_last_claim(tmp_path: Path) -> None:
    """Not alive, although it has claimed and said that it lives (rows 001-14, L8)."""
    root = site(tmp_path / "site", settings=SLOW)
    async with over_stdio(root) as chat:
        batch = (await chat.call("generate-all"))["batchId"]
        pid = working(root)
        wait_until(lambda: taken_up(root) == 4)
        alive = (await chat.call("status"))["worker"]
        (root / "pressroom.toml").write_text(BROKEN, "utf-8")
        kill(pid)
        worker = await worker_that_cannot_start(chat)
        assert (alive["alive"], alive["pid"]) == (True, pid)
        assert worker["alive"] is False
        assert "pid" not in worker
        assert worker["oldestDueSeconds"] > 0
        assert worker["lastClaimSeconds"] > 0
        (root / "pressroom.toml").write_text(SETTINGS, "utf-8")
        mended = await chat.call("status", batchId=batch, waitSeconds=45)
    assert mended["message"] == "6 of 6 drafted."
    end_workers(root)


async def test_a_batch_that_runs_says_how_long_it_may_still_take(tmp_path: Path) -> None:
    """From its first section on, at the pace of those that are done (row 003-29)."""
    root = small_site(
        tmp_path / "site", {"menu": 9}, composer_delay_s=1.5, concurrency=1, grace_s=0
    )
    async with desk(root) as chat:
        batch = (await chat.call("generate-all"))["batchId"]
        seen = await chat.call("status", batchId=batch, waitSeconds=0)
        (operation,) = seen["operations"]
        assert operation["progress"] == "0/9"
        assert "estimatedCompletion" not in operation
        seen = await until(
            lambda: chat.call("status", batchId=batch, waitSeconds=0),
            lambda seen: seen["operations"][0]["progress"] != "0/9",
        )
        (operation,) = seen["operations"]
        assert operation["status"] == "processing"
        assert "second" in operation["estimatedCompletion"]
        assert operation["estimatedCompletion"] in seen["message"]
        (listed,) = (await chat.call("status", activeOnly=True))["operations"]
        assert "second" in listed["estimatedCompletion"]
        await chat.call("cancel", batchId=batch)
        (cancelled,) = (await chat.call("status", batchId=batch))["operations"]
    assert "estimatedCompletion" not in cancelled


async def test_a_server_that_was_killed_starts_no_worker_any_more(tmp_path: Path) -> None:
    """Known at once, and told as where a worker of its own process was killed."""
    root = site(tmp_path / "site", sections=24, settings=SLOW)
    with http_server(root, PRESSROOM_WORKER="embedded") as (server, url):
        async with over_http(url, root) as chat:
            await chat.call("generate-all")
            wait_until(lambda: taken_up(root) > 0)
            server.kill()
            server.wait()
        helps = "No worker is running. A server starts one; without a server, `pressroom worker`"
        for arguments in (["status"], ["wait", "--timeout", "0"]):
            line = command(*arguments, "--workspace", str(root))
            done = await anyio.run_process(line, check=False)
            said = (done.stdout + done.stderr).decode()
            assert helps in said
            assert "is being started" not in said


async def test_work_that_only_runs_is_work_that_a_worker_is_missed_for(tmp_path: Path) -> None:
    """All that is left was claimed by one that died: nothing waits, and yet one is needed."""
    root = small_site(tmp_path, {"menu": 1})
    async with held(root) as hand:
        async with desk(root) as chat:
            await chat.call("generate-all")
        await hand.claim()
    async with parts_of(root) as parts:
        health = health_of(parts, "detached", StopMark(parts.state_folder))
        facts = await health()
    assert facts["message"].startswith("No worker is running. A server starts one;")


async def test_a_batch_that_waits_for_a_stopped_worker_goes_on_by_retry(tmp_path: Path) -> None:
    """As `next` says: nothing is queued again, and while a worker runs it is refused (R17)."""
    root = site(tmp_path / "site", sections=24, settings=SLOW)
    async with over_stdio(root) as chat:
        batch = (await chat.call("generate-all"))["batchId"]
        wait_until(lambda: taken_up(root) > 0)
        assert "it is processing" in await chat.refused("retry", batchId=batch)
        (root / "pressroom.toml").write_text(SETTINGS, "utf-8")
        await anyio.run_process(command("stop", "--workspace", str(root)))
        halted = await chat.call("status", batchId=batch, waitSeconds=0)
        assert halted["next"] == f'retry {{"batchId": "{batch}"}}'
        assert "A retry of what waits starts it again" in halted["message"]
        refusal = await chat.refused("retry", batchId=batch, maxCostUsd=1)
        assert "it is processing" in refusal  # it would go on within the limit that it had
        resumed = await chat.call("retry", batchId=batch)
        assert resumed["message"].startswith("The worker was stopped by hand; it is started again")
        assert (resumed["queuedSections"], resumed["batchId"]) == (0, batch)
        assert resumed["next"] == f'status {{"batchId": "{batch}"}}'
        seen = await chat.call("status", batchId=batch, waitSeconds=45)
    assert seen["message"] == "24 of 24 drafted."
    end_workers(root)


async def test_work_that_was_stopped_by_hand_says_so_and_goes_on_when_it_is_asked_for_again(
    tmp_path: Path,
) -> None:
    """The same call finds its batch under way: nothing is queued, and a worker comes for it."""
    root = site(tmp_path / "site", sections=24, settings=SLOW)
    async with over_stdio(root) as chat:
        batch = (await chat.call("generate-all"))["batchId"]
        wait_until(lambda: taken_up(root) > 0)
        (root / "pressroom.toml").write_text(SETTINGS, "utf-8")
        await anyio.run_process(command("stop", "--workspace", str(root)))
        halted = await chat.call("status", batchId=batch)
        assert "The worker was stopped" in halted["message"]
        assert "estimatedCompletion" not in halted["operations"][0]
        assert halted["next"] == f'retry {{"batchId": "{batch}"}}'
        again = await chat.call("generate-all")
        assert again["batchId"] == batch
        seen = await chat.call("status", batchId=batch, waitSeconds=45)
    assert seen["message"] == "24 of 24 drafted."
    end_workers(root)
