"""R27: what is unpublished is off production, its file too, and comes back as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import content, desk, small_site
from tests.promises.moves import QUICK, edit_file, held, live, lives, publish, redraft

pytestmark = pytest.mark.anyio


async def test_a_page_goes_with_its_file_and_comes_back_byte_for_byte(tmp_path: Path) -> None:
    """R27: by a bare rollback, by its batch, and by its sections."""
    root = small_site(tmp_path, {"menu": 2, "news": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", menu_s2="two", news_s1="news")
        before = content(root)
        for how in ({}, {"batchId": None}, {"sections": ["menu/s1", "menu/s2"]}, {"page": "menu"}):
            dry = await chat.call("unpublish", page="menu", dryRun=True)
            assert "Would unpublish 2 sections" in dry["message"]
            assert any("Nothing stays live of menu" in note for note in dry["notes"])
            assert content(root) == before
            off = await chat.run("unpublish", page="menu")
            assert "2 of 2 unpublished" in off["message"]
            assert off["files"] == ["content/menu.md (removed)"]
            assert live(root) == {"news/s1": "news"}
            by = {"batchId": off["batchId"]} if "batchId" in how else how
            assert (await chat.run("rollback", **by))["status"] == "completed"
            assert content(root) == before


async def test_a_bulk_promote_does_not_publish_it_again_and_a_named_one_does(
    tmp_path: Path,
) -> None:
    """R27: neither the draft that was live nor one that is newer than it."""
    root = small_site(tmp_path, {"menu": 3}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", menu_s2="one")
        await publish(chat, menu_s2="two")
        await redraft(chat, menu_s1="newer", menu_s3="never live")
        off = await chat.run("unpublish", page="menu")
        (left,) = off["skipped"]
        assert left["section"] == "menu/s3"
        assert "would make its draft live" in left["reason"]
        assert await chat.states() == {
            "menu/s1": "withdrawn",
            "menu/s2": "withdrawn",
            "menu/s3": "draft",
        }
        await chat.run("promote")
        assert live(root) == {"menu/s3": "never live"}
        named = await chat.run("promote", sections=["menu/s1", "menu/s2"])
        assert named["status"] == "completed", named
        assert live(root) == {"menu/s1": "newer", "menu/s2": "two", "menu/s3": "never live"}


async def test_the_whole_site_is_never_taken_down_by_a_slip(tmp_path: Path) -> None:
    """R27: without a selector it is refused; all pages may be named."""
    root = small_site(tmp_path, {"menu": 1, "news": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", news_s1="one")
        assert "name all its pages" in await chat.refused("unpublish")
        assert "name all its pages" in await chat.refused("unpublish", pages=[], section="")
        await chat.run("unpublish", pages=["menu", "news"])
        assert content(root) == {}


async def test_an_edited_text_is_taken_over_before_it_goes(tmp_path: Path) -> None:
    """P4, R27: the answer says so, and the rollback brings the edit back."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        edit_file(root, "menu", "one", "mine")
        off = await chat.run("unpublish", page="menu")
        assert off["status"] == "completed"
        assert "content/menu.md was edited: menu/s1 taken over." in off["notes"]
        assert content(root) == {}
        await chat.run("rollback", batchId=off["batchId"])
        assert live(root) == {"menu/s1": "mine"}


async def test_it_has_its_sections_is_stopped_and_taken_up_again(tmp_path: Path) -> None:
    """R3, R17, R27: it is a batch like any other that changes live texts."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", menu_s2="one")
        await redraft(chat, menu_s1="two")
    async with held(root) as hand, desk(root) as chat:
        off = (await chat.call("unpublish", page="menu"))["batchId"]
        waits = await chat.call("promote")
        assert waits["skipped"][0]["batchId"] == off
        await hand.work(1, "content-unpublish")
        await chat.call("cancel", batchId=off)
        await hand.finish()
        assert [text.is_removal for text in await lives(root, "menu/s1")] == [False, True]
        await chat.call("retry", batchId=off)
        await hand.finish()
        assert "1 of 1 unpublished" in (await chat.call("status", batchId=off))["message"]
        assert content(root) == {}


async def test_take_that_back_while_it_has_not_begun_stops_it(tmp_path: Path) -> None:
    """R11, R13, R27: and does not take back the promotion before it."""
    root = small_site(tmp_path, {"menu": 1, "news": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", news_s1="one")
    async with held(root) as hand, desk(root) as chat:
        off = (await chat.call("unpublish", page="menu"))["batchId"]
        back = await chat.call("rollback")
        assert any(off in note for note in back["notes"])
        await hand.finish()
        assert "1 cancelled" in (await chat.call("status", batchId=off))["message"]
        assert live(root) == {"menu/s1": "one", "news/s1": "one"}


async def test_the_text_of_a_clone_becomes_a_draft_that_is_kept_back(tmp_path: Path) -> None:
    """P5, R27: the file goes with its front matter; drafting everything must not write it anew."""
    first = small_site(tmp_path / "first", {"menu": 1}, **QUICK)
    async with desk(first) as chat:
        await publish(chat, menu_s1="one")
    root = small_site(tmp_path / "clone", {"menu": 1}, **QUICK)
    (root / "content").mkdir()
    (root / "content" / "menu.md").write_bytes(content(first)["menu.md"])
    before = content(root)
    async with desk(root) as chat:
        await chat.run("unpublish", section="menu/s1")
        assert live(root) == {} and "menu.md" not in content(root)
        assert await chat.states() == {"menu/s1": "withdrawn"}
        assert (await chat.run("generate-all"))["queuedSections"] == 0
        assert (await chat.run("promote"))["queuedSections"] == 0
        await chat.run("rollback")
        assert content(root) == before
