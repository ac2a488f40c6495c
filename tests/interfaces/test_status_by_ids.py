"""`status` by ids: what a batch counts, what a job works on, and several of both in one call."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import desk, small_site
from tests.promises.moves import QUICK, held

pytestmark = pytest.mark.anyio


async def test_a_batch_counts_its_sections_by_where_they_stand(tmp_path: Path) -> None:
    """In numbers, so that no caller has to read a sentence."""
    root = small_site(tmp_path, {"menu": 3}, **QUICK)
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("generate-all"))["batchId"]
        await hand.work(1)
        found = await chat.call("status", batchId=batch, waitSeconds=0)
        assert found["counts"] == {
            "total": 3,
            "pending": 2,
            "processing": 0,
            "completed": 1,
            "failed": 0,
        }
        await chat.call("cancel", batchId=batch)
        counts = (await chat.call("status", batchId=batch))["counts"]
        assert (counts["pending"], counts["completed"], counts["cancelled"]) == (0, 1, 2)


async def test_a_job_names_its_template_and_what_it_writes(tmp_path: Path) -> None:
    """Drafts or live texts; the template is the one of the site that its round works with."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        for tool, type in (("generate-all", "preview"), ("promote", "production")):
            batch = (await chat.run(tool))["batchId"]
            whole = await chat.call("status", batchId=batch, detail="full")
            ids = {row["section"]: row["jobId"] for row in whole["sections"]}
            job = (await chat.call("status", jobId=ids["menu/s1"]))["job"]
            assert job["templateName"] == "note"
            assert job["targetEntityType"] == f"site-content-{type}"
        export = (await chat.call("status", jobId=ids["menu (file)"]))["job"]
        assert "templateName" not in export and "targetEntityType" not in export


async def test_several_batches_and_jobs_are_told_in_one_call(tmp_path: Path) -> None:
    """With the counts of all; one that is not there is named, and hides no other."""
    root = small_site(tmp_path, {"menu": 2, "news": 1}, **QUICK)
    async with held(root) as hand, desk(root) as chat:
        done = (await chat.call("generate", page="menu"))["batchId"]
        await hand.finish()
        open_ = (await chat.call("generate", page="news"))["batchId"]
        whole = await chat.call("status", batchId=done, detail="full")
        job = whole["sections"][0]["jobId"]
        found = await chat.call("status", ids=[done, open_, job, "b_none"])
        assert found["message"] == "3 operations: 2 completed, 1 pending."
        shown = [row.get("batchId") or row.get("jobId") for row in found["operations"]]
        assert shown == [done, open_, job]
        assert found["counts"]["total"] == 4
        assert (found["counts"]["completed"], found["counts"]["pending"]) == (3, 1)
        assert [row["jobId"] for row in found["sections"]] == [job]
        assert found["notes"] == ["There is no batch or job b_none."]
        first = await chat.call("status", ids=[done, open_, job], limit=1)
        assert [row["batchId"] for row in first["operations"]] == [done]
        rest = await chat.call("status", ids=[done, open_, job], cursor=first["nextCursor"])
        assert [row.get("batchId") or row["jobId"] for row in rest["operations"]] == [open_, job]


async def test_ids_go_with_nothing_that_is_about_one(tmp_path: Path) -> None:
    """And of none there is nothing to say but that."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        assert "give only one of" in await chat.refused("status", ids=["b_1"], batchId="b_1")
        assert "waits for one" in await chat.refused("status", ids=["b_1"], waitSeconds=1)
        assert "b_1" in await chat.refused("status", ids=["b_1", "b_2"])
