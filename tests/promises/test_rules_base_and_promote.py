"""R7 to R9: what a draft was made against, which drafts a promotion takes, withdrawn ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from llmock.pytest_plugin import LLMock

from tests.harness import Desk, content, desk, read_site, small_site, write_settings, write_site
from tests.promises.moves import (
    QUICK,
    brief,
    edit_file,
    held,
    live,
    lives,
    publish,
    redraft,
    says,
    settings,
    write_draft,
)

pytestmark = pytest.mark.anyio


async def conflict(chat: Desk, tool: str, **arguments: object) -> str:
    """Return the reason of the one section that must end as a conflict; nothing may be written."""
    before = content(chat.root)
    ended = await chat.run(tool, **arguments)
    assert ended["status"] == "failed", ended
    (row,) = (await chat.sections(ended["batchId"])).values()
    assert (row["state"], row["code"]) == ("failed", "conflict")
    assert content(chat.root) == before
    return row["reason"]


async def test_a_new_draft_is_made_against_what_is_live_at_that_moment(tmp_path: Path) -> None:
    """R7: the first one against nothing, the next one against the first one's text."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        for text in ("one", "two", "three"):
            await publish(chat, menu_s1=text)
            assert live(root) == {"menu/s1": text}


async def test_a_draft_whose_live_text_has_moved_is_a_conflict(tmp_path: Path) -> None:
    """R7: promote D1, draft D2, rollback D1, promote D2. `force` goes on; so does a new draft."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        first = await publish(chat, menu_s1="one")
        await redraft(chat, menu_s1="two")
        await chat.run("rollback", batchId=first)
        assert await chat.states() == {"menu/s1": "outdated"}
        (planned,) = (await chat.call("promote", dryRun=True))["sections"]
        assert "moved" in planned["conflict"]
        await conflict(chat, "promote")
        await chat.run("promote", force=True)
        assert live(root) == {"menu/s1": "two"}


async def test_drafting_anew_ends_the_conflict(tmp_path: Path) -> None:
    """R7: `new` takes the live text of that moment as its base, with equal words too."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        await publish(chat, menu_s1="two")
        await redraft(chat, menu_s1="three")
        await chat.run("rollback", section="menu/s1")
        await conflict(chat, "promote")
        await chat.run("generate", section="menu/s1", mode="new")
        await chat.run("promote")
        assert live(root) == {"menu/s1": "three"}


async def test_review_says_what_helps_an_outdated_draft(tmp_path: Path) -> None:
    """R7: a new draft, or force; each is the call that `next` names."""
    for way in (0, 1):
        root = small_site(tmp_path / str(way), {"menu": 1}, **QUICK)
        async with desk(root) as chat:
            await publish(chat, menu_s1="one")
            await publish(chat, menu_s1="two")
            await redraft(chat, menu_s1="three")
            await chat.run("rollback", section="menu/s1")
            review = await chat.call("review", page="menu")
            (row,) = review["sections"]
            assert row["state"] == "outdated"
            assert "draft it anew, or promote it with force" in row["note"]
            tool, arguments = review["next"].split(" or ")[way].split(" ", 1)
            await chat.run(tool, **json.loads(arguments))
            await chat.run("promote")
            assert live(root) == {"menu/s1": "three"}


async def test_a_typo_fixed_in_an_outdated_draft_does_not_make_it_current(tmp_path: Path) -> None:
    """R7: live moved under a draft, then a typo fixed in the draft, then promote: conflict."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        await publish(chat, menu_s1="two")
        await redraft(chat, menu_s1="thre")
        await chat.run("rollback", section="menu/s1")
        await write_draft(root, "menu/s1", "three")
        assert await chat.states() == {"menu/s1": "outdated"}
        await conflict(chat, "promote", section="menu/s1")


async def test_an_edit_of_the_live_draft_is_made_against_it(tmp_path: Path) -> None:
    """R7: its draft is what is live, whose own base is older."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        await write_draft(root, "menu/s1", "two")
        await chat.run("promote")
        assert live(root) == {"menu/s1": "two"}


