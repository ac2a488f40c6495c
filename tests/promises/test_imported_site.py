"""A site that was there before: what is known of its pages, also when the site has one no more."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.harness import desk, read_site, write_settings, write_site
from tests.interfaces.test_cli import pressroom
from tests.interfaces.test_doctor import findings
from tests.promises.moves import QUICK, held

pytestmark = pytest.mark.anyio

POST = "---\nlayout: wide # as it is\ntitle: 'Hello'\n---\n\nHello, {name}.\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace made of a site with two posts."""
    posts = tmp_path / "content" / "posts"
    posts.mkdir(parents=True)
    (tmp_path / "hugo.toml").write_text('title = "Site"\n', "utf-8")
    for name in ("ada", "bob"):
        (posts / f"{name}.md").write_text(POST.format(name=name), "utf-8")
    assert pressroom("init", tmp_path).returncode == 0
    write_settings(tmp_path, **QUICK, content_dir="content")
    return tmp_path


def sections(review: Mapping[str, Any]) -> dict[str, tuple[str, str | None]]:
    """Return the state and the note of each section."""
    return {row["section"]: (row["state"], row.get("note")) for row in review["sections"]}


async def edited(root: Path) -> None:
    """Make a new text of a post live."""
    async with desk(root) as chat:
        await chat.call("edit", section="posts/ada/body", text="Goodbye, ada.")
        await chat.run("promote", section="posts/ada/body")


async def test_the_doctor_knows_the_pages_of_collections(root: Path) -> None:
    """Nobody has edited anything; then somebody has."""
    await edited(root)
    found = findings(root, code=0)
    assert [row["level"] for row in found["files"]] == ["ok"]
    assert "0 pages, 0 sections, and those of a collection" in found["site"][0]["message"]
    page = root / "content" / "posts" / "ada.md"
    page.write_text(page.read_text("utf-8").replace("Goodbye", "Farewell"), "utf-8")
    [row] = findings(root, code=0)["files"]
    assert row["message"] == "content/posts/ada.md was edited; what it says is live"


async def test_a_page_that_its_collection_excludes_is_read_as_before(root: Path) -> None:
    """P5: its title is still its title, and nobody has changed a word."""
    await edited(root)
    site = read_site(root)
    site["collections"][0]["exclude"] = "posts/ada.md"
    write_site(root, site)
    async with desk(root) as chat:
        found = sections(await chat.call("review", page="posts/ada"))
        assert found == {"posts/ada/body": ("orphaned", None), "posts/ada/meta": ("orphaned", None)}
        await chat.run("rollback", section="posts/ada/body")
    assert (root / "content" / "posts" / "ada.md").read_text("utf-8") == POST.format(name="ada")


async def test_front_matter_is_edited_by_its_keys_only(root: Path) -> None:
    """P8: what could not go into the file is refused at once; a line for a key is the key."""
    page = root / "content" / "posts" / "ada.md"
    async with desk(root) as chat:
        refused = await chat.refused("edit", section="posts/ada/meta", text="layout: narrow")
        assert "only title, description" in refused
        refused = await chat.refused("edit", section="posts/ada/meta", text="No key at all")
        assert "is not `key: value`" in refused
        await chat.call("edit", section="posts/ada/meta", text="title:   Hello again")
        await chat.call("edit", section="posts/ada/meta", fields={"title": "Hello, Ada"})
        await chat.run("promote", section="posts/ada/meta")
    before = POST.format(name="ada")
    assert page.read_text("utf-8") == before.replace("'Hello'", "'Hello, Ada'")


async def test_pages_of_collections_are_shown_by_the_titles_of_their_files(root: Path) -> None:
    """Of those whose sections are shown; as the file says it by now."""
    (root / "content" / "posts" / "carl.md").write_text("No front matter.\n", "utf-8")
    async with desk(root) as chat:
        assert titles(await chat.call("review")) == {
            "posts/ada": "Hello",
            "posts/bob": "Hello",
            "posts/carl": None,
        }
        assert titles(await chat.call("review", page="posts/ada")) == {"posts/ada": "Hello"}
        page = root / "content" / "posts" / "ada.md"
        page.write_text(page.read_text("utf-8").replace("'Hello'", "Ada"), "utf-8")
        assert titles(await chat.call("review", page="posts/ada")) == {"posts/ada": "Ada"}


def titles(review: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the title of each page."""
    return {row["page"]: row.get("title") for row in review["pages"]}


@pytest.mark.parametrize("apart", ["content-unpublish", "content-rollback"])
async def test_a_page_that_goes_or_comes_back_in_two_writes_is_what_it_was(
    root: Path, apart: str
) -> None:
    """P9: its front matter is in the order that somebody gave it, whichever section came first."""
    page = root / "content" / "posts" / "ada.md"
    async with held(root) as hand, desk(root) as chat:
        off = await chat.call("unpublish", page="posts/ada")
        for kind in ("content-unpublish", "content-rollback"):
            if kind == "content-rollback":
                assert not page.exists()
                await chat.call("rollback", batchId=off["batchId"])
            if kind == apart:
                await hand.work(1, kind)
                await hand.work(1, "content-export")
            await hand.finish()
    assert page.read_text("utf-8") == POST.format(name="ada")


async def test_a_key_that_somebody_took_out_is_told_apart_from_a_file_that_is_gone(
    root: Path,
) -> None:
    """P5: nothing comes back in bulk, and the note says what is gone, and from where."""
    page = root / "content" / "posts" / "ada.md"
    async with desk(root) as chat:
        await chat.call("edit", section="posts/ada/meta", fields={"title": "Baking for two"})
        await chat.run("promote", section="posts/ada/meta")
        page.write_text("Hello, ada.\n", "utf-8")
        _, note = sections(await chat.call("review", page="posts/ada"))["posts/ada/meta"]
        assert str(note).startswith("somebody has taken meta out of content/posts/ada.md; promote")


async def test_a_page_in_a_folder_that_is_named_as_a_section_is_said_to_be_a_page(
    root: Path,
) -> None:
    """`posts/ada` looks like a section of `posts`."""
    async with desk(root) as chat:
        for tool in ("review", "promote", "generate"):
            assert "name it as page" in await chat.refused(tool, section="posts/ada")
    assert "--page" in pressroom("review", "posts/ada", "--workspace", root).stderr


async def test_the_chat_writes_a_title_from_what_the_page_says(root: Path) -> None:
    """Whoever is asked for the values of the front matter is shown the text of the page."""
    async with desk(root) as chat:
        brief = await chat.call("review", section="posts/ada/meta", brief=True)
        assert "Hello, ada." in str(brief)
        assert "Hello, ada." not in str(
            await chat.call("review", section="posts/bob/meta", brief=True)
        )
