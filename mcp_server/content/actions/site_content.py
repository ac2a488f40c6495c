"""The site with its drafts, live texts and the state of its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from mcp_server.content.site import Site
from mcp_server.entities.entity import Entity, Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteContent:
    """A site and all that is stored of it, as read for one plan."""

    site: Site
    drafts: Mapping[str, Entity]
    live: Mapping[str, Entity]
    history: Mapping[str, Sequence[Revision]] = field(default_factory=dict[str, Sequence[Revision]])
    """Production revisions of each section, oldest first."""
    exported: Mapping[str, Sequence[str | None]] = field(
        default_factory=dict[str, Sequence[str | None]]
    )
    """As `EntityStore.exported` has it, at the same moment."""
    edited: Mapping[str, str] = field(default_factory=dict[str, str])
    """By page, why its file is not ours to overwrite (R23); of the pages that were looked at."""
    locks: Mapping[str, str] = field(default_factory=dict[str, str])
    """By page or section that is locked: the place in the file that says so, where it is known."""
    missing: Mapping[str, str] = field(default_factory=dict[str, str])
    """By page, the exported file that is gone although texts of the page are live (R22); of those
    pages, too."""

    def live_hash(self, section: str) -> str | None:
        """Content hash of the live text, `None` where there is none."""
        return self.live[section].hash if section in self.live else None


def with_live(content: SiteContent, revisions: Sequence[Revision]) -> SiteContent:
    """Return the content as it is once `revisions` are live (edits that `force` keeps, R23)."""
    live = {**content.live, **{r.entity_id: Entity(current=r) for r in revisions}}
    return replace(content, live=live, edited={})