async def test_with_current_inherits_the_base_of_the_draft(tmp_path: Path, llmock: LLMock) -> None:
    """R7: it works from the draft, so what moved under the draft has moved under it too."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        await publish(chat, menu_s1="two")
        await redraft(chat, menu_s1="three")
        await chat.run("rollback", section="menu/s1")
    write_settings(root, **settings(llmock.base_url("openai")))
    says(llmock, "four", times=None)
    async with desk(root) as chat:
        await chat.run("generate", section="menu/s1", instructions="Shorter.")
        await conflict(chat, "promote")


async def test_with_current_from_the_live_draft_is_made_against_it(
    tmp_path: Path, llmock: LLMock
) -> None:
    """R7: promote, redraft with instructions, promote: two batches, the second text is live."""
    root = small_site(tmp_path, {"menu": 1}, **settings(llmock.base_url("openai")))
    for text in ("one", "two"):
        says(llmock, text)
    async with desk(root) as chat:
        await chat.run("generate-all")
        first = await chat.run("promote")
        await chat.run("generate-all", instructions="Shorter.")
        second = await chat.run("promote")
        assert second["batchId"] != first["batchId"]
        assert live(root) == {"menu/s1": "two"}


async def test_bases_are_compared_by_their_words(tmp_path: Path) -> None:
    """R7: live went away and came back as it was, so the draft still fits."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        await redraft(chat, menu_s1="two")
        await chat.run("rollback", section="menu/s1")
        await chat.run("rollback", section="menu/s1")
        assert await chat.states() == {"menu/s1": "changed"}
        await chat.run("promote")
        assert live(root) == {"menu/s1": "two"}


async def test_live_that_moves_after_the_plan_is_found_in_the_transaction_that_writes(
    tmp_path: Path,
) -> None:
    """R7: s1 waits to be promoted; promoting s2 with force keeps an edit of s1 first."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", menu_s2="one")
        await redraft(chat, menu_s1="two", menu_s2="two")
    async with held(root) as hand, desk(root) as chat:
        first = (await chat.call("promote", section="menu/s1"))["batchId"]
        edit_file(root, "menu", "Ada's notes: one", "Edited: one")
        await chat.call("promote", section="menu/s2", force=True)
        await hand.finish()
        assert (await chat.sections(first))["menu/s1"]["code"] == "conflict"
        assert live(root) == {"menu/s1": "Edited: one", "menu/s2": "two"}


async def test_promote_of_a_batch_takes_its_drafts_and_edits_of_them(tmp_path: Path) -> None:
    """R8: redrafted ones are skipped and said; other sections are not looked at."""
    root = small_site(tmp_path, {"menu": 4}, **QUICK)
    async with desk(root) as chat:
        batch = await redraft(chat, menu_s1="one", menu_s2="one", menu_s3="one")
        await write_draft(root, "menu/s2", "one by hand")
        await redraft(chat, menu_s3="two", menu_s4="two")
        promoted = await chat.run("promote", batchId=batch)
        assert live(root) == {"menu/s1": "one", "menu/s2": "one by hand"}
        (skipped,) = promoted["skipped"]
        assert skipped["section"] == "menu/s3" and "drafted anew" in skipped["reason"]


async def test_an_edit_of_a_later_draft_is_not_the_batchs(tmp_path: Path) -> None:
    """R8: what a person edited was the other batch's text."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        batch = await redraft(chat, menu_s1="one")
        later = await redraft(chat, menu_s1="two")
        await write_draft(root, "menu/s1", "two by hand")
        assert (await chat.run("promote", batchId=batch))["queuedSections"] == 0
        assert (await chat.run("promote", batchId=later))["queuedSections"] == 1


