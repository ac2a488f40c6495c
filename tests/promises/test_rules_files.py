"""P1 to P9: the page file is what is live, and only what was asked for changes in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcp_server.entities.entity import Revision
from tests.harness import content, desk, read_site, small_site, write_site
from tests.promises.moves import (
    QUICK,
    SAYS,
    edit_file,
    held,
    live,
    lives,
    publish,
    redraft,
    words,
    write,
)

pytestmark = pytest.mark.anyio

THEIRS = """\
\ufeff---
# ours since 1998
title:   "The menu"
layout: wide
draft: true
aliases: [/karte, '/speisen']
---

{{< banner >}}

<!-- section: s1 -->

## Menu 1

Somebody's own words.

<!-- section: s2 -->
## Menu 2

* as it was


{% include footer.html %}
""".replace("\n", "\r\n").encode()
"""A file of a site that is there: with all that no tool may touch."""


def said(revisions: list[Revision]) -> list[str | None]:
    """Return the words of each revision, `None` for a removal."""
    return [None if r.markdown is None else words(r.markdown) for r in revisions]


def page_of(site: dict[str, Any], page: str) -> dict[str, Any]:
    """Return one page of `site.yaml`."""
    return next(each for each in site["pages"] if each["id"] == page)


def existing(root: Path, data: bytes = THEIRS) -> Path:
    """Make a site with a page that somebody else has written."""
    root = small_site(root, {"menu": 2}, **QUICK)
    (root / "content").mkdir()
    (root / "content" / "menu.md").write_bytes(data)
    return root


async def test_what_somebody_changed_in_a_file_is_taken_over(tmp_path: Path) -> None:
    """P1 and P4: by the next change to the page, which says so; a rollback takes it back."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", menu_s2="one")
        await redraft(chat, menu_s2="two")
        edited = edit_file(root, "menu", f"{SAYS}one", "Edited by hand.", count=1)
        (row,) = (await chat.call("review", section="menu/s1", diff=True))["sections"]
        assert "Edited by hand." in str(row) and "was edited" in row["note"]
        assert said(await lives(root, "menu/s1")) == ["one"]  # who looks stores nothing
        done = await chat.run("promote", section="menu/s2")
        assert "content/menu.md was edited: menu/s1 taken over." in done["notes"]
        assert content(root)["menu.md"] == edited.replace(
            f"{SAYS}one".encode(), b"Ada's notes: two"
        )
        kept = await lives(root, "menu/s1")
        assert said(kept) == ["one", "Edited by hand."]
        assert (kept[1].author.kind, kept[1].batch_id) == ("file", None)
        for now in ("one", "Edited by hand."):
            await chat.run("rollback", section="menu/s1")
            assert live(root) == {"menu/s1": now, "menu/s2": "two"}


async def test_the_draft_that_was_live_does_not_undo_an_edit(tmp_path: Path) -> None:
    """P4: the next promote of everything finds it withdrawn, and a named one takes it."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", menu_s2="one")
        edit_file(root, "menu", f"{SAYS}one", "Edited by hand.", count=1)
        for says in ("two", "three"):
            await redraft(chat, menu_s2=says)
            assert (await chat.run("promote"))["status"] == "completed"
            assert live(root) == {"menu/s1": "Edited by hand.", "menu/s2": says}
        found = await chat.call("review", state=["withdrawn"])
        assert (found["counts"], found["sections"]) == ({"live": 2}, [])
        assert (await chat.call("review", limit=1))["pages"][0]["counts"] == {"live": 2}


async def test_an_edit_under_a_newer_draft_is_a_conflict(tmp_path: Path) -> None:
    """R7 and P1: the draft was made against another text; `force` keeps the edit."""
    root = small_site(tmp_path, {"menu": 1, "news": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", news_s1="one")
        await redraft(chat, menu_s1="two", news_s1="two")
        edited = edit_file(root, "menu", f"{SAYS}one", "Edited by hand.")
        found = await chat.call("review", page="menu")
        assert found["counts"] == found["pages"][0]["counts"] == {"outdated": 1}
        rows = await chat.sections((await chat.run("promote"))["batchId"])
        assert rows["menu/s1"]["code"] == "conflict"
        assert rows["news/s1"]["state"] == "completed"
        assert content(root)["menu.md"] == edited
        await chat.run("promote", section="menu/s1", force=True)
        assert said(await lives(root, "menu/s1")) == ["one", "Edited by hand.", "two"]
        await chat.run("rollback", section="menu/s1")
        assert content(root)["menu.md"] == edited


async def test_an_edit_between_plan_and_write_wins(tmp_path: Path) -> None:
    """P1: both have moved: the promoted text is in the history, and the batch says what became."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", menu_s2="one")
        await redraft(chat, menu_s1="two", menu_s2="two")
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("promote"))["batchId"]
        await hand.work(2)
        edit_file(root, "menu", f"{SAYS}one", "Edited by hand.", count=1)
        await hand.finish()
        ended = await chat.call("status", batchId=batch)
        assert ended["operations"][0]["status"] == "failed"
        assert live(root) == {"menu/s1": "Edited by hand.", "menu/s2": "two"}
        assert said(await lives(root, "menu/s1")) == ["one", "two", "Edited by hand."]


