"""The record stays: what a batch did is told for good, also once its jobs are forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.harness import Desk, desk, read_site, small_site, write_site
from tests.promises.moves import parts_of

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


async def forget(root: Path, *, failed: bool = False) -> int:
    """Forget the jobs that ended a day ago, or a month ago; return how many."""
    async with parts_of(root) as parts:
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
        assert await forget(root) == 6
        assert [await told(chat, id) for id in (drafted, promoted)] == before
    rows = [row for answer in before[0] for row in answer["sections"]]
    assert [(row["section"], row["state"]) for row in rows] == [
        ("menu/s2", "completed"),
        ("menu/s3", "completed"),
        ("menu/s1", "skipped"),
    ]
    assert rows[-1]["reason"].endswith("mode new rewrites it")
    live = [row for answer in before[1] for row in answer["sections"]]
    assert [(row["section"], "hashFrom" in row, "hashTo" in row) for row in live] == [
        ("menu/s2", False, True),
        ("menu/s3", False, True),
        ("menu (file)", False, False),
    ]


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
