"""The result of an edit: what each section's draft is now, and what has changed in it."""

from __future__ import annotations

from dataclasses import dataclass

from mcp_server.content.actions.calls import Note, Skipped
from mcp_server.content.actions.reviewed import SectionState
from mcp_server.entities.entity import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedSection:
    """One section after the edit; in a dry run, as it would be."""

    section: str
    state: SectionState
    hash: str | None
    """Content hash of the draft, `None` where there is none any more."""
    diff: str
    """What has changed in the draft, word by word."""
    findings: tuple[Finding, ...] = ()
    lost_fields: bool = False
    """Whether it had fields, and is a text without any now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """What an edit did, or would do."""

    way: str
    """Which of `edit_plan.WAYS` it was."""
    sections: tuple[EditedSection, ...]
    without: int = 0
    """How many of the selected sections do not hold what was replaced."""
    locked: tuple[str, ...] = ()
    """Sections that hold it, and are locked."""
    left: tuple[Skipped, ...] = ()
    """Sections that hold it, in files that cannot be worked on now (P6)."""
    dry_run: bool = False
    notes: tuple[Note, ...] = ()
