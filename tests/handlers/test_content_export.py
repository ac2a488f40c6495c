"""The export of one page, job by job: what it changes in the file, and what it leaves alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mcp_server.content.pages.layout import Layout
from mcp_server.jobs.job import Job, JobState
from tests.harness import Desk, desk, small_site
from tests.promises.moves import QUICK, Hand, held, lives, words

pytestmark = pytest.mark.anyio

FILE = (
    "---\r\ntitle:   'Menu'  # as it was\r\nlayout: wide\r\ndraft: true\r\n"
    "aliases: [/food/]\r\n---\r\n\r\nSoup.\r\n\r\n\r\n"
)
OLD = 1_000_000_000
"""When the files of these tests were changed: nobody is saving them."""


def existing(root: Path, text: str = FILE) -> Path:
    """Make a site with a page that was there before; return its file."""
    small_site(root, {"menu": 1}, **QUICK)
    path = root / "content" / "menu.md"
    path.parent.mkdir()
    return saved(path, text)


def saved(path: Path, text: str) -> Path:
    """Save a file long ago."""
    path.write_bytes(text.encode())
    os.utime(path, (OLD, OLD))
    return path


async def promoted(hand: Hand, chat: Desk, text: str) -> str:
    """Edit and promote the page, up to its export, which waits; return the batch."""
    await chat.call("edit", section="menu/s1", text=f"## Menu\n\n{text}")
    batch = (await chat.call("promote", section="menu/s1"))["batchId"]
    [done] = await hand.work(1, "content-promote")
    assert done.state is JobState.COMPLETED
    return batch


async def export(hand: Hand) -> Job:
    """Run the export that waits, once."""
    [job] = await hand.work(1, "content-export")
    return job


async def test_only_the_span_changes_and_a_rollback_puts_back_the_very_bytes(
    tmp_path: Path,
) -> None:
    """P7, P9: front matter, line ends and blank lines belong to whoever wrote them."""
    path = existing(tmp_path)
    async with held(tmp_path) as hand, desk(tmp_path) as chat:
        await promoted(hand, chat, "stew")
        assert (await export(hand)).result == {"file": "content/menu.md", "removed": False}
        before, after = FILE.split("Soup.")
        told = path.read_bytes().decode()
        assert told.startswith(before) and told.endswith(after)
        assert "stew" in told and "Soup" not in told
        await chat.call("rollback", section="menu/s1")
        await hand.finish()
        assert path.read_bytes().decode() == FILE


async def test_an_edit_between_the_promotion_and_its_export_counts(tmp_path: Path) -> None:
    """P1: the file wins, the promoted text is in the history, and the batch says so."""
    path = existing(tmp_path)
    async with held(tmp_path) as hand, desk(tmp_path) as chat:
        batch = await promoted(hand, chat, "stew")
        edited = FILE.replace("Soup.", "Soup of the day.")
        saved(path, edited)
        done = await export(hand)
        assert (done.state, done.code) == (JobState.FAILED, "conflict")
        assert path.read_bytes().decode() == edited
        status = await chat.call("status", batchId=batch)
        assert "content/menu.md was edited meanwhile" in str(status)
    past = [words(each.markdown or "") for each in await lives(tmp_path, "menu/s1")]
    assert past == ["Soup.", "stew", "Soup of the day."]


async def test_a_file_that_is_blocked_meanwhile_is_written_by_retry_once_it_is_mended(
    tmp_path: Path,
) -> None:
    """P6, R21: it is left as it is, with its line and reason."""
    path = existing(tmp_path)
    async with held(tmp_path) as hand, desk(tmp_path) as chat:
        batch = await promoted(hand, chat, "stew")
        merge = FILE.replace("Soup.", "<<<<<<< a\r\nSoup.\r\n=======\r\nStew.\r\n>>>>>>> b")
        saved(path, merge)
        done = await export(hand)
        assert done.reason is not None and done.reason.startswith("content/menu.md:8: ")
        assert path.read_bytes().decode() == merge
        saved(path, FILE)
        await chat.call("retry", batchId=batch)
        await hand.finish()
        assert "stew" in path.read_bytes().decode()


async def test_a_file_that_was_removed_meanwhile_stays_away(tmp_path: Path) -> None:
    """P5: the batch ends, and the file is missing until a call names its page."""
    path = existing(tmp_path)
    async with held(tmp_path) as hand, desk(tmp_path) as chat:
        await promoted(hand, chat, "stew")
        path.unlink()
        assert (await export(hand)).state is JobState.COMPLETED
        assert not path.exists()
        await chat.call("promote", page="menu")
        await hand.finish()
        assert "stew" in path.read_text()


async def test_a_page_that_another_process_holds_is_tried_again_later(tmp_path: Path) -> None:
    """A frozen worker that holds it goes on where it was: nothing may have been written."""
    path = existing(tmp_path)
    async with held(tmp_path) as hand, desk(tmp_path) as chat:
        await promoted(hand, chat, "stew")
        async with hand.parts.files.locked(Layout(page="menu", file="menu.md")):
            waits = await export(hand)
        assert waits.state is JobState.SCHEDULED
        assert waits.reason is not None and "is in the middle of it" in waits.reason
        assert path.read_bytes().decode() == FILE
        await hand.finish()
        assert "stew" in path.read_bytes().decode()


async def test_an_export_again_changes_nothing(tmp_path: Path) -> None:
    """A worker that died right before the end was stored has it run twice."""
    path = existing(tmp_path)
    async with held(tmp_path) as hand, desk(tmp_path) as chat:
        await promoted(hand, chat, "stew")
        attempt = await hand.claim("content-export")
        assert attempt is not None
        await hand.run(attempt)
        written = path.read_bytes()
        await hand.run(attempt)
        assert path.read_bytes() == written
        assert len(await lives(tmp_path, "menu/s1")) == 2
