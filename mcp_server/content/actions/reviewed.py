"""What stands in each section: missing, draft, changed, live, withdrawn, outdated, orphaned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mcp_server.content.actions.calls import Note

SectionState = Literal[
    "missing", "static", "draft", "changed", "live", "withdrawn", "outdated", "orphaned"
]
"""`draft`: drafted, nothing live. `changed`: draft and live text differ. `outdated`: the draft was
made against a live text that has moved since. `orphaned`: stored, but no longer in `site.yaml`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRow:
    """One section: its state, its words, and what would change."""

    section: str
    state: SectionState
    template: str | None
    draft: str | None = None
    live: str | None = None
    draft_hash: str | None = None
    live_hash: str | None = None
    author: str | None = None
    placeholder: bool = False
    batch_id: str | None = None
    diff: str | None = None
    """Unified diff from the live text to the draft; only where asked for."""
    note: str | None = None
    """Such as: its file was edited outside."""
    findings: tuple[str, ...] = ()
    """What there is to say of the draft, else of the live or the static text: `script element`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """Rows in the order of `site.yaml`, the counts of all of them, and where to go on."""

    rows: tuple[ReviewRow, ...]
    counts: dict[str, int]
    next_cursor: int | None = None
    missing_files: bool = False
    """Whether the file of a page of theirs was exported and is gone; promote writes it again."""
    notes: tuple[Note, ...] = ()
    """What is to say about the site as a whole, such as a mistake in its file."""
