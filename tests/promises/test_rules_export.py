"""R20, R21 and P5: one file for each page, written after every change, part of its round."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mcp_server.content.pages.layout import Layout
from mcp_server.entities.effects import SavePageFile
from mcp_server.entities.page_files import Intent
from mcp_server.jobs.job import JobState
from tests.harness import content, desk, small_site
from tests.promises.moves import (
    QUICK,
    apply,
    brief,
    held,
    jobs_of,
    live,
    lives,
    parts_of,
    publish,
    redraft,
)

pytestmark = pytest.mark.anyio


async def test_many_changes_to_a_page_wait_for_one_export(tmp_path: Path) -> None:
    """R20: five sections are promoted before the file is written."""
    root = small_site(tmp_path, {"menu": 5}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, **{f"menu_s{n}": "one" for n in range(1, 6)})
    async with held(root) as hand, desk(root) as chat:
        await chat.call("promote")
        kinds = [job.kind for job in await hand.finish()]
        assert kinds == ["content-promote"] * 5 + ["content-export"]
        assert len(live(root)) == 5


async def test_while_an_export_runs_one_more_waits_and_does_not_start(tmp_path: Path) -> None:
    """R20: what changes after the first one looked is written by the second."""
    root = small_site(tmp_path, {"menu": 4, "news": 1}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, **{f"menu_s{n}": "one" for n in range(1, 5)}, news_s1="one")
    async with held(root) as hand, desk(root) as chat:
        await chat.call("promote", page="menu")
        await hand.work(1)
        running = await hand.claim("content-export")
        assert running is not None and running.job.subject == "menu"
        await hand.work(3)
        assert await hand.claim("content-export") is None
        await chat.call("promote", page="news")
        done = await hand.work(2)
        assert [job.subject for job in done] == ["news/s1", "news"]  # another page's may run
        await hand.run(running)
        exports = [job for job in await hand.finish() if job.kind == "content-export"]
        assert [job.subject for job in exports] == ["menu"]
        assert len(live(root)) == 5


async def test_two_batches_wait_for_the_one_export_of_their_page(tmp_path: Path) -> None:
    """R20 and R21: neither ends before it, and each names the file."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="one", menu_s2="one")
    async with held(root) as hand, desk(root) as chat:
        batches = [(await chat.call("promote", section=f"menu/s{n}"))["batchId"] for n in (1, 2)]
        await hand.work(2)
        for state in ("processing", "completed"):
            for batch in batches:
                ended = await chat.call("status", batchId=batch, waitSeconds=0)
                assert ended["operations"][0]["status"] == state
                assert ended.get("files") == (["content/menu.md"] if state == "completed" else None)
            if state == "processing":
                (export,) = await hand.finish()
                assert export.kind == "content-export"


async def test_exports_belong_to_the_round_and_are_not_counted_in_it(tmp_path: Path) -> None:
    """R21: all sections are live, yet the round ends only with the files, which it names."""
    root = small_site(tmp_path, {"menu": 2, "news": 1}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="one", menu_s2="one", news_s1="one")
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("promote"))["batchId"]
        await hand.work(3)
        (shown,) = (await chat.call("status", batchId=batch, waitSeconds=0))["operations"]
        assert (shown["status"], shown["progress"]) == ("processing", "3/3")
        assert content(root) == {}
        await hand.work(1)
        (shown,) = (await chat.call("status", batchId=batch, waitSeconds=0))["operations"]
        assert shown["status"] == "processing"
        await hand.work(1)
        ended = await chat.call("status", batchId=batch, waitSeconds=0)
        assert ended["operations"][0]["status"] == "completed"
        assert ended["files"] == ["content/menu.md", "content/news.md"]
        assert "written to content/, not deployed" in ended["message"]


