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

_NONE: Mapping[str, tuple[str, ...]] = {}
_NO_LANGUAGES: Mapping[str, str] = {}


def expanded(
    site: Site,
    paths: Sequence[str],
    split_ids: Mapping[str, tuple[str, ...]] = _NONE,
    *,
    languages: Mapping[str, str] = _NO_LANGUAGES,
) -> Site:
    """Return the site with a page for each file that a collection's pattern finds.

    `paths` are those of the files in the content folder. `site.yaml`'s pages come first, then the
    collections in order, each by path; the first that a file fits has it. The hash stays.
    `split_ids` are the sections of pages with `split`, as earlier looks at the files have found
    them; without, such a page has its `meta` sections only. `languages` are those that the files
    say under `language_key`. A site that was expanded before is expanded anew.
    """
    if not site.collections:
        return site
    named = site.named_pages
    found = _Found(
        collections=tuple(_Expander(site, each) for each in site.collections),
        claimed={page.file for page in named},
        seen={alike(page.id): (page.id, page.file) for page in named},
    )
    for path in sorted(paths):
        found.add(path, split_ids, languages)
    return replace(
        site,
        pages=(*named, *found.pages()),
        blocked=found.blocked,
        left_out=found.left_out,
        unmatched=tuple(found.unmatched(paths)),
    )


def expanded_for(site: Site, entity_ids: Iterable[str], files: Iterable[str] = ()) -> Site:
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
    known = {page_id_of(path): path for path in files}
    paths = [path for page in wanted for path in _path_of(site, page, known)]
    return expanded(site, paths, {page: tuple(ids) for page, ids in wanted.items()})


def doubts_of(site: Site, places: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """Yield what of an expanded site may not be meant: a pattern that no file fits.

    `places` are those of the patterns in `site.yaml`, as the loader knows them.
    """
    for id, pattern in site.unmatched:
        place = places.get((id, pattern), "site.yaml")
        yield (
            f"{place}: collection {id}: no file fits {in_quotes(pattern)}; patterns are relative "
            "to the content folder, and files end in .md, .markdown, .mdx or .html"
        )


def _path_of(site: Site, page: str, known: Mapping[str, str]) -> Iterator[str]:
    if page in known:
        yield known[page]
        return
    if site.page(page) is None and (collection := site.collection_of(page)) is not None:
        yield next(filter(collection.fits, paths_of(page)))


class _Expander:
    """One collection, prepared for thousands of paths."""

    def __init__(self, site: Site, collection: Collection) -> None:
        self.collection = collection
        self._pattern = site.pattern_section(collection)
        self.matched: set[str] = set()
        self.pages: list[Page] = []
        self._files = [(each, compiled(each)) for each in collection.files]
        self._exclude = [compiled(each) for each in collection.exclude]

    def fitting(self, path: str) -> str | None:
        """Return the pattern that a path fits, `None` if it fits none or is excluded."""
        for pattern, expression in self._files:
            if expression.fullmatch(path):
                if any(each.fullmatch(path) for each in self._exclude):
                    return None
                self.matched.add(pattern)
                return pattern
        return None

    def page(
        self,
        path: str,
        id: str,
        pattern: str,
        split_ids: Mapping[str, tuple[str, ...]],
        languages: Mapping[str, str],
    ) -> Page:
        collection = self.collection
        of_file = languages.get(id) if collection.language_key else None
        return Page(
            id=id,
            title="",
            sections=tuple(self._sections(id, split_ids)),
            locked=collection.locked,
            file=path,
            front=collection.front,
            language=of_file or _language(pattern, path) or collection.language,
            collection=collection.id,
        )

    def _sections(self, page: str, split_ids: Mapping[str, tuple[str, ...]]) -> Iterator[Section]:
        for section in self.collection.sections:
            if section is not self._pattern:
                yield _on(page, section.id, section)
                continue
            declared = {each.id for each in self.collection.sections} - {section.id}
            for id in split_ids.get(page, ()):
                if id not in declared:
                    yield _on(page, id, section)


@dataclass(slots=True, kw_only=True)
class _Found:
    """What was found so far."""

    collections: tuple[_Expander, ...]
    claimed: set[str]
    seen: dict[str, tuple[str, str]]
    """By what some platform takes for one id: the first page, and its file."""
    blocked: dict[str, str] = field(default_factory=dict[str, str])
    left_out: dict[str, str] = field(default_factory=dict[str, str])

    def add(
        self,
        path: str,
        split_ids: Mapping[str, tuple[str, ...]],
        languages: Mapping[str, str],
    ) -> None:
        if path in self.claimed:
            return
        for each in self.collections:
            if (pattern := each.fitting(path)) is not None:
                break
        else:
            return
        if (why := why_unusable(path)) is not None:
            self.left_out[path] = why
            return
        id = page_id_of(path)
        key = alike(id)
        first = self.seen.setdefault(key, (id, path))
        if first[1] != path:
            reason = _two_files(first[1], path)
            self.blocked.setdefault(first[0], reason)
            self.blocked.setdefault(id, reason)
            if first[0] == id:
                return
        each.pages.append(each.page(path, id, pattern, split_ids, languages))

    def pages(self) -> Iterator[Page]:
        for each in self.collections:
            yield from each.pages

    def unmatched(self, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
        for each in self.collections:
            for pattern in each.collection.files:
                fits = compiled(pattern).fullmatch
                if pattern not in each.matched and not any(map(fits, paths)):
                    yield each.collection.id, pattern


def _two_files(first: str, other: str) -> str:
    return (
        f"two files claim one page, here or on some platform: {in_quotes(first)} and "
        f"{in_quotes(other)}; rename, move or exclude one of them"
    )


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
