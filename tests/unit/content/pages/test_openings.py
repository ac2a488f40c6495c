"""What a text leaves open would swallow the next mark, so it is seen before it is written."""

from __future__ import annotations

import pytest
from hypothesis import given

from mcp_server.content.pages.layout import MarkStyle
from mcp_server.content.text.openings import left_open, left_open_more, runs_more
from tests.unit.content.pages.files import GOOD_TEXTS, TEXTS


@pytest.mark.parametrize(
    ("text", "open"),
    [
        ("```sh\nls", "```"),
        ("~~~\n```\n", "~~~"),
        ("   ````\n```", "````"),
        ("<!-- todo", "<!--"),
        ("text <!-- todo", "<!--"),
        ("<pre>\ncode", "<pre>"),
        ("<div class='a > b'>\n\ntext", "<div>"),
        ("<div>\n<section>\n</section>", "<div>"),
        ("<DETAILS>\n<summary>x</summary>", "<details>"),
        ("<div\n  class='x'\n>", "<div>"),
        ("{{< tab name=x >}}\ntext", "{{< tab >}}"),
        ("{{% notice tip %}}\ntext", "{{< notice >}}"),
        ("{% if x %}\ntext", "{% if %}"),
        ("{%- for a in b -%}\n{% if x %}{% endif %}", "{% for %}"),
        ("::: tip Title\ntext", ":::"),
        (":::: a\n::: b\n:::", "::::"),
    ],
)
def test_what_is_left_open_is_named(text: str, open: str) -> None:
    """As people would write it."""
    assert left_open(text) == (open,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "```\n<div>\n{% if x %}\n::: x\n```",
        "- a\n  ```\n  <div>\n  ```\n- b",
        "`<!--` and `{% if %}` and ``<div>``",
        "<!-- <div> -->",
        "<div>\n\ntext\n\n</div>",
        "<div><section></section></div>",
        "<p>\n<li>one\n<br>\n<img src=x>",
        "a < b <div>",
        "<Tabs>",
        "{{< figure src=x >}}",
        "{{< tab />}}",
        "{{< details >}}\n{{< figure\n src=x >}}\n{{< /details >}}",
        "{{</* tab */>}}",
        "{% include x %}\n{% assign a = b %}",
        "{% raw %}{% if x %}{% endraw %}",
        "{% if x %}a{% else %}b{% endif %}",
        "::: tip\ntext\n:::",
        "::: fastapi.APIRouter\n    options: x",
        ":::: a\n::: b\n:::\n::::",
    ],
)
def test_what_is_closed_or_code_is_not_open(text: str) -> None:
    """Nor is what needs no end: paragraphs, pictures, shortcodes of one tag."""
    assert left_open(text) == ()


@pytest.mark.parametrize(
    ("text", "open"),
    [
        ("<Tabs>\n<Tab a={() => <b>x</b>} />", ("<Tabs>",)),
        ("<a.B\n  c='>'\n>", ("<a.B>",)),
        ("<>\n<Tabs></Tabs>", ("<>",)),
        ("{/* todo", ("{/*",)),
        ("<Tabs />\n{/* <Tabs> */}\ntext <br>", ("<br>",)),
        ("<a title='{ <b>' href={to}>x</a>\n<Tabs {...all} />", ()),
    ],
)
def test_mdx_has_components(text: str, open: tuple[str, ...]) -> None:
    """Each element has to be closed there."""
    assert left_open(text, style=MarkStyle.MDX) == open


