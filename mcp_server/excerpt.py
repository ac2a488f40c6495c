"""The beginning of a text that is too long to be shown."""

from __future__ import annotations

import re

QUOTED_LENGTH_MAX = 60
"""Characters of somebody's input that are repeated to them in a message."""

BLANKS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufe00-\ufe0d\U000e0100-\U000e01ef]"
)
"""Blank letters and variation selectors, which Unicode classes as letters and marks: in a row they
can spell what only a model reads."""


_NAME = re.compile(r"[\w./-]{0,200}")


def is_seen(character: str) -> bool:
    """Whether a character shows where it is written, and commands nothing."""
    return character.isprintable() and BLANKS.match(character) is None


def shortened(text: str, length: int) -> str:
    """Return at most `length` characters of `text`; a `…` at their end says that it goes on."""
    return text if len(text) <= length else text[: length - 1] + "…"


def on_one_line(text: str, length: int) -> str:
    """Return `text` on one line, `shortened`."""
    return shortened(" ".join(text.split()), length)


def in_quotes(text: str) -> str:
    """Return `text` as it may be repeated to whoever wrote it: in quotes, printable and short."""
    printable = "".join(c if is_seen(c) else "\N{REPLACEMENT CHARACTER}" for c in text)
    return repr(shortened(printable, QUOTED_LENGTH_MAX))


def as_name(id: str) -> str:
    """Return an id for a sentence of ours: in quotes unless it is one word, such as `posts/hello`.

    A page is named after its file, whose name may hold a sentence.
    """
    return id if _NAME.fullmatch(id) and not BLANKS.search(id) else in_quotes(id)
