"""R10 to R16: which change is taken back, and what stands afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.harness import Desk, content, desk, small_site
from tests.promises.moves import QUICK, held, ids, live, lives, publish, redraft

pytestmark = pytest.mark.anyio


async def nothing(chat: Desk, **arguments: object) -> dict[str, Any]:
    """Call rollback where nothing is to be changed; return the answer."""
    before = content(chat.root)
    answer = await chat.run("rollback", **arguments)
    assert "batchId" not in answer, answer
    assert (answer["status"], answer["queuedSections"]) == ("completed", 0)
    assert content(chat.root) == before
    return answer


async def test_a_bare_rollback_takes_back_the_latest_promotion_and_says_which(
    tmp_path: Path,
) -> None:
    """R11: and what it would take back, in a dry run."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", menu_s2="one")
        second = await publish(chat, menu_s1="two")
        for dry in (True, False):
            back = await chat.run("rollback", dryRun=dry)
            assert any(second in note for note in back["notes"])
            assert back["totalSections"] == 1
        assert live(root) == {"menu/s1": "one", "menu/s2": "one"}


async def test_a_bare_rollback_after_a_rollback_changes_nothing_and_offers_both_calls(
    tmp_path: Path,
) -> None:
    """R11: one puts it back, the other goes one promotion further; a resent call does neither."""
    for choice, then in ((0, {"menu/s1": "two"}), (1, {})):
        root = small_site(tmp_path / str(choice), {"menu": 1}, **QUICK)
        async with desk(root) as chat:
            first = await publish(chat, menu_s1="one")
            await publish(chat, menu_s1="two")
            back = (await chat.run("rollback"))["batchId"]
            await nothing(chat)
            calls = (await nothing(chat))["calls"]
            assert [call["arguments"] for call in calls] == [{"batchId": back}, {"batchId": first}]
            await chat.run(calls[choice]["tool"], **calls[choice]["arguments"])
            assert live(root) == then


async def test_after_a_rollback_that_failed_in_part_the_rest_is_offered_first(
    tmp_path: Path,
) -> None:
    """R11, P12: of a page that somebody edited by hand, with the `force` of the call that asks."""
    root = small_site(tmp_path, {"menu": 1, "home": 1}, **QUICK)
    async with desk(root) as chat:
        promoted = await publish(chat, menu_s1="one", home_s1="one")
        page = root / "content" / "menu.md"
        page.write_text(page.read_text("utf-8").replace("one", "mine"), "utf-8")
        (only,) = (await nothing(chat))["calls"]
        assert only["arguments"] == {"batchId": promoted}
        assert (await chat.run("rollback", batchId=promoted))["status"] == "failed"
        assert live(root) == {"menu/s1": "mine"}
        first, second = (await nothing(chat, force=True))["calls"]
        assert first["arguments"] == {"batchId": promoted, "force": True}
        assert set(second["arguments"]) == {"batchId"}
        await chat.run(first["tool"], **first["arguments"])
        assert live(root) == {}


async def test_a_promotion_that_was_taken_back_says_so_and_names_no_files(tmp_path: Path) -> None:
    """Its status is what it has led to, and what others did to its files later is theirs."""
    root = small_site(tmp_path, {"menu": 1, "news": 1}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="one", news_s1="one")
        promoted = (await chat.run("promote"))["batchId"]
        some = (await chat.run("rollback", batchId=promoted, page="news"))["batchId"]
        partly = await chat.call("status", batchId=promoted)
        assert f"2 of 2 promoted; 1 of its 2 sections taken back by {some}." in partly["message"]
        assert partly["files"] == ["content/menu.md", "content/news.md"]
        await chat.run("rollback", batchId=some)
        both = await chat.call("status", batchId=promoted)
        assert "taken back" not in both["message"]
        undoing = (await chat.run("rollback", batchId=promoted))["batchId"]
        undone = await chat.call("status", batchId=promoted)
        assert undone["message"] == f"2 of 2 promoted; taken back by {undoing}."
        assert "files" not in undone
        await publish(chat, menu_s1="two")
        assert (await chat.call("status", batchId=promoted))["message"] == undone["message"]
        removed = await chat.call("status", batchId=undoing)
        assert removed["files"] == ["content/menu.md (removed)", "content/news.md (removed)"]


