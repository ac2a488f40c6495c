"""Fields to Markdown and back: the inverse is exact, or somebody is told what to change."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.content.template import Field, FieldType, Template
from mcp_server.content.text.markdown import (
    MarkdownMismatch,
    format_problems,
    parse,
    render,
    round_trip_problem,
)
from mcp_server.errors import InvalidPayload

LINE, TEXT, LIST = FieldType.LINE, FieldType.TEXT, FieldType.LIST


def field(name: str, type: FieldType = LINE, *, required: bool = True, **more: Any) -> Field:
    """Return a field in one line."""
    return Field(name=name, type=type, required=required, **more)


def template(format: str, *fields: Field) -> Template:
    """Return a template with this format."""
    return Template(name="sample", prompt="Write.", fields=fields, format=format)


def only(**fields: FieldType) -> tuple[Field, ...]:
    """Return required fields by name and type."""
    return tuple(field(name, type) for name, type in fields.items())


DISHES = field(
    "dishes",
    LIST,
    of=(field("name"), field("price", FieldType.NUMBER), field("note", required=False)),
)
MEMBERS = field(
    "members",
    LIST,
    required=False,
    of=(field("name"), field("text", TEXT), field("link", FieldType.URL, required=False)),
)
EVERYTHING = template(
    """# {title}

*{claim}*

{body}

- {points}

### {members.name}

{members.text}

[More]({members.link})

## Prices

Seats: {seats}, mood: {mood}

| Dish | Price | Note |
| --- | ---: | --- |
| {dishes.name} | {dishes.price} € | {dishes.note} |

