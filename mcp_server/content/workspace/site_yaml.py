"""`site.yaml`: title, description, language, facts, and pages with their sections."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_server.content.site import Page, Section
from mcp_server.content.text.blocks import SECTION_MARK, open_fence
from mcp_server.content.workspace.yaml_tree import Node, YamlReader, line_of
from mcp_server.entities.entity import DEVICES, SLUG_LENGTH_MAX, is_slug
from mcp_server.excerpt import in_quotes

_KEYS = ("title", "description", "language", "facts", "glossary", "pages")
_PAGE_KEYS = ("id", "title", "description", "locked", "sections")
_SECTION_KEYS = ("id", "template", "brief", "facts", "text", "locked")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFile:
    """What `site.yaml` says, and where: the line that each section begins in, and each lock."""

    title: str = ""
    description: str = ""
    language: str = "en"
    facts: Mapping[str, Any]
    glossary: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    pages: tuple[Page, ...] = ()
    lines: Mapping[str, int]
    locks: Mapping[str, int]
    """By page or section that is locked: the line that says so."""


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
    if "pages" not in keys:
        reader.wrong(tree, "pages is missing; write `pages:` and a list of pages")
    return SiteFile(
        title=title,
        description=reader.line_of_text(keys.get("description"), "description"),
        language=_language(reader, keys.get("language")),
        facts=_facts(reader, keys.get("facts")),
        glossary=_glossary(reader, keys.get("glossary")),
        pages=tuple(_pages(reader, keys.get("pages"), lines, locks)),
        lines=lines,
        locks=locks,
    )


def _language(reader: YamlReader, node: Node | None) -> str:
    if node is None:
        return "en"
    language = reader.line_of_text(node, "language")
    if not _LANGUAGE.fullmatch(language):
        reader.wrong(node, f"language is {in_quotes(language)}; write a code such as en or pt-BR")
        return "en"
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
    for item in reader.items(node, "pages"):
        keys = reader.keys(item, "a page", _PAGE_KEYS)
        id = _id(reader, keys.get("id"), item, "page", seen)
        if id in DEVICES:
            reader.wrong(item, f"page {id} cannot be a file on Windows; write {id}-page")
        title = reader.line_of_text(keys.get("title"), "title")
        if keys and not title:
            reader.wrong(keys.get("title") or item, f"page {id} has no title; write one")
        sections = tuple(_sections(reader, keys.get("sections"), id, lines, locks))
        description = reader.line_of_text(keys.get("description"), "description")
        locked = _locked(reader, keys.get("locked"), id, locks)
        yield Page(id=id, title=title, description=description, sections=sections, locked=locked)


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
            f"{where}: the text holds `<!-- section:`, which divides exported files; leave it out",
        )
    if open_fence(text):
        reader.wrong(node, f"{where}: the text opens a code block and never closes it; close it")
    return text or None


def _id(reader: YamlReader, node: Node | None, item: Node, what: str, seen: dict[str, int]) -> str:
    """Return the id; a wrong one is noted with what it could be."""
    id = reader.text(node, f"the id of a {what}")
    place, line = node or item, line_of(node or item)
    if not id:
        reader.wrong(place, f"a {what} has no id; write id: and a name of a-z, 0-9, - and _")
    elif not is_slug(id):
        reader.wrong(
            place,
            f"the {what} id {in_quotes(id)} is not a slug (a-z, 0-9, - and _, at most "
            f"{SLUG_LENGTH_MAX}); write {_slug(id) or what}",
        )
    elif id in seen:
        reader.wrong(
            place, f"the {what} id {id} is there twice (first in line {seen[id]}); write another"
        )
    else:
        seen[id] = line
    return id


def _slug(text: str) -> str:
    ascii = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_]+", "-", ascii).strip("-_")[:SLUG_LENGTH_MAX].strip("-_")
