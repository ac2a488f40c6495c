"""R15 and R22 to R24: files that somebody edited, that are not ours, that came with a clone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mcp_server.entities.entity import Revision
from tests.harness import Desk, content, desk, read_site, small_site, write_site
from tests.promises.moves import QUICK, Hand, edit_file, held, live, lives, publish, redraft, words

pytestmark = pytest.mark.anyio


def said(revisions: list[Revision]) -> list[str | None]:
    """Return the words of each revision, `None` for a removal."""
    return [None if r.markdown is None else words(r.markdown) for r in revisions]


def page_of(site: dict[str, Any], page: str) -> dict[str, Any]:
    """Return one page of `site.yaml`."""
    return next(each for each in site["pages"] if each["id"] == page)


async def test_an_edited_file_is_a_conflict_before_anything_is_written(tmp_path: Path) -> None:
    """R23: of promote and rollback, for that page only; `review` says so too."""
    root = small_site(tmp_path, {"menu": 1, "news": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", news_s1="one")
        edited = edit_file(root, "menu", "Ada's notes: one", "Edited by hand.")
        await redraft(chat, menu_s1="two", news_s1="two")
        assert "edited outside" in str(await chat.call("review", section="menu/s1"))
        promoted = await chat.run("promote")
        rows = await chat.sections(promoted["batchId"])
        assert rows["menu/s1"]["code"] == "conflict" and "force" in rows["menu/s1"]["reason"]
        assert rows["news/s1"]["state"] == "completed"
        back = await chat.run("rollback", section="menu/s1")
        assert back["status"] == "failed"
        assert content(root)["menu.md"] == edited
        assert said(await lives(root, "menu/s1")) == ["one"]
        assert live(root)["news/s1"] == "two"


async def test_review_shows_what_was_edited_in_a_file_and_where(tmp_path: Path) -> None:
    """R23: beside the draft's own difference; the page's other sections say where to look."""
    root = small_site(tmp_path, {"menu": 2, "news": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", menu_s2="other", news_s1="one")
        edit_file(root, "menu", "Ada's notes: one", "Edited by hand.")
        review = await chat.call("review", diff=True)
        first, second, news = review["sections"]
        assert "In its file:" in first["diff"]
        assert "[-Ada's notes: one-]{+Edited by hand.+}" in first["diff"]
        assert all(row["note"].endswith("; there: menu/s1") for row in (first, second))
        assert "diff" not in second and "note" not in news
        await redraft(chat, menu_s1="two")
        (first,) = (await chat.call("review", section="menu/s1", diff=True))["sections"]
        assert "[-one-]{+two+}" in first["diff"] and "{+Edited by hand.+}" in first["diff"]
        (first,) = (await chat.call("review", section="menu/s1"))["sections"]
        assert "diff" not in first and "menu/s1" in first["note"]


async def test_force_keeps_the_edited_text_as_a_revision_and_goes_on(tmp_path: Path) -> None:
    """R23: also that of a section of the page that is not promoted; that one stays in the file."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", menu_s2="one")
        edit_file(root, "menu", "Ada's notes: one", "Edited by hand.")
        await redraft(chat, menu_s1="two")
        done = await chat.run("promote", section="menu/s1", force=True)
        assert done["status"] == "completed"
        assert live(root) == {"menu/s1": "two", "menu/s2": "Edited by hand."}
        kept = await lives(root, "menu/s1")
        assert said(kept) == ["one", "Edited by hand.", "two"]
        assert kept[1].author.kind == "person"
        await chat.run("rollback", section="menu/s1")
        assert live(root)["menu/s1"] == "Edited by hand."


