"""What a search is asked, and what it finds: the words that the action and its answer share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mcp_server.content.actions.calls import Note

TextState = Literal["live", "draft", "withdrawn"]
"""`live`: what readers see. `draft`: a newer text, or one that never was live. `withdrawn`: a draft
that is kept back."""

SECTION, PAGE, FACT = "section", "page", "fact"
OWN_TYPES = (SECTION, PAGE, FACT)
"""What is found beside the entities of plugins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchCall:
    """What is looked for, and among what: everything, where nothing is named."""

    query: str
    types: tuple[str, ...] = ()
    states: tuple[TextState, ...] = ()
    languages: tuple[str, ...] = ()
    limit: int
    cursor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRow:
    """One text that was found."""

    type: str
    id: str
    """`page/section`, a page, the name of a fact, or a plugin's own id."""
    file: str | None = None
    """Where it stands, as people are told of it."""
    state: TextState | None = None
    """Of a section; nothing else is drafted."""
    snippet: str
    why: str
    """`same words`, `same meaning`, `both`, or what else made it an answer."""
    clear: bool
    """Whether it says what was asked for, and is not only the nearest there is."""
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """The rows that were asked for, the best first."""

    rows: tuple[FoundRow, ...]
    cursors: tuple[int, ...] = ()
    """Where to go on after each row."""
    next_cursor: int | None = None
    notes: tuple[Note, ...] = ()