async def test_promote_takes_a_batch_that_drafted_and_a_selector_narrows_it(tmp_path: Path) -> None:
    """R8: the other kinds are refused by name."""
    root = small_site(tmp_path, {"menu": 2, "news": 1}, **QUICK)
    async with desk(root) as chat:
        batch = await redraft(chat, menu_s1="one", menu_s2="one", news_s1="one")
        promoted = await chat.run("promote", batchId=batch, page="menu")
        assert live(root) == {"menu/s1": "one", "menu/s2": "one"}
        refusal = await chat.refused("promote", batchId=promoted["batchId"])
        assert "promote batch" in refusal


async def test_a_rollback_withdraws_the_draft_it_took_back_and_bulk_passes_it_by(
    tmp_path: Path,
) -> None:
    """R9: everything and a page are bulk; a section, sections and a batch are named."""
    for named in ({"section": "menu/s1"}, {"sections": ["menu/s1"]}, {"batchId": "drafted"}):
        root = small_site(tmp_path / "-".join(named), {"menu": 1}, **QUICK)
        async with desk(root) as chat:
            drafted = await redraft(chat, menu_s1="one")
            await chat.run("promote")
            await chat.run("rollback")
            assert await chat.states() == {"menu/s1": "withdrawn"}
            for bulk in ({}, {"page": "menu"}, {"pages": ["menu"]}):
                nothing = await chat.run("promote", **bulk)
                assert (nothing["status"], nothing["totalSections"]) == ("completed", 0)
                assert "taken back" in nothing["skipped"][0]["reason"]
            arguments = {"batchId": drafted} if "batchId" in named else named
            await chat.run("promote", **arguments)
            assert live(root) == {"menu/s1": "one"}
            assert await chat.states() == {"menu/s1": "live"}


async def test_a_newer_draft_is_not_withdrawn(tmp_path: Path) -> None:
    """R9: only a draft that equals the live text that is replaced."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        await redraft(chat, menu_s1="two")
        await chat.run("rollback")
        assert await chat.states() == {"menu/s1": "outdated"}


async def test_every_redraft_and_edit_takes_the_mark_away(tmp_path: Path) -> None:
    """R9: with equal words too."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", menu_s2="one")
        await chat.run("rollback")
        assert set((await chat.states()).values()) == {"withdrawn"}
        await chat.run("generate", section="menu/s1", mode="new")
        await write_draft(root, "menu/s2", "one")
        assert set((await chat.states()).values()) == {"draft"}
        assert (await chat.run("promote"))["queuedSections"] == 2


async def test_a_draft_equal_to_the_live_text_is_live_whatever_its_mark(tmp_path: Path) -> None:
    """R9: the rollback of the rollback brings the text back, not the mark away."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        back = await chat.run("rollback")
        await chat.run("rollback", batchId=back["batchId"])
        assert await chat.states() == {"menu/s1": "live"}
        named = await chat.run("promote", section="menu/s1")
        assert named["queuedSections"] == 0
        assert named["skipped"][0]["reason"] == "is live already"


async def test_promote_twice_finds_nothing_to_do_the_second_time(tmp_path: Path) -> None:
    """And says so as a completed call without a batch."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", menu_s2="one")
        before = content(root)
        again = await chat.run("promote")
        assert (again["status"], again["totalSections"]) == ("completed", 0)
        assert "batchId" not in again
        assert content(root) == before


