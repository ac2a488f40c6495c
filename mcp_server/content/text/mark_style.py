"""How a mark, and a comment, is written in a page's file. Pure."""

from __future__ import annotations

from enum import StrEnum


class MarkStyle(StrEnum):
    """How a mark is written, by the file's extension."""

    HTML = "html"
    """`<!-- section: hero -->`"""
    MDX = "mdx"
    """`{/* section: hero */}`"""

    @classmethod
    def of(cls, file: str) -> MarkStyle:
        """Return how marks are written in a file."""
        return cls.MDX if file.endswith(".mdx") else cls.HTML
