"""The front matter edited by line: one value changes, and every other byte stays."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from mcp_server.content.pages.declared import declared_in
from mcp_server.content.pages.layout import Layout, MarkStyle, Part
from mcp_server.content.pages.page_text import PageText, front_value, parse, split_sections
from mcp_server.content.pages.splice import SpliceRefused, splice
from mcp_server.content.pages.yaml_value import as_read, as_yaml, declared_yaml, key_yaml, read
from mcp_server.content.text.meta import NotMeta, canonical_fields, meta_fields, meta_text
from mcp_server.content.text.outline import marks

META = Part(section="meta", keys=("title", "description", "weight", "draft", "date"))
PAGE = Layout(page="menu", file="menu.md", parts=(META, Part(section="body")))
PLAIN = Layout(page="menu", file="menu.md", parts=(Part(section="body"),))
AWKWARD = [
    "yes",
    "08056",
    "1e3",
    "3,50",
    "08:30",
    "2026-1-5",
    ":menu",
    "~",
    "- x",
    "a: b",
    "a #b",
    "#x",
    "'",
    '"',
    "\\",
    "{{ x }}",
    "%x",
    "@x",
    "x:",
    "---",
    "\u2028",
    "\x85",
    "\ufeff",
    "\xa0",
    "\t",
    " x ",
    "a\n\nb\n",
    "\na",
    "  a\nb",
    "a\n  b",
    "\N{SLICE OF PIZZA}",
    "[x]",
    "!x",
    "&x",
    "*x",
    "|",
    ">",
    "=",
    "<<",
]
TEXTS = st.one_of(st.sampled_from(AWKWARD), st.text(max_size=20))
OLD = st.sampled_from(
    [None, "", "5", "plain", "'single'", '"double"', "|\n  block\n", ">-\n  folded\n", "# c\n"]
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.one_of(TEXTS, st.integers(), st.floats(allow_nan=False), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=5,
)


def page(data: str) -> PageText:
    """Return the page, which is not blocked."""
    found = parse(data.encode(), PAGE)
    assert isinstance(found, PageText), found
    return found


def set_meta(data: str, **values: str) -> str:
    """Return the file with these values in place of the ones it has."""
    found = page(data)
    span = found.spans.get("meta")
    fields = meta_fields(span.text) if span else {}
    return splice(found, {"meta": meta_text(fields | values, META.keys)}).decode()


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        ("title: old", "new", "title: new"),
        ("title:   old   # ours", "new", "title:   new   # ours"),
        ('title: "old"', "new", 'title: "new"'),
        ("title: 'old'", "it's", "title: 'it''s'"),
        ("title: 'old'", "a\nb", 'title: "a\\nb"'),
        ("title: old", "a: b", 'title: "a: b"'),
        ("title: old", "5", 'title: "5"'),
        ("title: 7", "5", "title: 5"),
        ("title:", "new", "title: new"),
        ("title: # ours", "new", "title: new # ours"),
        ("title :\told", "new", "title :\tnew"),
        ('"title": old', "new", '"title": new'),
        ("title: |\n  one\n  two", "new\nlines", "title: |-\n  new\n  lines"),
        ("title: >-\n    one\n    two", "one line", "title: >-\n  one line"),
        ("title: >-\n    one\n\n    # two", "a\nb", "title: >-\n  a\n\n  b"),
        ("title: |\n  one", " blank first", 'title: " blank first"'),
        ("title:\n  plain\n  lines", "new", "title: new"),
        ('title: "two\n  lines"', "new", 'title: "new"'),
    ],
)
def test_a_value_is_replaced_in_the_style_that_it_had(before: str, value: str, after: str) -> None:
    """Quotation marks, blanks and comments stay, and what stands around it."""
    frame = "---\n# first\ndraft: no\n{}\n\n# of layout\nlayout: [a,\nb]\n---\n\nBody\n"
    assert set_meta(frame.format(before), title=value) == frame.format(after)


def test_a_key_that_is_taken_out_takes_its_lines_along() -> None:
    """Comments and blank lines around stay."""
    found = page("---\na: 1\n\ntitle: >\n  x\n\n  y\n# of b\nb: 2\ndraft: true\n---\n")
    assert (
        splice(found, {"meta": "draft: true"}) == b"---\na: 1\n\n# of b\nb: 2\ndraft: true\n---\n"
    )


def test_a_new_key_comes_after_the_one_before_it_in_the_layout() -> None:
    """Else before the one after it and its comment; else last."""
    assert set_meta("---\na: 1\ntitle: x\nb: 2\n---\n", description="d") == (
        "---\na: 1\ntitle: x\ndescription: d\nb: 2\n---\n"
    )
    assert set_meta("---\na: 1\n# of draft\ndraft: true\n---\n", title="x") == (
        "---\na: 1\ntitle: x\n# of draft\ndraft: true\n---\n"
    )
    assert set_meta("---\r\na: 1\r\n...\r\n", title="x", description="d") == (
        "---\r\na: 1\r\ntitle: x\r\ndescription: d\r\n...\r\n"
    )


def test_a_new_key_that_looks_like_no_text_is_none_unless_its_name_says_so() -> None:
    """`draft: true` is a truth for Jekyll only without quotation marks; a title is a text."""
    values = {"title": "2024", "weight": "5", "draft": "true", "date": "2024-01-05", "x": "yes"}
    assert set_meta("---\na: 1\n---\n", **values) == (
        '---\na: 1\ntitle: "2024"\nweight: 5\ndraft: true\ndate: 2024-01-05\n---\n'
    )


def test_a_file_without_front_matter_gets_one() -> None:
    """After its byte order mark, with its line ends, and a blank line before the body."""
    assert set_meta("\ufeffBody\r\n", title="x") == "\ufeff---\r\ntitle: x\r\n---\r\n\r\nBody\r\n"
    assert set_meta("", title="x") == "---\ntitle: x\n---\n"
    assert splice(page(""), {"meta": "title: x", "body": "Hi"}) == b"---\ntitle: x\n---\n\nHi\n"


def test_declared_keys_are_written_with_their_types() -> None:
    """What is there already is left alone, however it is written."""
    found = page("---\ntags:\n- a\n- 'b'\nlayout: post\nn: 1\n---\nBody\n")
    same = {"tags": ["a", "b"], "layout": "post", "n": 1}
    assert splice(found, {}, front=same) == found.data
    new = {"layout": "page", "live": True, "tags": ["a", 1, {"b": None}], "code": "08056"}
    assert splice(found, {}, front=new) == (
        b'---\ntags: ["a", 1, {"b": null}]\ncode: "08056"\n'
        b"layout: page\nlive: true\nn: 1\n---\nBody\n"
    )
    assert front_value(found.data, "layout") == "post"
    assert front_value(found.data, "tags") is None
    assert front_value(found.data, "none") is None


HEADER = b"\xef\xbb\xbfTitle: The menu\r\nDate: 2024-05-01\r\n    10:20\r\nTags:\r\n"


def test_a_header_without_fences_is_no_part_of_the_text() -> None:
    """Pelican and MkDocs read it only at the very beginning: marks and texts come behind it."""
    page = parse(HEADER + b"\r\nOld.\r\n", PAGE)
    assert isinstance(page, PageText)
    assert (page.spans["body"].text, page.title) == ("Old.", "The menu")
    assert "meta" not in page.spans
    assert splice(page, {"body": "New."}) == HEADER + b"\r\nNew.\r\n"
    with pytest.raises(SpliceRefused, match="a header without fences"):
        splice(page, {"meta": "title: Other"})
    more = replace(PAGE, parts=(*PAGE.parts, Part(section="more")))
    page = parse(HEADER + b"\r\nOld.\r\n", more)
    assert isinstance(page, PageText)
    marks = b"<!-- section: body -->\r\n\r\nOld.\r\n\r\n<!-- section: more -->\r\n\r\nMore.\r\n"
    assert splice(page, {"more": "More."}) == HEADER + b"\r\n" + marks


@pytest.mark.parametrize(
    "text", ["Note: x\nTip: y\n\nText.", "Words.\nTitle: x", "Title x", "Title"]
)
def test_lines_that_only_look_like_a_header_are_text(text: str) -> None:
    """It says the title, and begins the file."""
    page = parse(text.encode(), PAGE)
    assert isinstance(page, PageText)
    assert page.spans["body"].text == text


def test_keys_are_not_written_into_other_languages() -> None:
    """TOML and JSON are kept."""
    found = parse(b"+++\na = 1\n+++\n", Layout(page="m", file="m.md"))
    assert isinstance(found, PageText)
    with pytest.raises(SpliceRefused, match="TOML"):
        splice(found, {}, front={"a": 2})


def test_the_sections_key_of_earlier_exports_goes_with_the_next_write() -> None:
    """Only ours: ids with a slash, in a file with our marks, and when something is written."""
    ours = "---\ntitle: x\nsections:\n  menu/body:\n    template: x\n---\n\n"
    body = "<!-- section: menu/body -->\n\nHi\n"
    assert splice(page(ours + body), {"body": "Hi"}) == (ours + body).encode()
    assert splice(page(ours + body), {"body": "New"}) == (
        b"---\ntitle: x\n---\n\n<!-- section: menu/body -->\n\nNew\n"
    )
    assert b"sections:" in splice(page(ours + "Hi\n"), {"body": "New"})
    theirs = "---\nsections:\n- a\n---\n"
    assert b"sections:" in splice(page(theirs + body), {"body": "New"})
    theirs = "---\nsections:\n  a: b\n---\n"
    assert b"sections:" in splice(page(theirs + body), {"body": "New"})


@pytest.mark.parametrize(
    "text", ["titel: x", "description: x\ntitle: y", 'title: "x"', "x", "title"]
)
def test_a_meta_text_that_would_come_back_otherwise_is_refused(text: str) -> None:
    """Its hash would not be that of the file."""
    with pytest.raises(SpliceRefused, match="section meta: "):
        splice(page("---\ntitle: a\n---\n"), {"meta": text})


@given(values=st.dictionaries(st.sampled_from(["title", "og:title", '"x', "a b", "#"]), TEXTS))
def test_meta_fields_are_the_inverse_of_meta_text(values: dict[str, str]) -> None:
    """One line for each key, whatever is in it."""
    text = meta_text(values, list(values))
    assert meta_fields(text) == values
    assert text.count("\n") == max(len(values) - 1, 0)
    assert canonical_fields(text, list(values)) == values


def test_a_meta_text_is_read_as_people_write_it() -> None:
    """Blank lines, blanks and needless quotation marks; what is no value says so."""
    assert meta_fields('\n title:   x \r\n\ndescription: "y"\nweight:\ndraft: "a" b\n') == {
        "title": "x",
        "description": "y",
        "weight": "",
        "draft": '"a" b',
    }
    with pytest.raises(NotMeta, match="line 2"):
        meta_fields("title: x\nno key")
    with pytest.raises(NotMeta, match="second time"):
        meta_fields("title: x\ntitle: x")


@given(value=TEXTS, old=OLD, name=st.sampled_from(["title", "weight"]))
def test_a_text_is_read_as_it_was_written(value: str, old: str | None, name: str) -> None:
    """Also by a reader with types, except where a number or truth was or may be wanted."""
    source = as_yaml(value, name=name, old=old)
    assert read(source) == value
    typed = yaml.safe_load(f"{name}: {source}\n")[name]
    assert typed == value or (source == value and not isinstance(typed, str))


@given(value=JSON)
@example(value=[math.inf, {"a": [-1e300, 1e22]}])
def test_a_declared_value_is_read_with_its_type(value: Any) -> None:
    """By a reader of YAML 1.1, which is the strictest, in lists and mappings too."""
    source = declared_yaml(value)
    assert read(source) == as_read(value)
    assert yaml.safe_load(f"key: {source}")["key"] == value


@given(name=TEXTS.filter(bool))
def test_any_key_can_be_written(name: str) -> None:
    """In quotation marks where it needs them."""
    assert yaml.load(f"{key_yaml(name)}: 1", Loader=yaml.CBaseLoader) == {name: "1"}


def test_a_value_with_aliases_is_not_expanded() -> None:
    """An anchor and its alias in one value are refused, however much they would stand for."""
    levels = ["&a0 [lol,lol]", *(f"&a{n + 1} [{','.join([f'*a{n}'] * 9)}]" for n in range(9))]
    assert read(f"[{', '.join(levels)}]") is None
    page = parse(f"---\nx: [{', '.join(levels)}]\n---\n".encode(), PAGE)
    assert isinstance(page, PageText)
    assert set(declared_in(page)) == {"x"}
    assert read("[a * b, '*c']") == ["a * b", "*c"]


LONG = " " * 400_000


@pytest.mark.parametrize(
    ("front", "keys"),
    [
        (f"title: a{LONG}b", ["title"]),
        (f"title: a{LONG}# b", ["title"]),
        (f"title: b\na{LONG}", ["title"]),
        (f"a{LONG}b: c", [f"a{LONG}b"]),
        (f"a{LONG}: c", ["a"]),
        ("\n".join(f"a{n}: [" for n in range(4_000)), [f"a{n}" for n in range(4_000)]),
        ("title: [" + '\\"' * 200_000, ["title"]),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_front_matter_of_any_shape_is_read_in_one_pass(front: str, keys: list[str]) -> None:
    """Long blanks and values that are never closed do not hold up whoever reads the file."""
    page = parse(f"---\n{front}\n---\ntext".encode(), PLAIN)
    assert isinstance(page, PageText) and page.front is not None
    assert [key.name for key in page.front.keys] == keys


def test_a_header_and_marks_with_long_blanks_are_read_in_one_pass() -> None:
    """What stands behind the blanks belongs to the title, and no mark is found."""
    page = parse(f"title: a{LONG}b \n\n<!-- section: body{LONG}\n".encode(), PAGE)
    assert isinstance(page, PageText)
    assert page.title == f"a{LONG}b"
    assert not page.marked


@pytest.mark.parametrize(
    ("heading", "section"),
    [
        (f"## a{LONG}b", "a-b"),
        (f"## a{LONG}##", "a"),
        ("## a ## ", "a"),
        ("## a##", "a"),
        ("## C# #", "c"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_heading_is_read_in_one_pass(heading: str, section: str) -> None:
    """Hashes that close it are no text of it."""
    assert split_sections(heading.encode()) == (section,)


@pytest.mark.parametrize("mark", ["<!-- section: %s -->", "{/* section: %s */}"])
@pytest.mark.parametrize(("id", "counts"), [("body", True), ("a-b", True), ("a b", False)])
def test_a_mark_is_read_with_any_blanks(mark: str, id: str, counts: bool) -> None:
    """Blanks around the id and behind the mark are none of it."""
    style = MarkStyle.MDX if mark.startswith("{") else MarkStyle.HTML
    for written in (mark, mark.replace(" ", ""), mark.replace(" ", "\t "), mark + "  "):
        found = marks((written % id).encode(), 0, "menu", style)
        assert [each.section for each in found] == ([id] if counts else [])


@pytest.mark.parametrize("text", ['title: "\\ud800"', '"\\udc00": x', 'title: "\\udc00\\ud800"'])
def test_half_a_character_is_refused_in_a_meta_text(text: str) -> None:
    """An escape can say a lone surrogate, which has no form to be stored in; a pair is a letter."""
    with pytest.raises(NotMeta, match="line 1 holds half a character"):
        meta_fields(text)
    assert meta_fields('title: "\\ud83c\\udf5d"') == {"title": "\N{SPAGHETTI}"}


def test_a_meta_text_with_long_blanks_is_read_in_one_pass() -> None:
    """Blanks are the key's or the value's, or before the colon nobody's."""
    assert meta_fields(f"a{LONG}: b{LONG}c") == {"a": f"b{LONG}c"}
    with pytest.raises(NotMeta):
        meta_fields(f"a{LONG}b")