async def test_a_draft_changed_between_dry_run_and_digest_is_refused(tmp_path: Path) -> None:
    """What the dry run showed is done, or nothing; `force` makes no difference to that."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="one", menu_s2="one")
        seen = await chat.call("promote", dryRun=True)
        await redraft(chat, menu_s2="two")
        for force in (False, True):
            refusal = await chat.refused("promote", digest=seen["digest"], force=force)
            assert "dry run" in refusal
        assert content(root) == {}
        anew = await chat.call("promote", dryRun=True)
        assert anew["digest"] != seen["digest"]
        await chat.run("promote", digest=anew["digest"])
        assert live(root) == {"menu/s1": "one", "menu/s2": "two"}
        seen = await chat.call("rollback", dryRun=True)
        assert "spent already" in await chat.refused("rollback", digest=anew["digest"])
        await chat.run("rollback", digest=seen["digest"])
        assert live(root) == {}


async def test_a_redraft_while_a_promotion_waits_is_a_conflict(tmp_path: Path) -> None:
    """The draft that was looked at is no longer the one that would go live."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="one")
    async with held(root) as hand, desk(root) as chat:
        promoted = (await chat.call("promote"))["batchId"]
        brief(root, menu_s1="two")
        await chat.call("generate", section="menu/s1", mode="new")
        await hand.work(1, "content-generate")
        await hand.finish()
        assert (await chat.sections(promoted))["menu/s1"]["code"] == "conflict"
        assert live(root) == {}


async def test_a_redraft_that_runs_after_the_promotion_is_made_against_it(tmp_path: Path) -> None:
    """Both were queued before either ran; the promotion goes first."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="one")
    async with held(root) as hand, desk(root) as chat:
        await chat.call("generate", section="menu/s1", mode="new")
        await chat.call("promote")
        kinds = [job.kind for job in await hand.finish()]
        assert kinds == ["content-promote", "content-export", "content-generate"]
        assert live(root) == {"menu/s1": "one"}
        assert await chat.states() == {"menu/s1": "live"}


async def test_promote_on_three_hundred_sections_promotes_three_hundred(tmp_path: Path) -> None:
    """None is left out by a page of results, a claim's size or an answer's length."""
    root = small_site(tmp_path, {f"page{n}": 30 for n in range(10)}, **QUICK)
    async with held(root) as hand, desk(root) as chat:
        assert (await chat.call("generate-all"))["totalSections"] == 300
        await hand.finish()
        promoted = await chat.call("promote")
        assert promoted["queuedSections"] == 300
        await hand.finish()
        ended = await chat.call("status", batchId=promoted["batchId"])
        assert ended["operations"][0]["progress"] == "300/300"
        assert ended["fileCount"] == 10
        assert len(live(root)) == 300


async def test_a_page_touches_that_page_only(tmp_path: Path) -> None:
    """Drafting, promoting and taking back; beside a section it names where that one is."""
    root = small_site(tmp_path, {"menu": 2, "news": 2}, **QUICK)
    async with desk(root) as chat:
        assert (await chat.run("generate", page="menu"))["queuedSections"] == 2
        assert (await chat.run("generate", page="news", section="s1"))["queuedSections"] == 1
        await chat.run("promote", page="menu")
        assert set(live(root)) == {"menu/s1", "menu/s2"}
        await chat.run("promote")
        news = content(root)["news.md"]
        await chat.run("rollback", page="menu")
        assert content(root) == {"news.md": news}


async def test_empty_lists_are_as_if_absent(tmp_path: Path) -> None:
    """Clients fill in what the schema offers; nothing named is everything."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    empty: dict[str, object] = {"sections": [], "pages": []}
    async with desk(root) as chat:
        assert (await chat.run("generate", **empty))["queuedSections"] == 2
        assert (await chat.run("promote", **empty, batchId=""))["queuedSections"] == 2
        assert len((await chat.call("review", **empty))["sections"]) == 2
        back = await chat.run("rollback", **empty, section="", page="")
        assert back["queuedSections"] == 2
        assert any("takes back batch" in note for note in back["notes"])


async def test_a_draft_of_a_section_that_is_static_by_now_is_not_promoted(tmp_path: Path) -> None:
    """Its text is the one in `site.yaml`, by name and in bulk."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="one")
        site = read_site(root)
        site["pages"][0]["sections"] = [{"id": "s1", "text": "Static."}]
        write_site(root, site)
        for named in ({}, {"section": "menu/s1"}):
            answer = await chat.run("promote", **named)
            assert answer["queuedSections"] == 0
            assert "has a static text in site.yaml" in str(answer["skipped"])
        assert await lives(root, "menu/s1") == []