async def test_a_failed_export_fails_the_batch_and_retry_takes_it_up(tmp_path: Path) -> None:
    """R21: a folder is in the file's way; the live text is what was promised all the same."""
    root = small_site(tmp_path, {"menu": 1, "news": 1}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="one", news_s1="one")
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("promote"))["batchId"]
        (root / "content" / "menu.md").mkdir(parents=True)
        await hand.finish()
        ended = await chat.call("status", batchId=batch)
        assert ended["operations"][0]["status"] == "failed"
        assert "menu" in ended["message"] and "retry takes up only that one" in ended["message"]
        assert (root / "content" / "news.md").is_file()
        assert set((await chat.states()).values()) == {"live"}
        (root / "content" / "menu.md").rmdir()
        again = await chat.call("retry", batchId=batch)
        assert again["batchId"] == batch
        (export,) = await hand.finish()
        assert export.kind == "content-export" and export.state is JobState.COMPLETED
        ended = await chat.call("status", batchId=batch)
        assert ended["operations"][0]["status"] == "completed"
        assert live(root) == {"menu/s1": "one", "news/s1": "one"}


async def test_a_failed_export_fails_every_batch_that_waits_for_it(tmp_path: Path) -> None:
    """R21: each says why, and each can be retried; the file is written once for both."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="one", menu_s2="one")
    async with held(root) as hand, desk(root) as chat:
        batches = [(await chat.call("promote", section=f"menu/s{n}"))["batchId"] for n in (1, 2)]
        (root / "content" / "menu.md").mkdir(parents=True)
        await hand.finish()
        for batch in batches:
            ended = await chat.call("status", batchId=batch)
            assert ended["operations"][0]["status"] == "failed"
            assert "1 not written to a file: menu" in ended["message"]
        (root / "content" / "menu.md").rmdir()
        for batch in reversed(batches):
            assert (await chat.call("retry", batchId=batch))["batchId"] == batch
        assert [job.kind for job in await hand.finish()] == ["content-export"]
        for batch in batches:
            ended = await chat.call("status", batchId=batch)
            assert ended["operations"][0]["status"] == "completed"
            assert ended["files"] == ["content/menu.md"]


async def test_a_file_that_cannot_be_read_stands_in_the_way_of_its_own_page_only(
    tmp_path: Path,
) -> None:
    """P6: a folder of its name; other pages can be drafted, promoted and taken back."""
    root = small_site(tmp_path, {"menu": 1, "news": 1}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="one", news_s1="one")
        (root / "content" / "menu.md").mkdir(parents=True)
        assert set((await chat.states()).values()) == {"draft"}
        (row,) = (await chat.call("review", section="menu/s1"))["sections"]
        assert row["note"].startswith("content/menu.md: ")
        for force in (False, True):
            left = await chat.call("promote", page="menu", force=force)
            assert "batchId" not in left
            assert left["skipped"] == [{"section": "menu/s1", "reason": row["note"]}]
        assert (await chat.run("promote", page="news"))["status"] == "completed"
        assert (await chat.run("rollback", page="news"))["status"] == "completed"
        assert (root / "content" / "menu.md").is_dir()


async def test_exports_of_a_cancelled_batch_are_written(tmp_path: Path) -> None:
    """R21: the files become what production is."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="one", menu_s2="one")
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("promote"))["batchId"]
        await hand.work(1)
        await chat.call("cancel", batchId=batch)
        await hand.finish()
        assert live(root) == {"menu/s1": "one"}
        kinds = {job.kind: job.state for job in await jobs_of(root, batch)}
        assert kinds["content-export"] is JobState.COMPLETED


