"""A section among those of its site, as it is compared with them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from mcp_server.content.checks.between.statements import Read, read
from mcp_server.content.checks.between.subjects import stems_of


@dataclass(frozen=True, slots=True)
class Text:
    """A section's text, its language, and its vector where one is known."""

    id: str
    page: str
    text: str
    language: str = ""
    vector: bytes | None = None


@dataclass(frozen=True, slots=True)
class Side:
    """A section of two that are compared."""

    id: str
    page: str
    read: Read
    words: frozenset[str]
    """The stems of its whole text."""
    text: str
    language: str = ""
    vector: bytes | None = None


def side_of(text: Text) -> Side:
    """Return a section with what it says."""
    return Side(
        text.id,
        text.page,
        read(text.text, text.language),
        frozenset(stems_of(text.text)),
        text.text,
        text.language,
        text.vector,
    )
