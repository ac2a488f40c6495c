"""What `review` shows: pages to read, the past, words, and what a call would do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from mcp_server.content.actions.calls import Selector
from mcp_server.content.actions.reader import ContentReader
from mcp_server.content.actions.review import ReviewAction
from mcp_server.content.actions.reviewed import Room, Window
from mcp_server.content.workspace.loader import SiteLoader
from mcp_server.entities.entity import Revision
from mcp_server.entities.store import Snapshot
from mcp_server.jobs.job import Origin
from mcp_server.storage.sql.content.store import SqlEntityStore
from tests.harness import Desk, ManualClock, desk, read_site, small_site, write_site
from tests.promises.moves import QUICK, SAYS, database_of, edit_file, parts_of, publish, redraft

pytestmark = pytest.mark.anyio

DAY_S = 86_400.0


async def all_of(chat: Desk, **arguments: Any) -> list[dict[str, Any]]:
    """Return the answers of a review, page by page to its end."""
    answers = [await chat.call("review", **arguments)]
    while (cursor := answers[-1].get("nextCursor")) is not None:
        answers.append(await chat.call("review", **arguments, cursor=cursor))
    return answers


async def test_a_page_is_read_whole_and_in_order_with_its_title(tmp_path: Path) -> None:
    """Asked by page; the whole site is told by its pages, with counts and beginnings."""
    root = small_site(tmp_path, {"menu": 3, "news": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", menu_s2="two " * 100)
        page = await chat.call("review", page="menu")
        assert page["pages"] == [
            {"page": "menu", "title": "Menu", "counts": {"live": 2, "missing": 1}}
        ]
        assert [row["section"] for row in page["sections"]] == ["menu/s1", "menu/s2", "menu/s3"]
        assert ("two " * 100).strip() in page["sections"][1]["draft"]
        site = await chat.call("review")
        assert [row["page"] for row in site["pages"]] == ["menu", "news"]
        assert len(site["sections"][1]["draft"]) < 200


async def test_the_history_says_who_wrote_what_when_and_which_is_live(tmp_path: Path) -> None:
    """Newest first, paged; the hashes are those that a rollback or a restore takes."""
    clock = ManualClock(1_795_000_000.0)
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root, clock=clock) as chat:
        await publish(chat, menu_s1="one")
        clock.advance(DAY_S)
        batch = await publish(chat, menu_s1="two")
        answers = await all_of(chat, section="menu/s1", history=True, limit=3)
        found = [row for answer in answers for row in answer["sections"]]
        rows = [row for row in found if row["section"] == "menu/s1"]
        assert [row["state"] for row in rows] == ["live now", "draft now", "was live", "was draft"]
        assert len(answers) == 2
        assert rows[0]["batchId"] == batch and rows[0]["author"] == "composer"
        assert rows[0]["liveHash"] == rows[1]["draftHash"] != rows[2]["liveHash"]
        assert rows[0]["when"] > rows[2]["when"]


async def test_the_history_of_a_page_lists_its_file_as_it_was_kept(tmp_path: Path) -> None:
    """P9: when, why and how large; once each, though a write keeps what it found, too."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    path = root / "content" / "menu.md"
    clock = ManualClock(1_795_000_000.0)
    async with desk(root, clock=clock) as chat:
        batch = await publish(chat, menu_s1="one", menu_s2="one")
        clock.advance(DAY_S)
        edited = edit_file(root, "menu", f"{SAYS}one", "Edited by hand.", count=1)
        await redraft(chat, menu_s2="two")
        await chat.run("promote", section="menu/s2")
        await chat.run("unpublish", page="menu")
        answers = await all_of(chat, section="menu/s1", history=True, limit=2)
        rows = [row for each in answers for row in each["sections"] if row["section"] == "menu"]
        states = [row["state"] for row in rows]
        # Two texts of a page may be written together, or one after the other.
        assert [state for state, _ in groupby(states)] == [
            *("file removed", "file written", "file taken over", "file written")
        ]
        assert "fileHash" not in rows[0] and not path.exists()
        taken = rows[states.index("file taken over")]
        assert taken["size"] == len(edited)
        assert rows[-1]["batchId"] == batch and rows[-1]["when"] < taken["when"]
        texts = [row["state"] for each in answers for row in each["sections"] if row not in rows]
        assert texts == ["removed", "was live", "was live", "draft now"]
        whole = (await chat.call("review", history=True, limit=50))["sections"]
        assert not [row for row in whole if "fileHash" in row]


