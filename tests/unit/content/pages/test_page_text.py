"""Page files taken apart: spans by marks, by headings, and by keys of the front matter."""

from __future__ import annotations

import pytest

from mcp_server.content.pages.layout import Blocked, Layout, Part
from mcp_server.content.pages.page_text import PageText, parse, split_sections

META = Part(section="meta", keys=("title", "description"))
MENU = Layout(
    page="menu", file="menu.md", parts=(META, Part(section="hero"), Part(section="hours"))
)
MDX = Layout(page="menu", file="menu.mdx", parts=MENU.parts)
SPLIT = Layout(page="menu", file="menu.md", split=True)


def read(data: bytes, layout: Layout = MENU) -> PageText:
    """Return the page, which is not blocked."""
    page = parse(data, layout)
    assert isinstance(page, PageText), page
    for span in page.spans.values():
        assert span.line == data.count(b"\n", 0, span.start) + 1
    return page


def texts(data: bytes, layout: Layout = MENU) -> dict[str, str]:
    """Return the texts of the page's sections."""
    return {section: span.text for section, span in read(data, layout).spans.items()}


def blocked(data: bytes, layout: Layout = MENU) -> tuple[str, int | None]:
    """Return why the page is blocked, and where."""
    page = parse(data, layout)
    assert isinstance(page, Blocked), page
    return page.reason, page.line


def test_without_a_mark_the_body_is_the_first_section() -> None:
    """A page with one section beside `meta` has no mark; blank lines around are not the text's."""
    page = read(b"---\ntitle: x\n---\n\nFresh *pasta*\n\n\n")
    assert page.spans["hero"].text == "Fresh *pasta*"
    assert page.data[page.spans["hero"].start : page.spans["hero"].end] == b"Fresh *pasta*"
    assert not page.marked


@pytest.mark.parametrize("data", [b"", b"\n", b"\n  \n", b"---\n---\n", b"---\ndraft: true\n---"])
def test_an_empty_body_is_a_span_too(data: bytes) -> None:
    """Home pages are front matter only; their body is live, and empty."""
    span = read(data).spans["hero"]
    assert (span.text, span.start) == ("", span.end)


def test_marks_divide_the_body_and_what_stands_before_is_nobodys() -> None:
    """Sections that the layout does not know are strays; the older form with the page counts."""
    page = read(
        b"Nobody's\n\n<!-- section: hours -->\nTuesday\n\n<!--section:menu/hero-->\n\nHi\n"
        b"<!-- section: wine -->\nRed"
    )
    assert {s: span.text for s, span in page.spans.items()} == {"hours": "Tuesday", "hero": "Hi"}
    assert page.strays == {"wine": "Red"}
    assert page.marked


@pytest.mark.parametrize(
    "hidden",
    [
        "```\n{}\n```",
        "~~~ x ~~~\n```\n{}\n~~~~",
        "   ````html\n```\n{}\n   ````  ",
        "<!-- todo\n{}\n-->",
        "<pre>\n{}\n</pre>",
        "{{% highlight html %}}\n{}\n{{% endhighlight %}}",
        "{{{{< highlight html >}}}}\n{}\n{{{{< /highlight >}}}}",
        " {}",
        "> {}",
        "<!-- {}",
        "x {}",
    ],
)
def test_a_mark_in_code_comments_or_not_at_the_margin_does_not_count(hidden: str) -> None:
    """It is text of the section in which it stands."""
    text = hidden.format("<!-- section: hours -->")
    assert texts(f"<!-- section: hero -->\n{text}\n".encode()) == {"hero": text}


def test_a_fence_in_a_list_item_ends_with_the_item() -> None:
    """Its closing line may look like an opening one; what follows at the margin is seen."""
    data = b"<!-- section: hero -->\n- ```\n  code\n  ```\n<!-- section: hours -->\nTuesday\n"
    assert texts(data) == {"hero": "- ```\n  code\n  ```", "hours": "Tuesday"}
    data = b"<!-- section: hero -->\n1. a\n\n   ```\n   code\n\n<!-- section: hours -->\nTuesday\n"
    assert texts(data)["hours"] == "Tuesday"


@pytest.mark.parametrize(
    "line",
    [
        "<!-- section: other/hours -->",
        "<!-- section: Hours -->",
        "<!-- section: -->",
        "<!-- section: a b -->",
        "<!-- Section: hours -->",
        "<!-- section: hours --> x",
        "{/* section: hours */}",
    ],
)
def test_other_comments_are_text(line: str) -> None:
    """A section of another page, an id that is none, and the marks of the other format."""
    assert texts(f"<!-- section: hero -->\n{line}\n".encode()) == {"hero": line}


def test_mdx_has_marks_of_its_own() -> None:
    """`<!-- -->` is illegal there; imports at the top belong to the text."""
    data = (
        b"import X from './x'\n\n{/* section: hero */}\n<X/>\n\n{/*\n{/* section: a */}\n*/}\n\n"
        b"{/* section: menu/hours */}\nTuesday\n<!-- section: wine -->\n"
    )
    assert texts(data, MDX) == {
        "hero": "<X/>\n\n{/*\n{/* section: a */}\n*/}",
        "hours": "Tuesday\n<!-- section: wine -->",
    }
    assert texts(b"import X from './x'\n\n<X/>\n", MDX) == {"hero": "import X from './x'\n\n<X/>"}


