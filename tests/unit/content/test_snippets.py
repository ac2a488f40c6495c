"""The piece of a text that shows why it was found."""

from __future__ import annotations

from mcp_server.content.actions.snippets import SNIPPET_LENGTH, snippet

LONG = "Bread is baked before the sun is up. " * 20


def test_it_begins_a_little_before_the_words() -> None:
    """At a word."""
    shown = snippet(f"{LONG}The Größe of a loaf counts.", ["grosse"])
    assert shown.startswith("… ") and "Größe of a loaf" in shown[:SNIPPET_LENGTH]
    assert shown.split()[1] in LONG.split()


def test_it_is_where_most_of_the_words_stand_together() -> None:
    """Not where the first of them stands."""
    shown = snippet(f"A tart. {LONG} A rhubarb tart. {LONG}", ["rhubarb", "tart"])
    assert "rhubarb tart" in shown[:SNIPPET_LENGTH]


def test_without_any_word_it_is_the_beginning() -> None:
    """As where a text was found by its meaning."""
    assert snippet(LONG, ["quince"]) == LONG
    assert snippet("", ["quince"]) == ""


def test_a_word_is_found_in_a_run_without_blanks() -> None:
    """By its pairs of letters."""
    shown = snippet("あ" * 100 + "緑茶があります", ["緑茶"])
    assert "緑茶" in shown[:SNIPPET_LENGTH]
