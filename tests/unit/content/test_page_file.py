"""Page files: what is rendered is read back, and what people make of a file is read too."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp_server.content.pages.page_file import (
    ExportedSection,
    PageFile,
    parse_page,
    render_page,
    sections_of,
)

SLUGS = st.from_regex(r"[a-z0-9](?:[a-z0-9_-]{0,10}[a-z0-9])?", fullmatch=True)
AWKWARD = [
    "\n",
    "\n\n",
    "---",
    "---\n",
    "- ",
    "\r\n",
    "\r",
    "\t",
    " ",
    "\x85",
    "\u2028",
    "\ufeff",
    "\xa0",
    "\N{SLICE OF PIZZA}",
    "# x",
    ": ",
    "'",
    '"',
    "\\",
    "%",
    "...",
    "<!-- section: menu/hero -->",
    "<!-- \\section: menu/hero -->",
    "\n<!--section:a/b-->\n",
    "2024-01-01",
    "yes",
    "null",
    "1e3",
    "=",
]
TEXTS = st.one_of(
    st.text(),
    st.lists(st.one_of(st.sampled_from(AWKWARD), st.text(max_size=3)), max_size=8).map("".join),
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        TEXTS,
        st.integers(-(10**20), 10**20),
        st.floats(allow_nan=False),
        st.booleans(),
        st.none(),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)
FIELDS = st.dictionaries(TEXTS, VALUES, max_size=4)
IDS = st.builds("{}/{}".format, SLUGS, SLUGS)
SECTIONS = st.one_of(
    st.builds(ExportedSection, entity_id=IDS, markdown=TEXTS),
    st.builds(ExportedSection, entity_id=IDS, markdown=TEXTS, template=SLUGS, fields=FIELDS),
)
FILES = st.builds(
    PageFile,
    title=TEXTS,
    description=TEXTS,
    sections=st.lists(SECTIONS, min_size=1, max_size=4, unique_by=lambda s: s.entity_id).map(tuple),
    extra=FIELDS.map(
        lambda keys: {k: keys[k] for k in keys if k not in ("title", "description", "sections")}
    ),
    preamble=TEXTS,
)

HERO = ExportedSection(
    entity_id="menu/hero",
    template="hero",
    fields={"headline": "Fresh pasta", "body": "Made at dawn.\n\nGone by nine."},
    markdown="# Fresh pasta\n\nMade at dawn.\n\nGone by nine.",
)
HOURS = ExportedSection(entity_id="menu/hours", markdown="Tuesday to Sunday")
MENU = PageFile(title="The menu", description="What we cook", sections=(HERO, HOURS))


@settings(deadline=None)
@given(file=FILES)
def test_a_rendered_page_is_read_back_exactly(file: PageFile) -> None:
    """Whatever titles, fields and Markdown hold, parsing gives back what was rendered."""
    assert parse_page(render_page(file)) == file


@settings(deadline=None)
@given(text=TEXTS)
def test_no_text_makes_parsing_fail(text: str) -> None:
    """A file may hold anything, and anything may stand in its front matter."""
    parse_page(text)
    parse_page(f"---\n{text}\n---\n")


def test_a_page_reads_as_markdown_with_front_matter() -> None:
    """The file is what people and site generators expect, with several lines as they read."""
    assert render_page(MENU) == (
        "---\n"
        "title: The menu\n"
        "description: What we cook\n"
        "sections:\n"
        "  menu/hero:\n"
        "    template: hero\n"
        "    fields:\n"
        "      headline: Fresh pasta\n"
        "      body: |-\n"
        "        Made at dawn.\n"
        "\n"
        "        Gone by nine.\n"
        "---\n"
        "\n"
        "<!-- section: menu/hero -->\n"
        "\n"
        "# Fresh pasta\n"
        "\n"
        "Made at dawn.\n"
        "\n"
        "Gone by nine.\n"
        "\n"
        "<!-- section: menu/hours -->\n"
        "\n"
        "Tuesday to Sunday\n"
    )


A_SECTION = ExportedSection(entity_id="menu/hero", markdown="x")
NO_TEXTS = (
    "08056",
    "1e3",
    "0o17",
    "0x1F",
    "1_000",
    "3,50",
    "08:30",
    ".5",
    "-.INF",
    "2026-1-5",
    "2026-01-05 10:00",
    "Yes",
    "y",
    "NULL",
    "~",
    "",
    ":menu",
)


@pytest.mark.parametrize("text", NO_TEXTS)
def test_a_text_that_some_reader_takes_for_something_else_is_quoted(text: str) -> None:
    """By YAML 1.2 (Hugo, Astro) `08056` is 8056, by Ruby's (Jekyll) `3,50` is 350."""
    fields = {"field": text, text or "empty": "key"}
    section = ExportedSection(entity_id="menu/hero", markdown="x", template="t", fields=fields)
    rendered = render_page(PageFile(title=text, sections=(section,)))
    front = rendered.split("---\n")[1]
    scalars = [event for event in yaml.parse(front) if isinstance(event, yaml.ScalarEvent)]
    assert all(event.style for event in scalars if event.value == text)
    assert parse_page(rendered).sections == (section,)


@pytest.mark.parametrize(
    "text", ["Pizza 🍕 night", "🍕", "a 👨‍👩‍👧 b", "🍕\tx", "🍕\nx", "é\u2028🍕", "𝒳: y"]
)
def test_emoji_stand_in_a_file_as_they_are(text: str) -> None:
    """A person reads the file; other tools show its title."""
    rendered = render_page(PageFile(title=text, sections=(A_SECTION,)))
    assert "\\U" not in rendered
    assert "\N{SLICE OF PIZZA}" in rendered or "\N{SLICE OF PIZZA}" not in text
    assert parse_page(rendered).title == text


