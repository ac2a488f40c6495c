"""The parsed site: pages, sections, facts, templates. Values; `content.workspace` reads them."""

from __future__ import annotations

from collections.abc import Iterator, KeysView, Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_server.content.template import Template
from mcp_server.entities.entity import entity_id, page_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section of a page. It is drafted if it names a template, and static if it has a text."""

    page: str
    id: str
    template: str | None = None
    brief: str = ""
    text: str | None = None
    """Static Markdown; such a section is exported as it is and never drafted."""
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Facts of this section, beside those of the site."""
    locked: bool = False
    """Whether no tool may change its texts, such as a legal one; `Site.is_locked` counts."""

    @property
    def entity_id(self) -> str:
        """`page/section`."""
        return entity_id(self.page, self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page: one Markdown file of the site."""

    id: str
    title: str
    description: str = ""
    sections: tuple[Section, ...] = ()
    locked: bool = False
    """Whether all its sections are, those too that `site.yaml` no longer has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Everything `site.yaml` and the templates say. `hash` identifies exactly this."""

    title: str
    description: str
    language: str
    facts: Mapping[str, Any]
    pages: tuple[Page, ...]
    templates: Mapping[str, Template]
    glossary: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """By the word that the site uses, those that it avoids for it."""
    hash: str = ""
    _by_id: Mapping[str, Section] = field(init=False, repr=False, compare=False)
    _locked_pages: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the sections once, as one call may look up thousands of them."""
        sections: dict[str, Section] = {}
        locked: set[str] = set()
        for page in self.pages:
            locked |= {page.id} if page.locked else set()
            for section in page.sections:
                sections.setdefault(section.entity_id, section)
        object.__setattr__(self, "_by_id", sections)  # frozen for everybody else
        object.__setattr__(self, "_locked_pages", frozenset(locked))

    def page(self, id: str) -> Page | None:
        """Return the page with this id."""
        return next((page for page in self.pages if page.id == id), None)

    @property
    def section_ids(self) -> KeysView[str]:
        """All sections as `page/section`, in the order of `site.yaml`."""
        return self._by_id.keys()

    def section(self, entity_id: str) -> Section | None:
        """Return the section `page/section`."""
        return self._by_id.get(entity_id)

    @property
    def has_locks(self) -> bool:
        """Whether anything is locked."""
        return bool(self._locked_pages) or any(section.locked for section in self.sections())

    def is_locked(self, entity_id: str) -> bool:
        """Whether no tool may change the texts of `page/section`: a person said so in the file."""
        section = self._by_id.get(entity_id)
        if section is not None and section.locked:
            return True
        return bool(self._locked_pages) and page_of(entity_id) in self._locked_pages

    def sections(self) -> Iterator[Section]:
        """Yield all sections in the order of `site.yaml`."""
        for page in self.pages:
            yield from page.sections
