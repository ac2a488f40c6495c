"""Texts as the index of words takes them, and questions as it is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.meaning.words import begins, folded, headings_of, indexed, parts_of, words_of


def test_a_text_is_its_words_and_those_of_its_headings_first() -> None:
    """In lower case, without accents and signs."""
    assert indexed("## Größe\n\nUne œuvre d'été.") == " grosse \n grosse une oeuvre d ete "
    assert indexed("") == "  \n  "


def test_a_run_without_blanks_is_its_pairs_and_its_last_letter() -> None:
    """So that words of two letters are found, and each letter alone."""
    assert indexed("緑茶を飲む").split("\n")[1] == " 緑茶 茶を を飲 飲む む "
    assert words_of("緑茶を") == ["緑茶", "茶を"]
    assert words_of("茶") == ["茶"] and begins("茶")


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("l'eau de Harper's Farm", ["eau", "de", "harper", "farm"]),
        ("LK-2210 LK 2210", ["lk", "2210"]),
        ("X_Y", ["x", "y"]),
        ("?! \x00 🎉", []),
        ("7 a", ["7"]),
    ],
)
def test_a_question_is_its_words_each_once(question: str, words: list[str]) -> None:
    """A letter that an apostrophe has cut off is none, beside words."""
    assert words_of(question) == words


def test_a_code_has_parts() -> None:
    """Letters and digits, in their order."""
    assert parts_of("lk2210") == ["lk", "2210"]
    assert parts_of("bread") == ["bread"]


def test_headings_are_those_of_markdown_or_a_title() -> None:
    """No other line begins like one."""
    assert headings_of("# One\n\n#hash\n\n### Two #2\ntitle: Three\n") == ["One", "Two #2", "Three"]


@given(st.text(max_size=300))
def test_each_word_of_a_text_is_found_by_itself(text: str) -> None:
    """Whatever is in it: the index and the question take it alike."""
    words = indexed(text)
    for word in words_of(text):
        assert f" {word} " in words
        assert folded(word) == word
