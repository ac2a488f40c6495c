"""Several servers on one workspace: one batch for the same wish, each section written once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.harness import Desk, Era, small_site
from tests.waiting import wait_until
from tests.wire import ERAS, over_http, over_stdio, query, serving

pytestmark = pytest.mark.anyio

ONCE = [(12, 12)]

WRITTEN = "SELECT count(*), count(DISTINCT entity_id) FROM revisions WHERE type LIKE '%preview'"


async def at_once(*chats: Desk) -> list[dict[str, Any]]:
    """Let all of them ask for the whole site in the same moment; return their answers."""
    answers: list[dict[str, Any]] = []

    async def ask(chat: Desk) -> None:
        answers.append(await chat.call("generate-all"))

    for chat in chats:
        await chat.call("status")  # each server's first call loads what runs it
    async with anyio.create_task_group() as tasks:
        for chat in chats:
            tasks.start_soon(ask, chat)
    return answers


@pytest.mark.parametrize("era", ERAS)
async def test_two_servers_asked_at_once_queue_one_batch(tmp_path: Path, era: Era) -> None:
    """Claude Desktop starts one for each window; both get the same batch, one as a duplicate."""
    root = small_site(tmp_path / "site", {"menu": 12}, composer_delay_s=0.5, worker_idle_s=0.5)
    async with over_stdio(root, era=era) as one, over_stdio(root, era=era) as other:
        answers = await at_once(one, other)
        assert len({answer["batchId"] for answer in answers}) == 1
        assert sorted(answer["queuedSections"] for answer in answers) == [0, 12]
        assert [answer.get("duplicate") for answer in answers].count(True) == 1
        for chat in (one, other):
            seen = await chat.call("status", batchId=answers[0]["batchId"], waitSeconds=30)
            assert seen["message"] == "12 of 12 drafted."
        await one.call("promote", waitSeconds=30)
        assert (await other.call("review"))["counts"] == {"live": 12}
    assert query(root, "SELECT count(*) FROM batches WHERE kind = 'generate'") == [(1,)]
    assert query(root, WRITTEN) == ONCE


async def test_a_server_over_stdio_and_one_over_http_share_one_worker(tmp_path: Path) -> None:
    """Both may start one, in a process of its own and in its own process; only one works."""
    root = small_site(tmp_path / "site", {"menu": 12}, composer_delay_s=0.5, worker_idle_s=0.5)
    with serving(root) as url:
        async with over_http(url, root) as one, over_stdio(root) as other:
            answers = await at_once(one, other)
            assert len({answer["batchId"] for answer in answers}) == 1
            wait_until(lambda: bool(query(root, "SELECT 1 FROM hosts WHERE role = 'worker'")))
            assert len(query(root, "SELECT 1 FROM hosts WHERE role = 'worker'")) == 1
            seen = await other.call("status", batchId=answers[0]["batchId"], waitSeconds=30)
            assert seen["message"] == "12 of 12 drafted."
    assert query(root, WRITTEN) == ONCE


@pytest.mark.parametrize("era", ERAS)
async def test_a_cancelled_batch_stops_and_retry_takes_up_only_the_rest(
    tmp_path: Path, era: Era
) -> None:
    """Cancelled through one server, the worker of another drops what it runs and writes nothing."""
    settings = {"composer_delay_s": 0.5, "concurrency": 2, "worker_idle_s": 0.5}
    root = small_site(tmp_path / "site", {"menu": 12}, **settings)
    async with over_stdio(root, era=era) as one, over_stdio(root, era=era) as other:
        batch_id = (await one.call("generate-all"))["batchId"]
        wait_until(lambda: query(root, WRITTEN)[0][0] >= 2 and running(root) > 0)
        stopped = await other.call("cancel", batchId=batch_id)
        written = query(root, WRITTEN)[0][0]
        assert stopped["status"] == "cancelled"
        assert stopped["stopped"] > 0
        assert stopped["alreadyDone"] == written
        assert stopped["stopped"] + stopped["neverStarted"] == 12 - written
        assert f"{stopped['stopped']} stopped while running" in stopped["message"]
        assert f"{written} already done" in stopped["message"]

        # A batch behind it: once that has ended, whatever was running has had its time.
        await one.call("generate", section="menu/s12", mode="new", waitSeconds=30)
        rows = await one.sections(batch_id)
        done = {section for section, row in rows.items() if row["state"] == "completed"}
        assert len(done) == written
        assert query(root, WRITTEN) == [(written + 1, written + 1)]

        again = await other.call("retry", batchId=batch_id, waitSeconds=30)
        assert again["batchId"] == batch_id
        assert again["queuedSections"] == 12 - written
    rounds = query(
        root, "SELECT number, state, total, completed, cancelled FROM rounds WHERE total > 1"
    )
    assert rounds[0] == (1, "cancelled", 12, written, 12 - written)
    assert query(root, "SELECT count(DISTINCT entity_id) FROM revisions") == [(12,)]


def running(root: Path) -> int:
    """Return how many jobs are being worked on."""
    return query(root, "SELECT count(*) FROM jobs WHERE state = 'processing'")[0][0]
