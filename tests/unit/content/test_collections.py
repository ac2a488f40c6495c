"""The pages of collections: which file is whose, in which order, and what blocks a page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mcp_server.content.expanded import doubts_of, expanded, expanded_for
from mcp_server.content.pages.layout import Part, layout_of
from mcp_server.content.site import Collection, Page, Section, Site
from mcp_server.content.template import Field, FieldType, Template
from mcp_server.content.workspace.loader import site_from_document, site_to_document

META = Template(
    name="meta",
    prompt="Write it.",
    fields=(
        Field(name="title", type=FieldType.LINE),
        Field(name="og-image", type=FieldType.URL, required=False),
    ),
    format="",
    front_matter=True,
)
BODY = Template(
    name="body",
    prompt="Write it.",
    fields=(Field(name="text", type=FieldType.MARKDOWN),),
    format="{text}",
)
SECTIONS = (
    Section(page="", id="meta", template="meta"),
    Section(page="", id="body", template="body"),
)
POSTS = Collection(
    id="posts",
    files=("posts/**/*.md", "{language}/posts/**/*.md"),
    exclude=("posts/drafts/**",),
    sections=SECTIONS,
    front={"layout": "post"},
)
DOCS = Collection(id="docs", files=("**/*.md", "**/*.mdx", "**/*.html"), sections=SECTIONS)


def site(*collections: Collection, pages: tuple[Page, ...] = ()) -> Site:
    """Return a site with these collections and pages."""
    return Site(
        title="Kestrel",
        description="",
        language="en",
        facts={},
        pages=pages,
        templates={"meta": META, "body": BODY},
        collections=collections,
        hash="h",
    )


def test_the_pages_of_a_collection_are_its_files() -> None:
    """By path, after those that site.yaml names, each with the collection's sections."""
    home = Page(id="home", title="Home", sections=(Section(page="home", id="body", text="Hi"),))
    found = expanded(site(POSTS, pages=(home,)), ["posts/b.md", "posts/a/index.md", "x.md"])
    assert [page.id for page in found.pages] == ["home", "posts/a", "posts/b"]
    assert list(found.section_ids) == [
        "home/body",
        "posts/a/meta",
        "posts/a/body",
        "posts/b/meta",
        "posts/b/body",
    ]
    page, section = found.page("posts/a"), found.section("posts/a/body")
    assert page is not None
    assert section is not None
    assert (page.file, page.collection, page.title) == ("posts/a/index.md", "posts", "")
    assert (section.page, section.template, section.entity_id) == (
        "posts/a",
        "body",
        "posts/a/body",
    )
    assert found.hash == "h"
    assert found.page("x") is None


def test_the_first_that_a_file_fits_has_it() -> None:
    """Pages before collections, these in order; what one excludes, the next may have."""
    home = Page(id="start", title="Home", file="posts/start.md")
    paths = ["about.md", "posts/a.md", "posts/drafts/b.md", "posts/start.md"]
    found = expanded(site(POSTS, DOCS, pages=(home,)), paths)
    assert {page.id: page.collection for page in found.pages} == {
        "start": "",
        "posts/a": "posts",
        "about": "docs",
        "posts/drafts/b": "docs",
    }


def test_a_part_of_the_path_is_the_language_of_a_page() -> None:
    """The file's own key wins over it, and both over the collection; else it is the site's."""
    posts = replace(POSTS, language="fr", language_key="lang")
    paths = ["de/posts/a.md", "de/posts/b.md", "posts/c.md"]
    found = expanded(site(posts), paths, languages={"de/posts/b": "nl"})
    said = {page.id: found.language_of(page.id) for page in found.pages}
    assert said == {"de/posts/a": "de", "de/posts/b": "nl", "posts/c": "fr"}
    assert expanded(site(POSTS), ["posts/c.md"]).language_of("posts/c") == "en"


@pytest.mark.parametrize(
    "paths",
    [
        ["a.md", "a.html"],
        ["a.md", "a/index.md"],
        ["a.md", "A.md"],
        ["\u00fc.md", "u\u0308.md"],
        ["a/x.md", "A/x.md"],
    ],
)
def test_two_files_for_one_page_block_that_page_only(paths: list[str]) -> None:
    """P6: whichever platform takes them for one."""
    found = expanded(site(DOCS), [*paths, "other.md"])
    assert set(found.blocked) == {page.id for page in found.pages} - {"other"}
    assert all("two files claim one page" in why for why in found.blocked.values())
    assert len({page.id for page in found.pages}) == len(found.pages)


def test_a_file_may_be_in_the_way_of_a_page_of_site_yaml() -> None:
    """The page keeps the file that site.yaml says."""
    home = Page(id="home", title="Home", file="start.md")
    found = expanded(site(DOCS, pages=(home,)), ["home.md", "start.md"])
    assert list(found.blocked) == ["home"]
    assert [page.file for page in found.pages] == ["start.md"]


def test_a_pattern_that_no_file_fits_is_told_with_its_place() -> None:
    """A pattern whose files an earlier collection has is not such a one."""
    found = expanded(site(DOCS, POSTS), ["posts/a.md", "b.mdx", "c.html"])
    assert found.unmatched == (("posts", "{language}/posts/**/*.md"),)
    (doubt, left_out) = doubts_of(
        found,
        {("posts", "{language}/posts/**/*.md"): "pressroom/site.yaml:7"},
        {"x:y.md": "no name", "z.txt": "not ours"},
    )
    assert doubt.startswith("pressroom/site.yaml:7: collection posts: no file fits '{language}/")
    assert left_out == "'x:y.md' is left out: no name"