async def test_a_history_in_parts_is_the_history_in_one(tmp_path: Path) -> None:
    """However many texts there are before the next file, or files before the next text."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    clock = ManualClock(1_795_000_000.0)
    async with desk(root, clock=clock) as chat:
        await publish(chat, menu_s1="one")
        for number in range(7):
            clock.advance(DAY_S)
            await chat.call("edit", section="menu/s1", text=f"Draft {number}.")
        parts = await all_of(chat, section="menu/s1", history=True, limit=2)
        whole = await all_of(chat, section="menu/s1", history=True, limit=50)
        rows = [row for each in parts for row in each["sections"]]
        both = (rows, [row for each in whole for row in each["sections"]])
        told = [
            [(row["state"], row["when"], row.get("draftHash")) for row in each] for each in both
        ]
        assert told[0] == told[1]
        assert [row["state"] for row in rows if "fileHash" in row] == ["file written"]


async def test_a_kept_file_and_an_earlier_text_are_read_by_their_hash(tmp_path: Path) -> None:
    """The hash is one that the history shows; what is no such hash is refused by name."""
    root = small_site(tmp_path, {"menu": 1, "news": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one " * 100, news_s1="one")
        before = (root / "content" / "menu.md").read_text("utf-8")
        await publish(chat, menu_s1="two")
        rows = (await chat.call("review", page="menu", history=True, limit=50))["sections"]
        kept = [row["fileHash"] for row in rows if "fileHash" in row]
        (row,) = (await chat.call("review", page="menu", history=True, revision=kept[1]))[
            "sections"
        ]
        assert row["state"] == "file written" and before.strip() in row["file"]
        assert row["file"].startswith("<text-")
        drafted = [row["draftHash"] for row in rows if "draftHash" in row][-1]
        asked = {"history": True, "revision": drafted}
        (row,) = (await chat.call("review", section="menu/s1", **asked))["sections"]
        assert ("one " * 100).strip() in (row.get("live") or row["draft"])
        assert "lists them" in await chat.refused("review", page="news", **asked)
        for named in ({}, {"pages": ["menu", "news"]}, {"sections": ["menu/s1", "news/s1"]}):
            assert "one page or section" in await chat.refused("review", **named, **asked)
        assert "is no hash" in await chat.refused("review", page="menu", history=True, revision="x")
        assert "with plan or history" in await chat.refused("review", revision=drafted)


async def test_a_long_file_is_read_on_from_where_the_answer_ended(tmp_path: Path) -> None:
    """Nothing between the parts is left out."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    lines = [f"Line {number} of a very long page." for number in range(600)]
    async with desk(root) as chat:
        await chat.call("edit", section="menu/s1", text="\n".join(lines))
        await chat.run("promote", section="menu/s1", force=True)
        rows = (await chat.call("review", page="menu", history=True))["sections"]
        kept = next(row["fileHash"] for row in rows if "fileHash" in row)
        answers = await all_of(chat, page="menu", history=True, revision=kept)
        assert len(answers) > 1
        shown = "\n".join(each["sections"][0]["file"] for each in answers)
        assert [line for line in shown.splitlines() if line.startswith("Line")] == lines


async def test_what_was_live_on_a_day_is_shown_as_it_was(tmp_path: Path) -> None:
    """By the day or the minute that a history names; what is wrong is refused with examples."""
    clock = ManualClock(1_795_000_000.0)
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root, clock=clock) as chat:
        await publish(chat, menu_s1="one", menu_s2="one")
        first = (await chat.call("review", history=True))["sections"][0]["when"]
        clock.advance(DAY_S)
        await publish(chat, menu_s1="two")
        for moment in (first, first[:10], first[:16]):
            then = await chat.call("review", page="menu", asOf=moment)
            assert then["counts"] == {"was live": 1, "live now": 1}
            assert "one" in then["sections"][0]["live"]
        before = await chat.call("review", asOf="2020-01-01")
        assert before["sections"] == [] and before["message"].startswith("Live texts as they")
        assert "write a day such as" in await chat.refused("review", asOf="last week")
        both = await chat.refused("review", asOf=first, history=True)
        assert "in a call each" in both