def test_line_ends_and_a_byte_order_mark_do_not_matter() -> None:
    """CRLF, CR and mixed; the text has LF alone, and its place leaves out the last line end."""
    unix = "\ufeff---\ntitle: x\n---\n\n<!-- section: hero -->\n\na\nb\n\n<!-- section: hours -->\n"
    for ends in ("\n", "\r\n", "\r"):
        data = unix.replace("\n", ends).encode()
        page = parse(data, MENU)
        assert isinstance(page, PageText)
        assert {s: span.text for s, span in page.spans.items()} == {
            "meta": "title: x",
            "hero": "a\nb",
            "hours": "",
        }
        hero = page.spans["hero"]
        assert data[hero.start : hero.end] == f"a{ends}b".encode()


def test_backslashes_before_a_mark_are_taken_off_where_it_would_count() -> None:
    """One of them was written by us; in code, all of them belong to the text."""
    data = (
        b"<!-- \\section: wine -->\n<!-- \\\\section: wine -->\n"
        b"```\n<!-- \\section: wine -->\n```\n <!-- \\section: wine -->\n"
    )
    assert texts(data)["hero"] == (
        "<!-- section: wine -->\n<!-- \\section: wine -->\n"
        "```\n<!-- \\section: wine -->\n```\n <!-- \\section: wine -->"
    )


def test_second_level_headings_divide_a_page_that_is_split() -> None:
    """Underlined ones too; not those in code, comments, lists and HTML blocks."""
    data = (
        b"---\ntitle: x\n---\nIntro\n\n## One {#one}\n\na\n\n### deeper\n\n```sh\n## no\n```\n"
        b"<!--\n## no\n-->\n<div>\n## no\n</div>\n\n- a\n\n  ## no\n\n    ## no\n\n"
        b"Two\nlines\n---\n\nb\n\n---\n\n> c\n---\n## One ##\n"
    )
    assert list(texts(data, SPLIT)) == ["intro", "one", "two-lines", "one-2"]
    assert texts(data, SPLIT)["two-lines"] == "b\n\n---\n\n> c\n---"
    assert texts(data, SPLIT)["intro"] == "Intro"


def test_a_heading_in_an_element_of_mdx_divides_nothing() -> None:
    """It would tear the element apart; one that is never closed encloses nothing."""
    data = (
        b"<Tabs\n  a='>'\n>\n<Tab>\n\n## no\n\n</Tab>\n<Tab />\n\n## no\n\n</Tabs>\n\n## One\n\n"
        b"<Box a={() => <b>x</b>}>x</Box>\n\n## Two\n\n<Open>\n\n## Three\n"
    )
    assert split_sections(data, style=MDX.marks) == ("intro", "one", "two", "three")
    assert "no" in split_sections(data)


def test_the_intro_is_a_section_where_it_has_text_or_is_asked_for() -> None:
    """A page without headings is one intro, even if it is empty."""
    assert split_sections(b"## One\n") == ("one",)
    assert split_sections(b"x\n## One\n") == ("intro", "one")
    assert split_sections(b"") == ("intro",)
    layout = Layout(page="m", file="m.md", split=True, parts=(Part(section="intro"),))
    page = read(b"## One\nx\n", layout)
    assert list(page.spans) == ["intro"]
    assert page.strays == {"one": "x"}


def test_ids_of_headings_are_slugs_and_unique() -> None:
    """What a reader sees of the heading; `intro` and `meta` are taken."""
    data = """
## Über [uns](x.html) & *mehr*
## Intro
## Meta
## What's new?
## 日本
## 日本
##
## a—b
""".encode()
    first, *_ = ids = split_sections(data)
    assert first == "uber-uns-mehr"
    assert ids[1:4] == ("intro-2", "meta-2", "whats-new")
    assert ids[4].startswith("h-")
    assert ids[5] == f"{ids[4]}-2"
    assert ids[7] == "a-b"
    long = split_sections(b"## " + b"word " * 40 + b"\n## " + b"word " * 40)
    assert all(len(id) <= 64 for id in long)
    assert len(set(long)) == 2


def test_the_keys_of_meta_are_read_however_they_are_written() -> None:
    """Plain, quoted, in blocks and over several lines; others are not looked at."""
    data = b"""---
# comment
title : "It's \\"x\\""   # comment
weird: [a,
]
tags:
- title: no
params:
  title: no
description: >-
  one
  two

  three
---
"""
    assert texts(data)["meta"] == 'title: It\'s "x"\ndescription: "one two\\nthree"'
    assert texts(b"---\ntitle: 'a''b'\ndescription:\n---\n")["meta"] == (
        'title: a\'b\ndescription: ""'
    )
    assert texts(b"---\ntitle: 2024-01-05\ndescription:\n  a\n  b # c\n---\n")["meta"] == (
        "title: 2024-01-05\ndescription: a b"
    )
    assert "meta" not in texts(b"---\ndraft: true\n---\n")
    assert texts(b"Title: Pelican\n\nBody") == {"hero": "Body"}


