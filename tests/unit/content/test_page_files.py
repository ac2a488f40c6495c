"""Who may export a page: one at a time."""

from __future__ import annotations

import os
from pathlib import Path

import anyio
import pytest

from mcp_server.content.pages.disk import ExportFailed, PageHeld
from mcp_server.content.pages.page_files import PageFiles

pytestmark = pytest.mark.anyio


def files_in(root: Path) -> PageFiles:
    """Return the page files of a workspace, as another process has them for itself."""
    return PageFiles(root, root / "content", root / "export-locks")


async def test_a_page_is_exported_by_one_at_a_time(tmp_path: Path) -> None:
    """Whoever waits in vain is told why; another page is nobody else's."""
    async with files_in(tmp_path).locked("menu"):
        async with files_in(tmp_path).locked("about", within_s=0):
            pass
        with pytest.raises(PageHeld) as failed:
            async with files_in(tmp_path).locked("menu", within_s=0):
                raise AssertionError("two at once")
    async with files_in(tmp_path).locked("menu", within_s=0):
        pass
    assert str(failed.value) == (
        f"content/menu.md cannot be exported: process {os.getpid()} is in the middle of it and "
        "does not go on; let it go on, or end it"
    )


async def test_who_waits_for_a_page_gets_it_when_it_is_free(tmp_path: Path) -> None:
    """In the order of the locks, not of time: nothing of the second is done before the first."""
    done: list[str] = []

    async def second() -> None:
        async with files_in(tmp_path).locked("menu"):
            done.append("second")

    async with anyio.create_task_group() as group, files_in(tmp_path).locked("menu"):
        group.start_soon(second)
        await anyio.wait_all_tasks_blocked()
        done.append("first")
    assert done == ["first", "second"]


async def test_who_gives_up_waiting_leaves_the_page_to_others(tmp_path: Path) -> None:
    """A wait that is cancelled holds nothing."""

    async def waits() -> None:
        async with files_in(tmp_path).locked("menu"):
            raise AssertionError("two at once")

    async with files_in(tmp_path).locked("menu"), anyio.create_task_group() as group:
        group.start_soon(waits)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    async with files_in(tmp_path).locked("menu", within_s=0):
        pass


async def test_a_lock_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    """The export is tried again, as with a file that cannot be written."""
    (tmp_path / "export-locks").write_text("no folder")
    with pytest.raises(ExportFailed, match=r"export-locks/menu\.lock cannot be taken: its folder"):
        async with files_in(tmp_path).locked("menu"):
            raise AssertionError("not alone")
