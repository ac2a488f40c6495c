"""R1 to R6: what a call plans, the same call twice, and who comes first."""

from __future__ import annotations

from pathlib import Path

import pytest
from llmock.pytest_plugin import LLMock

from mcp_server.entities.entity import PREVIEW
from tests.harness import Desk, desk, read_site, small_site, write_settings, write_site
from tests.promises.moves import (
    QUICK,
    Later,
    asked,
    brief,
    drafts,
    gate,
    held,
    live,
    parts_of,
    publish,
    redraft,
    says,
    settings,
    words,
    write_draft,
)
from tests.wire import query

pytestmark = pytest.mark.anyio


async def test_nobody_is_told_the_batches_of_another_owner(tmp_path: Path) -> None:
    """R1: neither by asking for one, nor by a section that one holds, nor by a text it wrote."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with held(root) as hand, desk(root, owner="ada") as ada, desk(root, owner="bo") as bo:
        batch = (await ada.call("generate-all"))["batchId"]
        again = await bo.call("generate-all")
        assert "batchId" not in again and "duplicate" not in again
        assert [row["section"] for row in again["skipped"]] == ["menu/s1", "menu/s2"]
        assert batch not in str(again)
        for tool in ("status", "cancel", "retry", "promote", "rollback"):
            assert "no batch" in (refusal := (await bo.refused(tool, batchId=batch)).lower())
            assert batch not in refusal.replace(repr(batch), "")
        await hand.finish()
        assert batch in str(await ada.call("review", section="menu/s1"))
        assert batch not in str(await bo.call("review", section="menu/s1"))
        assert (await bo.call("status"))["operations"] == []


async def test_generate_all_again_answers_the_batch_that_is_under_way(tmp_path: Path) -> None:
    """R2: at once, and also when half of it is done and only the rest would be queued."""
    root = small_site(tmp_path, {"menu": 4}, **QUICK)
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("generate-all"))["batchId"]
        for _ in range(2):
            again = await chat.call("generate-all")
            assert (again["batchId"], again["duplicate"]) == (batch, True)
            assert (again["status"], again["totalSections"]) == ("queued", 4)
            await hand.work(2)
        assert (await chat.call("status"))["operations"][0]["progress"] == "4/4"
        nothing = await chat.call("generate-all")
        assert (nothing["status"], nothing["totalSections"]) == ("completed", 0)
        assert "batchId" not in nothing


async def test_a_paused_batch_found_again_says_why_and_what_helps(
    tmp_path: Path, llmock: LLMock
) -> None:
    """R2: a refused key pauses; asking again queues nothing more."""
    llmock.fail(401, times=None)
    root = small_site(tmp_path, {"menu": 2}, **settings(llmock.base_url("openai")))
    async with desk(root) as chat:
        first = await chat.run("generate-all")
        assert first["status"] == "paused"
        again = await chat.call("generate-all")
        assert (again["batchId"], again["duplicate"]) == (first["batchId"], True)
        assert again["status"] == "paused"
        assert "key" in again["message"]
        assert "retry" in again["message"] and "cancel" in again["message"]


async def test_a_request_key_answers_the_same_batch_for_a_day(tmp_path: Path) -> None:
    """R2: on every queueing tool, whatever has happened since; then the key is free again."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    clock = Later()
    async with desk(root, clock=clock) as chat:
        drafted = await same_again(chat, "generate-all", mode="new")
        await same_again(chat, "generate", page="menu", mode="new")
        digest = (await chat.call("promote", dryRun=True))["digest"]
        promoted = await same_again(chat, "promote", digest=digest)
        await same_again(chat, "rollback", batchId=promoted)
        await same_again(chat, "rollback", section="menu/s1")
        await same_again(chat, "rollback", section="menu/s2")
        await publish(chat, menu_s2="later")
        await same_again(chat, "rollback")
        clock.ahead_s = 25 * 3600
        later = await chat.run("generate-all", mode="new", requestKey="generate-all")
        assert later["batchId"] != drafted


