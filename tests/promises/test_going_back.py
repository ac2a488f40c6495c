"""R29: going back to a text that was live, and to what was live at a moment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.harness import Desk, ManualClock, desk, small_site
from tests.promises.moves import QUICK, edit_file, live, publish, redraft

pytestmark = pytest.mark.anyio

NOON = 1_795_003_200.0
"""18 Nov 2026, 12:00 UTC."""
DAY_S = 86_400.0


async def hash_of(chat: Desk, says: str, field: str = "liveHash") -> str:
    """Return the hash of a text of menu/s1, as its history shows it."""
    rows = (await chat.call("review", section="menu/s1", history=True, limit=50))["sections"]
    name = "live" if field == "liveHash" else "draft"
    return next(row[field] for row in rows if f"notes: {says}" in row.get(name, ""))


async def test_a_section_goes_back_to_any_text_that_was_live(tmp_path: Path) -> None:
    """R29: not only the one before; what goes and comes is said first; it can be undone."""
    clock = ManualClock(NOON)
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root, clock=clock) as chat:
        for words in ("one", "two", "three"):
            await publish(chat, menu_s1=words)
            clock.advance(DAY_S)
        first = await hash_of(chat, "one")
        dry = await chat.call("review", plan="rollback", section="menu/s1", revision=first)
        back = await chat.run("rollback", section="menu/s1", revision=first, digest=dry["digest"])
        for answer in (dry, back):
            assert answer["message"].startswith(
                "menu/s1: the live text of 20 Nov 2026, 12:00 UTC goes; "
                "the one of 18 Nov 2026, 12:00 UTC comes back."
            )
        assert live(root) == {"menu/s1": "one"}
        again = await chat.run("rollback", section="menu/s1", revision=first)
        assert "is what is live already" in again["message"]
        await chat.run("rollback", batchId=back["batchId"])
        assert live(root) == {"menu/s1": "three"}


async def test_a_page_goes_back_to_what_was_live_at_a_moment(tmp_path: Path) -> None:
    """R29: what was not live then is left; nothing named is refused."""
    clock = ManualClock(NOON)
    root = small_site(tmp_path, {"menu": 3}, **QUICK)
    async with desk(root, clock=clock) as chat:
        await publish(chat, menu_s1="one", menu_s2="same")
        clock.advance(DAY_S)
        await publish(chat, menu_s1="two", menu_s3="new")
        assert "name the page" in await chat.refused("rollback", asOf="2026-11-18")
        back = await chat.run("rollback", page="menu", asOf="2026-11-18")
        assert live(root) == {"menu/s1": "one", "menu/s2": "same", "menu/s3": "new"}
        reasons = {row["section"]: row["reason"] for row in back["skipped"]}
        assert reasons["menu/s2"] == "is what was live then already"
        assert reasons["menu/s3"] == "was not live then; unpublish takes it off"
        await chat.run("rollback", section="menu/s1")
        assert live(root)["menu/s1"] == "two"


async def test_a_text_that_never_was_live_is_refused_and_edit_is_named(tmp_path: Path) -> None:
    """R29: also what is no hash; one that begins a live text's hash is enough."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        await redraft(chat, menu_s1="two")
        drafted = await hash_of(chat, "two", "draftHash")
        refused = await chat.refused("rollback", section="menu/s1", revision=drafted)
        assert f'edit {{"section": "menu/s1", "restore": "{drafted}"}}' in refused
        assert "is no hash" in await chat.refused("rollback", section="menu/s1", revision="latest")
        assert "one section" in await chat.refused("rollback", page="menu", revision=drafted)
        assert live(root) == {"menu/s1": "one"}


async def test_a_newer_draft_stays_and_it_is_said_how_to_discard_it(tmp_path: Path) -> None:
    """R29: who says "undo that draft" learns in time that this takes back what is live."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        await redraft(chat, menu_s1="two")
        dry = await chat.call("rollback", section="menu/s1", dryRun=True)
        assert (
            "goes, and nothing was live before it. The newer draft of menu/s1 stays: "
            in (dry["message"])
        )
        assert 'edit {"section": "menu/s1", "discard": true} discards it' in dry["message"]


async def test_an_older_file_that_was_put_in_place_is_not_what_was_live_then(
    tmp_path: Path,
) -> None:
    """R29: a backup keeps its time; it is live since it is here, and no longer."""
    clock = ManualClock(NOON)
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root, clock=clock) as chat:
        await publish(chat, menu_s1="one")
        clock.advance(DAY_S)
        await publish(chat, menu_s1="two")
        clock.advance(DAY_S)
        edit_file(root, "menu", "two", "of a backup")
        os.utime(root / "content" / "menu.md", (NOON - DAY_S, NOON - DAY_S))
        shown = (await chat.call("review", page="menu", asOf="2026-11-18"))["sections"]
        assert "notes: one" in shown[0]["live"]
        await chat.run("rollback", page="menu", asOf="2026-11-18")
        assert live(root) == {"menu/s1": "one"}
        await chat.run("rollback", section="menu/s1")
        assert live(root) == {"menu/s1": "of a backup"}