@pytest.mark.parametrize(
    ("text", "open"),
    [
        ("less than <5 minutes", ("<",)),
        ("a <= b, and c << d", ("<", "<")),
        ("see <https://example.org> or <me@example.org>", ("<https:>", "<me>")),
        ("Prices {from 5} and {a, b and c}", ("{", "{")),
        ("We don't use {name or so} if it's dark. He said \"{so or so}\".", ("{", "{")),
        ("A {brace", ("{",)),
        ("    indented {", ("{",)),
        ("a < b, `<5`, \\<5, \\{x, }, {title}, {typeof x}, {'a b'}, {f(a, 'b c')}", ()),
        ("[a](</x y>), ![x](<a b>)\n\n[a]: <https://example.org>", ()),
        ("```\n<5 {\n```\n\n{/* <5 { */}", ()),
    ],
)
def test_mdx_compiles_no_bare_signs(text: str, open: tuple[str, ...]) -> None:
    """One page that it does not compile, and no page of the site is built (P8)."""
    assert left_open(text, style=MarkStyle.MDX) == open
    assert left_open(text) == ()
    reason = left_open_more("", text, style=MarkStyle.MDX)
    assert (reason is not None) == bool(open)
    assert reason is None or "MDX would not compile it; write \\< and \\{" in reason
    assert left_open_more(text, text, style=MarkStyle.MDX) is None


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("It's {key} and that's it.", True),
        ('He said "{key}" yes.', True),
        ("Uses {`${key}`}", True),
        ("{/* a */ key /* b */}", True),
        ("Write `<!--` {key} `-->`.", True),
        ("<Tab title={key}>", True),
        ("Now {'{'} {key}", True),
        ("{ok && <b>It's</b>} {key}", True),
        ("`{key}`, ``a ` {key}``, \\{key}, `\\{` ``{key}``", False),
        ("```\n{key}\n```", False),
        ("<Tab title='{key}' at=\"{key}\" />", False),
        ("{/* it's key */} {}", False),
        ("{ok && <b>It's</b>}\nand {'}'}, {`}`} and {`a`}", False),
    ],
)
def test_mdx_runs_what_stands_in_braces(text: str, runs: bool) -> None:
    """Quotes around braces are words, those within are JavaScript's; code spans are no braces."""
    before = "{`a`} {'}'} {`}`} {'{'} {ok && <b>It's</b>}"
    assert runs_more(before, text) == runs
    assert not runs_more(text, text)


@pytest.mark.parametrize("piece", ['\\"', "\\'", "\\`", '"', "{'", " /*", '="'])
def test_braces_are_read_in_linear_time(piece: str) -> None:
    """Were each sign looked for to the end of the text, this would take a quarter of an hour."""
    text = "{" + piece * 100_000
    assert left_open(text, style=MarkStyle.MDX) == ("{",)
    assert runs_more("", text)


def test_only_what_is_left_open_more_than_before_counts() -> None:
    """A text may go on leaving open what it has always left open."""
    assert (
        left_open_more("", "<div>")
        == "it leaves <div> open, which would swallow what comes after it"
    )
    assert left_open_more("<div>\nold", "<div>\nnew") is None
    assert left_open_more("<div>\nold", "<div>\n<div>\nnew") is not None
    assert left_open_more("```\nold", "new") is None


def test_a_shortcode_is_a_pair_where_the_text_before_closed_it() -> None:
    """Nobody knows all themes."""
    assert left_open_more("", "{{< box >}}") is None
    assert left_open_more("{{< box >}}a{{< /box >}}", "{{< box >}}b") is not None
    assert left_open_more("", "{% aside %}") is None
    assert left_open_more("{% aside %}a{% endaside %}", "{% aside %}b") is not None


@given(text=GOOD_TEXTS)
def test_good_texts_leave_nothing_open(text: str) -> None:
    """A false alarm would refuse what was paid for."""
    assert left_open(text) == ()


@given(text=TEXTS)
def test_any_text_is_looked_at(text: str) -> None:
    """It never fails, and a text leaves no more open than itself."""
    assert left_open_more(text, text) is None
    left_open(text, style=MarkStyle.MDX)


@pytest.mark.parametrize(
    ("text", "open"),
    [
        ("<div>" * 100_000, ("<div>",) * 100_000),
        ("<div>" * 40_000 + "</ul>" * 40_000, ("<div>",) * 40_000),
        ("{% raw %}" * 60_000, ("{% raw %}",) * 60_000),
        (":::: a\n" * 40_000 + ":::\n" * 40_000, ("::::",) * 40_000),
        ("{% " + "a" * 200_000, ()),
        ("{{< tab" + " " * 200_000 + "x", ()),
        ("`" * 200_000 + "x`", ()),
    ],
    ids=lambda value: str(value)[:9],
)
def test_what_a_long_text_leaves_open_is_found_in_one_pass(
    text: str, open: tuple[str, ...]
) -> None:
    """However often it opens something, each is looked at once."""
    assert left_open(text) == open


def test_only_tags_stand_before_an_element_that_begins_a_line() -> None:
    """An element behind a word is not at the beginning, nor are those after it in its line."""
    assert left_open("<div><section>\n> <div> <b><ol>") == ("<div>", "<section>", "<div>", "<ol>")
    assert left_open("<div>a<section><ol>") == ("<div>",)
