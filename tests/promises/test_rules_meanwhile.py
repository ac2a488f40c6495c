"""R13 and P1: what happens while a call looks at what stands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import anyio.from_thread
import pytest

from mcp_server.clock import new_id
from mcp_server.content.actions.calls import ChangeCall, EditCall, GenerateCall, Selector
from mcp_server.content.actions.drafting_model import DraftingModel
from mcp_server.content.actions.edit import EditAction
from mcp_server.content.actions.reader import ContentReader
from mcp_server.content.actions.reviewed import Room, Window
from mcp_server.content.actions.submit import Submitter
from mcp_server.content.pages.page_files import PageFiles
from mcp_server.content.pages.sight import Ask, Sight
from mcp_server.content.service import ContentService
from mcp_server.content.workspace.loader import SiteLoader
from mcp_server.entities.entity import Author
from mcp_server.errors import InvalidTransition
from mcp_server.jobs.batch import BatchLimits, BatchService
from mcp_server.jobs.job import Origin
from mcp_server.jobs.records import Applied
from mcp_server.meaning.embedder import why_not_embedded
from mcp_server.meaning.finding import Finder
from tests.harness import desk, small_site
from tests.locking import locked
from tests.promises.moves import QUICK, Hand, drafts, held, ids, live, lives, publish, redraft

pytestmark = pytest.mark.anyio

WINDOW = Window(room=Room(bytes=2_000, text=80), limit=10)

ME = Origin(owner="local", interface="test")


Files = TypeVar("Files", bound=PageFiles)
Happening = Callable[[], Coroutine[Any, Any, object]]


class Meanwhile(PageFiles):
    """Files to which something happens at the first look, when the store was read already."""

    happens: Happening | None = None

    def look(self, asks: Iterable[Ask]) -> dict[str, Sight]:
        happens, self.happens = self.happens, None
        if happens is not None:
            anyio.from_thread.run(happens)
        return super().look(asks)


class Old(PageFiles):
    """Files that nobody can be saving any more; with each look the next thing happens."""

    happenings: list[Happening]

    def __init__(self, root: Path, content_dir: Path, locks: Path) -> None:
        super().__init__(root, content_dir, locks, wall=lambda: 4e9)
        self.happenings = []

    def look(self, asks: Iterable[Ask]) -> dict[str, Sight]:
        if self.happenings:
            anyio.from_thread.run(self.happenings.pop(0))
        return super().look(asks)


class Looks(PageFiles):
    """Files that keep which pages were looked at."""

    def __init__(self, root: Path, content_dir: Path, locks: Path) -> None:
        super().__init__(root, content_dir, locks)
        self.pages: set[str] = set()

    def look(self, asks: Iterable[Ask]) -> dict[str, Sight]:
        asks = list(asks)
        self.pages |= {ask.layout.page for ask in asks}
        return super().look(asks)


def files_of(hand: Hand, kind: type[Files]) -> Files:
    """Return the workspace's files, as one of the kinds above."""
    space = hand.parts.workspace
    return kind(space.root, space.content_dir, space.export_locks)


async def looking_at(hand: Hand, happens: Happening) -> ContentService:
    """Return a service during whose next call `happens` happens."""
    files = files_of(hand, Meanwhile)
    content = await service(hand, files)
    files.happens = happens
    return content


async def service(
    hand: Hand, files: PageFiles, batches: BatchService | None = None
) -> ContentService:
    """Return a service that has looked at the workspace before."""
    parts, clock = hand.parts, hand.clock
    reader = ContentReader(SiteLoader(parts.workspace), parts.entities, files, clock)
    await reader.read()
    batches = batches or BatchService(
        parts.store,
        parts.registry,
        clock,
        partial(new_id, "j", clock),
        BatchLimits(jobs_max=10),
    )
    submitter = Submitter(batches, partial(new_id, "b", clock), clock)
    return ContentService(
        reader,
        parts.entities,
        batches,
        submitter,
        files,
        DraftingModel(parts.model, parts.grants, None),
        parts.jobs.queue,
        parts.meaning,
        Finder(parts.meaning, None),
        only_words=None,
        entity_types=(),
        why_not_embedded=partial(why_not_embedded, parts.store),
        max_retries=0,
    )


