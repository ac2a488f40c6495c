"""How much a text has of what was asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_server.meaning.fusion import NOTHING, Asked, Share, distance, nearest, score
from mcp_server.meaning.words import indexed

LETTERS = st.text("abc", max_size=6)


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    """An error code decides, and not `error`."""
    asked = Asked({"error": 80, "2210": 1}, 100)
    code, error = asked.share(indexed("Code 2210")), asked.share(indexed("An error"))
    assert code.text > 0.9
    assert 0 < error.text < 0.1
    assert asked.share(indexed("Error 2210")) == Share(1.0, 0.0)


def test_a_heading_counts_once_more() -> None:
    """It says what the text is about."""
    asked = Asked({"menu": 2}, 10)
    heading, text = asked.share(indexed("# Menu\n\nTart.")), asked.share(indexed("The menu."))
    assert (heading.text, text.text) == (1.0, 1.0)
    assert score(0.3, heading) > score(0.3, text) > score(0.3, NOTHING)


def test_a_word_that_only_begins_so_counts_nearly_as_much() -> None:
    """A short one does not count: too much begins with it."""
    asked = Asked({"veste": 1, "tea": 1}, 10)
    assert asked.share(indexed("Vestes")).text == pytest.approx(0.4)
    assert asked.share(indexed("Teams")) == NOTHING


def test_the_right_spelling_counts_for_a_word() -> None:
    """Nearly as much as if it had been spelled right."""
    asked = Asked({"rhubrab": 1}, 10)
    assert asked.share(indexed("Rhubarb")) == NOTHING
    asked.spelled({"rhubrab": ["rhubarb"]})
    assert asked.share(indexed("Rhubarb")).text == pytest.approx(0.8)


def test_a_question_without_words_has_nothing() -> None:
    """And is no division by zero."""
    assert Asked({}, 0).share(indexed("Anything")) == NOTHING


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("rhubrab", ["rhubarb"]),
        ("schlafsak", ["schlafsack"]),
        ("webhok", ["webhook"]),
        ("lk2210", []),
        ("tee", []),
        ("quince", []),
    ],
)
def test_the_nearest_spelling_is_a_slip_or_two_away(word: str, near: list[str]) -> None:
    """A code is another code, and short words are near to too many."""
    known = ["rhubarb", "schlafsack", "webhook", "lk2211", "tea", "prince"]
    assert list(nearest(word, known)) == near


@given(LETTERS, LETTERS, st.integers(0, 3))
def test_the_distance_is_the_fewest_slips(word: str, other: str, most: int) -> None:
    """The same both ways, and none for the same word; above the most, it may be any."""
    found = distance(word, other, most)
    assert min(found, most + 1) == min(distance(other, word, most), most + 1)
    assert (found == 0) == (word == other)
    assert min(found, most + 1) <= max(len(word), len(other))
