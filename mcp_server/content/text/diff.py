"""What would change: the difference between the live text and the draft, as people read it."""

from __future__ import annotations

import difflib


def unified(live: str | None, other: str | None, section: str, *, name: str = "draft") -> str:
    """Return the unified diff from `live` to the `other` text, empty if they are equal.

    `None` stands for no text at all: then everything is added, or everything removed. `name` is
    what the diff calls the other text.
    """
    lines = difflib.unified_diff(
        _lines(live),
        _lines(other),
        fromfile=f"live {section}",
        tofile=f"{name} {section}",
        lineterm="",
    )
    return "\n".join(lines)


def capped(text: str, limit: int) -> tuple[str, bool]:
    """Return at most `limit` characters of `text`, and whether something was left out.

    The cut is after a whole line where there is one.
    """
    assert limit >= 0, "a text cannot be shorter than nothing"
    if len(text) <= limit:
        return text, False
    # One character more, so that a line that ends exactly at the limit stays whole.
    head, newline, _ = text[: limit + 1].rpartition("\n")
    return (head if newline else text[:limit]), True


def _lines(text: str | None) -> list[str]:
    """Split at line feeds only; a line feed at the end shows as an empty last line."""
    return [] if text is None else text.split("\n")
