"""Where words stand."""

from __future__ import annotations

import pytest

from mcp_server.content.actions.contained import Needle
from mcp_server.errors import InvalidPayload


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("opening hours", "Our OPENING\n  hours are long."),
        ("CRÊPES", "We bake crêpes."),
        ("cr\u00eapes", "We bake cre\u0302pes."),
        ("a.b", "See A.B here."),
    ],
)
def test_case_blanks_and_how_an_accent_is_written_do_not_count(words: str, text: str) -> None:
    """What reads the same is the same."""
    assert Needle(words).found(text, None) is not None


@pytest.mark.parametrize(("words", "text"), [("crepes", "We bake crêpes."), ("a.b", "axb")])
def test_accents_and_signs_count(words: str, text: str) -> None:
    """They are other words."""
    assert Needle(words).found(text, text) is None


def test_it_is_said_where_the_words_stand() -> None:
    """In the draft, in the live text, or in both; from a little before them."""
    soup = "x " * 200 + "Soup is 4 euros."
    both = Needle("soup").found(soup, "Soup.")
    assert both is not None and both.where == "draft and live"
    assert both.excerpts["draft"].startswith("… x x")
    assert "Soup is 4" in both.excerpts["draft"][:60]
    live = Needle("soup").found("Bread.", "Soup.")
    assert live is not None and live.where == "live" and live.excerpts == {"live": "Soup."}


def test_no_words_are_refused() -> None:
    """Everything contains nothing."""
    with pytest.raises(InvalidPayload, match="write the words"):
        Needle(" \n")
