"""R28: a digest does all that its dry run showed, at once, and once; or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mcp_server.clock import SystemClock
from mcp_server.content.actions.calls import ChangeCall
from mcp_server.content.actions.plan import Plan
from mcp_server.content.actions.submit import Submitter
from mcp_server.errors import InvalidPayload
from mcp_server.jobs.job import Origin
from mcp_server.progress.verbs import PROMOTE
from tests.harness import Desk, content, desk, small_site
from tests.promises.moves import QUICK, Later, edit_file, held, live, lives, publish, redraft
from tests.unit.content.texts import standing

pytestmark = pytest.mark.anyio


async def shown(chat: Desk, tool: str, **arguments: Any) -> str:
    """Return the digest of a dry run."""
    return (await chat.call(tool, **arguments, dryRun=True))["digest"]


async def test_all_texts_change_in_the_call_itself_and_the_files_follow(tmp_path: Path) -> None:
    """R28: before any worker has come; its batch counts the sections as any other does."""
    root = small_site(tmp_path, {"menu": 2, "news": 1}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="one", menu_s2="one", news_s1="one")
    async with held(root) as hand, desk(root) as chat:
        digest = await shown(chat, "promote")
        done = await chat.call("promote", digest=digest)
        assert (done["queuedSections"], done["status"]) == (3, "queued")
        assert any("in one step" in note for note in done["notes"])
        assert await chat.states() == dict.fromkeys(("menu/s1", "menu/s2", "news/s1"), "live")
        assert content(root) == {}
        rows = await chat.sections(done["batchId"])
        assert {id: row["state"] for id, row in rows.items() if "/" in id} == dict.fromkeys(
            ("menu/s1", "menu/s2", "news/s1"), "completed"
        )
        assert [job.kind for job in await hand.finish()] == ["content-export"] * 2
        over = await chat.call("status", batchId=done["batchId"])
        assert "3 of 3 promoted. Files: content/menu.md, content/news.md" in over["message"]
        assert {revision.batch_id for revision in await lives(root, "menu/s1")} == {done["batchId"]}


async def test_a_digest_is_spent_once(tmp_path: Path) -> None:
    """R28: the same call again answers its batch, whatever was done since; another is refused."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="one", menu_s2="one")
        digest = await shown(chat, "promote")
        promoted = await chat.run("promote", digest=digest)
        back = await shown(chat, "rollback")
        await chat.run("rollback", digest=back)
        again = await chat.run("promote", digest=digest)
        assert (again["batchId"], again["duplicate"]) == (promoted["batchId"], True)
        assert live(root) == {}
        assert "spent already" in await chat.refused("promote", page="menu", digest=digest)
        assert "spent already" in await chat.refused("rollback", digest=digest)
        off = await chat.run("rollback")
        assert off["queuedSections"] == 0


async def test_it_lapses_after_a_day(tmp_path: Path) -> None:
    """R28: who looked yesterday looks again."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    clock = Later()
    async with desk(root, clock=clock) as chat:
        await redraft(chat, menu_s1="one")
        digest = await shown(chat, "promote")
        clock.ahead_s = 24 * 3600 + 1
        assert "has lapsed" in await chat.refused("promote", digest=digest)
        assert (await chat.run("promote", digest=await shown(chat, "promote")))["batchId"]


async def test_one_section_that_moved_or_is_held_refuses_all_and_is_named(tmp_path: Path) -> None:
    """R3, R28: nothing is changed, of no section."""
    root = small_site(tmp_path, {"menu": 3}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="one", menu_s2="one", menu_s3="one")
        digest = await shown(chat, "promote")
        await redraft(chat, menu_s2="two")
        assert "menu/s2 changed since" in await chat.refused("promote", digest=digest)
    async with held(root) as hand, desk(root) as chat:
        digest = await shown(chat, "promote")
        other = (await chat.call("promote", section="menu/s3"))["batchId"]
        refusal = await chat.refused("promote", digest=digest)
        assert f"menu/s3 is in batch {other}" in refusal
        await chat.call("cancel", batchId=other)
        await hand.finish()
        assert content(root) == {}
        await chat.call("promote", digest=digest)
        await hand.finish()
        assert live(root) == {"menu/s1": "one", "menu/s2": "two", "menu/s3": "one"}


async def test_what_would_be_a_conflict_has_no_digest(tmp_path: Path) -> None:
    """P1, R28: it could not be done as a whole; `force` is part of what a digest stands for."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        await redraft(chat, menu_s1="two")
        edit_file(root, "menu", "one", "mine")
        dry = await chat.call("promote", page="menu", dryRun=True)
        assert "digest" not in dry
        assert any("No digest" in note for note in dry["notes"])
        digest = await shown(chat, "promote", page="menu", force=True)
        refusal = await chat.refused("promote", page="menu", digest=digest)
        assert "would be a conflict" in refusal
        await chat.run("promote", page="menu", digest=digest, force=True)
        assert live(root) == {"menu/s1": "two"}
        await chat.run("rollback", digest=await shown(chat, "rollback"))
        assert live(root) == {"menu/s1": "mine"}


async def test_a_file_that_is_blocked_then_fails_and_retry_writes_it(tmp_path: Path) -> None:
    """R21, R28: the texts are changed by then; retry and cancel concern the files."""
    root = small_site(tmp_path, {"menu": 1, "news": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", news_s1="one")
        await redraft(chat, menu_s1="two", news_s1="two")
    async with held(root) as hand, desk(root) as chat:
        done = (await chat.call("promote", digest=await shown(chat, "promote")))["batchId"]
        path = root / "content" / "menu.md"
        whole = path.read_bytes()
        path.write_bytes(whole + b"\xff")
        await hand.finish()
        over = await chat.call("status", batchId=done)
        assert "2 of 2 promoted, 1 not written to a file: menu" in over["message"]
        path.write_bytes(whole)
        again = await chat.call("retry", batchId=done)
        assert again["queuedSections"] == 0
        await hand.finish()
        assert live(root) == {"menu/s1": "two", "news/s1": "two"}


async def test_a_rollback_with_a_digest_is_no_repeat_of_one_without(tmp_path: Path) -> None:
    """R28: that one may do a part; this one is for all, so it is refused while that has them."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        await publish(chat, menu_s1="two")
    async with held(root) as hand, desk(root) as chat:
        digest = await shown(chat, "rollback", page="menu")
        under_way = (await chat.call("rollback", page="menu"))["batchId"]
        refusal = await chat.refused("rollback", page="menu", digest=digest)
        assert f"menu/s1 is in batch {under_way}" in refusal
        await hand.finish()
        assert live(root) == {"menu/s1": "one"}


async def test_whoever_loses_a_race_with_the_same_call_is_answered_its_batch(
    tmp_path: Path,
) -> None:
    """R28: what it planned is done by then, and so it is not what the digest stands for."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="one")
        digest = await shown(chat, "promote")
        done = await chat.run("promote", digest=digest)
        assert chat.services is not None
        submitter = Submitter(chat.services.batches, lambda: "b_new", SystemClock())
        origin, none_left = Origin(owner="local", interface="test"), standing()
        call, eve = ChangeCall(digest=digest), Origin(owner="eve", interface="test")
        lost = await submitter.check_digest(PROMOTE, Plan(), call, [], none_left, origin)
        assert lost is not None and (lost.batch_id, lost.duplicate) == (done["batchId"], True)
        with pytest.raises(InvalidPayload, match="spent already, by somebody else"):
            await submitter.check_digest(PROMOTE, Plan(), call, [], none_left, eve)
