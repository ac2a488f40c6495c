"""A site with the pages of its collections: which file is whose, and which two claim one. Pure.

`site.yaml` keeps patterns, and so does the stored site: a new file is a new page at the next look,
and changes no hash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mcp_server.content.page_paths import (
    alike,
    compiled,
    language_in,
    page_id_of,
    paths_of,
    why_unusable,
)
from mcp_server.content.site import Collection, Page, Section, Site
from mcp_server.excerpt import in_quotes

_NO_IDS: Mapping[str, Sequence[str]] = {}
_NO_LANGUAGES: Mapping[str, str] = {}


def expanded(
    site: Site,
    paths: Sequence[str],
    split_ids: Mapping[str, Sequence[str]] = _NO_IDS,
    *,
    languages: Mapping[str, str] = _NO_LANGUAGES,
    before: Site | None = None,
) -> Site:
    """Return the site with a page for each file that a collection's pattern finds.

    `paths` are those that `pages.listing` gives. `site.yaml`'s pages come first, then the
    collections in order, each by path; the first that a file fits has it. The hash stays.
    `split_ids` are the sections of pages with `split`, as earlier looks at the files have found
    them; without, such a page has its `meta` sections only. `languages` are those that the files
    say under `language_key`. `before` is an earlier answer: pages that are as they were are taken
    from it, which makes this quick.
    """
    if not site.collections:
        return site
    named = site.named_pages
    found = _Found(
        expanders=[_Expander(site, each, split_ids, languages) for each in site.collections],
        claimed={page.file for page in named},
        seen={alike(page.id): page for page in named},
        before={} if before is None or before.collections != site.collections else _by_file(before),
    )
    for path in sorted(paths):
        found.add(path)
    return replace(
        site,
        pages=(*named, *(page for each in found.expanders for page in each.pages)),
        blocked=found.blocked,
        unmatched=tuple(found.unmatched(paths)),
    )


def expanded_for(
    site: Site,
    entity_ids: Iterable[str],
    files: Iterable[str] = (),
    *,
    languages: Mapping[str, str] = _NO_LANGUAGES,
) -> Site:
    """Return the site with the pages of these sections, without looking at the content folder.

    For what needs a section and its template, and knows its id. Where the page's file is none of
    `files`, it is the first path that fits a pattern.
    """
    if not site.collections:
        return site
    wanted: dict[str, list[str]] = {}
    for id in entity_ids:
        page, _, section = id.rpartition("/")
        wanted.setdefault(page, []).append(section)
    known = {page_id_of(path): path for path in files if why_unusable(path) is None}
    paths = [path for page in wanted for path in _path_of(site, page, known)]
    split_ids = {page: tuple(ids) for page, ids in wanted.items()}
    return expanded(site, paths, split_ids, languages=languages)


def doubts_of(
    site: Site,
    places: Mapping[tuple[str, str], str],
    left_out: Mapping[str, str],
) -> Iterator[str]:
    """Yield what of an expanded site may not be meant: patterns without files, files left out.

    `places` are those of the patterns in `site.yaml`, as the loader knows them; `left_out` are the
    paths that no page can have, with the reason, as `pages.listing` gives them.
    """
    for id, pattern in site.unmatched:
        place = places.get((id, pattern), "site.yaml")
        yield (
            f"{place}: collection {id}: no file fits {in_quotes(pattern)}; patterns are relative "
            "to the content folder, and files end in .md, .markdown, .mdx or .html"
        )
    for path, why in left_out.items():
        if any(collection.fits(path) for collection in site.collections):
            yield f"{in_quotes(path)} is left out: {why}"


def _path_of(site: Site, page: str, known: Mapping[str, str]) -> Iterator[str]:
    if page in known:
        yield known[page]
        return
    named = any(each.id == page for each in site.named_pages)
    paths = () if named else [path for path in paths_of(page) if why_unusable(path) is None]
    yield from [p for p in paths if any(each.fits(p) for each in site.collections)][:1]


def _by_file(before: Site) -> Mapping[str, Page]:
    return {page.file: page for page in before.pages if page.collection}


class _Expander:
    """One collection, prepared for thousands of paths."""

    def __init__(
        self,
        site: Site,
        collection: Collection,
        split_ids: Mapping[str, Sequence[str]],
        languages: Mapping[str, str],
    ) -> None:
        self.collection = collection
        self.matched: set[str] = set()
        self.pages: list[Page] = []
        self._pattern = site.pattern_section(collection)
        self._declared = {s.id for s in collection.sections if s is not self._pattern}
        self._split_ids = split_ids if collection.split else _NO_IDS
        self._languages = languages if collection.language_key else _NO_LANGUAGES
        self._files = [(each, compiled(each).fullmatch) for each in collection.files]
        self._excluded = [compiled(each).fullmatch for each in collection.exclude]

    def fitting(self, path: str) -> str | None:
        """Return the pattern that a path fits, `None` if it fits none or is excluded."""
        for pattern, fits in self._files:
            if fits(path):
                if any(excludes(path) for excludes in self._excluded):
                    return None
                self.matched.add(pattern)
                return pattern
        return None

    def page(self, path: str, pattern: str, id: str, before: Page | None) -> Page:
        """Return the page of a file; the one before if that is as it would be now."""
        collection = self.collection
        language = self._languages.get(id) or _language(pattern, path) or collection.language
        ids = self._split_ids.get(id, ())
        if before is not None and before.language == language and self._has(before, ids):
            return before
        return Page(
            id=id,
            title="",
            sections=tuple(self._sections(id, ids)),
            locked=collection.locked,
            file=path,
            front=collection.front,
            language=language,
            collection=collection.id,
        )

    def _has(self, page: Page, ids: Sequence[str]) -> bool:
        if page.collection != self.collection.id:
            return False
        if self._pattern is None:
            return True
        own = [each.id for each in page.sections if each.id not in self._declared]
        return own == [id for id in ids if id not in self._declared]

    def _sections(self, page: str, ids: Sequence[str]) -> Iterator[Section]:
        for section in self.collection.sections:
            if section is not self._pattern:
                yield _on(page, section.id, section)
                continue
            for id in ids:
                if id not in self._declared:
                    yield _on(page, id, section)


@dataclass(slots=True, kw_only=True)
class _Found:
    """What was found so far."""

    expanders: Sequence[_Expander]
    claimed: set[str]
    seen: dict[str, Page]
    """By what some platform takes for one id, the first page."""
    before: Mapping[str, Page]
    blocked: dict[str, str] = field(default_factory=dict[str, str])

    def add(self, path: str) -> None:
        """Add the page of this file to its collection, if it fits one and is nobody's yet."""
        if path in self.claimed:
            return
        for each in self.expanders:
            if (pattern := each.fitting(path)) is not None:
                before = self.before.get(path)
                id = page_id_of(path) if before is None else before.id
                page = each.page(path, pattern, id, before)
                first = self.seen.setdefault(alike(id), page)
                if first is not page:
                    self._block(first, page)
                if first is page or first.id != id:
                    each.pages.append(page)
                return

    def unmatched(self, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield the collections' patterns that fit no file at all."""
        for each in self.expanders:
            for pattern in each.collection.files:
                if pattern not in each.matched and not any(map(compiled(pattern).fullmatch, paths)):
                    yield each.collection.id, pattern

    def _block(self, first: Page, other: Page) -> None:
        reason = (
            "two files claim one page, here or on some platform: "
            f"{in_quotes(first.file)} and {in_quotes(other.file)}; rename, move or exclude one"
        )
        for page in (first, other):
            self.blocked.setdefault(page.id, reason)


def _language(pattern: str, path: str) -> str:
    return (language_in(pattern, path) or "") if "{language}" in pattern else ""


def _on(page: str, id: str, section: Section) -> Section:
    return Section(
        page=page,
        id=id,
        template=section.template,
        brief=section.brief,
        text=section.text,
        facts=section.facts,
        locked=section.locked,
    )