async def test_a_file_whose_write_never_came_about_is_as_it_was(tmp_path: Path) -> None:
    """P1: the intention was stored, then the power went: the old file is nobody's edit."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat, parts_of(root) as parts:
        await publish(chat, menu_s1="one")
        known = (await parts.entities.page_files())["menu"]
        never = Intent(hash="0" * 32, in_file={"s1": "0" * 32})
        await apply(root, SavePageFile(replace(known, intent=never)))
        await publish(chat, menu_s1="two")
        assert live(root) == {"menu/s1": "two"}
        assert [each.author.kind for each in await lives(root, "menu/s1")] == ["composer"] * 2


async def test_what_was_in_a_deleted_file_stays_away_beside_what_is_promoted(
    tmp_path: Path,
) -> None:
    """P5: the file is written again for what was named, and the rest once that is named."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        (root / "content" / "menu.md").unlink()
        await publish(chat, menu_s2="two")
        assert live(root)["menu/s2"] == "two"
        assert set(await chat.states()) == {"menu/s1", "menu/s2"}
        await chat.run("promote", section="menu/s1")
        assert live(root) == {"menu/s1": "one", "menu/s2": "two"}


async def test_a_deleted_file_comes_back_only_by_name(tmp_path: Path) -> None:
    """P5: of a page or section, with the bytes that it had; `review` says which call it is."""
    root = small_site(tmp_path, {"menu": 2, "news": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", menu_s2="one", news_s1="one")
        before = content(root)
        for wanted in ({"page": "menu"}, {"sections": ["menu/s1", "menu/s2"]}):
            (root / "content" / "menu.md").unlink()
            review = await chat.call("review", page="menu")
            assert [row["note"] for row in review["sections"]] == [
                'content/menu.md is missing; promote {"page": "menu"} writes it again'
            ] * 2
            assert "batchId" not in await chat.call("promote")
            planned = await chat.call("promote", **wanted, dryRun=True)
            assert "content/menu.md" in planned["notes"][0]
            assert "menu.md" not in content(root)
            done = await chat.run("promote", **wanted)
            assert (done["status"], done["queuedSections"]) == ("completed", 0)
            assert done["files"] == ["content/menu.md"]
            assert content(root) == before
            assert "No sections to promote" in (await chat.call("promote", **wanted))["message"]
            assert "note" not in (await chat.call("review", page="menu"))["sections"][0]


async def test_a_file_that_is_being_written_is_not_missing(tmp_path: Path) -> None:
    """P1: who writes it has stored so and holds the page; a moment later it is there."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat, parts_of(root) as parts:
        await publish(chat, menu_s1="one")
        known = (await parts.entities.page_files())["menu"]
        (root / "content" / "menu.md").unlink()
        await apply(root, SavePageFile(replace(known, intent=Intent(hash="0" * 32))))
        async with parts.files.locked(Layout(page="menu", file="menu.md")):
            assert "note" not in (await chat.call("review", page="menu"))["sections"][0]
        assert "is missing" in (await chat.call("review", page="menu"))["sections"][0]["note"]


async def test_the_same_promote_again_is_the_batch_that_writes_the_file(tmp_path: Path) -> None:
    """R2 and R20: two calls while it is under way are one batch, and one export."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
    (root / "content" / "menu.md").unlink()
    async with held(root) as hand, desk(root) as chat:
        first = await chat.call("promote", page="menu")
        again = await chat.call("promote", page="menu")
        assert again["batchId"] == first["batchId"] and again["duplicate"] is True
        assert [job.subject for job in await hand.finish()] == ["menu"]
        assert live(root) == {"menu/s1": "one"}
        ended = await chat.call("status", batchId=first["batchId"])
        assert ended["operations"][0]["status"] == "completed"


async def test_what_the_file_says_is_production_in_the_order_of_the_site(tmp_path: Path) -> None:
    """P7: in whichever order the sections went live."""
    root = small_site(tmp_path, {"menu": 3}, **QUICK)
    async with desk(root) as chat:
        for section in ("menu_s3", "menu_s1", "menu_s2"):
            await publish(chat, **{section: section})
        assert list(live(root)) == ["menu/s1", "menu/s2", "menu/s3"]
        await chat.run("rollback", section="menu/s2")
        assert list(live(root)) == ["menu/s1", "menu/s3"]
        brief(root, menu_s1="not promoted")
        assert live(root) == {"menu/s1": "menu_s1", "menu/s3": "menu_s3"}