@pytest.mark.parametrize(
    ("data", "title"),
    [
        (b"---\ntitle: A b # c\n---\n", "A b"),
        (b'+++\ntitle = "A \\u0062"\n[x]\ntitle = "no"\n+++\n', "A b"),
        (b'{\n"title": "A b", "x": {}}\nbody', "A b"),
        (b"Body", ""),
        (b"---\ntitle: [a]\n---\n", ""),
    ],
)
def test_the_title_is_that_of_the_front_matter(data: bytes, title: str) -> None:
    """In each of its three languages."""
    assert read(data, Layout(page="m", file="m.md")).title == title


def test_front_matter_of_other_languages_is_no_text() -> None:
    """It is kept as it is; a brace in MDX is an expression."""
    layout = Layout(page="m", file="m.md", parts=(Part(section="body"),))
    assert texts(b"+++\na = 1\n+++\nBody", layout) == {"body": "Body"}
    assert texts(b'{\n"a": {"b": "}"}\n}\n\nBody', layout) == {"body": "Body"}
    assert texts(b';;;\n"a": 1\n;;;\nBody', layout) == {"body": "Body"}
    assert texts(b'{"title": "x", "draft": true}\n\nBody', layout) == {"body": "Body"}
    assert texts(b"--- # ours\ndraft: true\n---\nBody", layout) == {"body": "Body"}
    assert texts(b"\n---\n\nBody", layout) == {"body": "---\n\nBody"}
    assert texts(b"{{< x >}}\n", layout) == {"body": "{{< x >}}"}
    mdx = Layout(page="m", file="m.mdx", parts=layout.parts)
    assert texts(b"{\n1 + 1\n}\n", mdx) == {"body": "{\n1 + 1\n}"}


@pytest.mark.parametrize(
    ("data", "reason", "line"),
    [
        (b"a\n\xff\n", "UTF-8", 2),
        (b"---\ntitle: x\n", "never closes", 1),
        (b"+++\ntitle = 1\n", "never closes", 1),
        (b"a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> x\n", "merge", 2),
        (b"---\n<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> x\n---\n", "merge", 2),
        (b"a\n<<<<<<< HEAD\n```py\n=======\n```js\n>>>>>>> x\nb\n```\n", "merge", 2),
        (b"```\na\n<<<<<<< HEAD\nb\n```\n=======\nc\n```\n>>>>>>> x\n", "merge", 3),
        (b"```\n<<<<<<< HEAD\nb\n```\n=======\nc\n>>>>>>> x\n```\n", "merge", 2),
        (b"```\n<<<<<<< HEAD\nb\n```\n=======\nc\n```\n>>>>>>> x\n", "merge", 2),
        (b"<<<<<<< HEAD\n---\na: 1\n---\n=======\nc\n>>>>>>> x\n", "merge", 1),
        (b"\xef\xbb\xbf<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> x\n", "merge", 1),
        (b"<!-- section: hero -->\n<!-- section: menu/hero -->\n", "twice", 2),
        (b"---\na: 1\ntitle:\n  - x\n---\n", "`title` has no plain text", 3),
        (b"---\ntitle: {a: b}\n---\n", "`title` has no plain text", 2),
        (b"---\ntitle: &x a\n---\n", "`title` has no plain text", 2),
        (b"---\ntitle: *x\n---\n", "`title` has no plain text", 2),
        (b"---\ntitle:\n  a: b\n---\n", "`title` has no plain text", 2),
        (b"---\ntitle: a\ntitle: b\n---\n", "comes twice", 3),
        (b"+++\ntitle = 'x'\n+++\n", "TOML", 1),
        (b'{\n"title": "x"\n}\n', "JSON", 1),
        (b"{\n", "JSON", 1),
        (b"\n \n---\ntitle: x\n---\n", "begins in a way we do not know", 3),
        (b"\xef\xbb\xbf\n+++\ntitle = 1\n+++\n", "begins in a way we do not know", 2),
        (b'\n{"title": "x"}\n', "begins in a way we do not know", 2),
        (b"--- yes\ntitle: x\n---\n", "begins in a way we do not know", 1),
        (b"---\n  title: x\n---\n", "another form", 1),
        (b"---\n{title: x}\n---\n", "another form", 1),
    ],
)
def test_a_file_that_cannot_be_worked_on_says_why_and_where(
    data: bytes, reason: str, line: int
) -> None:
    """All of P6 that the bytes alone tell."""
    why, where = blocked(data)
    assert reason in why
    assert where == line


def test_what_only_looks_like_a_merge_is_none() -> None:
    """In code, out of order, or a heading underlined with equal signs."""
    for data in (
        b"```\n<<<<<<< a\n=======\n>>>>>>> b\n```\n",
        b"```\n<<<<<<< a\n```\n\n```\n=======\n```\n\n```\n>>>>>>> b\n```\n",
        b"=======\n<<<<<<< a\n>>>>>>> b\n",
        b"Title\n=======\n",
    ):
        read(data)
