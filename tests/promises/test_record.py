"""The record stays: what a batch did is told for good, also once its jobs are forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mcp_server.clock import Clock, SystemClock
from tests.harness import Desk, ManualClock, desk, read_site, small_site, write_site
from tests.promises.moves import parts_of, publish, write_draft

DAY_S = 86_400.0
pytestmark = pytest.mark.anyio


async def told(chat: Desk, batch_id: str) -> list[dict[str, Any]]:
    """Return what `status` tells of a batch, page by page, but for times and ids of jobs."""
    answers: list[dict[str, Any]] = []
    more: dict[str, Any] = {"detail": "full", "limit": 2}
    while True:
        answer = await chat.call("status", batchId=batch_id, waitSeconds=0, **more)
        more["cursor"] = answer.get("nextCursor")
        for row in answer["operations"]:
            del row["startedAt"]
        for row in answer["sections"]:
            row.pop("jobId", None)
        del answer["worker"]
        answers.append(answer)
        if more["cursor"] is None:
            return answers


async def forget(root: Path, *, failed: bool = False, clock: Clock | None = None) -> int:
    """Forget the jobs that ended a day ago, or a month ago; return how many."""
    async with parts_of(root, clock) as parts:
        soon = parts.clock.now() + 1
        return await parts.store.prune(
            completed_before=soon, ended_before=soon if failed else 0.0, limit=100
        )


async def test_a_batch_is_told_the_same_before_and_after_its_jobs_are_forgotten(
    tmp_path: Path,
) -> None:
    """Sections, states, reasons, hashes, files, what was skipped and why (R18)."""
    root = small_site(tmp_path, {"menu": 4})
    async with desk(root) as chat:
        await chat.run("generate", section="menu/s1")
        named = ["menu/s1", "menu/s2", "menu/s3"]
        drafted = (await chat.run("generate", sections=named))["batchId"]
        promoted = (await chat.run("promote", batchId=drafted))["batchId"]
        before = [await told(chat, id) for id in (drafted, promoted)]
        assert await forget(root) >= 6  # how often the file was written depends
        assert [await told(chat, id) for id in (drafted, promoted)] == before
    rows = [row for answer in before[0] for row in answer["sections"]]
    assert [(row["section"], row["state"]) for row in rows] == [
        ("menu/s2", "completed"),
        ("menu/s3", "completed"),
        ("menu/s1", "skipped"),
    ]
    assert rows[-1]["reason"].endswith("mode new rewrites it")
    live = {row["section"]: row for answer in before[1] for row in answer["sections"]}
    assert set(live) == {"menu/s2", "menu/s3", "menu (file)"}
    assert all("hashTo" in live[id] and "hashFrom" not in live[id] for id in ("menu/s2", "menu/s3"))


async def test_what_failed_long_ago_is_told_and_no_retry_is_offered(tmp_path: Path) -> None:
    """Until then `retry` takes up what failed, though the rest is forgotten (R18)."""
    root = small_site(tmp_path, {"menu": 2})
    site = read_site(root)
    del site["pages"][0]["sections"][0]["facts"]
    write_site(root, site)
    async with desk(root) as chat:
        batch_id = (await chat.run("generate-all"))["batchId"]
        assert await forget(root) == 0  # what completed of a batch that failed stays with it
        before = await told(chat, batch_id)
        assert "retry takes up only that one" in before[0]["message"]
        assert await forget(root, failed=True) == 2
        after = await told(chat, batch_id)
        assert after[0]["sections"] == before[0]["sections"]
        assert "menu/s1 (" in after[0]["message"]
        assert "retry" not in after[0]["message"]
        assert after[0].get("next") != before[0]["next"]


async def test_what_changed_since_a_day_is_told_with_counts_and_who(tmp_path: Path) -> None:
    """Batches and what was written by hand, newest first, page by page; for good."""
    root = small_site(tmp_path, {"menu": 2, "home": 1})
    clock = ManualClock(SystemClock().now() - 7 * DAY_S)
    async with desk(root, clock=clock) as chat:
        await publish(chat, menu_s1="old", menu_s2="old")
        clock.advance(7 * DAY_S)
        await write_draft(root, "menu/s1", "by hand")  # on the machine's own clock
        clock.advance(600)
        promoted = (await chat.run("promote"))["batchId"]
        await chat.run("rollback")
        whole = await chat.call("status", since="1d", limit=50)
        assert await forget(root, clock=clock) > 0
        again = await chat.call("status", since="2w", limit=50)
        paged = await chat.call("status", since="1d", limit=1)
        rows = list(paged["operations"])
        while "nextCursor" in paged:
            more = {"limit": 1, "cursor": paged["nextCursor"]}
            paged = await chat.call("status", since="1d", **more)
            rows += paged["operations"]
        about = await chat.call("status", section="menu/s1", limit=50)
        other = await chat.call("status", page="home")
        wrong = await chat.refused("status", since="last week")
    assert whole["message"].startswith("Since ")
    assert whole["message"].endswith(
        " UTC: 1 promotion (1 promoted), 1 rollback (1 rolled back), 1 edit by person (test)."
    )
    said = [row["currentTask"] if row["type"] == "Edit" else row["type"] for row in rows]
    edited = "menu/s1 edited by person (test)"
    assert said == ["Content rollback", "Content promotion", edited]
    assert rows == whole["operations"]
    assert [row["batchId"] for row in rows[1:2]] == [promoted]
    assert len(again["operations"]) == 5
    assert about["message"].startswith("So far of menu/s1: 1 generation, 2 promotions, 1 rollback")
    assert len(about["operations"]) == 5
    assert other["message"] == "Nothing was queued for home or edited so far."
    assert "since: 'last week' is no day or time; write a day such as" in wrong
