"""What `review` says of a page's file beside its texts."""

from __future__ import annotations

from dataclasses import replace

from mcp_server.content.actions.looks import with_sights, with_unpublished
from mcp_server.content.actions.review_rows import seen_in
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.content.pages.layout import Layout, Part
from mcp_server.content.pages.look import Found, look
from mcp_server.content.pages.sight import Sight
from tests.unit.content.texts import standing

LAYOUT = Layout(page="home", file="home.md", parts=(Part(section="hero"),))


def shown(data: bytes) -> SiteContent:
    """Return the content with what a look at the page's file finds."""
    sight = Sight(looked=look(LAYOUT, None, Found(data=data), {}))
    content = with_sights(standing(), {"home": sight}, {"home": "content/home.md"})
    return with_unpublished(content, "2026-11-30")


def note(content: SiteContent) -> str:
    """Return the note on the section."""
    return seen_in(content, ["home/hero"]).notes.get("home/hero", "")


def test_a_page_that_is_not_published_is_shown_as_such() -> None:
    """Its text is live in the file, and no visitor sees it."""
    assert "it is a draft there" in note(shown(b"---\ndraft: true\n---\nText.\n"))
    assert "has yet to come" in note(shown(b"---\ndate: 2094-05-01\n---\nText.\n"))
    assert note(shown(b"---\ndraft: false\ndate: 2020-05-01\n---\nText.\n")) == ""


def test_two_files_for_one_page_are_shown() -> None:
    """Nothing is done to it until one of them goes."""
    content = shown(b"Text.\n")
    blocked = replace(content, site=replace(content.site, blocked={"home": "two files claim it"}))
    assert note(blocked) == "two files claim it"
