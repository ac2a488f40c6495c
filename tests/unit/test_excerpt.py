"""What is shown of a long text."""

from __future__ import annotations

import pytest

from mcp_server.excerpt import QUOTED_LENGTH_MAX, in_quotes, on_one_line, shortened


@pytest.mark.parametrize(
    ("text", "shown"), [("", ""), ("1234", "1234"), ("12345", "12345"), ("123456", "1234…")]
)
def test_what_is_cut_says_so_and_is_no_longer_than_allowed(text: str, shown: str) -> None:
    """And what fits is as it was."""
    assert shortened(text, 5) == shown


def test_lines_become_one() -> None:
    """Before it is cut."""
    assert on_one_line(" a\n\n b\tc d", 6) == "a b c…"


def test_what_is_quoted_is_printable_and_bounded() -> None:
    """Nothing that a terminal would obey, and no escape that makes it ten times as long."""
    assert in_quotes("it's\x1b[2J") == '"it\'s\N{REPLACEMENT CHARACTER}[2J"'
    assert len(in_quotes("\U000e0001" * 100)) == QUOTED_LENGTH_MAX + len("''")