async def test_what_nobody_asked_for_stays_as_it_is_byte_for_byte(tmp_path: Path) -> None:
    """P7 and P9: the file of an existing site; taken back, it is what it was."""
    root = existing(tmp_path)
    async with desk(root) as chat:
        assert await chat.states() == {"menu/s1": "live", "menu/s2": "live"}
        assert "batchId" not in await chat.call("promote")
        assert content(root)["menu.md"] == THEIRS
        await write(chat, menu_s1="two")
        assert (await chat.run("promote"))["status"] == "completed"
        asked = THEIRS.replace(b"Somebody's own words.", b"Ada's notes: two")
        assert content(root)["menu.md"] == asked
        await chat.run("rollback")
        assert content(root)["menu.md"] == THEIRS
        ground = await chat.run("rollback", section="menu/s2")
        assert "nothing before it" in ground["skipped"][0]["reason"]
        await chat.run("promote", section="menu/s1")
        edited = edit_file(root, "menu", "as it was", "as it is now")
        await chat.run("rollback", section="menu/s1")
        assert content(root)["menu.md"] == THEIRS.replace(b"as it was", b"as it is now")
        assert edited != THEIRS


async def test_line_ends_and_a_formatters_pass_are_no_conflict(tmp_path: Path) -> None:
    """P10: the draft is still made against what is live."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        await redraft(chat, menu_s1="two")
        path = root / "content" / "menu.md"
        path.write_bytes(path.read_bytes().replace(b"## Menu 1\n", b"Menu 1\n------\n"))
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        assert (await chat.run("promote"))["status"] == "completed"
        assert live(root) == {"menu/s1": "two"}
        assert b"\n" not in path.read_bytes().replace(b"\r\n", b"")


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "not UTF-8": lambda data: data + b"\xff\xfe",
    "a merge is under way": lambda data: data + b"<<<<<<< a\nx\n=======\ny\n>>>>>>> b\n",
    "empty though it had text": lambda data: data[:0],
    "stands in it twice": lambda data: data + b"\n<!-- section: s1 -->\n",
    "the mark of s2 is gone": lambda data: data.replace(b"<!-- section: s2 -->", b""),
}


@pytest.mark.parametrize("why", DAMAGES)
async def test_a_file_that_cannot_be_worked_on_is_left_alone(tmp_path: Path, why: str) -> None:
    """P6: its sections are left out, with file and reason; other pages go on."""
    root = small_site(tmp_path, {"menu": 2, "news": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", menu_s2="the other one of the two", news_s1="one")
        await redraft(chat, menu_s1="two", news_s1="two")
        path = root / "content" / "menu.md"
        whole = path.read_bytes()
        damaged = DAMAGES[why](whole)
        path.write_bytes(damaged)
        done = await chat.run("promote", force=True)
        (skipped,) = done["skipped"]
        assert skipped["section"] == "menu/s1"
        assert skipped["reason"].startswith("content/menu.md") and why in skipped["reason"]
        assert done["status"] == "completed" and live_of(root, "news") == "two"
        note = (await chat.call("review", section="menu/s1"))["sections"][0]["note"]
        assert note == skipped["reason"]
        back = await chat.call("rollback", section="menu/s1")
        assert back["skipped"][0]["reason"] == note
        drafted = await chat.call("generate", section="menu/s1", mode="new")
        assert drafted["skipped"][0]["reason"] == note
        assert path.read_bytes() == damaged
        path.write_bytes(whole)
        await chat.run("promote", section="menu/s1")
        assert live_of(root, "menu") == "two"


def live_of(root: Path, page: str) -> str:
    """Return the words of a page's first section; another page's file may be damaged."""
    text = (root / "content" / f"{page}.md").read_text("utf-8")
    return text.partition(SAYS)[2].partition("\n")[0]


async def test_a_section_that_somebody_took_out_of_a_file_stays_out(tmp_path: Path) -> None:
    """P5: nothing is removed by that, and nothing brings it back but its name."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", menu_s2="one")
        path = root / "content" / "menu.md"
        before = path.read_bytes()
        path.write_bytes(before.partition(b"<!-- section: s2 -->")[0])
        await redraft(chat, menu_s1="two")
        assert (await chat.run("promote"))["status"] == "completed"
        assert live(root) == {"menu/s1": "two"}
        assert said(await lives(root, "menu/s2")) == ["one"]
        (row,) = (await chat.call("review", section="menu/s2"))["sections"]
        assert "somebody has taken s2 out of content/menu.md" in row["note"]
        await chat.run("promote", section="menu/s2")
        assert live(root) == {"menu/s1": "two", "menu/s2": "one"}