@pytest.mark.parametrize("jobs", [1, 2, 4])
async def test_what_a_promotion_makes_live_while_it_is_rolled_back_is_taken_back(
    tmp_path: Path, jobs: int
) -> None:
    """R13: the rollback has looked at one live section when the next ones go live, or all do."""
    root = small_site(tmp_path, {"menu": 4}, **QUICK)
    words = {"menu_s1": "1", "menu_s2": "2", "menu_s3": "3", "menu_s4": "4"}
    async with desk(root) as chat:
        await redraft(chat, **words)
    async with held(root) as hand, desk(root) as chat:
        batch = (await chat.call("promote"))["batchId"]
        await hand.work(1, "content-promote")
        more = partial(hand.work, min(jobs, 3), "content-promote")
        content = await looking_at(hand, more if jobs < 4 else hand.finish)
        back = await content.rollback(ChangeCall(batch_id=batch), ME)
        assert back.total_sections == 1 + min(jobs, 3)
        await hand.finish()
        assert live(root) == {}
        assert set(await chat.states()) == set(ids(words))
        assert not await hand.parts.entities.get_all("production")


class Late(BatchService):
    """Batches to which something happens right before an edit is saved."""

    happens: Happening | None = None

    async def apply(
        self, effects: Sequence[object], *, free: Collection[str], owner: str
    ) -> Applied:
        happens, self.happens = self.happens, None
        if happens is not None:
            await happens()
        return await super().apply(effects, free=free, owner=owner)


