"""A Markdown text taken apart: what is prose, raw HTML and code in it, and where its links lead.

A site generator may read Markdown in its own way. What one of them could take for something else
than code is `LOOSE` here, and is to be looked at as if it were prose and HTML both.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Part(StrEnum):
    """What a piece of a text is."""

    PROSE = "prose"
    """Source of Markdown without code and HTML."""
    HTML = "html"
    """One tag, or a block of HTML."""
    CODE = "code"
    """A code span or the inside of a fence."""
    LOOSE = "loose"
    """What renderers disagree about, such as indented code."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text, as it was written."""

    part: Part
    text: str


@dataclass(frozen=True, slots=True)
class ParsedText:
    """The pieces in their order, and the destinations of links and images, decoded."""

    pieces: tuple[Piece, ...]
    links: tuple[str, ...]