@pytest.mark.parametrize("tool", ["generate-all", "generate"], ids=["the-same", "its-sections"])
async def test_a_request_that_met_a_batch_under_way_is_answered_so_after_its_end(
    tmp_path: Path, tool: str
) -> None:
    """R2: a resent request queues nothing twice, and is told what has become of the batch."""
    root = small_site(tmp_path, {"menu": 1, "news": 1}, **QUICK)
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("generate-all", mode="new"))["batchId"]
        some = {} if tool == "generate-all" else {"page": "menu"}
        met = await chat.call(tool, mode="new", requestKey="K", **some)
        assert (met["batchId"], met["duplicate"], met["status"]) == (batch, True, "queued")
        await hand.finish()
        again = await chat.call(tool, mode="new", requestKey="K", **some)
        assert (again["batchId"], again["status"]) == (batch, "completed")
        assert again["message"].startswith(
            f"That request was answered before: batch {batch}, completed."
        )
        assert "under way" not in str(again) and "background" not in str(again)


async def same_again(chat: Desk, tool: str, **arguments: object) -> str:
    """Call twice with one request key, the second time after the end; return the one batch."""
    key = "-".join([tool, *(str(value) for value in arguments.values() if tool == "rollback")])
    first = await chat.run(tool, requestKey=key, **arguments)
    again = await chat.call(tool, requestKey=key, **arguments)
    assert (again["batchId"], again.get("duplicate")) == (first["batchId"], True), again
    return first["batchId"]


async def test_a_request_key_with_other_arguments_is_refused(tmp_path: Path) -> None:
    """R2: also on another tool; nothing is queued."""
    root = small_site(tmp_path, {"menu": 2, "news": 1}, **QUICK)
    async with desk(root) as chat:
        await chat.run("generate", page="menu", requestKey="mine")
        for tool, arguments in (
            ("generate", {"page": "news"}),
            ("generate", {"page": "menu", "mode": "new"}),
            ("generate-all", {}),
            ("promote", {"page": "menu"}),
            ("rollback", {"page": "menu"}),
        ):
            refusal = await chat.refused(tool, requestKey="mine", **arguments)
            assert "other arguments" in refusal
        assert len((await chat.call("status"))["operations"]) == 1


async def test_a_request_key_stands_for_the_same_call_after_an_upgrade(tmp_path: Path) -> None:
    """R2: what calls can say by now, and this one does not, does not count."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await chat.run("generate", page="menu", requestKey="mine")
    known = query(root, "SELECT digest FROM requests")
    assert known == [("01411a1d1002af2acf9c7a7a98a9cedb",)]


async def test_a_request_key_of_retry_answers_the_same_round(tmp_path: Path) -> None:
    """R2: a resent retry opens no second round."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("generate-all"))["batchId"]
        await chat.call("cancel", batchId=batch)
        assert (await chat.call("retry", batchId=batch, requestKey="k"))["queuedSections"] == 2
        await hand.finish()
        again = await chat.call("retry", batchId=batch, requestKey="k")
        other = await chat.refused("retry", batchId=batch, requestKey="k", maxCostUsd=1)
        assert "used with other arguments" in other
        assert (again["batchId"], again["duplicate"]) == (batch, True)


@pytest.mark.anyio
async def test_other_instructions_are_not_taken_for_a_repeat(tmp_path: Path) -> None:
    """What the batch under way does not do is not said to be under way."""
    root = small_site(tmp_path / "site", {"menu": 2})
    async with held(root), desk(root) as chat:
        first = await chat.call("generate-all", mode="new")
        other = await chat.call("generate-all", instructions="be brief")
        assert "duplicate" not in other and "batchId" not in other
        assert other["status"] == "processing"
        assert {row["batchId"] for row in other["skipped"]} == {first["batchId"]}


async def test_a_section_in_an_unfinished_batch_is_skipped_with_that_batch(tmp_path: Path) -> None:
    """R3: the rest of the call is queued."""
    root = small_site(tmp_path, {"menu": 2, "news": 1}, **QUICK)
    async with held(root), desk(root) as chat:
        menu = (await chat.call("generate", page="menu"))["batchId"]
        rest = await chat.call("generate-all")
        assert rest["batchId"] != menu
        assert rest["queuedSections"] == 1
        held_by = {row["section"]: row["batchId"] for row in rest["skipped"]}
        assert held_by == {"menu/s1": menu, "menu/s2": menu}


