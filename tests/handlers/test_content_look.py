"""The first look at the files of a site, a part of it at a time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from mcp_server.config import Workspace
from mcp_server.content.pages.page_files import PageFiles
from mcp_server.content.pages.sight import Ask, Sight
from mcp_server.jobs.job import JobState
from tests.harness import desk, read_site, small_site, write_site
from tests.promises.moves import QUICK, held, lives, write

pytestmark = pytest.mark.anyio

PAGES = 4


class Waits(PageFiles):
    """Files that count how often a look has to be waited for."""

    waits = 0

    def look(self, asks: Iterable[Ask]) -> dict[str, Sight]:
        found = super().look(asks)
        self.waits += any(each.settles_in_s for each in found.values())
        return found


async def test_files_that_may_just_be_saved_are_waited_for_together(tmp_path: Path) -> None:
    """P3: two seconds for all of a part, however many were changed a moment ago."""
    root = small_site(tmp_path, {"news": 1}, **QUICK)
    sections = [{"id": "s1", "template": "note"}]
    posts = {"id": "posts", "files": "posts/*.md", "sections": sections}
    write_site(root, {**read_site(root), "collections": [posts]})
    (root / "content" / "posts").mkdir(parents=True)
    for n in range(PAGES):
        (root / "content" / "posts" / f"p{n}.md").write_text(f"Page {n}.\n", "utf-8")
    made: list[Waits] = []

    def files_of(space: Workspace) -> PageFiles:
        made.append(Waits(space.root, space.content_dir, space.export_locks))
        return made[0]

    async with held(root, files_of=files_of) as hand, desk(root) as chat:
        await write(chat, news_s1="one")
        await chat.call("promote", section="news/s1")
        [done] = await hand.work(1, "content-look")
        assert (done.state, done.result) == (JobState.COMPLETED, {"pages": PAGES, "blocked": 0})
    assert made[0].waits == 1
    for n in range(PAGES):
        assert [each.markdown for each in await lives(root, f"posts/p{n}/s1")] == [f"Page {n}."]