async def test_what_was_taken_back_is_counted_over_all_rounds(tmp_path: Path) -> None:
    """The promotion had two rounds, and its rollback too: neither's last one is all of it."""
    root = small_site(tmp_path, {"menu": 2, "news": 1}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="one", menu_s2="one", news_s1="one")
    async with held(root) as hand, desk(root) as chat:
        promoted = (await chat.call("promote"))["batchId"]
        await hand.in_two_rounds(chat, promoted, "content-promote", first=2)
        some = (await chat.call("rollback", batchId=promoted, page="news"))["batchId"]
        await hand.finish()
        partly = await chat.call("status", batchId=promoted)
        assert f"1 of 1 promoted; 1 of its 3 sections taken back by {some}." in partly["message"]
        assert partly["files"] == ["content/menu.md", "content/news.md"]
        await chat.call("rollback", batchId=some)
        await hand.finish()
        undoing = (await chat.call("rollback", batchId=promoted))["batchId"]
        await hand.in_two_rounds(chat, undoing, "content-rollback", first=2)
        undone = await chat.call("status", batchId=promoted)
        assert undone["message"] == f"1 of 1 promoted; taken back by {undoing}."
        assert "files" not in undone


async def test_a_batch_stands_while_one_of_its_texts_does(tmp_path: Path) -> None:
    """R10: the second promotion took one of two sections over, so the first still stands."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        first = await publish(chat, menu_s1="one", menu_s2="one")
        await publish(chat, menu_s1="two")
        await chat.run("rollback")
        calls = (await nothing(chat))["calls"]
        assert calls[1]["arguments"] == {"batchId": first}


async def test_a_batch_of_which_nothing_is_live_does_not_stand(tmp_path: Path) -> None:
    """R10: it is passed over, and where there is no other nothing more is offered."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        back = (await chat.run("rollback", section="menu/s1"))["batchId"]
        (call,) = (await nothing(chat))["calls"]
        assert call["arguments"] == {"batchId": back}
        second = await publish(chat, menu_s2="two")
        taken = await chat.run("rollback")
        assert any(second in note for note in taken["notes"])
        assert live(root) == {}