async def test_drafting_is_one_claim_and_changing_the_live_text_the_other(tmp_path: Path) -> None:
    """R3: a redraft and a promotion of one section wait side by side; two changes do not."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with held(root) as hand, desk(root) as chat:
        await chat.call("generate-all")
        await hand.finish()
        promoted = (await chat.call("promote", section="menu/s1"))["batchId"]
        brief(root, menu_s1="other words")
        assert (await chat.call("generate", section="menu/s1", mode="new"))["queuedSections"] == 1
        both = await chat.call("promote")
        assert both["queuedSections"] == 1
        assert [row.get("batchId") for row in both["skipped"]] == [promoted]
        await hand.finish()
        taken_back = (await chat.call("rollback", section="menu/s1"))["batchId"]
        held_back = await chat.call("promote", section="menu/s1", force=True)
        assert "batchId" not in held_back and held_back["status"] == "processing"
        assert [row["batchId"] for row in held_back["skipped"]] == [taken_back]


async def test_leave_drafts_only_what_has_no_text_or_a_stale_placeholder(
    tmp_path: Path, llmock: LLMock
) -> None:
    """R4: for named sections too, with a reason that says what helps."""
    root = small_site(tmp_path, {"menu": 3}, **QUICK)
    async with desk(root) as chat:
        await chat.run("generate", sections=["menu/s1", "menu/s2"])
        brief(root, menu_s2="with other words")
        placeholders = await chat.run("generate-all")
        assert placeholders["queuedSections"] == 2  # the stale placeholder and the missing one
        (same,) = placeholders["skipped"]
        assert same["section"] == "menu/s1" and "mode new rewrites it" in same["reason"]
    write_settings(root, **settings(llmock.base_url("openai")))
    says(llmock, "By a model.", times=None)
    async with desk(root) as chat:
        assert (await chat.run("generate", section="menu/s1"))["queuedSections"] == 1
        for selector in ({"section": "menu/s1"}, {"sections": ["menu/s1"]}):
            left = await chat.run("generate", **selector)
            assert (left["status"], left["totalSections"]) == ("completed", 0)
            assert left["skipped"][0]["reason"] == "has a draft; mode new rewrites it"
        brief(root, menu_s1="not even with other words")
        assert (await chat.run("generate", section="menu/s1"))["queuedSections"] == 0


async def test_leave_leaves_a_live_text_without_a_draft(tmp_path: Path) -> None:
    """R4: a clone has live texts and no drafts."""
    clone = await clone_of_a_live_site(tmp_path)
    async with desk(clone) as chat:
        left = await chat.run("generate-all")
        assert (left["status"], left["totalSections"]) == ("completed", 0)
        assert left["skipped"][0]["reason"].startswith("has a live text, written in its file; ")
        afresh = await chat.run("generate-all", mode="new")
        assert afresh["totalSections"] == 0
        assert "the composer cannot rewrite an existing text" in afresh["skipped"][0]["reason"]


async def clone_of_a_live_site(tmp_path: Path) -> Path:
    """Return a workspace whose content folder another one wrote."""
    first = small_site(tmp_path / "first", {"menu": 1}, **QUICK)
    async with desk(first) as chat:
        await publish(chat, menu_s1="live")
    clone = small_site(tmp_path / "clone", {"menu": 1}, **QUICK)
    (clone / "content").mkdir()
    file = first / "content" / "menu.md"
    (clone / "content" / "menu.md").write_bytes(file.read_bytes())
    return clone


async def test_unchanged_inputs_are_skipped_in_leave_only(tmp_path: Path) -> None:
    """R4: whoever says `new` or `with-current` gets a draft."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        assert (await chat.run("generate-all"))["queuedSections"] == 1
        assert (await chat.run("generate-all"))["queuedSections"] == 0
        assert (await chat.run("generate-all", mode="new"))["queuedSections"] == 1
        assert (await chat.run("generate-all", mode="with-current"))["queuedSections"] == 1


async def test_with_current_shows_the_model_the_present_text(
    tmp_path: Path, llmock: LLMock
) -> None:
    """R4: instructions without a mode mean it; `new` shows nothing."""
    root = small_site(tmp_path, {"menu": 1}, **settings(llmock.base_url("openai")))
    for text in ("First words.", "Second words.", "Third words.", "Fourth words."):
        says(llmock, text)
    async with desk(root) as chat:
        await chat.run("generate-all")
        await chat.run("generate-all", instructions="Mention the garden.")
        assert "First words." in asked(llmock) and "Mention the garden." in asked(llmock)
        await chat.run("generate-all", mode="with-current")
        assert "Second words." in asked(llmock)
        await chat.run("generate-all", mode="new", instructions="Mention the cellar.")
        assert "Third words." not in asked(llmock) and "Mention the cellar." in asked(llmock)
    assert words((await drafts(root, "menu/s1"))[-1].markdown or "") == "Fourth words."


