"""The beginning of a text that is too long to be shown."""

from __future__ import annotations

QUOTED_LENGTH_MAX = 60
"""Characters of somebody's input that are repeated to them in a message."""


def shortened(text: str, length: int) -> str:
    """Return at most `length` characters of `text`; a `…` at their end says that it goes on."""
    return text if len(text) <= length else text[: length - 1] + "…"


def on_one_line(text: str, length: int) -> str:
    """Return `text` on one line, `shortened`."""
    return shortened(" ".join(text.split()), length)


def in_quotes(text: str) -> str:
    """Return `text` as it may be repeated to whoever wrote it: in quotes, printable and short."""
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return repr(shortened(printable, QUOTED_LENGTH_MAX))
