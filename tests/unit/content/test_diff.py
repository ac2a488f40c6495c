"""Diffs between live text and draft."""

from __future__ import annotations

from mcp_server.content.text.diff import (
    LINES_COMPARED_MAX,
    PASSAGE_LENGTH_MAX,
    WORDS_COMPARED_MAX,
    by_words,
    capped,
)


def test_a_short_text_is_not_cut() -> None:
    """A text as long as the limit is whole."""
    assert capped("one\ntwo", 7) == ("one\ntwo", False)


def test_a_long_text_is_cut_after_a_whole_line() -> None:
    """No half line is shown where a whole one fits."""
    assert capped("one\ntwo\nthree", 9) == ("one\ntwo", True)
    assert capped("one\ntwo\nthree", 7) == ("one\ntwo", True)


def test_a_line_longer_than_the_limit_is_cut_inside() -> None:
    """Something is always shown, and never more than the limit."""
    assert capped("abcdef\nx", 3) == ("abc", True)
    assert capped("abc", 0) == ("", True)


def test_changed_words_are_marked_within_their_lines() -> None:
    """A price that changes is seen at once; what stays around it is there once."""
    before = "# Pasta\n\nIt costs 12 euros.\n\nWe open at nine.\n\nCome in."
    after = "# Pasta\n\nIt costs 14 euros.\n\nWe open at nine.\n\nCome in!"
    assert by_words(before, after).split("\n") == [
        "", "It costs [-12-]{+14+} euros.", "", "…", "", "Come in[-.-]{+!+}",
    ]  # fmt: skip


def test_a_first_text_is_all_added_and_a_removal_all_taken_away() -> None:
    """And equal texts have no difference."""
    assert by_words(None, "New") == "{+New+}"
    assert by_words("Old", None) == "[-Old-]"
    assert by_words("Same", "Same") == ""


def test_a_very_long_passage_is_shown_as_a_whole() -> None:
    """It is one line of more words than are compared."""
    before, after = "a " * WORDS_COMPARED_MAX, "b " * WORDS_COMPARED_MAX
    assert by_words(before, after) == f"[-{before}-]{{+{after}+}}"


def test_very_many_lines_are_not_compared_one_with_another() -> None:
    """Those at both ends that stay are left out first, so a small change is still found."""
    many = [f"{n % 99}" for n in range(3 * LINES_COMPARED_MAX)]
    one = "\n".join([*many, "old", *many])
    assert by_words(one, one.replace("old", "new")) == f"{many[-1]}\n[-old-]{{+new+}}\n0"
    other = "\n".join(reversed(many))
    assert by_words("\n".join(many), other).startswith("[-0\n1\n2\n")


def test_a_passage_of_megabytes_is_shown_as_one_change() -> None:
    """Not even its words are told apart."""
    long = "word " * (PASSAGE_LENGTH_MAX // 4)
    assert by_words(long, "word") == f"[-{long}-]{{+word+}}"