async def test_a_persons_draft_is_rewritten_only_where_its_section_is_named(tmp_path: Path) -> None:
    """R4: a page, or everything, passes it by and says so."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await chat.run("generate-all")
        await write_draft(root, "menu/s1", "by hand")
        for selector in ({}, {"page": "menu"}, {"pages": ["menu"]}):
            bulk = await chat.run("generate", **selector, mode="new")
            assert bulk["queuedSections"] == 1
            assert "written by hand" in bulk["skipped"][0]["reason"]
        assert (await chat.run("generate", section="menu/s1"))["queuedSections"] == 0
        assert (await chat.run("generate", section="menu/s1", mode="new"))["queuedSections"] == 1


async def test_the_composer_says_that_it_cannot_follow_instructions(tmp_path: Path) -> None:
    """R4: the draft is made all the same."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        drafted = await chat.run("generate-all", instructions="Mention the garden.")
        assert any("cannot follow instructions" in note for note in drafted["notes"])
        assert "cannot follow" not in str(await chat.run("generate-all", mode="new"))


async def test_an_edit_while_the_draft_is_written_stays_and_the_paid_text_is_kept(
    tmp_path: Path, llmock: LLMock
) -> None:
    """R5: the model is asked, a person edits, the model answers: a conflict, and nothing lost."""
    with gate(llmock) as door:
        root = small_site(tmp_path, {"menu": 1}, **QUICK)
        async with desk(root) as chat:
            await chat.run("generate-all")
        write_settings(root, **settings(door.url))
        says(llmock, "Paid for.")
        async with desk(root) as chat:
            batch = (await chat.call("generate", section="menu/s1", mode="new"))["batchId"]
            await door.reached()
            await write_draft(root, "menu/s1", "by hand")
            door.open()
            ended = await chat.call("status", batchId=batch, waitSeconds=45)
            assert ended["operations"][0]["status"] == "failed"
            assert ended["sections"][0]["code"] == "conflict"
    assert words((await drafts(root, "menu/s1"))[-1].markdown or "") == "by hand"
    async with parts_of(root) as parts:
        (kept,) = await parts.entities.revisions_of_batch(batch)
        current = await parts.entities.get(PREVIEW, "menu/s1")
    assert words(kept.markdown or "") == "Paid for."
    assert current is not None and current.current.id != kept.id


async def test_an_edit_before_the_draft_is_begun_costs_nothing(
    tmp_path: Path, llmock: LLMock
) -> None:
    """R5: the job expects the draft that it was planned on; the model is not even asked."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await chat.run("generate-all")
    write_settings(root, **settings(llmock.base_url("openai")))
    async with held(root) as hand, desk(root) as chat:
        await chat.call("generate", section="menu/s1", mode="new")
        await write_draft(root, "menu/s1", "by hand")
        (job,) = await hand.finish()
        assert job.code == "conflict"
    assert llmock.requests == []


async def test_a_rollback_does_not_wait_behind_sixty_drafts(tmp_path: Path) -> None:
    """R6: nor does a promotion, nor the file that each of them writes."""
    root = small_site(tmp_path, {"menu": 2, "blog": 60}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="live")
        await redraft(chat, menu_s2="ready")
    async with held(root) as hand, desk(root) as chat:
        blog = (await chat.call("generate", page="blog"))["batchId"]
        promoted = (await chat.call("promote", section="menu/s2"))["batchId"]
        taken_back = (await chat.call("rollback", section="menu/s1"))["batchId"]
        done = await hand.work(3)
        assert [job.kind for job in done] == [
            "content-promote",
            "content-rollback",
            "content-export",
        ]
        for batch, progress in ((promoted, "1/1"), (taken_back, "1/1"), (blog, "0/60")):
            (shown,) = (await chat.call("status", batchId=batch, waitSeconds=0))["operations"]
            assert shown["progress"] == progress
        assert live(root) == {"menu/s2": "ready"}
        await chat.call("cancel", batchId=blog)


@pytest.mark.anyio
async def test_a_section_that_cannot_be_drafted_by_mistake_is_told_first(tmp_path: Path) -> None:
    """Nobody looks for it behind twenty that are as they should be."""
    root = small_site(tmp_path / "site", {"menu": 12})
    site = read_site(root)
    site["pages"][0]["sections"][11]["template"] = "note_"
    write_site(root, site)
    async with desk(root) as chat:
        await chat.run("generate-all")
        nothing = await chat.call("generate-all")
        assert nothing["skipped"][0]["section"] == "menu/s12"
        assert "did you mean note?" in nothing["message"]
