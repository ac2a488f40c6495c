"""The result of checking a whole site: what the checks have to say of each text."""

from __future__ import annotations

from dataclasses import dataclass

from mcp_server.content.actions.calls import Note
from mcp_server.entities.entity import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedText:
    """A section's text with what was found in it."""

    section: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How many texts were checked, and those in which something was found."""

    count: int
    texts: tuple[CheckedText, ...]
    notes: tuple[Note, ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether nothing is refused or held."""
        return all(each.level == "noted" for text in self.texts for each in text.findings)