async def test_a_rollback_sent_twice_takes_back_one_batch(tmp_path: Path) -> None:
    """R11: whether the first is waiting, has changed the text or still writes the file."""
    root = small_site(tmp_path, {"menu": 3}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", menu_s3="one")
        await publish(chat, menu_s1="two", menu_s2="two")
    async with held(root) as hand, desk(root) as chat:
        back = (await chat.call("rollback"))["batchId"]
        for jobs in (1, 1, 1):
            again = await chat.call("rollback")
            assert (again["batchId"], again["duplicate"]) == (back, True)
            await hand.work(jobs)
        assert live(root) == {"menu/s1": "one", "menu/s3": "one"}
        await nothing(chat)


async def test_a_request_that_met_a_rollback_under_way_is_answered_so_after_its_end(
    tmp_path: Path,
) -> None:
    """R2, R11: sent again when all is over, it must not offer to take back one promotion more."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", menu_s2="one")
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("rollback"))["batchId"]
        await hand.work(1, "content-rollback")
        met = await chat.call("rollback", requestKey="K")
        assert (met["batchId"], met["duplicate"]) == (batch, True)
        await hand.finish()
        again = await chat.call("rollback", requestKey="K")
        assert again["message"].startswith(f"That request was answered before: batch {batch}")


async def test_nobody_takes_back_what_another_owner_promoted(tmp_path: Path) -> None:
    """R11: bare is of one's own batches; another's rollback is not one's last change either."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root, owner="ada") as ada, desk(root, owner="bo") as bo:
        await publish(ada, menu_s1="ada")
        assert "no promotion of yours" in str((await nothing(bo))["notes"])
        await publish(bo, menu_s2="bo")
        await bo.run("rollback")
        await ada.run("rollback")
        assert live(root) == {}
        assert len((await nothing(ada))["calls"]) == 1


async def test_nothing_promoted_is_nothing_to_take_back(tmp_path: Path) -> None:
    """R11: in bulk, by page and by section."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="one")
        await nothing(chat)
        await nothing(chat, page="menu")
        named = await nothing(chat, section="menu/s1")
        assert "never live" in str(named["skipped"])


async def test_rollback_of_a_batch_restores_what_is_still_its_and_leaves_the_rest(
    tmp_path: Path,
) -> None:
    """R12: promote A of s1 and s2, promote B of s1, rollback A: s2 is restored, s1 a conflict."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="zero", menu_s2="zero")
        first = await publish(chat, menu_s1="one", menu_s2="one")
        await publish(chat, menu_s1="two")
        back = await chat.run("rollback", batchId=first)
        assert back["status"] == "failed"
        rows = await chat.sections(back["batchId"])
        assert rows["menu/s1"]["code"] == "conflict"
        assert rows["menu/s2"]["state"] == "completed"
        assert live(root) == {"menu/s1": "two", "menu/s2": "zero"}
        assert "changed again" in rows["menu/s1"]["reason"]
        await chat.run("rollback", batchId=first, force=True)
        assert live(root) == {"menu/s1": "zero", "menu/s2": "zero"}


async def test_rollback_of_a_batch_skips_what_is_as_it_was_before(tmp_path: Path) -> None:
    """R12: one of its sections was taken back by name already."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        batch = await publish(chat, menu_s1="one", menu_s2="one")
        await chat.run("rollback", section="menu/s1")
        back = await chat.run("rollback", batchId=batch)
        assert back["queuedSections"] == 1
        assert [row["section"] for row in back["skipped"]] == ["menu/s1"]
        assert live(root) == {}
        await nothing(chat, batchId=batch)


async def test_a_selector_narrows_the_rollback_of_a_batch(tmp_path: Path) -> None:
    """R12: by section and by page."""
    root = small_site(tmp_path, {"menu": 2, "news": 1}, **QUICK)
    async with desk(root) as chat:
        batch = await publish(chat, menu_s1="one", menu_s2="one", news_s1="one")
        await chat.run("rollback", batchId=batch, section="menu/s1")
        assert set(live(root)) == {"menu/s2", "news/s1"}
        await chat.run("rollback", batchId=batch, page="menu")
        assert set(live(root)) == {"news/s1"}
        await chat.run("rollback", batchId=batch)
        assert live(root) == {}


async def test_a_section_that_a_batch_did_not_change_is_told_as_such(tmp_path: Path) -> None:
    """R12: where it was named, beside others too, or where there is no other."""
    root = small_site(tmp_path, {"menu": 2, "news": 1}, **QUICK)
    async with desk(root) as chat:
        first = await publish(chat, menu_s1="one")
        await publish(chat, menu_s2="one", news_s1="one")
        for selector in ({"section": "menu/s2"}, {"page": "news"}):
            answer = await nothing(chat, batchId=first, **selector)
            assert "was not changed by that batch" in answer["message"]
        both = await chat.call(
            "rollback", batchId=first, sections=["menu/s1", "menu/s2"], dryRun=True
        )
        assert [row["section"] for row in both["sections"]] == ["menu/s1"]
        assert [row["section"] for row in both["skipped"]] == ["menu/s2"]
        assert "skipped" not in await chat.call("rollback", batchId=first, page="menu", dryRun=True)


async def test_rollback_of_a_batch_takes_back_all_its_rounds(tmp_path: Path) -> None:
    """R12: what the first round promoted, and what a retry did after a cancellation."""
    root = small_site(tmp_path, {"menu": 4}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="1", menu_s2="2", menu_s3="3", menu_s4="4")
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("promote"))["batchId"]
        await hand.work(2)
        await chat.call("cancel", batchId=batch)
        await hand.finish()
        assert set(live(root)) == {"menu/s1", "menu/s2"}
        assert (await chat.call("retry", batchId=batch))["queuedSections"] == 2
        await hand.finish()
        assert len(live(root)) == 4
        await chat.call("rollback", batchId=batch)
        await hand.finish()
        assert live(root) == {}


async def test_rollback_of_an_unfinished_promotion_cancels_it_and_restores_what_it_did(
    tmp_path: Path,
) -> None:
    """R13: two of four were live; the other two never will be."""
    root = small_site(tmp_path, {"menu": 4}, **QUICK)
    words = {"menu_s1": "1", "menu_s2": "2", "menu_s3": "3", "menu_s4": "4"}
    async with desk(root) as chat:
        await redraft(chat, **words)
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("promote"))["batchId"]
        await hand.work(2)
        assert (await chat.call("rollback", batchId=batch, dryRun=True))["totalSections"] == 2
        (untouched,) = (await chat.call("status", batchId=batch, waitSeconds=0))["operations"]
        assert untouched["status"] == "processing"
        back = await chat.call("rollback", batchId=batch)
        assert back["queuedSections"] == 2
        await hand.finish()
        assert live(root) == {}
        states = {row["state"] for row in (await chat.sections(batch)).values()}
        assert states == {"completed", "cancelled"}
        for section in ids(words)[2:]:
            assert await lives(root, section) == []


async def test_rollback_of_a_promotion_that_has_done_nothing_only_cancels_it(
    tmp_path: Path,
) -> None:
    """R13: no batch is made of it."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="1", menu_s2="2")
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("promote"))["batchId"]
        back = await nothing(chat, batchId=batch)
        assert "cancelled" in str(back["notes"])
        assert await hand.finish() == []
        (ended,) = (await chat.call("status", batchId=batch))["operations"]
        assert ended["status"] == "cancelled"


