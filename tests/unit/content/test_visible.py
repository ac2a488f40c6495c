"""What a person would not see does not get into a page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.content.text.visible import visible, visible_fields


@pytest.mark.parametrize(
    "hidden",
    [
        "\u200b",  # zero width space
        "\u202e",  # right-to-left override
        "\u2066",  # isolate
        "\ufeff",  # byte order mark
        "\u00ad",  # soft hyphen
        "\u2060",  # word joiner
        "\U000e0041",  # tag letter: a whole sentence can be hidden in these
        "\U000e0101",  # variation selector of the second block: as well
        "\x00",
        "\x07",
        "\x1b",
        "\ue000",  # private use
        "\u3164",  # blank letter
        "\u200d",  # a joiner that joins nothing
    ],
)
def test_a_character_that_nobody_sees_is_taken_out(hidden: str) -> None:
    """Alone or many of them."""
    assert visible(f"be{hidden}fore") == "before"
    assert visible(f"{hidden}before{hidden * 3}") == "before"


@pytest.mark.parametrize(
    "text",
    [
        "One.\n\nTwo.",
        "Café – “quoted” · 5 €",
        "👩\u200d🍳 cooks ❤\ufe0f",
        "می\u200cخواهم",
        "日本語のパン",
        "שלום",
        "e\u0301",
    ],
)
def test_a_text_that_a_person_sees_stays_as_it_is(text: str) -> None:
    """Joined emoji, Persian and combining marks need characters that look like nothing."""
    assert visible(text) == text


def test_line_ends_become_newlines_and_tabs_become_spaces() -> None:
    """Whatever system the model thinks it is on."""
    assert visible("a\r\nb\rc\u2028d\u2029e\tf") == "a\nb\nc\nd\ne f"


def test_tabs_stay_where_they_may_indent_code_or_lists() -> None:
    """A text of several lines; in a single one they are spaces."""
    text = "- one\n\t- two\n\n\tgo run ."
    assert visible_fields({"text": f"{text}\n", "title": "a\tb\n"}) == {
        "text": text,
        "title": "a b",
    }


def test_joiners_in_a_row_are_one() -> None:
    """Their number could spell something."""
    assert visible("می\u200c\u200d\u200c\u200cخواهم") == "می\u200cخواهم"


def test_fields_are_cleaned_at_any_depth() -> None:
    """Numbers stay numbers."""
    fields = {"a": " x\u200b", "b": ["y\x00", {"c": "z\u202e", "d": 4}], "e": 1.5}
    assert visible_fields(fields) == {"a": "x", "b": ["y", {"c": "z", "d": 4}], "e": 1.5}


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    """So that what was checked is what is written."""
    assert visible(visible(text)) == visible(text)
