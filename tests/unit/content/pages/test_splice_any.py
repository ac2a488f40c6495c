"""Whatever a file holds and whatever is asked, no byte changes that was not asked for."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mcp_server.content.pages.layout import Layout
from mcp_server.content.pages.new_file import new_file
from mcp_server.content.pages.page_text import PageText, parse, plain_text
from mcp_server.content.pages.splice import SpliceRefused, needs_marks, splice
from mcp_server.content.text.meta import meta_text
from tests.unit.content.pages.files import (
    GOOD_TEXTS,
    MARKED,
    MDX,
    META,
    SINGLE,
    SPLIT,
    TEXTS,
    tidy_files,
    wild_files,
)

LAYOUTS = st.sampled_from([MARKED, MDX, SINGLE, SPLIT])
VALUES = st.one_of(
    st.sampled_from(
        ["5", "true", "x", "it's", "a: b", "# no", "2024-01-01", "", " x", "a\nb", "- x"]
    ),
    st.text(max_size=6).filter(lambda text: "\x00" not in text),
)


def read(data: bytes, layout: Layout) -> PageText:
    """Return the page, or look for another if it is blocked."""
    page = parse(data, layout)
    assume(isinstance(page, PageText))
    assert isinstance(page, PageText)
    return page


def parsed(data: bytes) -> PageText:
    """Return the page of one section that these bytes are."""
    page = parse(data, SINGLE)
    assert isinstance(page, PageText)
    return page


def spliced(page: PageText, section: str, text: str | None) -> PageText:
    """Return the page with the text in it, or look for another if it is refused."""
    try:
        return read(splice(page, {section: text}), page.layout)
    except SpliceRefused:
        assume(False)
        raise


@given(data=st.one_of(wild_files(), st.binary(max_size=60)), layout=LAYOUTS)
def test_what_is_there_already_changes_no_byte(data: bytes, layout: Layout) -> None:
    """P7: importing a site and promoting it changes nothing."""
    page = read(data, layout)
    same = {section: f"\n\n{span.text}\n" for section, span in page.spans.items()}
    assert splice(page, {s: t if s != "meta" else t.strip("\n") for s, t in same.items()}) == data


@settings(max_examples=200)
@given(data=wild_files(), layout=LAYOUTS, text=TEXTS, number=st.integers(0, 9), empty=st.booleans())
def test_what_is_asked_is_there_and_all_else_as_before(
    data: bytes, layout: Layout, text: str, number: int, empty: bool
) -> None:
    """P7: for any file and any text; what would go wrong is refused."""
    page = read(data, layout)
    sections = [s for s in page.spans if s != "meta"]
    assume(sections)
    section = sections[number % len(sections)]
    after = spliced(page, section, None if empty else text)
    asked = "" if empty else plain_text(text)
    if asked or section != "intro":  # without a text, a page with headings has no intro
        assert after.spans[section].text == asked
    old = page.spans[section]
    assert after.data.startswith(data[: old.start])
    assert after.data.endswith(data[old.end :])
    for other in page.spans.keys() - {section}:
        assert after.spans[other].text == page.spans[other].text
    assert after.spans.keys() <= page.spans.keys()
    assert after.strays == page.strays
    assert after.title == page.title


@given(data=st.data(), layout=LAYOUTS, text=GOOD_TEXTS)
def test_a_tidy_file_takes_any_good_text_and_gives_it_back(
    data: st.DataObject, layout: Layout, text: str
) -> None:
    """Nothing is refused, and putting the old text back restores every byte."""
    original = data.draw(tidy_files(layout))
    page = parse(original, layout)
    assert isinstance(page, PageText)
    for section, span in page.spans.items():
        if section == "meta":
            continue
        changed = parse(splice(page, {section: text}), layout)
        assert isinstance(changed, PageText)
        assert changed.spans[section].text == text
        if span.text:
            assert splice(changed, {section: span.text}) == original


@given(data=st.data(), layout=st.sampled_from([MARKED, MDX, SINGLE]), text=GOOD_TEXTS)
def test_a_section_that_is_not_there_is_put_after_the_one_before_it(
    data: st.DataObject, layout: Layout, text: str
) -> None:
    """The others keep their texts, and what stood there keeps its order."""
    page = parse(data.draw(tidy_files(layout)), layout)
    assert isinstance(page, PageText)
    for section in ("hero", "hours", "wine"):
        if section in page.spans:
            continue
        after = parse(splice(page, {section: text}), layout)
        assert isinstance(after, PageText)
        assert after.marked
        known = after.spans if section in after.spans else after.strays
        assert known[section] in (text, after.spans.get(section))
        kept = [other for other in after.spans if other != section]
        assert kept == [s for s in page.spans if s != section]
        assert all(after.spans[s].text == page.spans[s].text for s in kept)


@given(
    data=wild_files(), values=st.dictionaries(st.sampled_from(META.keys), VALUES), layout=LAYOUTS
)
def test_the_keys_of_meta_become_what_is_asked(
    data: bytes, values: dict[str, str], layout: Layout
) -> None:
    """All other lines of the file are as before, in their order."""
    page = read(data, layout)
    text = meta_text(values, META.keys)
    after = spliced(page, "meta", text)
    got = after.spans.get("meta")
    assert (got.text if got else "") == text
    assert {s: x.text for s, x in after.spans.items() if s != "meta"} == {
        s: x.text for s, x in page.spans.items() if s != "meta"
    }
    if page.front:
        assert after.data[after.front.body if after.front else 0 :] == data[page.front.body :]


@given(
    texts=st.dictionaries(st.sampled_from(["hero", "hours", "wine"]), GOOD_TEXTS, min_size=1),
    windows=st.booleans(),
)
def test_a_text_between_blank_lines_comes_back_from_nothing(
    texts: dict[str, str], windows: bool
) -> None:
    """Unpublishing a section and taking that back restores the file, as it is usually laid out."""
    data = new_file(MARKED, texts).replace(b"\n", b"\r\n" if windows else b"\n")
    page = parse(data, MARKED)
    assert isinstance(page, PageText)
    for section, text in texts.items():
        emptied = parse(splice(page, {section: None}), MARKED)
        assert isinstance(emptied, PageText)
        assert emptied.spans[section].text == ""
        assert splice(emptied, {section: text}) == data


@pytest.mark.parametrize("layout", [MARKED, SPLIT])
def test_half_a_character_is_refused(layout: Layout) -> None:
    """No file can hold it."""
    page = parse(b"x\n", layout)
    assert isinstance(page, PageText)
    section = "hero" if layout is MARKED else "intro"
    with pytest.raises(SpliceRefused, match="half a character"):
        splice(page, {section: "\ud800"})


def test_a_file_without_marks_gets_them_with_a_further_section() -> None:
    """The plan says so before."""
    page = parse(b"---\ntitle: x\n---\n\nHi\n", MARKED)
    assert isinstance(page, PageText)
    assert not needs_marks(page, {"meta", "hero"})
    assert needs_marks(page, {"wine"})
    after = parse(splice(page, {"wine": "Red", "hours": "Tuesday"}), MARKED)
    assert isinstance(after, PageText)
    assert after.data.decode() == (
        "---\ntitle: x\n---\n\n<!-- section: hero -->\n\nHi\n\n"
        "<!-- section: hours -->\n\nTuesday\n\n<!-- section: wine -->\n\nRed\n"
    )
    assert not needs_marks(after, {"wine"})


@pytest.mark.parametrize(
    ("data", "section", "text", "reason"),
    [
        (b"## One\n\na\n\n## Two\n", "one", "b\n\n## Three", "second-level heading"),
        (b"## One\n\na\n\n## Two\n", "one", "```\nb", "leaves ``` open"),
        (b"## One\n\na\n", "two", "b", "heading is not in the file"),
        (b"a\n", "intro", "---\n\nx\n\n---", "with it, its front matter"),
    ],
)
def test_what_would_change_more_than_was_asked_is_refused(
    data: bytes, section: str, text: str, reason: str
) -> None:
    """It says why, and which section."""
    page = parse(data, SPLIT)
    assert isinstance(page, PageText)
    with pytest.raises(SpliceRefused, match=reason) as refused:
        splice(page, {section: text})
    assert refused.value.section == section


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: Pwn\ndraft: false\n---\n\nHi",
        "+++\ntitle = 'Pwn'\n+++\n\nHi",
        '{"title": "Pwn"}\n\nHi',
        '{\n"title": "Pwn"\n}\n\nHi',
        "--- yes\ntitle: Pwn\n---\n",
        "---\n\nHi",
        "   +++\n",
    ],
)
def test_no_text_becomes_front_matter(text: str) -> None:
    """Generators pass over the blank lines before it, or fail to build the whole site."""
    for before in (b"", b"\n", b"\xef\xbb\xbf\r\n \r\n"):
        with pytest.raises(SpliceRefused):
            splice(parsed(before + b"No front matter.\n"), {"hero": text})
    below = splice(parsed(b"---\na: 1\n---\nOld\n"), {"hero": text})
    assert below == f"---\na: 1\n---\n{plain_text(text)}\n".encode()
    held = parsed(b"\n---\n\nA rule is there already.\n")
    assert splice(held, {"hero": "---\n\nStill there."}) == b"\n---\n\nStill there.\n"
