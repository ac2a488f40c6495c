"""`site.yaml`: title, description, language, facts, pages with their sections, and collections."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from mcp_server.content.page_paths import LANGUAGE, alike, path_problem, pattern_problem
from mcp_server.content.site import Collection, Page, Section
from mcp_server.content.text.blocks import SECTION_MARK, open_fence
from mcp_server.content.workspace.yaml_tree import Node, YamlReader, line_of
from mcp_server.entities.entity import DEVICES, SLUG_LENGTH_MAX, is_page_id, is_slug
from mcp_server.excerpt import in_quotes

_KEYS = ("title", "description", "language", "facts", "glossary", "pages", "collections")
_PAGE_KEYS = ("id", "title", "description", "file", "front", "language", "locked", "sections")
_SECTION_KEYS = ("id", "template", "brief", "facts", "text", "locked")
_COLLECTION_KEYS = (
    "id",
    "files",
    "exclude",
    "sections",
    "split",
    "front",
    "language",
    "language_key",
    "locked",
)
_EXAMPLE = "sections: [{id: body, template: body}]"
COLLECTION = "collection:"
"""Stands before a collection's id where a page's would be: a page's holds no colon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFile:
    """What `site.yaml` says, and where: the line that each section begins in, and each lock."""

    title: str = ""
    description: str = ""
    language: str = "en"
    facts: Mapping[str, Any]
    glossary: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    pages: tuple[Page, ...] = ()
    collections: tuple[Collection, ...] = ()
    lines: Mapping[str, int]
    locks: Mapping[str, int]
    """By page or section that is locked: the line that says so; a collection is `collection:ID`."""
    patterns: Mapping[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    """By collection and pattern of files, its line."""


def read_site(reader: YamlReader, content: bytes) -> SiteFile | None:
    """Return what is in the file, `None` where it is no YAML; `reader` has noted what is wrong."""
    tree = reader.tree(content)
    if tree is None:
        return None
    keys = reader.keys(tree, "site.yaml", _KEYS)
    lines: dict[str, int] = {}
    locks: dict[str, int] = {}
    title = reader.line_of_text(keys.get("title"), "title")
    if not title:
        reader.wrong(keys.get("title") or tree, "title is missing; write the site's name")
    if not {"pages", "collections"} & set(keys):
        reader.wrong(tree, "pages is missing; write `pages:` and a list of pages")
    patterns: dict[tuple[str, str], int] = {}
    return SiteFile(
        title=title,
        description=reader.line_of_text(keys.get("description"), "description"),
        language=_language(reader, keys.get("language")),
        facts=_facts(reader, keys.get("facts")),
        glossary=_glossary(reader, keys.get("glossary")),
        pages=tuple(_pages(reader, keys.get("pages"), lines, locks)),
        collections=tuple(_collections(reader, keys.get("collections"), lines, locks, patterns)),
        lines=lines,
        locks=locks,
        patterns=patterns,
    )


def _language(reader: YamlReader, node: Node | None, default: str = "en") -> str:
    if node is None:
        return default
    language = reader.line_of_text(node, "language")
    if not LANGUAGE.fullmatch(language):
        reader.wrong(node, f"language is {in_quotes(language)}; write a code such as en or pt-BR")
        return default
    return language


def _facts(reader: YamlReader, node: Node | None) -> Mapping[str, Any]:
    if node is None:
        return {}
    return {name: reader.plain(value) for name, value in reader.keys(node, "facts").items()}


def _glossary(reader: YamlReader, node: Node | None) -> Mapping[str, tuple[str, ...]]:
    """Return the words to avoid, by the word to say: `guest: [customer, client]`."""
    if node is None:
        return {}
    return {
        term: tuple(
            reader.line_of_text(each, f"glossary: {in_quotes(term)}")
            for each in reader.items(avoid, f"glossary: {in_quotes(term)}")
        )
        for term, avoid in reader.keys(node, "glossary").items()
    }


def _pages(
    reader: YamlReader, node: Node | None, lines: dict[str, int], locks: dict[str, int]
) -> Iterator[Page]:
    seen: dict[str, int] = {}
    files: dict[str, int] = {}
    for item in reader.items(node, "pages"):
        keys = reader.keys(item, "a page", _PAGE_KEYS)
        id = _id(reader, keys.get("id"), item, "page", seen)
        if id in DEVICES:
            reader.wrong(item, f"page {id} cannot be a file on Windows; write {id}-page")
        title = reader.line_of_text(keys.get("title"), "title")
        if keys and not title and "file" not in keys:
            reader.wrong(keys.get("title") or item, f"page {id} has no title; write one")
        file = _file(reader, keys.get("file"), f"{id}.md", item, files)
        sections = tuple(_sections(reader, keys.get("sections"), id, lines, locks))
        yield Page(
            id=id,
            title=title,
            description=reader.line_of_text(keys.get("description"), "description"),
            sections=sections,
            locked=_locked(reader, keys.get("locked"), id, locks),
            file=file,
            front=_front(reader, keys.get("front")),
            language=_language(reader, keys.get("language"), ""),
        )


def _file(
    reader: YamlReader, node: Node | None, default: str, item: Node, files: dict[str, int]
) -> str:
    """Return the path of a page's file; one that cannot be, or that is another's, is noted."""
    path = default if node is None else reader.line_of_text(node, "file")
    place = node or item
    if node is not None and (why := path_problem(path)) is not None:
        reader.wrong(place, f"the file {in_quotes(path)} {why}")
    elif (first := files.setdefault(alike(path), line_of(place))) != line_of(place):
        reader.wrong(
            place,
            f"the file {in_quotes(path)} is another page's too (line {first}), here or on some "
            "platform; write another file:",
        )
    return path


def _front(reader: YamlReader, node: Node | None) -> Mapping[str, Any]:
    if node is None:
        return {}
    return {name: reader.plain(value) for name, value in reader.keys(node, "front").items()}


def _collections(
    reader: YamlReader,
    node: Node | None,
    lines: dict[str, int],
    locks: dict[str, int],
    patterns: dict[tuple[str, str], int],
) -> Iterator[Collection]:
    seen: dict[str, int] = {}
    for item in reader.items(node, "collections"):
        keys = reader.keys(item, "a collection", _COLLECTION_KEYS)
        id = _id(reader, keys.get("id"), item, "collection", seen)
        where = f"{COLLECTION}{id}"
        lines[where] = line_of(item)
        files = dict(_patterns(reader, keys.get("files"), "files"))
        if not files and "files" not in keys:
            reader.wrong(item, f"collection {id} has no files; write files: and such as posts/**")
        patterns |= {(id, pattern): line for pattern, line in files.items()}
        sections = tuple(_sections(reader, keys.get("sections"), where, lines, locks))
        if keys and not sections:
            reader.wrong(item, f"collection {id} has no sections; write such as {_EXAMPLE}")
        yield Collection(
            id=id,
            files=tuple(files),
            exclude=tuple(p for p, _ in _patterns(reader, keys.get("exclude"), "exclude")),
            sections=tuple(replace(section, page="") for section in sections),
            split=_split(reader, keys.get("split")),
            front=_front(reader, keys.get("front")),
            language=_language(reader, keys.get("language"), ""),
            language_key=reader.line_of_text(keys.get("language_key"), "language_key"),
            locked=_locked(reader, keys.get("locked"), where, locks),
        )


def _patterns(reader: YamlReader, node: Node | None, what: str) -> Iterator[tuple[str, int]]:
    """Yield patterns and their lines, of a list or a single one; those that cannot be are noted."""
    single = isinstance(node, yaml.ScalarNode)
    for item in [node] if single else reader.items(node, what):
        pattern = reader.line_of_text(item, f"a pattern of {what}")
        if (why := pattern_problem(pattern)) is not None:
            reader.wrong(item, f"the pattern {in_quotes(pattern)} {why}")
            continue
        yield pattern, line_of(item)


def _split(reader: YamlReader, node: Node | None) -> bool:
    if node is None:
        return False
    split = reader.line_of_text(node, "split")
    if split != "h2":
        reader.wrong(node, f"split is {in_quotes(split)}; write h2, or leave it out")
    return split == "h2"


def _sections(
    reader: YamlReader,
    node: Node | None,
    page: str,
    lines: dict[str, int],
    locks: dict[str, int],
) -> Iterator[Section]:
    seen: dict[str, int] = {}
    for item in reader.items(node, "sections"):
        keys = reader.keys(item, "a section", _SECTION_KEYS)
        id = _id(reader, keys.get("id"), item, "section", seen)
        lines[f"{page}/{id}"] = line_of(item)
        where = f"section {page}/{id}"
        template = reader.line_of_text(keys.get("template"), "template") or None
        text = _static_text(reader, keys.get("text"), where)
        if template and text is not None:
            reader.wrong(item, f"{where} has a template and a text; keep one of them")
        brief = reader.text(keys.get("brief"), f"{where}: brief")
        facts = _facts(reader, keys.get("facts"))
        locked = _locked(reader, keys.get("locked"), f"{page}/{id}", locks)
        yield Section(
            page=page,
            id=id,
            template=template,
            brief=brief,
            text=text,
            facts=facts,
            locked=locked,
        )


def _locked(reader: YamlReader, node: Node | None, where: str, locks: dict[str, int]) -> bool:
    if node is None:
        return False
    locked = reader.boolean(node, f"{where}: locked")
    if locked:
        locks[where] = line_of(node)
    return bool(locked)


def _static_text(reader: YamlReader, node: Node | None, where: str) -> str | None:
    if node is None:
        return None
    text = reader.text(node, f"{where}: text")
    if SECTION_MARK.search(text):
        reader.wrong(
            node,
            f"{where}: the text holds `<!-- section:`, which divides page files; leave it out",
        )
    if open_fence(text):
        reader.wrong(node, f"{where}: the text opens a code block and never closes it; close it")
    return text or None


def _id(reader: YamlReader, node: Node | None, item: Node, what: str, seen: dict[str, int]) -> str:
    """Return the id; a wrong one is noted with what it could be."""
    id = reader.text(node, f"the id of a {what}")
    place, line = node or item, line_of(node or item)
    known = alike(id)
    if not id:
        reader.wrong(place, f"a {what} has no id; write id: and a name of a-z, 0-9, - and _")
    elif what == "page" and not is_page_id(id) and id not in DEVICES:
        reader.wrong(
            place,
            f"the page id {in_quotes(id)} is no path of a file without extension; write such as "
            f"{_slug(id) or what}",
        )
    elif what != "page" and not is_slug(id):
        reader.wrong(
            place,
            f"the {what} id {in_quotes(id)} is not a slug (a-z, 0-9, - and _, at most "
            f"{SLUG_LENGTH_MAX}); write {_slug(id) or what}",
        )
    elif known in seen:
        reader.wrong(
            place, f"the {what} id {id} is there twice (first in line {seen[known]}); write another"
        )
    else:
        seen[known] = line
    return id


def _slug(text: str) -> str:
    ascii = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_]+", "-", ascii).strip("-_")[:SLUG_LENGTH_MAX].strip("-_")
