"""The result of a review: the state of each section, its texts and what would change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mcp_server.content.actions.calls import Note

SectionState = Literal[
    "missing", "static", "draft", "changed", "live", "withdrawn", "outdated", "orphaned"
]
"""`static`: its text is in `site.yaml`. `draft`: drafted, nothing live. `changed`: draft and live
text differ. `withdrawn`: the draft was taken back by a rollback. `outdated`: the live text has
changed since it was drafted. `orphaned`: stored, but no longer in `site.yaml`."""


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
    locked: bool = False
    """Whether a person has locked it in `site.yaml`."""
    batch_id: str | None = None
    diff: str | None = None
    """Unified diff from the live text to the draft; only where asked for."""
    note: str | None = None
    """What else to know of it, such as that its file was edited outside."""
    findings: tuple[str, ...] = ()
    """What a check found in the draft, or else in the live or static text: `script element`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """One page of rows in the order of `site.yaml`, with the counts of all selected sections."""

    rows: tuple[ReviewRow, ...]
    counts: dict[str, int]
    next_cursor: int | None = None
    missing_files: bool = False
    """Whether an exported file of one of their pages is gone; promote writes it again."""
    notes: tuple[Note, ...] = ()
    """Notes on the site as a whole, such as a mistake in its file."""
