"""Pieces of a text are replaced where they stand once, whatever their order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcp_server.content.text.replace import COUNTED_MAX, Misfit, Replacement, replaced

PIECES = st.text("ab\n", min_size=1, max_size=3)


def swap(*pairs: tuple[str, str]) -> list[Replacement]:
    """Return the replacements."""
    return [Replacement(old=old, new=new) for old, new in pairs]


def test_all_pieces_are_looked_for_in_the_text_as_it_is() -> None:
    """What one puts in is not found by the next."""
    assert replaced("one two", swap(("one", "two"), ("two", "one"))) == "two one"


def test_a_piece_that_stands_twice_is_refused_with_its_lines() -> None:
    """Each line once, however often the piece stands in it."""
    found = replaced("80 euros\n\nfrom 80 to 80", swap(("80", "90")))
    assert found == Misfit(number=0, count=3, places=("1: 80 euros", "3: from 80 to 80"))


def test_a_piece_that_is_not_there_is_refused() -> None:
    """The number says which one it was."""
    assert replaced("one", swap(("one", "1"), ("two", "2"))) == Misfit(number=1, count=0)


def test_pieces_that_overlap_are_refused() -> None:
    """What would come of them is for nobody to guess."""
    found = replaced("one two three", swap(("one two", "x"), ("two three", "y")))
    assert isinstance(found, Misfit) and found.overlaps


@given(text=st.text("ab\n", max_size=30), old=PIECES, new=st.text("xy", max_size=3))
def test_one_piece_is_replaced_exactly_if_it_stands_there_once(
    text: str, old: str, new: str
) -> None:
    """Counted at every place, so `aa` stands twice in `aaa`."""
    count = sum(text.startswith(old, place) for place in range(len(text)))
    found = replaced(text, swap((old, new)))
    assert (found == text.replace(old, new)) if count == 1 else isinstance(found, Misfit)
    assert not isinstance(found, Misfit) or found.count == count


def test_a_long_piece_that_overlaps_with_itself_is_not_counted_to_the_end() -> None:
    """At each of 50,000 places 50,000 letters would have to be compared."""
    found = replaced("a" * 100_000, swap(("a" * 50_000, "b")))
    assert isinstance(found, Misfit) and found.count == COUNTED_MAX