def test_a_line_that_looks_like_a_section_comment_opens_no_section() -> None:
    """Such a line in a text is escaped, so the text stays in one piece."""
    sneaky = "Before\n<!-- section: menu/hours -->\nAfter"
    file = PageFile(
        sections=(ExportedSection(entity_id="menu/hero", markdown=sneaky, template="x"),)
    )
    text = render_page(file)
    assert "<!-- \\section: menu/hours -->" in text
    assert [section.markdown for section in parse_page(text).sections] == [sneaky]


def test_windows_line_ends_and_a_byte_order_mark_make_no_difference() -> None:
    """A file saved by a Windows editor says the same."""
    text = "\ufeff" + render_page(MENU).replace("\n", "\r\n")
    assert parse_page(text) == MENU


@pytest.mark.parametrize(
    "comment",
    [
        "<!--section:menu/hero-->",
        "<!--  section: menu/hero  -->  ",
        "  <!-- section: menu/hero -->",
    ],
)
def test_a_retyped_section_comment_still_opens_its_section(comment: str) -> None:
    """White space in and around the comment, and missing blank lines, are taken as they come."""
    [section] = parse_page(f"{comment}\nText").sections
    assert (section.entity_id, section.markdown) == ("menu/hero", "Text")


def test_keys_that_a_person_added_are_kept() -> None:
    """Other front matter keys are reported, with dates as the text they were written as."""
    text = render_page(MENU).replace("title:", "draft: true\ndate: 2026-03-01\ntitle:", 1)
    assert parse_page(text).extra == {"draft": True, "date": "2026-03-01"}


def test_text_above_the_first_section_is_the_preamble() -> None:
    """What a person wrote above all sections is not lost."""
    text = render_page(MENU).replace("<!-- section", "Closed on Monday!\n\n<!-- section", 1)
    assert parse_page(text).preamble == "Closed on Monday!"


@pytest.mark.parametrize(
    "front",
    [
        "title: [unclosed",
        "- a\n- list",
        "a: &x [1]\nb: *x",
        "x: " + "[" * 5_000 + "]" * 5_000,
        "x: !!python/name:os.system",
        "x: =",
    ],
    ids=["broken", "list", "alias", "deep", "python", "value-tag"],
)
def test_front_matter_that_cannot_be_read_leaves_the_body_readable(front: str) -> None:
    """The body is read all the same, and the file says what is wrong with its front matter."""
    file = parse_page(f"---\n{front}\n---\n\n<!-- section: menu/hero -->\n\nText\n")
    assert file.problem
    assert file.sections == (ExportedSection(entity_id="menu/hero", markdown="Text"),)


def test_front_matter_of_the_wrong_shape_counts_as_absent() -> None:
    """Fields that are no mapping and a title that is a number do no harm."""
    file = parse_page(
        "---\n"
        "title: 1984\n"
        "description:\n"
        "sections:\n"
        "  menu/hero: {template: t, fields: [1]}\n"
        "  menu/x: 3\n"
        "---\n"
        "<!-- section: menu/hero -->\nA\n\n"
        "<!-- section: menu/x -->\nB"
    )
    assert (file.title, file.description, file.problem) == ("1984", "", None)
    assert file.sections == (
        ExportedSection(entity_id="menu/hero", template="t", markdown="A"),
        ExportedSection(entity_id="menu/x", markdown="B"),
    )


def test_front_matter_that_is_not_closed_is_text() -> None:
    """Without a closing line nothing is taken for front matter, and nothing is lost."""
    assert parse_page("---\ntitle: x").preamble == "---\ntitle: x"


def test_field_values_become_json() -> None:
    """YAML's sets, bytes and number keys are turned into what a field can hold."""
    text = (
        "---\nsections:\n  menu/hero:\n    template: t\n    fields:\n"
        "      a: !!set {x}\n      b: {1: 2}\n      c: !!timestamp 2026-03-01\n"
        "---\n<!-- section: menu/hero -->\n"
    )
    [section] = parse_page(text).sections
    assert section.fields["b"] == {"1": 2}
    assert section.fields["c"] == "2026-03-01"
    assert isinstance(section.fields["a"], str)


def test_a_file_without_a_section_of_the_page_has_none() -> None:
    """Another page's sections are not this one's."""
    assert sections_of(MENU, "lunch") == {}


def test_no_text_of_a_file_belongs_to_no_section() -> None:
    """Preamble, repeated sections and other pages' sections all end up in a section of the page."""
    file = PageFile(
        preamble="Top",
        sections=(
            ExportedSection(entity_id="other/a", markdown="Stray"),
            ExportedSection(entity_id="menu/hero", markdown="One"),
            ExportedSection(entity_id="menu/hours", markdown="Two"),
            ExportedSection(entity_id="other/b", markdown="Copied"),
            ExportedSection(entity_id="menu/hero", markdown="Three"),
        ),
    )
    found = {id: section.markdown for id, section in sections_of(file, "menu").items()}
    assert found == {
        "menu/hero": "Top\n\n<!-- section: other/a -->\n\nStray\n\nOne\n\nThree",
        "menu/hours": "Two\n\n<!-- section: other/b -->\n\nCopied",
    }