async def test_an_edit_is_not_made_against_a_live_text_that_is_gone_by_then(
    tmp_path: Path,
) -> None:
    """R7, R30: its draft went live meanwhile; with that one's base it could not be promoted."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with desk(root) as chat:
        await redraft(chat, menu_s1="one")
    async with held(root) as hand, desk(root) as chat:
        parts, clock = hand.parts, hand.clock
        jobs = partial(new_id, "j", clock)
        batches = Late(parts.store, parts.registry, clock, jobs, BatchLimits(jobs_max=10))
        files = files_of(hand, PageFiles)
        reader = ContentReader(SiteLoader(parts.workspace), parts.entities, files, clock)
        edit = EditAction(reader, parts.entities, batches)
        call = EditCall(selector=Selector(section="menu/s1"), text="two")
        await chat.call("promote")
        batches.happens = hand.finish
        with pytest.raises(InvalidTransition, match="Call again"):
            await edit(call, Author(kind="chat"), ME)
        await edit(call, Author(kind="chat"), ME)
        await chat.call("promote")
        await hand.finish()
        assert live(root) == {"menu/s1": "two"}


async def test_an_edit_is_made_though_others_look_at_the_page_for_the_first_time(
    tmp_path: Path,
) -> None:
    """P1, P2: what its file says is stored by them meanwhile, and is as it was."""
    root = theirs(tmp_path, "menu")
    async with held(root) as hand:
        parts, clock = hand.parts, hand.clock
        jobs = partial(new_id, "j", clock)
        batches = Late(parts.store, parts.registry, clock, jobs, BatchLimits(jobs_max=10))
        content = await service(hand, files_of(hand, Old), batches)
        batches.happens = partial(edited, await service(hand, files_of(hand, Old)), "menu/s2")
        await edited(content, "menu/s1")
        assert [each.markdown for each in await drafts(root, "menu/s1")] == ["Anew."]
        assert [each.markdown for each in await drafts(root, "menu/s2")] == ["Anew."]
        assert [each.author.kind for each in await lives(root, "menu/s1")] == ["adopted"]


async def test_many_pages_can_be_looked_at_while_others_look_at_one_after_the_other(
    tmp_path: Path,
) -> None:
    """P2: as during the first look at a big site, which takes longer than any call."""
    pages = [f"page{n}" for n in range(6)]
    root = theirs(tmp_path, *pages)
    async with held(root) as hand:
        files = files_of(hand, Old)
        content, other = await service(hand, files), await service(hand, files_of(hand, Old))
        files.happenings = [partial(edited, other, f"{page}/s2") for page in pages[:-1]]
        shown = await content.review(Selector(), ME, window=WINDOW)
        assert shown.counts == {"live": 12 - 5, "changed": 5}
        assert not files.happenings


def theirs(folder: Path, *pages: str) -> Path:
    """Make a site whose pages have files that nobody has looked at."""
    root = small_site(folder, dict.fromkeys(pages, 2), **QUICK)
    (root / "content").mkdir()
    for page in pages:
        text = "<!-- section: s1 -->\n\nOne.\n\n<!-- section: s2 -->\n\nTwo.\n"
        (root / "content" / f"{page}.md").write_text(text)
    return root


async def edited(content: ContentService, section: str) -> None:
    """Write a section by hand."""
    call = EditCall(selector=Selector(section=section), text="Anew.")
    await content.edit(call, Author(kind="chat"), ME)


async def test_an_export_during_a_look_is_not_taken_for_an_edit(tmp_path: Path) -> None:
    """P1: what is known of files is read first, so the file may be newer than that."""
    root = small_site(tmp_path, {"menu": 2}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one")
        await redraft(chat, menu_s1="two", menu_s2="two")
    async with held(root) as hand, desk(root) as chat:
        await chat.call("promote", section="menu/s1")
        content = await looking_at(hand, hand.finish)
        call = ChangeCall(selector=Selector(section="menu/s2"), dry_run=True)
        shown = await content.promote(call, ME)
        assert [each.conflict for each in shown.planned] == [None]
        assert "edited" not in str(shown.notes)
        assert live(root) == {"menu/s1": "two"}
        edited = (await chat.call("review", section="menu/s1"))["sections"]
        assert "edited" not in str(edited)


async def test_a_call_that_only_looks_does_not_write(tmp_path: Path) -> None:
    """Another process holds the lock that every write takes."""
    root = small_site(tmp_path, {"menu": 1}, **QUICK)
    async with held(root), desk(root) as chat:
        await chat.call("review")
        with locked(root):
            (row,) = (await chat.call("review"))["sections"]
            planned = await chat.call("generate", dryRun=True)
        assert (row["section"], planned["totalSections"]) == ("menu/s1", 1)


async def test_a_call_looks_at_the_files_of_the_pages_that_it_concerns_only(
    tmp_path: Path,
) -> None:
    """Whether these are named, or are those of a batch; retrying concerns no file."""
    root = small_site(tmp_path, {"menu": 2, "home": 2, "news": 1}, **QUICK)
    async with desk(root) as chat:
        await publish(chat, menu_s1="one", home_s1="one", news_s1="one")
        drafted = await redraft(chat, menu_s1="two")
        promoted = (await chat.run("promote", batchId=drafted))["batchId"]
        await redraft(chat, menu_s2="three", home_s2="three")
    async with held(root) as hand, desk(root) as chat:
        stopped = (await chat.call("generate", page="home", mode="new"))["batchId"]
        await chat.call("cancel", batchId=stopped)
        files = files_of(hand, Looks)
        content = await service(hand, files)
        menu = Selector(page="menu")

        async def looked_at(call: Awaitable[object]) -> set[str]:
            files.pages.clear()
            await call
            return {*files.pages}

        assert await looked_at(content.review(menu, ME, window=WINDOW)) == {"menu"}
        named = Selector(section="menu/s1", sections=("news/s1",))
        assert await looked_at(content.review(named, ME, window=WINDOW)) == {"menu", "news"}
        for call in (
            ChangeCall(selector=menu, dry_run=True),
            ChangeCall(selector=Selector(page="menu", section="s2"), force=True, dry_run=True),
        ):
            assert await looked_at(content.promote(call, ME)) == {"menu"}
            assert await looked_at(content.rollback(call, ME)) == {"menu"}
        forth = ChangeCall(batch_id=drafted, dry_run=True)
        assert await looked_at(content.promote(forth, ME)) == {"menu"}
        back = ChangeCall(batch_id=promoted, dry_run=True)
        assert await looked_at(content.rollback(back, ME)) == {"menu"}
        assert await looked_at(content.rollback(ChangeCall(dry_run=True), ME)) == {"menu"}
        draft = GenerateCall(selector=menu, mode="new", dry_run=True)
        assert await looked_at(content.generate(draft, ME)) == {"menu"}
        assert await looked_at(content.retry(stopped, ME)) == set()
