"""The pages that collections have by now, on a real folder, with what a real store remembers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from mcp_server.content.actions.page_look import PageLook, look_and_store
from mcp_server.content.actions.site_pages import UNREAD_MAX, SitePages
from mcp_server.content.pages.page_files import PageFiles
from mcp_server.content.site import Collection, Section, Site
from mcp_server.content.template import Field, FieldType, Template
from mcp_server.entities.entity import PRODUCTION
from tests.storage.stores import ENGINES, Bench

pytestmark = pytest.mark.anyio

BODY = Template(
    name="body",
    prompt="Write it.",
    fields=(Field(name="text", type=FieldType.MARKDOWN),),
    format="{text}",
)
POSTS = Collection(
    id="posts",
    files=("posts/**/*.md",),
    sections=(Section(page="", id="body", template="body"),),
)
LATER = 1e12
"""A moment at which every file is old."""


def site_of(*collections: Collection) -> Site:
    """Return a site with these collections, as `site.yaml` has them."""
    return Site(
        title="Kestrel",
        description="",
        language="en",
        facts={},
        pages=(),
        templates={"body": BODY},
        collections=collections,
        hash="h",
    )


class Place:
    """A content folder, a store, and what finds the pages of collections in them."""

    def __init__(self, root: Path, bench: Bench) -> None:
        self.root, self.bench, self.numbers = root, bench, count(1)
        self.files = PageFiles(root, root / "content", root / "locks", wall=lambda: LATER)
        self.pages = SitePages(self.files, bench.entities)
        self.site = site_of(POSTS)

    def put(self, file: str, text: str) -> Path:
        """Write a file as a person does."""
        path = self.root / "content" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    async def found(self) -> list[str]:
        """Return the ids of the pages."""
        return [page.id for page in (await self.pages.all(self.site)).pages]

    async def look(self, page: str) -> PageLook:
        """Look at a page as a job does, and store what was found."""
        site = await self.pages.of_page(self.site, page)
        look = await look_and_store(
            site, page, self.bench.entities, self.files, self.store, alone=True
        )
        assert look is not None
        return look

    async def store(self, effects: object) -> str | None:
        """Store effects, as a job does."""
        batch = f"b{next(self.numbers)}"
        return (await self.bench.submit(batch, effects=effects)).conflict

    async def texts(self, page: str) -> dict[str, list[str | None]]:
        """Return the live texts that a page's sections ever had, oldest first."""
        stored = await self.bench.entities.snapshot([page], history=True)
        return {id: [each.markdown for each in past] for id, past in stored.history.items()}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """A workspace with nothing in it."""
    path = tmp_path / "pressroom.db"
    async with ENGINES["sqlite"](path) as stores:
        yield Place(tmp_path, Bench(stores, ENGINES["sqlite"], path))


async def test_a_new_file_is_a_page_at_the_next_look(place: Place) -> None:
    """And a site that has not changed is the very same one, however many pages it has."""
    place.put("posts/a.md", "One.\n")
    first = await place.pages.all(place.site)
    assert await place.pages.all(place.site) is first
    place.put("posts/2024/b.md", "Two.\n")
    place.put("notes/c.md", "No post.\n")
    assert await place.found() == ["posts/2024/b", "posts/a"]


async def test_a_page_whose_file_was_taken_away_is_a_page_still(place: Place) -> None:
    """P5: absence removes nothing, not even of the whole folder."""
    path = place.put("posts/a.md", "One.\n")
    await place.found()
    await place.look("posts/a")
    path.unlink()
    assert await place.found() == ["posts/a"]
    look = await place.look("posts/a")
    assert look.found.missing
    assert look.live == {"body": "One."}
    (place.root / "content").rename(place.root / "elsewhere")
    assert await place.found() == ["posts/a"]


async def test_a_look_by_a_job_stores_what_it_found_once(place: Place) -> None:
    """P4: the first text is the ground, an edit a revision of the file's; then there is nothing."""
    path = place.put("posts/a.md", "One.\n")
    assert (await place.look("posts/a")).effects == ()
    path.write_text("Two.\n")
    assert (await place.look("posts/a")).live == {"body": "Two."}
    await place.look("posts/a")
    assert await place.texts("posts/a") == {"posts/a/body": ["One.", "Two."]}
    live = await place.bench.entities.get(PRODUCTION, "posts/a/body")
    assert live is not None and live.current.author.kind == "file"


async def test_a_look_that_somebody_has_overtaken_is_made_again(place: Place) -> None:
    """P1: what another process stored meanwhile is read anew, and nothing is stored twice."""
    place.put("posts/a.md", "One.\n")
    stored = place.store
    meant: list[object] = []

    async def overtaken(effects: object) -> str | None:
        if not meant:
            meant.append(effects)
            assert await stored(effects) is None  # by another process, a moment before
        return await stored(effects)

    site = await place.pages.of_page(place.site, "posts/a")
    look = await look_and_store(
        site, "posts/a", place.bench.entities, place.files, overtaken, alone=True
    )
    assert look is not None
    assert (look.effects, look.live) == ((), {"body": "One."})
    assert await place.texts("posts/a") == {"posts/a/body": ["One."]}


async def test_texts_and_history_go_with_a_file_that_is_renamed(place: Place) -> None:
    """The very same bytes are gone and have come: it is the page under another name."""
    path = place.put("posts/a.md", "One.\n")
    place.put("posts/other.md", "Other.\n")
    await place.look("posts/a")
    path.write_text("Two.\n")
    await place.look("posts/a")
    await place.look("posts/other")
    path.rename(path.with_name("b.md"))
    assert await place.found() == ["posts/b", "posts/other"]
    assert await place.texts("posts/b") == {"posts/b/body": ["One.", "Two."]}
    assert await place.texts("posts/a") == {}
    assert (await place.look("posts/b")).effects == ()


async def test_of_two_files_that_were_the_same_none_is_taken_for_the_other(place: Place) -> None:
    """Both went and one has come: it is a new page, and both old ones are missing."""
    first, second = (place.put(f"posts/{name}.md", "Same.\n") for name in "ab")
    for page in ("posts/a", "posts/b"):
        await place.look(page)
    first.rename(first.with_name("c.md"))
    second.unlink()
    assert await place.found() == ["posts/a", "posts/b", "posts/c"]
    assert await place.texts("posts/c") == {}


async def test_a_page_is_found_without_looking_at_the_folder(place: Place) -> None:
    """For a job, which knows its id: by what is remembered, or else by the pattern."""
    path = place.put("posts/deep/index.md", "One.\n")
    await place.found()
    (new,) = (await place.pages.of_page(place.site, "posts/new")).pages
    assert (new.id, new.file) == ("posts/new", "posts/new.md")
    path.unlink()
    named = await place.pages.of_page(place.site, "notes/x")
    assert named.page("notes/x") is None


async def test_the_headings_of_a_page_that_is_named_are_known_on_a_site_of_many(
    place: Place,
) -> None:
    """Of the others that nobody has looked at yet, only the first are read."""
    for number in range(UNREAD_MAX + 2):
        place.put(f"posts/p{number:03}.md", f"## One {number}\n\nText.\n")
    site, last = site_of(replace(POSTS, split=True)), f"posts/p{UNREAD_MAX + 1:03}"
    of_all = (await place.pages.all(site)).page(last)
    named = (await place.pages.all(site, [last])).page(last)
    assert of_all is not None and of_all.sections == ()
    assert named is not None
    assert [section.id for section in named.sections] == [f"one-{UNREAD_MAX + 1}"]
