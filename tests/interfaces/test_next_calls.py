"""What an answer names as the next call is one that helps."""

from __future__ import annotations

from pathlib import Path

import pytest
from llmock.pytest_plugin import LLMock

from tests.harness import desk, small_site, trusted
from tests.promises.moves import QUICK, held, jobs_of, redraft, settings

pytestmark = pytest.mark.anyio


async def test_what_a_paused_batch_holds_is_not_to_be_waited_for(
    tmp_path: Path, llmock: LLMock
) -> None:
    """It is said that it is paused, why, and which call goes on with it."""
    root = small_site(tmp_path, {"menu": 2, "about": 1}, **settings(llmock.base_url("openai")))
    trusted(root)
    llmock.fail(401, times=None)
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("generate-all"))["batchId"]
        running = await chat.call("generate", page="menu", mode="new")
        assert "wait for it" in running["message"]
        await hand.work(1)
        nothing = await chat.call("generate", page="menu", mode="new")
    assert nothing["status"] == "paused"
    assert nothing["next"] == f'retry {{"batchId": "{batch}"}}'
    assert nothing["message"].startswith(
        "Nothing was queued. 2 sections skipped, such as menu/s1: "
        f"is in batch {batch}, which is paused: The key was refused (HTTP 401) for writer: "
    )
    assert nothing["message"].endswith("retry goes on with it, cancel gives it up.")
    assert {row["batchId"] for row in nothing["skipped"]} == {batch}
    assert not any("wait" in row["reason"] for row in nothing["skipped"])


async def test_a_batch_that_goes_on_without_one_job_is_looked_at_and_not_retried(
    tmp_path: Path,
) -> None:
    """Until it is over: then it is retried."""
    root = small_site(tmp_path, {"menu": 3}, **QUICK)
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("generate-all"))["batchId"]
        jobs = await jobs_of(root, batch)
        one = await chat.call("cancel", jobId=jobs[2].id)
        assert one["next"] == f'status {{"batchId": "{batch}"}}'
        assert one["message"] == (
            "Cancelled: 1 never started. Its batch goes on; once that is over, retry takes it up."
        )
        await hand.work(1)
        last = await chat.call("cancel", jobId=jobs[1].id)
        assert last["next"] == f'retry {{"batchId": "{batch}"}}'
        assert (await chat.call("retry", batchId=batch))["queuedSections"] == 2


async def test_a_batch_that_runs_is_looked_at_though_something_of_it_has_failed(
    tmp_path: Path, llmock: LLMock
) -> None:
    """A retry of it would be refused."""
    root = small_site(tmp_path, {"menu": 2}, **settings(llmock.base_url("openai")))
    llmock.fail(422, times=None)
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("generate-all"))["batchId"]
        await hand.work(1)
        running = await chat.call("status", batchId=batch, waitSeconds=0)
        assert "1 failed so far" in running["message"]
        assert running["next"] == f'status {{"batchId": "{batch}"}}'
        await hand.work(1)
        over = await chat.call("status", batchId=batch, waitSeconds=0)
        assert over["next"] == f'retry {{"batchId": "{batch}"}}'


async def test_a_cancelled_promotion_that_was_rolled_back_is_not_to_be_retried(
    tmp_path: Path,
) -> None:
    """It is said what took it back; once that is taken back itself, retry is named again."""
    root = small_site(tmp_path, {"menu": 3}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="one", menu_s2="two", menu_s3="three")
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("promote"))["batchId"]
        await hand.work(1, "content-promote")
        await chat.call("cancel", batchId=batch)
        await hand.finish()
        cancelled = await chat.call("status", batchId=batch)
        assert "retry takes up only those 2" in cancelled["message"]
        undoing = (await chat.call("rollback", batchId=batch))["batchId"]
        await hand.finish()
        undone = await chat.call("status", batchId=batch)
        assert f"1 of 3 promoted, 2 cancelled; taken back by {undoing}." in undone["message"]
        assert "next" not in undone
        assert undoing in await chat.refused("retry", batchId=batch)
        await chat.call("rollback", batchId=undoing)
        await hand.finish()
        again = await chat.call("status", batchId=batch)
        assert "retry takes up only those 2" in again["message"]
