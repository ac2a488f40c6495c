"""New files: what is declared and written, and read back as it was meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.content.pages.layout import Layout, Part
from mcp_server.content.pages.new_file import new_file
from mcp_server.content.pages.page_text import PageText, parse, plain_text
from mcp_server.content.pages.splice import SpliceRefused, splice
from tests.unit.content.pages.files import MARKED, MDX, SINGLE, SPLIT, TEXTS

SECTIONS = st.sampled_from(["hero", "hours", "wine"])


def test_a_new_file_has_front_matter_and_marks() -> None:
    """Title and description first; declared keys; static texts; sections in their order."""
    layout = Layout(
        page="menu",
        file="menu.md",
        parts=(
            Part(section="meta", keys=("description",)),
            Part(section="hero"),
            Part(section="imprint", static="Ours\n"),
            Part(section="hours"),
        ),
        front={"layout": "page", "title": "Menu: all"},
    )
    texts = {"hours": "Tuesday", "meta": "description: We cook", "hero": "# Hi"}
    assert new_file(layout, texts).decode() == (
        '---\ntitle: "Menu: all"\ndescription: We cook\nlayout: page\n---\n\n'
        "<!-- section: hero -->\n\n# Hi\n\n"
        "<!-- section: imprint -->\n\nOurs\n\n"
        "<!-- section: hours -->\n\nTuesday\n"
    )


def test_one_section_beside_meta_has_no_mark() -> None:
    """The body is its text."""
    assert new_file(SINGLE, {"hero": "Hi", "meta": "title: x"}) == b"---\ntitle: x\n---\n\nHi\n"
    assert new_file(SINGLE, {"hero": "Hi"}) == b"Hi\n"
    assert new_file(SINGLE, {"meta": "title: x"}) == b"---\ntitle: x\n---\n"
    assert new_file(SINGLE, {}) == b""
    assert new_file(MARKED, {"hero": "Hi"}) == b"<!-- section: hero -->\n\nHi\n"
    assert new_file(MDX, {"hero": "Hi"}) == b"{/* section: hero */}\n\nHi\n"


def test_sections_that_the_layout_does_not_know_come_last() -> None:
    """They are live; with them, the one section gets its mark."""
    assert new_file(SINGLE, {"hero": "Hi", "old": "Bye"}) == (
        b"<!-- section: hero -->\n\nHi\n\n<!-- section: old -->\n\nBye\n"
    )


def test_what_would_not_be_read_back_is_refused() -> None:
    """P8: front matter in a text, a heading that nobody knows, keys that are none."""
    with pytest.raises(SpliceRefused, match="hero"):
        new_file(SINGLE, {"hero": "---\na: 1\n---\n"})
    with pytest.raises(SpliceRefused, match="heading"):
        new_file(SPLIT, {"one": "x"})
    with pytest.raises(SpliceRefused, match="read otherwise"):
        new_file(SPLIT, {"intro": "x\n\n## One\n\ny"})
    with pytest.raises(SpliceRefused, match="none of its keys"):
        new_file(SINGLE, {"meta": "a: b"})


@given(
    layout=st.sampled_from([MARKED, MDX, SINGLE]),
    texts=st.dictionaries(SECTIONS, TEXTS, min_size=1),
)
def test_a_new_file_is_read_back(layout: Layout, texts: dict[str, str]) -> None:
    """Or refused; and putting the same texts in again changes nothing."""
    try:
        data = new_file(layout, texts)
    except (SpliceRefused, UnicodeEncodeError):
        return
    page = parse(data, layout)
    assert isinstance(page, PageText)
    found = {s: span.text for s, span in page.spans.items()} | dict(page.strays)
    assert {s: t for s, t in found.items() if t} == {
        s: plain_text(t) for s, t in texts.items() if plain_text(t)
    }
    assert splice(page, texts) == data or any(s not in found for s in texts)