async def test_force_keeps_the_text_of_a_file_whose_marks_were_removed(tmp_path: Path) -> None:
    """R23: the file is one that export wrote, whatever it says by now."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        await redraft(chat, menu_s1="two")
        (root / "content" / "menu.md").write_text("All gone but this.\n", "utf-8")
        done = await chat.run("promote", section="menu/s1", force=True)
        assert done["status"] == "completed", done
        assert live(root) == {"menu/s1": "two"}
        assert said(await lives(root, "menu/s1")) == ["one", "All gone but this.", "two"]


async def test_a_rollback_with_force_keeps_the_edited_text_too(tmp_path: Path) -> None:
    """R23: of the batch that wrote what was edited; taking it back brings the edit back."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        batch = await publish(chat, menu_s1="two")
        edit_file(root, "menu", "Ada's notes: two", "Edited by hand.")
        back = await chat.run("rollback", batchId=batch, force=True)
        assert live(root) == {"menu/s1": "one"}
        assert said(await lives(root, "menu/s1")) == ["one", "two", "Edited by hand.", "one"]
        await chat.run("rollback", batchId=back["batchId"])
        assert live(root) == {"menu/s1": "Edited by hand."}


async def test_undoing_the_edit_ends_the_conflict(tmp_path: Path) -> None:
    """R23: the file is what export wrote again, with Windows line ends as well."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        edit_file(root, "menu", "notes: one", "notes: edited")
        await redraft(chat, menu_s1="two")
        assert (await chat.run("promote"))["status"] == "failed"
        edit_file(root, "menu", "notes: edited", "notes: one")
        path = root / "content" / "menu.md"
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        assert (await chat.run("promote"))["status"] == "completed"
        assert live(root) == {"menu/s1": "two"}


async def test_an_edit_made_after_the_plan_is_found_by_the_export(tmp_path: Path) -> None:
    """R22 and R23: the file stays, the batch fails, promoting with force keeps the text."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        await redraft(chat, menu_s1="two")
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("promote"))["batchId"]
        edited = edit_file(root, "menu", "Ada's notes: one", "Edited by hand.")
        await hand.finish()
        ended = await chat.call("status", batchId=batch)
        assert ended["operations"][0]["status"] == "failed"
        assert "force" in ended["message"]
        assert "files" not in ended
        assert content(root)["menu.md"] == edited
        await redraft_by_hand(chat, hand, "three")
        await chat.call("promote", force=True)
        await hand.finish()
        assert live(root) == {"menu/s1": "three"}
        assert said(await lives(root, "menu/s1")) == ["one", "two", "Edited by hand.", "three"]


async def redraft_by_hand(chat: Desk, hand: Hand, text: str) -> None:
    """Draft menu/s1 anew while the worker is held."""
    site = read_site(chat.root)
    page_of(site, "menu")["sections"][0]["brief"] = text
    write_site(chat.root, site)
    await chat.call("generate", section="menu/s1", mode="new")
    await hand.finish()


async def test_a_file_that_is_not_ours_is_never_touched(tmp_path: Path) -> None:
    """R22: with force neither; once it is moved away the page is written."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    foreign = root / "content" / "menu.md"
    foreign.parent.mkdir()
    foreign.write_text("# My own menu\n\nNot yours.\n")
    before = content(root)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="one")
        for force in (False, True):
            batch = await chat.run("promote", section="menu/s1", force=force)
            assert batch["status"] == "failed", batch
            assert content(root) == before
        foreign.rename(root / "mine.md")
        await redraft(chat, menu_s1="two")
        await chat.run("promote", force=True)
        assert live(root) == {"menu/s1": "two"}


async def test_a_file_of_no_page_is_never_touched(tmp_path: Path) -> None:
    """R22: the folder may be another program's."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    (root / "content").mkdir()
    (root / "content" / "about.md").write_text("Mine.")
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        await chat.run("rollback")
        assert content(root) == {"about.md": b"Mine."}


async def clone_of(first: Path, root: Path, pages: dict[str, int]) -> Path:
    """Return a new workspace with the content folder of `first`, as a clone has it."""
    clone = small_site(root, pages, **QUICK)
    (clone / "content").mkdir()
    for name, data in content(first).items():
        (clone / "content" / name).write_bytes(data)
    return clone


