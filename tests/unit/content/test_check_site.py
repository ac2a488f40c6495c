"""What a check of the whole site says of each text, by who wrote it."""

from __future__ import annotations

from dataclasses import replace

from mcp_server.content.actions.check import check_texts, texts_of
from mcp_server.content.actions.checked import Checked, CheckedText
from mcp_server.content.actions.site_content import SiteContent
from mcp_server.entities.entity import AuthorKind, Finding
from tests.unit.content.texts import draft, note, site_of, standing, was_live

HERO = "home/hero"
PRICE = Finding(level="held", kind="price in no source", piece="€85")


def kinds(content: SiteContent, *, live: bool = False) -> dict[str, list[tuple[str, str]]]:
    """Return level and kind of what is found in each text."""
    found = check_texts(content, texts_of(content, live=live))
    return {id: [(each.level, each.kind) for each in of_text] for id, of_text in found.items()}


def hero(says: str, by: AuthorKind = "model", *findings: Finding) -> SiteContent:
    """Return a site of which this is the only draft."""
    return standing(draft(HERO, says, by=by, findings=findings or None))


def test_what_a_text_was_held_for_still_counts_unless_a_fact_says_it_now() -> None:
    """A price that nobody has said."""
    content = hero("Rooms are €85.", "model", PRICE)
    assert kinds(content)[HERO] == [("held", "price in no source")]
    site = replace(content.site, facts={"room": "85 euros"})
    assert kinds(replace(content, site=site))[HERO] == []


def test_figures_of_a_text_that_was_never_checked_are_its_writers_own() -> None:
    """Whoever wrote it by hand knows his prices; what is left to be done is told all the same."""
    assert kinds(hero("Rooms are €85. TODO", "person"))[HERO] == [("held", "unfinished text")]


def test_what_stands_in_a_file_of_the_owners_is_refused_to_nobody() -> None:
    """HTML, shortcodes and a title of theirs; what is left to be done is only told."""
    says = "# Prices\n\n<Table /> {{< note >}}\n\nTODO"
    assert kinds(hero(says, "file"))[HERO] == [("noted", "unfinished text")]
    assert kinds(hero(says, "adopted"))[HERO] == [("noted", "unfinished text")]


def test_what_was_no_reason_to_refuse_a_draft_is_none_later() -> None:
    """It was compared with the text that it was made of, which had it."""
    kept = Finding(level="noted", kind="dead link", piece="/gone")
    assert kinds(hero("{{< note >}} [a](/gone)", "model", kept))[HERO] == [("noted", "dead link")]
    refused = [level for level, _ in kinds(hero("{{< note >}}", "person"))[HERO]]
    assert refused == ["refused"]


def test_a_placeholder_is_only_told() -> None:
    """Its facts are the owner's."""
    found = kinds(hero("Rooms are €85. [a](/gone)", "composer"))[HERO]
    assert found == [("noted", "placeholder"), ("noted", "dead link")]


def test_links_lead_to_pages_headings_and_sections_of_any_text() -> None:
    """Also to those of static texts."""
    static = note("home/news", template=None, text="## Our news")
    site = site_of(note(HERO), static, note("menu/hero"))
    content = replace(
        hero("[a](/home#our-news) [b](#news) [c](/menu#gone) [d](/nowhere)"), site=site
    )
    assert [each.piece for each in check_texts(content, texts_of(content, live=False))[HERO]] == [
        "/menu#gone",
        "/nowhere",
    ]


def test_what_is_live_is_checked_if_that_is_asked_for() -> None:
    """Otherwise the draft stands for it."""
    content = standing(draft(HERO, "Fine."), live=(was_live(HERO, ("TODO", "a")),))
    assert kinds(content)[HERO] == []
    assert kinds(content, live=True)[HERO] == [("held", "unfinished text")]


def test_a_site_is_well_while_nothing_is_held() -> None:
    """A note is no reason to stop a build."""
    noted = Finding(level="noted", kind="dead link", piece="/gone")
    texts = tuple(CheckedText(section=HERO, findings=(each,)) for each in (noted, PRICE))
    assert Checked(count=2, texts=texts[:1]).is_well
    assert not Checked(count=2, texts=texts).is_well
