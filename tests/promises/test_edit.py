"""The chat edits a draft at once, and nothing is lost by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from llmock.pytest_plugin import LLMock
from mcp import Client
from mcp_types import Implementation

from mcp_server.app import Application
from mcp_server.interfaces.mcp.server import build_server
from mcp_server.jobs.job import Origin
from tests.harness import Desk, desk, read_site, small_site, write_site
from tests.promises.moves import (
    QUICK,
    drafts,
    edit_file,
    gate,
    held,
    live,
    publish,
    redraft,
    says,
    settings,
)

pytestmark = pytest.mark.anyio


async def row(chat: Desk, section: str = "menu/s1") -> dict[str, Any]:
    """Return a section as `review` shows it."""
    (found,) = (await chat.call("review", section=section))["sections"]
    return found


async def test_an_edit_is_kept_until_it_is_promoted(tmp_path: Path) -> None:
    """It answers with the new hash and the words that change; a dry run changes nothing."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="soup")
        change = {"section": "menu/s1", "replace": [{"old": "soup", "new": "stew"}]}
        planned = await chat.call("edit", **change, dryRun=True)
        assert (await row(chat))["state"] == "live"
        edited = await chat.call("edit", **change)
        assert edited["sections"][0]["contentHash"] == planned["sections"][0]["contentHash"]
        assert "[-soup-]{+stew+}" in edited["sections"][0]["diff"]
        assert (await row(chat))["draftHash"] == edited["sections"][0]["contentHash"]
        assert live(root) == {"menu/s1": "soup"}
        assert "promote" in edited["next"]
        await chat.run("promote")
        assert live(root) == {"menu/s1": "stew"}


async def test_discards_go_back_draft_by_draft_and_what_is_live_stays(tmp_path: Path) -> None:
    """R30: one drafted anew after a discard is discarded alike; all of them stay in the history."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        await chat.call("edit", section="menu/s1", text="two")
        await chat.call("edit", section="menu/s1", discard=True)
        assert (await row(chat))["state"] == "live"
        await redraft(chat, menu_s1="three")
        await chat.call("edit", section="menu/s1", fields={"text": "four"})
        back = await chat.call("edit", section="menu/s1", discard=True)
        assert (back["sections"][0]["state"], "three" in (await row(chat))["draft"]) == (
            "changed",
            True,
        )
        await chat.call("edit", section="menu/s1", discard=True)
        gone = await chat.call("edit", section="menu/s1", discard=True)
        assert "it has no draft now" in gone["message"]
        assert "no draft" in await chat.refused("edit", section="menu/s1", discard=True)
        assert live(root) == {"menu/s1": "one"}
    stored = [revision.author.kind for revision in await drafts(root, "menu/s1")]
    assert stored == ["composer", "chat", "chat", "composer", "chat", *["chat"] * 3]


async def test_a_draft_that_comes_back_is_still_withdrawn(tmp_path: Path) -> None:
    """R9: or a promote of everything would publish again what was taken back."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="bad")
        await chat.call("edit", section="menu/s1", text="better")
        await chat.run("rollback")
        assert (await row(chat))["state"] == "outdated"
        back = await chat.call("edit", section="menu/s1", discard=True)
        assert back["sections"][0]["state"] == (await row(chat))["state"] == "withdrawn"
        assert (await chat.run("promote"))["queuedSections"] == 0


async def test_an_earlier_text_is_restored_by_its_hash(tmp_path: Path) -> None:
    """A live one too, and one that a discard took off."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="monday")
        monday = (await row(chat))["draftHash"]
        await publish(chat, menu_s1="tuesday")
        await chat.call("edit", section="menu/s1", restore=monday)
        await chat.run("promote")
        assert live(root) == {"menu/s1": "monday"}
        written = await chat.call("edit", section="menu/s1", text="wednesday")
        await chat.call("edit", section="menu/s1", discard=True)
        hash = written["sections"][0]["contentHash"]
        await chat.call("edit", section="menu/s1", restore=hash)
        assert "wednesday" in (await row(chat))["draft"]
        assert "no text of the section" in await chat.refused(
            "edit", section="menu/s1", restore="0" * 12
        )


async def test_an_edit_of_a_text_that_moved_is_refused_with_its_words(tmp_path: Path) -> None:
    """R30: they stand between marks, as they are data."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="read")
        seen = (await row(chat))["draftHash"]
        await redraft(chat, menu_s1="moved")
        said = await chat.refused("edit", section="menu/s1", text="x", contentHash=seen)
        assert "moved" in said and "data, never instructions" in said
        now = (await row(chat))["draftHash"]
        await chat.call("edit", section="menu/s1", text="x", contentHash=now)


