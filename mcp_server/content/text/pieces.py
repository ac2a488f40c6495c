"""A Markdown text taken apart: what is prose, raw HTML and code in it, and where its links lead.

Site generators read Markdown each in its own way, and what is code for one may be live for another.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Part(StrEnum):
    """What a piece of a text is."""

    PROSE = "prose"
    """Markdown source, without its code and HTML."""
    HTML = "html"
    """One tag, or a block of HTML."""
    CODE = "code"
    """A code span or the inside of a fence."""
    SHAKY = "shaky"
    """Code by the rules of CommonMark, but not for every parser."""
    LOOSE = "loose"
    """May be anything, depending on the parser: to MDX, indented code is no code."""


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
