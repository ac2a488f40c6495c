"""The parsed site: pages, sections, facts, templates. Values; `content.workspace` reads them."""

from __future__ import annotations

from collections.abc import Iterator, KeysView, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mcp_server.content.page_paths import KEPT_ONLY, compiled, paths_of
from mcp_server.content.template import Template
from mcp_server.entities.entity import entity_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section of a page. It is drafted if it names a template, and static if it has a text."""

    page: str
    """Empty in a collection, which says it of all its pages."""
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
    """A page: one file of the site, mostly Markdown."""

    id: str
    title: str
    """Empty where only its file says it: of a collection, or of a file that was there before."""
    description: str = ""
    sections: tuple[Section, ...] = ()
    locked: bool = False
    """Whether all its sections are, those too that `site.yaml` no longer has."""
    file: str = ""
    """Its path in the content folder; the id with `.md` where nothing else is said."""
    front: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What `site.yaml` declares for its front matter, beside title and description (P11)."""
    language: str = ""
    """Empty: the site's."""
    collection: str = ""
    """The collection whose pattern found it; empty where `site.yaml` names the page."""

    def __post_init__(self) -> None:
        """Give it its file."""
        if not self.file:
            object.__setattr__(self, "file", f"{self.id}.md")  # frozen for everybody else

    @property
    def kept_only(self) -> bool:
        """Whether its file is read and kept, and not drafted: it is no Markdown."""
        return self.file.endswith(KEPT_ONLY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Pages found by pattern. Their sections are these, without a page; see `content.expanded`."""

    id: str
    files: tuple[str, ...]
    """Patterns of paths in the content folder."""
    exclude: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    split: bool = False
    """Whether each second-level heading of a file begins a section; the one section here that is
    not `meta` is the pattern for all of them."""
    front: Mapping[str, Any] = field(default_factory=dict[str, Any])
    language: str = ""
    """Of all its pages; `{language}` in a pattern, and then `language_key`, win over it."""
    language_key: str = ""
    """The key of the front matter that says a page's language."""
    locked: bool = False

    def fits(self, path: str) -> bool:
        """Whether a file is one of its pages, unless an earlier page or collection has it."""
        return any(compiled(each).fullmatch(path) for each in self.files) and not any(
            compiled(each).fullmatch(path) for each in self.exclude
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Everything `site.yaml` and the templates say. `hash` identifies exactly this.

    `pages` holds those of collections only after `content.expanded`, which also fills `blocked`
    and `unmatched`; none of that is stored, or part of the hash.
    """

    title: str
    description: str
    language: str
    facts: Mapping[str, Any]
    pages: tuple[Page, ...]
    templates: Mapping[str, Template]
    glossary: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """By the word that the site uses, those that it avoids for it."""
    hash: str = ""
    collections: tuple[Collection, ...] = ()
    blocked: Mapping[str, str] = field(default_factory=dict[str, str])
    """By page that two files claim, the reason (P6)."""
    unmatched: tuple[tuple[str, str], ...] = ()
    """Collection and pattern, where no file fits the pattern."""
    _by_id: Mapping[str, Section] = field(init=False, repr=False, compare=False)
    _pages_by_id: Mapping[str, Page] = field(init=False, repr=False, compare=False)
    _locked_pages: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index pages and sections once, as one call may look up thousands of them."""
        pages: dict[str, Page] = {}
        sections: dict[str, Section] = {}
        locked: set[str] = set()
        for page in self.pages:
            pages.setdefault(page.id, page)
            if page.locked:
                locked.add(page.id)
            for section in page.sections:
                sections.setdefault(f"{page.id}/{section.id}", section)
        object.__setattr__(self, "_by_id", sections)  # frozen for everybody else
        object.__setattr__(self, "_pages_by_id", pages)
        object.__setattr__(self, "_locked_pages", frozenset(locked))

    def page(self, id: str) -> Page | None:
        """Return the page with this id."""
        return self._pages_by_id.get(id)

    @property
    def named_pages(self) -> tuple[Page, ...]:
        """The pages that `site.yaml` names one by one."""
        return tuple(page for page in self.pages if not page.collection)

    def collection(self, id: str) -> Collection | None:
        """Return the collection with this id."""
        return next((each for each in self.collections if each.id == id), None)

    def collection_of(self, page: str) -> Collection | None:
        """Return the collection of a page, also of one whose file is gone; `None` if it has none.

        A page that has no file here is looked for by the paths that its file could have.
        """
        if (found := self.page(page)) is not None:
            return self.collection(found.collection) if found.collection else None
        paths = paths_of(page) if self.collections else ()
        return next((c for c in self.collections if any(map(c.fits, paths))), None)

    def language_of(self, page: str) -> str:
        """Return the language of a page: its own, or the site's."""
        found = self.page(page)
        return (found.language if found is not None else "") or self.language

    def in_languages(self, said: Mapping[str, str]) -> Site:
        """Return the site with the languages of these pages."""
        if all(self.language_of(page) == language for page, language in said.items()):
            return self
        pages = [replace(p, language=said.get(p.id, p.language)) for p in self.pages]
        return replace(self, pages=tuple(pages))

    def is_meta(self, section: Section) -> bool:
        """Whether a section is keys of the front matter: its template says so."""
        template = self.templates.get(section.template or "")
        return template is not None and template.front_matter

    def pattern_section(self, collection: Collection) -> Section | None:
        """Return the section that is the pattern for all headings of a split collection's files."""
        if not collection.split:
            return None
        return next((each for each in collection.sections if not self.is_meta(each)), None)

    @property
    def section_ids(self) -> KeysView[str]:
        """All sections as `page/section`: `site.yaml`'s, then those of collections by path."""
        return self._by_id.keys()

    def section(self, entity_id: str) -> Section | None:
        """Return the section `page/section`."""
        return self._by_id.get(entity_id)

    @property
    def has_locks(self) -> bool:
        """Whether anything is locked."""
        return (
            bool(self._locked_pages)
            or any(section.locked for section in self.sections())
            or any(map(_may_lock, self.collections))
        )

    def is_locked(self, entity_id: str) -> bool:
        """Whether no tool may change the texts of `page/section`: a person said so in the file."""
        section = self._by_id.get(entity_id)
        if section is not None and section.locked:
            return True
        page, _, id = entity_id.rpartition("/")
        if page in self._locked_pages:
            return True
        return self._is_locked_by_pattern(page, id)

    def _is_locked_by_pattern(self, page: str, section: str) -> bool:
        """Whether a collection locks a section that is not in the site, or whose file is gone."""
        if not any(map(_may_lock, self.collections)):
            return False
        collection = self.collection_of(page)
        if collection is None:
            return False
        declared = next((each for each in collection.sections if each.id == section), None)
        meant = declared or self.pattern_section(collection)
        return collection.locked or (meant is not None and meant.locked)

    def sections(self) -> Iterator[Section]:
        """Yield all sections in the order of `section_ids`."""
        for page in self.pages:
            yield from page.sections


def _may_lock(collection: Collection) -> bool:
    return collection.locked or any(section.locked for section in collection.sections)