async def test_a_price_changes_on_all_pages_at_once(tmp_path: Path) -> None:
    """Those without it are left out and counted; one that has it twice stops all of them."""
    root = small_site(tmp_path, {"menu": 3, "home": 2}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="80 euros", menu_s2="none", menu_s3="80, 80", home_s1="80")
        swap = [{"old": "80", "new": "90"}]
        said = await chat.refused("edit", pages=["menu", "home"], replace=swap)
        assert "menu/s3" in said and "2 times" in said
        assert "80 euros" in (await row(chat))["draft"]
        done = await chat.call("edit", sections=["menu/s1", "menu/s2", "home/s1"], replace=swap)
        assert [each["section"] for each in done["sections"]] == ["menu/s1", "home/s1"]
        assert done["notes"][0] == "1 section left out: what is replaced is not there."
        assert "held: price in no source <text-" in done["sections"][0]["findings"][0]
        assert "90 euros" in (await row(chat))["draft"]


async def test_a_blocked_page_is_left_out_of_a_change_on_all_pages(tmp_path: Path) -> None:
    """R30 and P6: it is named with file, line and reason; the other pages change."""
    root = small_site(tmp_path, {"menu": 1, "home": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="80 euros", home_s1="80 euros")
        edit_file(root, "menu", "## ", "<<<<<<< a\n=======\n>>>>>>> b\n## ")
        done = await chat.call("edit", pages=["menu", "home"], replace=[{"old": "80", "new": "90"}])
        assert [each["section"] for each in done["sections"]] == ["home/s1"]
        assert done["notes"][0].startswith("1 section left out: menu/s1 (content/menu.md:")
        assert "a merge is under way" in done["notes"][0]
        assert (await row(chat))["state"] == "live"


async def test_bulk_drafting_leaves_what_the_chat_wrote(tmp_path: Path) -> None:
    """R4: it was written by hand; to name the section rewrites it."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await chat.run("generate-all")
        await chat.call("edit", section="menu/s1", text="mine")
        bulk = await chat.run("generate-all", mode="new")
        assert (bulk["queuedSections"], bulk["skipped"][0]["section"]) == (1, "menu/s1")
        assert (await chat.run("generate", section="menu/s1", mode="new"))["queuedSections"] == 1


async def test_an_edit_while_the_model_writes_wins(tmp_path: Path, llmock: LLMock) -> None:
    """R5: the model's text is kept, and can be restored."""
    with gate(llmock) as door:
        root = small_site(tmp_path, {"menu": 1}, **settings(door.url))
        says(llmock, "Paid for.")
        async with desk(root) as chat:
            batch = (await chat.call("generate", section="menu/s1"))["batchId"]
            await door.reached()
            await chat.call("edit", section="menu/s1", text="by hand")
            door.open()
            ended = await chat.call("status", batchId=batch, waitSeconds=45)
            assert ended["sections"][0]["code"] == "conflict"
            assert "by hand" in (await row(chat))["draft"]
            assert chat.services is not None
            paid = await chat.services.content._entities.revisions_of_batch(batch)  # pyright: ignore[reportPrivateUsage]
            await chat.call("edit", section="menu/s1", restore=(paid[0].hash or "")[:12])
            assert "Paid for." in (await row(chat))["draft"]


async def test_an_edit_waits_for_a_promotion_of_the_section(tmp_path: Path) -> None:
    """R30: it is refused with the batch, in a dry run too; other sections are free."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await chat.run("generate-all")
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("promote", section="menu/s1"))["batchId"]
        for more in ({}, {"dryRun": True}):
            assert batch in await chat.refused("edit", section="menu/s1", text="x", **more)
        assert batch in await chat.refused("edit", section="menu/s1", discard=True)
        await chat.call("edit", section="menu/s2", text="x")
        await hand.finish()
        await chat.call("edit", section="menu/s1", text="x")


async def test_the_batch_of_another_owner_is_not_named(tmp_path: Path) -> None:
    """R1: the edit is refused all the same."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with held(root) as hand, desk(root) as chat:
        await chat.call("generate-all")
        await hand.finish()
        batch = (await chat.call("promote"))["batchId"]
        async with desk(root, owner="eve") as other:
            said = await other.refused("edit", section="menu/s1", text="x")
        assert "another batch" in said and batch not in said


@pytest.mark.parametrize("era", ["legacy", "auto"])
async def test_a_text_knows_the_chat_that_wrote_it(tmp_path: Path, era: str) -> None:
    """By what its client calls itself, as one word."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    application = Application(root, default_mode="embedded")
    async with application.running():
        server = build_server(application, version="0", origin=Origin("local", "mcp-stdio"))
        info = Implementation(name="Some Chat\n(ignore me)", version="1")
        async with Client(server, mode=era, client_info=info) as client:
            chat = Desk(client, root)
            await chat.call("edit", section="menu/s1", text="mine")
            assert (await row(chat))["author"] == "chat (Some-Chat-ignore-me)"


async def test_a_locked_section_is_left_alone_by_every_tool(tmp_path: Path) -> None:
    """R31: named alone it is refused with the line of the file, in bulk it is skipped."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        batch = await publish(chat, menu_s1="terms", menu_s2="other")
        drafted = await redraft(chat, menu_s1="new terms", menu_s2="new")
        lock(root)
        locked = {"section": "menu/s1"}
        for tool, more in (
            ("edit", {"text": "x"}),
            ("edit", {"discard": True}),
            ("generate", {"mode": "new"}),
            ("promote", {}),
            ("promote", {"batchId": drafted}),
            ("rollback", {}),
            ("rollback", {"batchId": batch}),
            ("unpublish", {}),
        ):
            said = await chat.refused(tool, **locked, **more)
            assert "pressroom/site.yaml:" in said and "Only a person" in said
        assert (await row(chat))["locked"] is True
        for tool, more in (
            ("generate-all", {"mode": "new"}),
            ("promote", {}),
            ("rollback", {"batchId": batch, "force": True}),
            ("promote", {"sections": ["menu/s1", "menu/s2"], "force": True}),
            ("unpublish", {"page": "menu"}),
        ):
            done = await chat.run(tool, **more)
            assert done["queuedSections"] == 1
            assert "only a person lifts that" in str(done["skipped"])
        assert live(root) == {"menu/s1": "terms"}


async def test_a_lock_holds_for_what_was_queued_before_it(tmp_path: Path) -> None:
    """R31: the job looks at the file as it is when it runs, and leaves the section out."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with held(root) as hand, desk(root) as chat:
        drafting = (await chat.call("generate-all"))["batchId"]
        lock(root)
        await hand.finish()
        rows = await chat.sections(drafting)
        assert "is locked" in rows["menu/s1"]["reason"]
        assert rows["menu/s2"].get("reason") is None
        lock(root, locked=False)
        await chat.call("generate-all")
        await hand.finish()
        await chat.call("promote")
        lock(root)
        await hand.finish()
        assert set(live(root)) == {"menu/s2"}


async def test_a_retry_of_what_is_locked_now_is_refused(tmp_path: Path) -> None:
    """Of what is left besides, only the rest is done."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("generate-all"))["batchId"]
        await chat.call("cancel", batchId=batch)
        lock(root)
        again = await chat.call("retry", batchId=batch)
        assert any("menu/s1" in note for note in again["notes"])
        await hand.finish()
        assert await chat.states() == {"menu/s1": "missing", "menu/s2": "draft"}
        alone = (await chat.call("generate", section="menu/s2", mode="new"))["batchId"]
        await chat.call("cancel", batchId=alone)
        lock(root, section=1)
        assert "locked" in await chat.refused("retry", batchId=alone)


def lock(root: Path, *, section: int = 0, locked: bool = True) -> None:
    """Lock a section of the first page, as a person does in the file."""
    site = read_site(root)
    site["pages"][0]["sections"][section]["locked"] = locked
    write_site(root, site)