{closing}
""",
    field("title"),
    field("claim", required=False),
    field("body", TEXT),
    field("points", LIST, required=False),
    MEMBERS,
    field("seats", FieldType.INTEGER),
    field("mood", FieldType.CHOICE, choices=("calm", "calm and warm", "loud")),
    DISHES,
    field("closing", TEXT, required=False),
)
FIELDS: dict[str, Any] = {
    "title": "Menu",
    "claim": "Everything fresh",
    "body": "One.\n\nTwo\nlines.",
    "points": ["first", "- second"],
    "members": [
        {"name": "Ines", "text": "Bakes.\n\nAlways.", "link": "https://example.org/i"},
        {"name": "Tom", "text": "Serves."},
    ],
    "seats": -3,
    "mood": "calm and warm",
    "dishes": [
        {"name": "Soup | bread", "price": 6.5},
        {"name": "Tart", "price": 4, "note": "nuts"},
    ],
    "closing": "Bye.",
}

WORDS = st.text("abc déXY Z09,.?!%&'\"äß漢😀", min_size=1, max_size=30).map(str.strip).filter(bool)
NASTY = st.text("ab #*-|\\`~>[]()_:{}<!\n 1.=€", min_size=1, max_size=40)
TEXTS = st.lists(WORDS, min_size=1, max_size=4).map("\n\n".join)
NUMBERS = st.one_of(
    st.integers(-(10**15), 10**15), st.floats(allow_nan=False, allow_infinity=False, width=32)
)


def fields_of(words: st.SearchStrategy[str], texts: st.SearchStrategy[str]) -> Any:
    """Return a strategy for the fields of `EVERYTHING`."""
    member = st.fixed_dictionaries(
        {"name": words, "text": texts},
        optional={"link": st.sampled_from(["/x", "https://example.org/a_(b)"])},
    )
    dish = st.fixed_dictionaries({"name": words, "price": NUMBERS}, optional={"note": words})
    return st.fixed_dictionaries(
        {
            "title": words,
            "body": texts,
            "seats": st.integers(-(10**15), 10**15),
            "mood": st.sampled_from(["calm", "calm and warm", "loud"]),
            "dishes": st.lists(dish, min_size=1, max_size=3),
        },
        optional={
            "claim": words,
            "points": st.lists(words, min_size=1, max_size=3),
            "members": st.lists(member, min_size=1, max_size=3),
            "closing": texts,
        },
    )


def test_the_sample_format_is_sound() -> None:
    """The other tests rest on it."""
    assert format_problems(EVERYTHING) == []


def test_all_kinds_of_blocks_are_written_as_the_format_has_them() -> None:
    """Each field stands where its placeholder stood."""
    assert render(EVERYTHING, FIELDS).startswith(
        "# Menu\n\n*Everything fresh*\n\nOne.\n\nTwo\nlines.\n\n- first\n- - second\n\n### Ines\n\n"
        "Bakes.\n\nAlways.\n\n[More](https://example.org/i)\n\n### Tom\n\nServes.\n\n## Prices\n\n"
        "Seats: -3, mood: calm and warm\n\n| Dish | Price | Note |\n| --- | ---: | --- |\n"
        "| Soup \\| bread | 6.5 € |  |\n| Tart | 4 € | nuts |\n\nBye."
    )


def test_parse_gives_back_what_was_rendered_with_the_right_types() -> None:
    """Whole numbers stay whole, choices and groups keep their shape."""
    back = parse(EVERYTHING, render(EVERYTHING, FIELDS))
    assert back == FIELDS
    assert [type(dish["price"]) for dish in back["dishes"]] == [float, int]
    assert list(back) == [f.name for f in EVERYTHING.fields]


@given(fields_of(WORDS, TEXTS))
def test_plain_texts_always_come_back(fields: dict[str, Any]) -> None:
    """Whatever is left out, and however many items there are."""
    assert round_trip_problem(EVERYTHING, fields) is None
    assert parse(EVERYTHING, render(EVERYTHING, fields)) == fields


@given(fields_of(NASTY, NASTY))
def test_texts_full_of_marks_come_back_or_are_complained_about(fields: dict[str, Any]) -> None:
    """No text is silently changed."""
    if round_trip_problem(EVERYTHING, fields) is None:
        assert parse(EVERYTHING, render(EVERYTHING, fields)) == fields


@given(st.lists(st.sampled_from([*render(EVERYTHING, FIELDS).split("\n"), "", "# x", "```"])))
def test_any_text_is_either_read_or_refused_with_a_place(lines: list[str]) -> None:
    """Parsing raises nothing else, and what it reads is stable."""
    try:
        fields = parse(EVERYTHING, "\n".join(lines))
    except MarkdownMismatch as mismatch:
        line = mismatch.line
    else:
        line = 1
        assert parse(EVERYTHING, render(EVERYTHING, fields)) == fields
    assert 1 <= line <= max(1, len(lines))


def test_absent_optional_fields_leave_their_block_out() -> None:
    """`None` counts as absent."""
    sparse = {**FIELDS, "claim": None}
    for name in ("points", "members", "closing"):
        del sparse[name]
    assert render(EVERYTHING, sparse).startswith("# Menu\n\nOne.\n\nTwo\nlines.\n\n## Prices\n\n")


def test_a_missing_required_field_is_named() -> None:
    """Nothing is written with a hole in it."""
    with pytest.raises(InvalidPayload, match="title is missing"):
        render(EVERYTHING, {})


def test_editors_may_realign_tables_and_add_blank_lines_and_line_ends() -> None:
    """What Markdown takes as the same is read as the same."""
    edited = render(EVERYTHING, FIELDS).replace("\n\n", "\n \n\n").replace("\n", "\r\n")
    edited = edited.replace("| Dish | Price | Note |", "| Dish        | Price | Note |")
    edited = edited.replace("| --- | ---: | --- |", "| ----------- | ----: | ---- |")
    back = parse(EVERYTHING, edited)
    assert {**back, "body": FIELDS["body"]} == {
        **FIELDS,
        "members": [
            {**FIELDS["members"][0], "text": "Bakes.\n \n\nAlways."},
            FIELDS["members"][1],
        ],
    }


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("## Prices", "## Price", 25, "## Prices"),
        ("6.5 €", "free", 31, "{dishes.price}"),
        ("# Menu", "Menu", 1, "# {title}"),
        ("mood: calm and warm", "mood: angry", 27, "{mood}"),
        ("Two\n", "## Two\n", 7, "- {points}"),
    ],
)
def test_a_mismatch_says_in_which_line_and_what_was_expected(
    old: str, new: str, line: int, message: str
) -> None:
    """So that whoever edited the file finds it."""
    with pytest.raises(MarkdownMismatch, match=rf"^line {line}: found") as caught:
        parse(EVERYTHING, render(EVERYTHING, FIELDS).replace(old, new))
    assert message in caught.value.expected


def test_a_text_that_ends_too_early_is_a_mismatch_at_the_end() -> None:
    """The expected block is named."""
    with pytest.raises(MarkdownMismatch, match="found the end") as caught:
        parse(EVERYTHING, "# Menu\n\nText.")
    assert "## Prices" in caught.value.expected


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"body": "a\n\n## b"}, "body holds 1 heading"),
        ({"body": "a\n==="}, "body holds 1 heading;"),
        ({"body": "a\n---\n\nb\n---"}, "body holds 2 headings"),
        ({"body": "a\n\n```\nx"}, "body opens a code block"),
        ({"body": "<!--  SECTION: a/b -->"}, "body holds `<!-- section:`"),
        ({"title": "a <!-- section:"}, "title holds `<!-- section:`"),
        ({"title": "a\nb"}, "title must be one line"),
        ({"title": "# a"}, "title begins with `#`"),
        ({"title": " a"}, "title begins or ends with blank space"),
        ({"claim": ""}, "claim is empty"),
        ({"body": "a\r\nb"}, "body holds carriage returns"),
        ({"points": ["a", "b\nc"]}, "points[2] must be one line"),
        ({"members": [{"name": "a", "text": "b\n\n# c"}]}, "members[1].text holds 1 heading"),
        (
            {"members": [{"name": "a", "text": "b\n\n[More](/c)"}]},
            "paragraph 2 of members[1].text reads like another block of the format (`[…](…)`)",
        ),
        ({"points": []}, "points cannot be written in this format"),
        ({"unknown": "x"}, "a field cannot be written in this format"),
    ],
)
def test_what_breaks_the_inverse_is_explained_by_field(
    change: dict[str, Any], complaint: str
) -> None:
    """The complaint goes to the model, so it says what to write instead."""
    problem = round_trip_problem(EVERYTHING, FIELDS | change)
    assert problem is not None
    assert complaint in problem


def test_a_value_that_holds_the_marks_of_its_line_is_complained_about() -> None:
    """`**a**: b` divides at the first `**: `."""
    one = template("**{name}**: {text}", *only(name=LINE, text=LINE))
    problem = round_trip_problem(one, {"name": "a**: b", "text": "c"})
    assert problem is not None
    assert "name cannot be told from the fixed text" in problem


def test_headings_in_code_blocks_are_no_headings() -> None:
    """A fenced block is never divided, whatever is in it."""
    code = "Type:\n\n```sh\n# comment\n\n\nls\n```\n\nDone."
    fields = {**FIELDS, "body": code}
    assert round_trip_problem(EVERYTHING, fields) is None
    assert parse(EVERYTHING, render(EVERYTHING, fields)) == fields


@pytest.mark.parametrize("value", ["|", "a|b", "\\|", "\\\\|", "a\\", "||", "\\"])
def test_pipes_and_backslashes_survive_a_table(value: str) -> None:
    """A pipe is escaped, and nothing else."""
    fields = FIELDS | {"dishes": [{"name": value, "price": 1}]}
    assert parse(EVERYTHING, render(EVERYTHING, fields)) == fields


@pytest.mark.parametrize("number", [0, 0.1, 1e-7, 123456789.125, -2.5, 10**15])
def test_numbers_are_written_without_exponent(number: float) -> None:
    """And read back as the same number."""
    one = template("Price: {price}", *only(price=FieldType.NUMBER))
    text = render(one, {"price": number})
    assert "e" not in text.removeprefix("Price")
    assert parse(one, text) == {"price": number}


def test_a_group_may_be_a_list_item_or_a_quotation() -> None:
    """One line for each item, or one block."""
    of = (field("name"), field("text"))
    items = [{"name": "a", "text": "b"}, {"name": "c", "text": "d"}]
    listed = template("## Why\n\n- **{p.name}**: {p.text}", field("p", LIST, of=of))
    assert render(listed, {"p": items}) == "## Why\n\n- **a**: b\n- **c**: d"
    quoted = template("> {p.text}\n>\n> — {p.name}", field("p", LIST, of=of))
    assert render(quoted, {"p": items}) == "> b\n>\n> — a\n\n> d\n>\n> — c"
    for one in (listed, quoted):
        assert format_problems(one) == []
        assert parse(one, render(one, {"p": items})) == {"p": items}


def test_a_list_may_be_loosened_by_an_editor() -> None:
    """Blank lines between list items mean nothing to Markdown."""
    one = template("# {t}\n\n- {p}", *only(t=LINE, p=LIST))
    assert parse(one, "# t\n\n- a\n\n- b\n- c\n") == {"t": "t", "p": ["a", "b", "c"]}


def test_fixed_lines_may_stand_above_a_list() -> None:
    """They are left out with it."""
    one = template("{t}\n\nWe have:\n- {p}", field("t"), field("p", LIST, required=False))
    assert format_problems(one) == []
    assert render(one, {"t": "x"}) == "x"
    assert parse(one, render(one, {"t": "x", "p": ["a"]})) == {"t": "x", "p": ["a"]}


def test_a_long_text_is_read_without_deep_recursion() -> None:
    """Thousands of paragraphs and items, in a cost that grows with their number."""
    fields = FIELDS | {
        "body": "\n\n".join(f"Paragraph {n}." for n in range(2_000)),
        "members": [{"name": f"n{n}", "text": "a\n\nb"} for n in range(1_000)],
    }
    assert parse(EVERYTHING, render(EVERYTHING, fields)) == fields


@pytest.mark.parametrize(
    ("format", "fields", "problem"),
    [
        ("{a}", only(a=LINE, b=LINE), "the field b is used nowhere"),
        ("{a} {a}", only(a=LINE), "{a} is used 2 times"),
        ("{titel}", only(title=LINE), "{titel} is no field; did you mean title?"),
        ("", only(a=LINE), "the format is empty"),
        ("{a}\n\n{b}", only(a=TEXT, b=TEXT), "{a} and {b} cannot be told apart"),
        ("{a}\n\n{b}", (*only(a=TEXT, b=LINE), field("c", required=False)), "c is used nowhere"),
        ("x {a}", only(a=TEXT), "{a} is a text of several paragraphs and must stand alone"),
        ("{a}{b}", only(a=LINE, b=LINE), "nothing stands between {a} and {b}"),
        ("{a}", only(a=LIST), "write `- {a}`"),
        ("{dishes}", (DISHES,), "{dishes} is a list of groups; write {dishes.name}"),
        ("{a.b}", only(a=LINE), "a is no list of groups; write {a}"),
        ("- {dishes.nam}", (DISHES,), "{dishes.nam} is no field of dishes; did you mean name?"),
        ("- {dishes.name} {dishes.price} {dishes.note}", (DISHES,), "cannot be left out of a list"),
        ("{a}\n{b}", (field("a"), field("b", required=False)), "must be the only field of its"),
        ("- {a} {b}", only(a=LIST, b=LINE), "{a…} is a list; give it a block of its own"),
        ("<!-- section: x -->\n\n{a}", only(a=LINE), "`<!-- section:` is what divides"),
        ("| {dishes.name} | {dishes.price} | {dishes.note}", (DISHES,), "begins and ends with"),
        (
            "{a}\n\n{b}\n\n{c}",
            (field("a"), field("b", required=False), field("c", required=False)),
            "cannot be told apart when b is left out",
        ),
        (
            "### {m.note}\n\n{m.name}",
            (field("m", LIST, of=(field("note", required=False), field("name"))),),
            "the first block of m holds an optional field",
        ),
        (
            "{m.name}\n\n{t}\n\n{m.text}",
            (field("m", LIST, of=only(name=LINE, text=LINE)), field("t")),
            "the fields of m stand in several places",
        ),
        (
            "- {m.name}: {m.text}",
            (field("m", LIST, of=only(name=LINE, text=TEXT)),),
            "does not fit into one line",
        ),
    ],
)
def test_a_format_that_could_not_be_read_back_is_refused(
    format: str, fields: tuple[Field, ...], problem: str
) -> None:
    """Before anything is written with it, and with what to change."""
    assert any(problem in found for found in format_problems(template(format, *fields)))


def test_braces_that_are_no_placeholder_are_text() -> None:
    """Shortcodes and heading ids of site generators stay as they are."""
    one = template("## {t} {#top}\n\n{{< map >}}", *only(t=LINE))
    assert format_problems(one) == []
    assert parse(one, render(one, {"t": "x"})) == {"t": "x"}
