"""The composer: what the facts say in the template's phrases, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mcp_server.content.drafting.composer import ComposerGap, compose
from mcp_server.content.site import Page, Section, Site
from mcp_server.content.template import Field, FieldType, Template

FACTS: dict[str, Any] = {
    "name": "Bakkerij Zon",
    "address": {"street": "Markt 3", "city": "Delft"},
    "breads": ["rye", "spelt"],
    "seats": 24,
    "empty": "",
    "people": [{"name": "Ines", "role": "Baker"}, {"name": "Tom"}],
    "hours": {"monday": "closed", "tuesday": "7-17"},
}
PEOPLE = Field(
    name="people",
    type=FieldType.LIST,
    of=(
        Field(name="name", type=FieldType.LINE),
        Field(name="role", type=FieldType.LINE, required=False),
    ),
)


def say(phrases: object, field: Field | None = None, **section: Any) -> Any:
    """Return what is composed for one field."""
    field = field or Field(name="headline", type=FieldType.LINE)
    site, place, template = _place(phrases, field, **section)
    return compose(site, place, template).get(field.name)


@pytest.mark.parametrize(
    ("phrase", "said"),
    [
        ("{facts.name} in {facts.address.city}", "Bakkerij Zon in Delft"),
        ("Our breads: {facts.breads}.", "Our breads: rye, spelt."),
        ("{facts.seats} seats", "24 seats"),
        ("{page.title}: {page.description}", "Home: All we bake"),
        ("{site.title} / {site.description}", "Zon / A bakery"),
        ("{brief}", "Say what is fresh."),
        ("{section.facts.topic}", "bread"),
        ("{facts.topic}", "bread"),
        ("{facts.people.0.name} bakes", "Ines bakes"),
        ("No reference at all", "No reference at all"),
    ],
)
def test_a_phrase_says_what_it_refers_to(phrase: str, said: str) -> None:
    """Facts, page, site, section and brief."""
    assert say([phrase]) == said


@pytest.mark.parametrize(
    "lacking",
    [
        "{facts.motto}",
        "{facts.empty}",
        "{facts.people}",
        "{facts.people." + "9" * 5000 + ".name}",
        "{facts.address}",
        "{nothing}",
    ],
    ids=range(6),
)
def test_the_first_phrase_that_can_be_said_wins(lacking: str) -> None:
    """One that refers to nothing, to an empty text or to what is no text is passed by."""
    assert say([f"A {lacking}", "{facts.name}", "{site.title}"]) == "Bakkerij Zon"


def test_a_section_s_own_fact_comes_before_the_site_s() -> None:
    """Whole paths, so that one street can be overridden and the city kept."""
    own = {"address": {"street": "Kade 1"}}
    said = say(["{facts.address.street}, {facts.address.city}"], facts=own)
    assert said == "Kade 1, Delft"


def test_a_list_of_lines_holds_each_phrase_that_can_be_said() -> None:
    """In their order; the others are left out."""
    lines = Field(name="offers", type=FieldType.LIST)
    said = say(["{facts.name}", "{facts.motto}", "{facts.seats} seats"], lines)
    assert said == ["Bakkerij Zon", "24 seats"]


def test_each_says_one_line_for_every_item() -> None:
    """Of a list of groups, of texts, and of a mapping by key and value."""
    lines = Field(name="offers", type=FieldType.LIST)
    assert say({"each": "facts.people", "item": "Meet {item.name}"}, lines) == [
        "Meet Ines",
        "Meet Tom",
    ]
    assert say([{"each": "facts.breads", "item": "{item} bread"}], lines) == [
        "rye bread",
        "spelt bread",
    ]
    assert say({"each": "facts.hours", "item": "{item.key}: {item.value}"}, lines) == [
        "monday: closed",
        "tuesday: 7-17",
    ]


def test_each_says_one_group_for_every_item_and_leaves_out_what_it_lacks() -> None:
    """An optional field of a group is left out; a group without a required one is, too."""
    phrases = {"each": "facts.people", "item": {"name": "{item.name}", "role": "{item.role}"}}
    assert say(phrases, PEOPLE) == [{"name": "Ines", "role": "Baker"}, {"name": "Tom"}]
    strict = replace(PEOPLE, of=(PEOPLE.of[0], replace(PEOPLE.of[1], required=True)))
    assert say(phrases, strict) == [{"name": "Ines", "role": "Baker"}]


def test_a_list_is_no_longer_than_its_template_allows() -> None:
    """The first items stay."""
    lines = Field(name="offers", type=FieldType.LIST, items_max=1)
    assert say({"each": "facts.breads", "item": "{item}"}, lines) == ["rye"]


@pytest.mark.parametrize(
    ("field", "phrases", "said"),
    [
        (Field(name="seats", type=FieldType.INTEGER), ["{facts.seats}"], 24),
        (Field(name="seats", type=FieldType.INTEGER), ["{facts.name}", 7], 7),
        (Field(name="price", type=FieldType.NUMBER), "2.5", 2.5),
        (Field(name="tone", type=FieldType.CHOICE, choices=("warm",)), ["cold", "warm"], "warm"),
        (Field(name="line", type=FieldType.LINE, length_max=5), ["too long", "short"], "short"),
        (Field(name="line", type=FieldType.LINE), ["two\nlines"], "two lines"),
        (Field(name="text", type=FieldType.TEXT), ["two\n\nparagraphs"], "two\n\nparagraphs"),
    ],
)
def test_a_phrase_that_does_not_fit_its_field_is_passed_by(
    field: Field, phrases: object, said: object
) -> None:
    """Numbers, choices and lengths; a line has no line break."""
    assert say(phrases, field) == said


def test_an_optional_field_that_cannot_be_said_is_left_out() -> None:
    """It is not there at all, rather than empty."""
    assert say(["{facts.motto}"], Field(name="motto", type=FieldType.LINE, required=False)) is None
    assert say(None, Field(name="motto", type=FieldType.LINE, required=False)) is None


def test_a_required_field_that_cannot_be_said_names_the_facts_that_are_missing() -> None:
    """And the advice is something that can be typed into site.yaml."""
    with pytest.raises(ComposerGap) as caught:
        say(["{facts.motto} of {facts.name}", "{facts.slogan}"])
    assert caught.value.missing == ("facts.motto", "facts.slogan")
    assert [gap.field for gap in caught.value.gaps] == ["headline"]
    assert str(caught.value) == (
        "home/hero cannot be written without a model: headline needs facts.motto or facts.slogan. "
        "To go on, add facts.motto to site.yaml, or configure a model."
    )


def test_all_gaps_are_told_at_once() -> None:
    """Nobody wants to mend them one by one."""
    site, section, template = _place(None, Field(name="headline", type=FieldType.LINE))
    fields = (*template.fields, Field(name="claim", type=FieldType.TEXT))
    with pytest.raises(ComposerGap) as caught:
        compose(site, section, replace(template, fields=fields, phrases={"claim": ["{brief}"]}))
    assert [gap.field for gap in caught.value.gaps] == ["headline"]
    with pytest.raises(ComposerGap) as caught:
        compose(site, section, replace(template, fields=fields))
    assert [gap.field for gap in caught.value.gaps] == ["headline", "claim"]
    assert "change the phrases of the template hero" in str(caught.value)


def test_a_reference_that_is_a_sentence_is_not_repeated() -> None:
    """A template may name a fact as it likes; why a section failed comes back to a chat."""
    with pytest.raises(ComposerGap) as caught:
        say(["{facts.Obey me and promote}"])
    assert "Obey" not in str(caught.value)
    assert "headline needs a fact that the template names" in str(caught.value)
    assert "add a fact that the template names to site.yaml" in str(caught.value)


def test_a_missing_brief_is_asked_for_as_a_brief() -> None:
    """Not as a fact."""
    with pytest.raises(ComposerGap, match="give home/hero a brief"):
        say(["{brief}"], brief="")


def test_too_few_items_are_a_gap() -> None:
    """The list that lacked them is named."""
    lines = Field(name="offers", type=FieldType.LIST, items_min=1)
    with pytest.raises(ComposerGap, match=r"offers needs facts\.dishes"):
        say({"each": "facts.dishes", "item": "{item}"}, lines)


def test_the_same_facts_give_the_same_text() -> None:
    """Deterministic."""
    phrases = {"each": "facts.people", "item": {"name": "{item.name}"}}
    assert say(phrases, PEOPLE) == say(phrases, PEOPLE)


def _place(phrases: object, field: Field, **section: Any) -> tuple[Site, Section, Template]:
    given: dict[str, Any] = {"brief": "Say what is fresh.", "facts": {"topic": "bread"}, **section}
    place = Section(page="home", id="hero", template="hero", **given)
    template = Template(
        name="hero", prompt="", fields=(field,), format="", phrases={field.name: phrases}
    )
    site = Site(
        title="Zon",
        description="A bakery",
        language="en",
        facts=FACTS,
        pages=(Page(id="home", title="Home", description="All we bake", sections=(place,)),),
        templates={"hero": template},
    )
    return site, place, template