async def test_a_file_of_no_page_is_never_touched(tmp_path: Path) -> None:
    """P7: the folder may be another program's."""
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
    """P1: live from the start, and nothing lies before them."""
    first = small_site(tmp_path / "first", {"menu": 2}, **QUICK)
    async with desk(first) as chat:
        await publish(chat, menu_s1="one", menu_s2="one")
    clone = await clone_of(first, tmp_path / "clone", {"menu": 2})
    before = content(clone)
    async with desk(clone) as chat:
        assert await chat.states() == {"menu/s1": "live", "menu/s2": "live"}
        assert "batchId" not in await chat.run("rollback")
        await write(chat, menu_s1="two")
        await chat.run("promote")
        assert live(clone) == {"menu/s1": "two", "menu/s2": "one"}
        back = await chat.run("rollback")
        assert content(clone) == before
        ground = await chat.run("rollback", section="menu/s2")
        assert "nothing before it" in ground["skipped"][0]["reason"]
        await chat.run("rollback", batchId=back["batchId"])
        await chat.run("rollback", section="menu/s1")
        assert content(clone) == before


async def test_a_section_that_left_the_site_stays_where_it_is(tmp_path: Path) -> None:
    """P5: orphaned; it is neither drafted nor promoted, and a rollback takes it away."""
    root = small_site(tmp_path, {"menu": 3}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", menu_s2="one")
        site = read_site(root)
        del page_of(site, "menu")["sections"][0]
        write_site(root, site)
        await publish(chat, menu_s3="one")
        assert list(live(root)) == ["menu/s1", "menu/s2", "menu/s3"]
        assert (await chat.states())["menu/s1"] == "orphaned"
        await chat.run("rollback", section="menu/s1")
        assert list(live(root)) == ["menu/s2", "menu/s3"]
        again = await chat.run("promote", section="menu/s1")
        assert "no longer in site.yaml" in again["skipped"][0]["reason"]


async def test_a_page_that_left_the_site_keeps_its_file_until_it_is_taken_back(
    tmp_path: Path,
) -> None:
    """P5: nothing live is lost by an edit of `site.yaml`."""
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
    """P11: with the text of `site.yaml`."""
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


async def test_what_the_front_matter_says_otherwise_than_the_site_is_told(tmp_path: Path) -> None:
    """P11: the file's title counts, and whoever reviews the page learns of it."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        page = root / "content" / "menu.md"
        page.write_text(page.read_text().replace("title: Menu", "title: Our menu"))
        [row] = (await chat.call("review", page="menu"))["sections"]
        assert row["note"] == "content/menu.md has another title than site.yaml; it counts"


async def test_marks_come_with_a_further_section_and_the_dry_run_says_so(tmp_path: Path) -> None:
    """P7: a page of one text has none, and somebody has to want them."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        assert "<!-- section" not in content(root)["menu.md"].decode()
        site = read_site(root)
        further = {**site["pages"][0]["sections"][0], "id": "s2"}
        site["pages"][0]["sections"].append(further)
        write_site(root, site)
        await chat.run("generate-all")
        plan = await chat.call("promote", dryRun=True)
        assert "Marks that divide the sections come into content/menu.md." in plan["notes"]
        await chat.run("promote")
        assert content(root)["menu.md"].decode().count("<!-- section: ") == 2