async def test_words_are_found_where_they_stand(tmp_path: Path) -> None:
    """In draft or live text, whatever their case; the row shows what is around them."""
    root = small_site(tmp_path, {"menu": 2, "news": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="Fresh soup", news_s1="Bread")
        await redraft(chat, menu_s1="Stew")
        found = await chat.call("review", contains="fresh SOUP")
        assert found["message"] == "1 section found in 3."
        (row,) = found["sections"]
        assert (row["section"], row["foundIn"], "draft" in row) == ("menu/s1", "live", False)
        assert "Fresh soup" in row["live"]
        assert (await chat.call("review", contains="nowhere"))["sections"] == []


async def test_a_plan_is_looked_at_to_its_end_and_changes_nothing(tmp_path: Path) -> None:
    """Its digest is the one of the dry run, and its next call does exactly this."""
    root = small_site(tmp_path, {"menu": 14}, **QUICK)
    async with desk(root) as chat:
        await chat.run("generate-all")
        answers = await all_of(chat, plan="promote", page="menu")
        planned = [row["section"] for answer in answers for row in answer.get("planned", ())]
        assert planned == [f"menu/s{n}" for n in range(1, 15)]
        digest = answers[-1]["digest"]
        assert answers[-1]["next"] == f'promote {{"page": "menu", "digest": "{digest}"}}'
        assert set((await chat.states()).values()) == {"draft"}
        await chat.run("promote", page="menu", digest=digest)
        back = await chat.call("review", plan="rollback")
        assert back["counts"] == {"remove": 14}


class Counted(SqlEntityStore):
    """Counts the texts that are read, and refuses to read all."""

    read = 0

    async def revisions(self, ids: Collection[int]) -> Mapping[int, Revision]:
        found = await super().revisions(ids)
        self.read += len(found)
        return found

    async def snapshot(
        self,
        pages: Collection[str] | None = None,
        *,
        history: bool = False,
        only: Collection[str] | None = None,
    ) -> Snapshot:
        assert pages is not None, "all texts were read"
        found = await super().snapshot(pages, history=history, only=only)
        self.read += len(found.drafts) + len(found.live)
        return found


async def test_of_a_large_page_only_the_texts_that_are_looked_at_are_read(tmp_path: Path) -> None:
    """What its file says of them counts all the same, and of one that the site no longer has."""
    root = small_site(tmp_path, {"menu": 40}, **QUICK)
    async with desk(root) as chat:
        await chat.run("generate-all")
        await chat.run("promote")
        edit_file(root, "menu", "note 7 of menu", "Quince tart")
        async with parts_of(root) as parts, database_of(parts) as database:
            store = Counted(database)
            reader = ContentReader(SiteLoader(parts.workspace), store, parts.files, ManualClock())
            content = await reader.look_at(["menu/s7", "menu/s9"])
            assert store.read == 4
            assert "Quince tart" in (content.live["menu/s7"].current.markdown or "")
            assert content.is_live("menu/s9") and not content.is_live("menu/s7")

            site = read_site(root)
            del site["pages"][0]["sections"][7]
            write_site(root, site)
            content = await reader.look_at(["menu/s7", "menu/s8"])
            assert "note 8 of menu" in (content.live["menu/s8"].current.markdown or "")


async def test_a_review_reads_only_the_texts_that_it_shows(tmp_path: Path) -> None:
    """With those beside them on their pages, however large the site is."""
    root = small_site(tmp_path, {f"p{number}": 5 for number in range(12)}, **QUICK)
    async with desk(root) as chat:
        await chat.run("generate-all")
        assert chat.services is not None
        batches = chat.services.batches
        async with parts_of(root) as parts, database_of(parts) as database:
            store = Counted(database)
            reader = ContentReader(SiteLoader(parts.workspace), store, parts.files, ManualClock())
            review = ReviewAction(reader, batches)
            window = Window(Room(2_000, 80), limit=200, cursor=30)
            found = await review(Selector(), Origin(owner="local", interface="test"), window)
            assert found.counts == {"draft": 60}
            assert len(found.rows) <= store.read <= 40
