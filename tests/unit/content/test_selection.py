"""Which sections a selector means, and what is said of names that nothing has."""

from __future__ import annotations

import pytest

from mcp_server.content.actions.calls import Selector
from mcp_server.content.actions.selection import Selection, select
from mcp_server.errors import InvalidPayload, NotFound
from tests.unit.content.texts import SITE

ALL = ("home/hero", "home/news", "menu/hero")


def test_nothing_named_is_the_whole_site_in_its_order() -> None:
    """And it is bulk."""
    assert select(Selector(), SITE) == Selection(ids=ALL, named=False)


def test_what_is_stored_and_has_left_the_site_comes_last() -> None:
    """By name; what is in both comes once."""
    stored = ["old/two", "menu/hero", "old/one"]
    assert select(Selector(), SITE, stored).ids == (*ALL, "old/one", "old/two")


@pytest.mark.parametrize(
    "selector",
    [
        Selector(section="home/news"),
        Selector(section="news", page="home"),
        Selector(section="home/news", page="home"),
        Selector(sections=("home/news", "home/news")),
    ],
)
def test_a_section_is_named_with_its_page_in_any_way(selector: Selector) -> None:
    """And it is named, not bulk."""
    assert select(selector, SITE) == Selection(ids=("home/news",), named=True)


def test_named_sections_come_in_the_order_of_the_site() -> None:
    """Not in that of the call."""
    found = select(Selector(sections=("menu/hero", "home/hero")), SITE)
    assert found.ids == ("home/hero", "menu/hero")


@pytest.mark.parametrize(
    "selector",
    [Selector(page="home"), Selector(pages=("home",)), Selector(page="home", pages=("home",))],
)
def test_a_page_is_bulk(selector: Selector) -> None:
    """What is named is the page."""
    found = select(selector, SITE, ["home/old"])
    assert found == Selection(
        ids=("home/hero", "home/news", "home/old"), named=False, pages=("home",)
    )


def test_pages_beside_sections_are_meant_too() -> None:
    """The whole call is named then."""
    found = select(Selector(pages=("home",), sections=("menu/hero",)), SITE)
    assert found == Selection(ids=("menu/hero", "home/hero", "home/news"), named=True)


def test_the_page_of_a_bare_section_is_not_meant_as_a_page() -> None:
    """It says where the section is."""
    found = select(Selector(page="home", section="hero", sections=("menu/hero",)), SITE)
    assert found.ids == ("home/hero", "menu/hero")


@pytest.mark.parametrize(
    ("selector", "nearest"),
    [
        (Selector(section="menu/herp"), ("menu/hero",)),
        (Selector(section="hero", page="mneu"), ("menu",)),
        (Selector(page="hoem"), ("home",)),
        (Selector(sections=("home/hero", "nowhere/atall")), ()),
        (Selector(page="zzz"), ()),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(
    selector: Selector, nearest: tuple[str, ...]
) -> None:
    """And with the tool that lists them."""
    with pytest.raises(NotFound, match="`review` lists") as caught:
        select(selector, SITE)
    assert caught.value.nearest[:1] == nearest


@pytest.mark.parametrize(
    ("selector", "problem"),
    [
        (Selector(section="hero"), "write it as page/section, or name the page of 'hero'"),
        (Selector(section="home/hero", page="menu"), "'home/hero' is not on the page 'menu'"),
        (Selector(section="home/../etc"), "is not written as page/section"),
        (Selector(sections=("hero",)), "'hero' is not written as page/section"),
        (Selector(sections=("",)), "'' is not written as page/section"),
        (Selector(page="Home?"), "'Home?' is no id of a page"),
        (Selector(pages=("home", "../x")), "'../x' is no id of a page"),
        (Selector(pages=("",)), "'' is no id of a page"),
    ],
)
def test_what_can_be_no_name_is_refused_and_says_why(selector: Selector, problem: str) -> None:
    """No path gets further than this."""
    with pytest.raises(InvalidPayload) as caught:
        select(selector, SITE)
    assert problem in str(caught.value)


def test_all_unknown_names_are_named_at_once() -> None:
    """Nobody has to mend one to learn of the next."""
    with pytest.raises(NotFound) as caught:
        select(Selector(pages=("hom", "menu", "x", "y")), SITE)
    assert "There is no page 'hom'. Did you mean home? Nor is there 'x', 'y'. `review`" in str(
        caught.value
    )
    with pytest.raises(NotFound) as caught:
        select(Selector(sections=tuple(f"menu/n{n}" for n in range(9))), SITE)
    assert "'menu/n5' and 3 more. `review` lists" in str(caught.value)


def test_a_name_of_any_length_is_repeated_in_part() -> None:
    """An answer stays short."""
    with pytest.raises(InvalidPayload) as caught:
        select(Selector(page="!" * 10_000), SITE)
    assert len(str(caught.value)) < 220