def test_a_new_file_changes_neither_the_hash_nor_the_stored_site() -> None:
    """Collections are stored as site.yaml has them."""
    before = site(POSTS)
    found = expanded(before, ["posts/a.md"])
    document = site_to_document(found)
    assert document == site_to_document(before)
    back = site_from_document(document)
    assert (back.collections, back.pages) == (before.collections, ())


def test_a_site_that_was_expanded_before_is_expanded_anew() -> None:
    """Pages that are as they were are the same ones; gone files are gone, blocked ones free."""
    once = expanded(site(DOCS), ["a.md", "b.md", "b/index.md"])
    again = expanded(once, ["a.md", "b.md", "c.md"], before=once)
    assert again == expanded(site(DOCS), ["a.md", "b.md", "c.md"])
    assert again.page("a") is once.page("a")
    assert not again.blocked


def test_the_headings_of_a_file_are_the_sections_of_a_split_page() -> None:
    """As earlier looks have found them; the section that is no meta is the pattern for all."""
    split = replace(POSTS, split=True)
    paths = ["posts/a.md", "posts/b.md"]
    found = expanded(site(split), paths, {"posts/a": ("intro", "prices", "meta")})
    assert list(found.section_ids) == [
        "posts/a/meta",
        "posts/a/intro",
        "posts/a/prices",
        "posts/b/meta",
    ]
    prices = found.section("posts/a/prices")
    assert prices is not None
    assert prices.template == "body"
    later = {"posts/a": ("intro",), "posts/b": ("intro",)}
    again = expanded(found, paths, later, before=found)
    assert again == expanded(site(split), paths, later)


def test_a_locked_collection_locks_pages_whose_file_is_gone() -> None:
    """Somebody said so of all its pages; a page that site.yaml names is not one of them."""
    mine = Page(id="posts/mine", title="Mine")
    found = expanded(site(replace(POSTS, locked=True), pages=(mine,)), ["posts/a.md"])
    ids = ("posts/a/body", "posts/gone/body", "posts/mine/body", "about/body")
    assert [found.is_locked(id) for id in ids] == [True, True, False, False]
    assert found.has_locks
    section = replace(SECTIONS[1], locked=True)
    one = expanded(site(replace(POSTS, sections=(SECTIONS[0], section))), ["posts/a.md"])
    assert [one.is_locked(f"posts/{id}") for id in ("a/body", "a/meta", "gone/body")] == [
        True,
        False,
        True,
    ]
    assert not site(POSTS).has_locks


def test_a_section_is_known_without_a_look_at_the_folder() -> None:
    """For a job, which knows the id, and of a stored site; its file may be named, too."""
    found = expanded_for(site(replace(POSTS, split=True), DOCS), ["posts/a/prices", "no/b/body"])
    section = found.section("posts/a/prices")
    assert section is not None
    assert section.template == "body"
    assert [page.file for page in found.pages] == ["posts/a.md", "no/b.md"]
    named = expanded_for(site(DOCS), ["x/body"], ["x/index.mdx"])
    assert [page.file for page in named.pages] == ["x/index.mdx"]


def test_html_is_read_and_kept() -> None:
    """And not drafted."""
    found = expanded(site(DOCS), ["a.html", "b.md"])
    assert {page.id: page.kept_only for page in found.pages} == {"a": True, "b": False}


def test_the_layout_of_a_page_names_the_keys_that_meta_owns() -> None:
    """What site.yaml declares is without them, and title and description stand first."""
    sections = (
        Section(page="home", id="meta", template="meta"),
        Section(page="home", id="note", text="Static"),
        Section(page="home", id="body", template="body"),
    )
    page = Page(
        id="home",
        title="Home",
        description="All of it",
        sections=sections,
        file="x/home.mdx",
        front={"layout": "page"},
    )
    layout = layout_of(site(pages=(page,)), page)
    assert layout.parts == (
        Part(section="meta", keys=("title", "og-image")),
        Part(section="note", static="Static"),
        Part(section="body"),
    )
    assert dict(layout.front) == {"description": "All of it", "layout": "page"}
    assert (layout.page, layout.file, layout.split) == ("home", "x/home.mdx", False)


def test_the_layout_of_a_split_page_has_the_sections_that_its_file_has() -> None:
    """Those of the look win over those known before; a collection declares its `front` only."""
    found = expanded(site(replace(POSTS, split=True)), ["posts/a.md"], {"posts/a": ("intro",)})
    (page,) = found.pages
    assert [part.section for part in layout_of(found, page).parts] == ["meta", "intro"]
    layout = layout_of(found, page, ("intro", "prices"))
    assert [part.section for part in layout.parts] == ["meta", "intro", "prices"]
    assert layout.split
    assert dict(layout.front) == {"layout": "post"}


def test_a_page_is_found_without_looking_at_the_others() -> None:
    """A call may look up thousands of them."""
    found = expanded(site(DOCS), [f"p{n}.md" for n in range(5000)])
    assert all(found.page(f"p{n}") is not None for n in range(5000))
