"""What a template's fields may hold, as a model for answers and in words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from mcp_server.content.template import Field, FieldType, Template
from mcp_server.content.text.fields import answer_model, problems

PRICES = Template(
    name="price-list",
    title="Price list",
    prompt="Write.",
    format="",
    fields=(
        Field(name="title", type=FieldType.LINE, description="What it is called", length_max=20),
        Field(name="body", type=FieldType.TEXT, required=False),
        Field(name="seats", type=FieldType.INTEGER, required=False),
        Field(name="link", type=FieldType.URL, required=False),
        Field(name="mood", type=FieldType.CHOICE, choices=("calm", "loud"), required=False),
        Field(name="points", type=FieldType.LIST, items_max=2, required=False),
        Field(
            name="dishes",
            type=FieldType.LIST,
            items_min=1,
            of=(
                Field(name="name", type=FieldType.LINE),
                Field(name="price", type=FieldType.NUMBER),
            ),
        ),
    ),
)
FIELDS: dict[str, Any] = {"title": "Menu", "dishes": [{"name": "Soup", "price": 6.5}]}


def test_fields_that_fit_have_no_problems() -> None:
    """Optional ones may be absent, `None` or empty."""
    assert problems(PRICES, FIELDS) == []
    assert problems(PRICES, FIELDS | {"body": None, "points": [], "link": " "}) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"title": None}, "title is null; write a string"),
        ({"title": " "}, "title is empty; write something"),
        ({"title": "x" * 21}, "title has 21 characters; write at most 20"),
        ({"title": "a\nb"}, "title must be one line; write it without line breaks"),
        ({"title": "a\ud800"}, "title holds half a character (a lone surrogate); leave it out"),
        ({"body": "x" * 4001}, "body has 4001 characters; write at most 4000"),
        ({"seats": "7"}, "seats is a string; write a whole number"),
        ({"seats": True}, "seats is true; write a whole number"),
        ({"seats": 10**17}, "seats is out of bounds; write a number of at most 15 digits"),
        ({"mood": "sad"}, "mood is none of its 2 choices; write one of them"),
        ({"points": ["a", "b", "c"]}, "points has 3 items; write at most 2"),
        ({"points": "a"}, "points is a string; write a list of lines"),
        ({"points": ["a", "b\nc"]}, "points[2] must be one line; write it without line breaks"),
        ({"dishes": []}, "dishes has 0 items; write at least 1"),
        ({"dishes": ["Soup"]}, "dishes[1] is a string; write an object with its fields"),
        ({"dishes": [{"name": "Soup"}]}, "dishes[1].price is missing"),
        (
            {"dishes": [{"name": "Soup", "price": float("nan")}]},
            "dishes[1].price is out of bounds; write a number of at most 15 digits",
        ),
        (
            {"dishes": [{"name": "Soup", "price": 1e-300}]},
            "dishes[1].price is too small a fraction; write it with fewer digits",
        ),
        (
            {"dishes": [{"name": "Soup", "price": 1, "prise": 2}]},
            "dishes[1] has 1 field that is not in the template; its fields are name, price",
        ),
        (
            {"titel": "x"},
            "the answer has 1 field that is not in the template; its fields are "
            + ", ".join(field.name for field in PRICES.fields),
        ),
    ],
)
def test_each_problem_names_the_field_and_what_to_write(
    change: dict[str, Any], problem: str
) -> None:
    """In plain words, items counted from one."""
    assert problems(PRICES, FIELDS | change) == [problem]


def test_all_problems_are_named_at_once() -> None:
    """A model that is asked again should not have to be asked a third time."""
    assert len(problems(PRICES, {"title": "", "seats": "x", "mood": 3})) == 4


@pytest.mark.parametrize(
    ("link", "fits"),
    [
        ("https://example.org/a?b=c#d", True),
        ("/visit", True),
        ("/", True),
        ("#top", True),
        ("mailto:a@example.org", True),
        ("tel:01632960142", True),
        ("javascript:alert(1)", False),
        ("//example.org", False),
        ("https://a b", False),
        ("mailto:", False),
        ("visit", False),
    ],
)
def test_an_address_is_one_that_a_page_may_link_to(link: str, *, fits: bool) -> None:
    """No scripts, and no address that begins nowhere."""
    assert (problems(PRICES, FIELDS | {"link": link}) == []) is fits


def test_the_schema_tells_the_model_about_bounds_and_groups() -> None:
    """It is what a provider's structured output is given."""
    schema = answer_model(PRICES).model_json_schema()
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["title", "dishes"]
    assert schema["title"] == "PriceListAnswer"
    assert schema["properties"]["title"]["description"] == "What it is called. One line."
    assert schema["properties"]["title"]["maxLength"] == 20
    assert schema["properties"]["dishes"]["minItems"] == 1
    assert schema["$defs"]["PriceListDishesAnswer"]["additionalProperties"] is False


def test_an_answer_is_stripped_and_what_is_empty_counts_as_absent() -> None:
    """Models pad their answers with blanks and empty values."""
    answer = answer_model(PRICES).model_validate(
        FIELDS | {"title": " Menu\n", "body": "", "points": []}
    )
    assert answer.model_dump(by_alias=True, exclude_none=True) == FIELDS


@pytest.mark.parametrize("name", ["copy", "json", "schema", "model_fields", "class"])
def test_a_field_may_have_a_name_that_pydantic_or_python_keeps(name: str) -> None:
    """The schema and the dump show the name as the template has it."""
    template = Template(
        name="x", prompt="", format="", fields=(Field(name=name, type=FieldType.LINE),)
    )
    model: type[BaseModel] = answer_model(template)
    assert list(model.model_json_schema()["properties"]) == [name]
    assert model.model_validate({name: "y"}).model_dump(by_alias=True) == {name: "y"}
    assert problems(template, {}) == [f"{name} is missing"]
