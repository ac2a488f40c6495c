"""The result of a review: the state of each section, its texts and what would change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mcp_server.content.actions.calls import Note
from mcp_server.entities.entity import Finding

SectionState = Literal[
    "missing", "static", "draft", "changed", "live", "withdrawn", "outdated", "orphaned"
]
"""`static`: its text is in `site.yaml`. `draft`: drafted, nothing live. `changed`: draft and live
text differ. `withdrawn`: the draft was taken back, or unpublished. `outdated`: the live text has
changed since it was drafted. `orphaned`: stored, but no longer in `site.yaml`."""


PastState = Literal[
    "live now",
    "was live",
    "removed",
    "draft now",
    "was draft",
    "draft discarded",
    "draft kept aside",
    "file as met",
    "file taken over",
    "file before a write",
    "file written",
    "file removed",
]
"""Of a text in a history, or of a page's file as it was kept (P9). `removed`: from then on no text
was live. `discarded`: the draft before it was the draft again, if there was one. `kept aside`: it
came too late to be the draft, and was kept (R5)."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much of the rows the answer can show. What it cannot is not even read."""

    bytes: int
    text: int
    """Characters that are shown of one text."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows are shown: those from `cursor` on, at most `limit`, as far as there is room."""

    room: Room
    limit: int
    cursor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRow:
    """One section: its state, its words, and what would change."""

    section: str
    state: SectionState | PastState
    template: str | None = None
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
    """What differs between the live text and the draft; only where asked for."""
    note: str | None = None
    """What else to know of it, such as that its file is blocked or missing."""
    findings: tuple[Finding, ...] = ()
    """What the checks found in the draft, or else in the live or static text."""
    found_in: str | None = None
    """Where a text that was looked for stands: in the draft, the live text or both."""
    file: str | None = None
    """A page's file as it was kept, where it was asked for."""
    file_hash: str | None = None
    size: int | None = None
    """Of that file, in bytes."""
    when: float | None = None
    """Since when it was the draft or the live text; of a row of a history."""
    instructions: str | None = None
    related: Mapping[str, str] = field(default_factory=dict[str, str])
    """By section, the hash of what a model was shown of it beside; of a row of a history."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedPage:
    """A page with its title, and how many of its selected sections are in each state."""

    page: str
    title: str | None
    """As `site.yaml` has it, or of a page of a collection its file, if one of its rows is shown;
    `None`: the page is no longer in `site.yaml`."""
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """One page of rows in the order of `site.yaml`, with the counts of all selected sections."""

    rows: tuple[ReviewRow, ...]
    counts: Mapping[str, int]
    pages: tuple[ReviewedPage, ...] = ()
    """The pages of all rows that were chosen, in the same order."""
    next_cursor: int | None = None
    cursors: tuple[int, ...] = ()
    """Where to go on after each row; empty where that is its position."""
    about: str | None = None
    """What the rows are, where they are not the sections as they stand."""
    missing_files: bool = False
    """Whether the file of one of the rows' pages is gone; promote writes it again."""
    notes: tuple[Note, ...] = ()
    """Notes on the site as a whole, such as a mistake in its file."""