async def test_rollback_of_one_page_of_a_running_batch_says_that_all_of_it_is_cancelled(
    tmp_path: Path,
) -> None:
    """R13: the dry run says that it would be; also where nothing of the page was live yet."""
    for page, queued in (("menu", 1), ("news", 0)):
        root = small_site(tmp_path / page, {"menu": 2, "news": 1}, **QUICK)
        async with desk(root) as chat:
            await redraft(chat, menu_s1="1", menu_s2="2", news_s1="3")
        async with held(root) as hand, desk(root) as chat:
            batch = (await chat.call("promote"))["batchId"]
            await hand.work(1)
            dry = await chat.call("rollback", batchId=batch, page=page, dryRun=True)
            would = f"Batch {batch} is still running: it would be cancelled"
            assert f"{would}, its other sections included." in dry["notes"]
            back = await chat.call("rollback", batchId=batch, page=page)
            was = f"Batch {batch} was still running: it is cancelled"
            assert f"{was}, its other sections included." in back["notes"]
            assert back["queuedSections"] == queued
            await hand.finish()
            assert live(root) == ({} if queued else {"menu/s1": "1"})


async def test_rollback_of_an_unfinished_rollback_puts_back_what_it_took(tmp_path: Path) -> None:
    """R13: half of it was taken back; production is byte for byte what it was."""
    root = small_site(tmp_path, {"menu": 4}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="1", menu_s2="2", menu_s3="3", menu_s4="4")
    before = content(root)
    async with held(root) as hand, desk(root) as chat:
        back = (await chat.call("rollback"))["batchId"]
        await hand.work(2)
        assert (await chat.call("rollback", batchId=back))["queuedSections"] == 2
        await hand.finish()
    assert content(root) == before


async def test_a_half_done_rollback_that_was_cancelled_can_be_rolled_back(tmp_path: Path) -> None:
    """What it had taken back by then returns."""
    root = small_site(tmp_path, {"menu": 4}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="1", menu_s2="2", menu_s3="3", menu_s4="4")
    before = content(root)
    async with held(root) as hand, desk(root) as chat:
        back = (await chat.call("rollback"))["batchId"]
        await hand.work(3)
        stopped = await chat.call("cancel", batchId=back)
        assert (stopped["alreadyDone"], stopped["neverStarted"]) == (3, 1)
        await hand.finish()
        assert set(live(root)) == {"menu/s4"}
        await chat.call("rollback", batchId=back)
        await hand.finish()
    assert content(root) == before


async def test_one_section_toggled_three_times(tmp_path: Path) -> None:
    """R14: undo the last change; the same again gives it back."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", menu_s2="stays")
        await publish(chat, menu_s1="two")
        files: list[dict[str, bytes]] = [content(root)]
        for _ in range(3):
            await chat.run("rollback", section="menu/s1")
            files.append(content(root))
        assert live(root) == {"menu/s1": "one", "menu/s2": "stays"}
        assert files[0] == files[2] and files[1] == files[3] != files[0]


async def test_a_section_that_was_never_live_goes_and_comes_back_by_name(tmp_path: Path) -> None:
    """R14: three times over, its file with it."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        there = content(root)
        for _ in range(3):
            await chat.run("rollback", sections=["menu/s1"])
            assert content(root) == {}
            await chat.run("rollback", sections=["menu/s1"])
            assert content(root) == there


async def test_rollback_of_a_page_takes_back_its_latest_promotion_there_only(
    tmp_path: Path,
) -> None:
    """R14: a later promotion of another page is passed over, and the batch's other pages stay."""
    root = small_site(tmp_path, {"menu": 2, "news": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", menu_s2="one", news_s1="one")
        both = await publish(chat, menu_s1="two", news_s1="two")
        await publish(chat, news_s1="three")
        back = await chat.run("rollback", page="menu")
        assert any(both in note for note in back["notes"])
        assert live(root) == {"menu/s1": "one", "menu/s2": "one", "news/s1": "three"}
        calls = (await nothing(chat, page="menu"))["calls"]
        assert calls[0]["arguments"] == {"batchId": back["batchId"]}


async def test_a_finished_rollback_can_be_rolled_back_by_its_id(tmp_path: Path) -> None:
    """And that again, and again: production is each time what it was, byte for byte."""
    root = small_site(tmp_path, {"menu": 2, "news": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        before = content(root)
        batch = await publish(chat, menu_s1="two", menu_s2="two", news_s1="two")
        after = content(root)
        for expected in (before, after, before, after):
            batch = (await chat.run("rollback", batchId=batch))["batchId"]
            assert content(root) == expected


async def test_rollback_of_a_generate_batch_is_refused_with_what_carried_its_text(
    tmp_path: Path,
) -> None:
    """R16: the promotions, the latest first; or that nothing of it went live."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        drafted = await redraft(chat, menu_s1="one", menu_s2="one")
        assert "None of its text went live" in await chat.refused("rollback", batchId=drafted)
        first = (await chat.run("promote", section="menu/s1"))["batchId"]
        second = (await chat.run("promote", section="menu/s2"))["batchId"]
        refusal = await chat.refused("rollback", batchId=drafted)
        assert refusal.index(second) < refusal.index(first)
        assert len(live(root)) == 2