async def test_a_clone_takes_its_files_as_the_ground(tmp_path: Path) -> None:
    """R15 and R24: live from the start, as last exported, and nothing lies before them."""
    first = small_site(tmp_path / "first", {"menu": 2}, **QUICK)
    async with desk(first) as chat:
        await publish(chat, menu_s1="one", menu_s2="one")
    clone = await clone_of(first, tmp_path / "clone", {"menu": 2})
    before = content(clone)
    async with desk(clone) as chat:
        assert await chat.states() == {"menu/s1": "live", "menu/s2": "live"}
        ground = await chat.run("rollback", sections=["menu/s1", "menu/s2"])
        assert ground["queuedSections"] == 0
        assert all("nothing before it" in row["reason"] for row in ground["skipped"])
        assert "batchId" not in await chat.run("rollback")
        await publish(chat, menu_s1="two")
        assert live(clone) == {"menu/s1": "two", "menu/s2": "one"}
        back = await chat.run("rollback")
        assert content(clone) == before
        await chat.run("rollback", batchId=back["batchId"])
        await chat.run("rollback", section="menu/s1")
        assert content(clone) == before
        await chat.run("rollback", section="menu/s1")
        assert live(clone)["menu/s1"] == "two"


async def test_where_front_matter_and_body_disagree_on_adoption_the_body_wins(
    tmp_path: Path,
) -> None:
    """R24: the file was edited before it was cloned."""
    first = small_site(tmp_path / "first", {"menu": 2}, **QUICK)
    async with desk(first) as chat:
        await publish(chat, menu_s1="one", menu_s2="one")
    clone = await clone_of(first, tmp_path / "clone", {"menu": 2})
    path = clone / "content" / "menu.md"
    front, comment, body = path.read_text().partition("<!-- section: menu/s1")
    body = body.replace("## Menu 1\n\nAda's notes: one", "## Menu one\n\nAs the body has it.")
    path.write_text(front + comment + body)
    async with desk(clone) as chat:
        await publish(chat, menu_s2="two")
        assert live(clone) == {"menu/s1": "As the body has it.", "menu/s2": "two"}
        (adopted,) = await lives(clone, "menu/s1")
        assert adopted.fields == {"title": "Menu one", "text": "As the body has it."}


async def test_a_section_that_left_the_site_stays_live_at_the_end_of_its_page(
    tmp_path: Path,
) -> None:
    """R24: orphaned; it is neither drafted nor promoted, and a rollback takes it away."""
    root = small_site(tmp_path, {"menu": 3}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", menu_s2="one")
        site = read_site(root)
        del page_of(site, "menu")["sections"][0]
        write_site(root, site)
        await publish(chat, menu_s3="one")
        assert list(live(root)) == ["menu/s2", "menu/s3", "menu/s1"]
        assert (await chat.states())["menu/s1"] == "orphaned"
        await chat.run("rollback", section="menu/s1")
        assert list(live(root)) == ["menu/s2", "menu/s3"]
        again = await chat.run("promote", section="menu/s1")
        assert "no longer in site.yaml" in again["skipped"][0]["reason"]


async def test_a_page_that_left_the_site_keeps_its_file_until_it_is_taken_back(
    tmp_path: Path,
) -> None:
    """R24: nothing live is lost by an edit of `site.yaml`."""
    root = small_site(tmp_path, {"menu": 1, "news": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", news_s1="one")
        site = read_site(root)
        site["pages"] = [page_of(site, "menu")]
        write_site(root, site)
        await publish(chat, menu_s1="two")
        assert live(root) == {"menu/s1": "two", "news/s1": "one"}
        assert "Did you mean news?" in await chat.refused("rollback", page="nws")
        await chat.run("rollback", page="news")
        assert set(content(root)) == {"menu.md"}


async def test_static_sections_stand_where_the_site_has_them(tmp_path: Path) -> None:
    """R24: with the text of `site.yaml`; alone they make no file."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    site = read_site(root)
    page_of(site, "menu")["sections"].insert(1, {"id": "legal", "text": "All rights reserved."})
    write_site(root, site)
    async with desk(root) as chat:
        skipped = (await chat.run("generate-all"))["skipped"]
        assert "static" in skipped[0]["reason"]
        assert content(root) == {}
        await chat.run("promote")
        assert list(live(root)) == ["menu/s1", "menu/legal", "menu/s2"]
        assert live(root)["menu/legal"] == "All rights reserved."
        await chat.run("rollback")
        assert content(root) == {}
