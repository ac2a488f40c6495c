"""The site with its drafts, live texts and the state of its files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from mcp_server.content.pages.look import Looked
from mcp_server.content.site import Site
from mcp_server.entities.drafts import is_superseded
from mcp_server.entities.entity import Entity, Revision, page_of, split_id
from mcp_server.entities.page_files import KnownFile
from mcp_server.entities.store import Snapshot

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeover:
    """A text that a look found in a page's file, and the hash of the live text it replaces."""

    revision: Revision
    replaces: str | None
    withdraws: str | None = None
    """Hash of the draft that it withdraws (P4)."""
    is_ground: bool = False
    """Whether it is the section's first text, and not somebody's edit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFound:
    """What a look at a page's file has found."""

    file: str
    """As people are told of it."""
    looked: Looked | None
    """`None`: nothing has changed since it was last seen."""
    blocked: str | None = None
    """Why it cannot be worked on now: file, line and reason (P6)."""
    saving: bool = False
    """Whether somebody may just be saving it (P3)."""
    missing: bool = False
    """Whether somebody has removed the file, or its folder."""
    gone: frozenset[str] = frozenset()
    """Sections that somebody took out of it, or all where it is missing (P5)."""
    takeovers: tuple[Takeover, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteContent:
    """A site and all that is stored of it, as read for one plan."""

    site: Site
    drafts: Mapping[str, Entity]
    live: Mapping[str, Entity]
    history: Mapping[str, Sequence[Revision]] = field(default_factory=dict[str, Sequence[Revision]])
    """Production revisions of each section, oldest first."""
    files: Mapping[str, KnownFile] = field(default_factory=dict[str, KnownFile])
    """What is remembered of each page's file, at the same moment."""
    found: Mapping[str, PageFound] = field(default_factory=dict[str, PageFound])
    """By page, what its file is by now; of the pages that were looked at."""
    same_base: frozenset[str] = frozenset()
    """Sections whose live text differs from the one that the draft was made against in form only,
    as after a formatter's pass (P10)."""
    same_live: frozenset[str] = frozenset()
    """Sections whose draft differs from the live text in form only."""
    unpublished: Mapping[str, str] = field(default_factory=dict[str, str])
    """By page that its generator does not publish (yet), why; of the pages that are shown."""
    locks: Mapping[str, str] = field(default_factory=dict[str, str])
    """By page or section that is locked: the place in the file that says so, where it is known."""

    @classmethod
    def of(cls, site: Site, stored: Snapshot) -> SiteContent:
        """Return what is stored of a site; none of its files was looked at yet."""
        return cls(
            site=site,
            drafts=stored.drafts,
            live=stored.live,
            history=stored.history,
            files=stored.files,
        )

    def with_stored(self, pages: Collection[str], stored: Snapshot) -> SiteContent:
        """Return the content with what is stored of these pages by now."""
        return replace(
            self,
            drafts={**_beside(pages, self.drafts), **stored.drafts},
            live={**_beside(pages, self.live), **stored.live},
            history={**_beside(pages, self.history), **stored.history},
            files={
                **{page: each for page, each in self.files.items() if page not in pages},
                **stored.files,
            },
        )

    def live_hash(self, section: str) -> str | None:
        """Content hash of the live text, `None` where there is none."""
        return self.live[section].hash if section in self.live else None

    def why_blocked(self, section: str) -> str | None:
        """Return why the file of a section's page cannot be worked on now, if it cannot (P6)."""
        page = page_of(section)
        if page in self.site.blocked:
            return self.site.blocked[page]
        found = self.found.get(page)
        if found is None or not found.saving:
            return None if found is None else found.blocked
        return f"{found.file} was edited a moment ago, and may still be being saved; call again"

    def missing_file(self, section: str) -> str | None:
        """Return the file that a section was in, and is not: somebody took it out (P5)."""
        page, name = split_id(section)
        found = self.found.get(page)
        if found is None or name not in found.gone or section not in self.live:
            return None
        return found.file

    def why_missing(self, section: str) -> str | None:
        """Return what is gone where somebody took a section's text out of the content folder."""
        if (file := self.missing_file(section)) is None:
            return None
        if self.found[page_of(section)].missing:
            return f"{file} is missing"
        return f"somebody has taken {split_id(section)[1]} out of {file}"

    def unwritten_file(self, section: str) -> str | None:
        """Return the file that a live text is still to be written into, if there is no file yet.

        Such as one that a call has named which is under way.
        """
        page, name = split_id(section)
        found = self.found.get(page)
        known = found.looked.known if found is not None and found.looked is not None else None
        if found is None or known is None or known.hash is not None or section not in self.live:
            return None
        return None if name in known.in_file or self.is_static(section) else found.file

    def is_superseded(self, section: str) -> bool:
        """Whether the draft was live, and somebody has gone on from it in the page's file."""
        return is_superseded(self.drafts.get(section), self.live.get(section))

    def is_static(self, section: str) -> bool:
        """Whether the section's text is that of `site.yaml`."""
        found = self.site.section(section)
        return found is not None and found.text is not None

    def is_live(self, section: str) -> bool:
        """Whether the draft is what is live, apart from its form (P10)."""
        draft = self.drafts.get(section)
        if draft is None or section not in self.live:
            return False
        return draft.hash == self.live_hash(section) or section in self.same_live


def _beside(pages: Collection[str], by_section: Mapping[str, T]) -> Mapping[str, T]:
    """Return what is not of these pages."""
    return {id: each for id, each in by_section.items() if page_of(id) not in pages}
