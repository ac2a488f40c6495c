"""Reads `site.yaml` and the templates of a workspace, and says what is wrong with them."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from mcp_server.config import Workspace
from mcp_server.content.site import Page, Site
from mcp_server.content.template import Template
from mcp_server.content.workspace.parts import check_parts, sections_in
from mcp_server.content.workspace.site_yaml import SiteFile, read_site
from mcp_server.content.workspace.template_yaml import read_template
from mcp_server.content.workspace.yaml_tree import FILE_BYTES_MAX, YamlReader
from mcp_server.entities.entity import is_slug
from mcp_server.errors import Unavailable

TEMPLATES_MAX = 500
"""How many template files are read."""

_NOT_STORED = {"pages", "hash", "blocked", "unmatched"}
"""Of a site: what its document gets otherwise, or what only the files in the folder say."""

_Signature = tuple[tuple[str, int, int, int], ...]


class SiteProblems(Unavailable):
    """The site cannot be used as it is written; `problems` has a line for every mistake."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        count = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        super().__init__(f"The site has {count}:\n" + "\n".join(problems))


class SiteLoader:
    """Returns the site as its files say now; they are read again only when they have changed.

    `load` reads files: call it in a thread. Any number of threads may.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._signature: _Signature | None = None
        self._problems: tuple[str, ...] = ()
        self._searched: tuple[str, int, int, int] | None = None
        self._locks = True
        self.last_good: Site | None = None
        """The last version that could be used; a caller may go on with it."""
        self.warnings: tuple[str, ...] = ()
        """Of that version: sections that cannot be drafted, and why, and the doubts."""
        self.doubts: tuple[str, ...] = ()
        """Of that version: what may not have been meant as it is read, such as a cut text."""
        self.locks: Mapping[str, str] = {}
        """Of that version: by page or section that is locked, the place that says so; a collection
        is `collection:ID`."""
        self.patterns: Mapping[tuple[str, str], str] = {}
        """Of that version: by collection and pattern of files, its place."""

    def load(self) -> Site:
        """Return the site.

        Raises:
            SiteProblems: it cannot be used; all mistakes in all files are named.
        """
        with self._lock:
            # Before reading: a change in between then shows in the next call's signature.
            signature = self._now()
            if signature != self._signature:
                self._read()
                self._signature = signature
            if self._problems or self.last_good is None:
                raise SiteProblems(self._problems)
            return self.last_good

    def may_lock(self) -> bool:
        """Whether `site.yaml` may lock something.

        A file without the word does not; to know that, one of thousands of sections need not be
        parsed, which takes seconds. What cannot be read may.
        """
        file = self._workspace.site_file
        with self._lock:
            if (stamp := _stamp(file)) != self._searched:
                content = self._content(file, problems=[])
                self._locks, self._searched = content is None or b"locked" in content, stamp
            return self._locks

    def _read(self) -> None:
        problems: list[str] = []
        warnings: list[str] = []
        templates = self._templates(problems, warnings)
        name = self._shown(self._workspace.site_file)
        file = self._content(self._workspace.site_file, problems)
        reader = YamlReader(name, problems, warnings)
        found = None if file is None else read_site(reader, file)
        if found is not None:
            check_parts(reader, found, templates)
        self._problems = tuple(dict.fromkeys(problems))
        if found is not None and not problems:
            self.last_good = _site(found, templates)
            self.doubts = tuple(warnings)
            self.locks = {id: f"{name}:{line}" for id, line in found.locks.items()}
            self.patterns = {key: f"{name}:{line}" for key, line in found.patterns.items()}
            self.warnings = (*_warnings(name, found, templates), *warnings)

    def _templates(self, problems: list[str], warnings: list[str]) -> dict[str, Template]:
        templates: dict[str, Template] = {}
        try:
            files = self._template_files()
        except OSError as error:
            folder = self._shown(self._workspace.templates_dir)
            problems.append(
                f"{folder}: the folder cannot be read ({error.strerror or error}); make it a plain "
                "folder that can be read"
            )
            return templates
        if len(files) > TEMPLATES_MAX:
            folder = self._shown(self._workspace.templates_dir)
            problems.append(f"{folder}: {len(files)} templates; keep at most {TEMPLATES_MAX}")
        for file in files[:TEMPLATES_MAX]:
            reader = YamlReader(self._shown(file), problems, warnings)
            if file.suffix != ".yaml" or not is_slug(file.stem):
                reader.wrong(
                    1,
                    f"the name {file.name!r} is none for a template; rename the file "
                    "to NAME.yaml, NAME of a-z, 0-9, - and _",
                )
                continue
            content = self._content(file, problems)
            template = None if content is None else read_template(reader, file.stem, content)
            if template is not None:
                templates[file.stem] = template
        return templates

    def _content(self, file: Path, problems: list[str]) -> bytes | None:
        try:
            return self._workspace.folder(file.parent).read(file.name, FILE_BYTES_MAX)
        except FileNotFoundError:
            problems.append(
                f"{self._shown(file)}:1: the file is missing; write it, or make a workspace with "
                "`pressroom init DIR` and copy its"
            )
        except OSError as error:
            problems.append(
                f"{self._shown(file)}:1: the file cannot be read "
                f"({error.strerror or error}); make it a plain file that can be read"
            )
        return None

    def _template_files(self) -> list[Path]:
        path = self._workspace.templates_dir
        try:
            with self._workspace.folder(path).opened() as folder:
                names = folder.names()
        except FileNotFoundError:
            return []
        return [path / name for name in names if name.lower().endswith((".yaml", ".yml"))]

    def _now(self) -> _Signature:
        try:
            templates = self._template_files()
        except OSError:
            templates = [self._workspace.templates_dir]
        return tuple(_stamp(file) for file in [self._workspace.site_file, *templates])

    def _shown(self, file: Path) -> str:
        return file.relative_to(self._workspace.root).as_posix()


def site_to_document(site: Site) -> str:
    """Return the site as JSON: equal sites give equal text. Its hash is not part of it.

    Facts keep the order in which they were written: that of opening hours means something.
    """
    document: dict[str, Any] = _sites().dump_python(site, mode="json", exclude=_NOT_STORED)
    for key in ("glossary", "collections"):
        if not document[key]:  # a site without has the hash that it had before there were any
            del document[key]
    for template in document["templates"].values():
        _drop(template, front_matter=False, related=True)
    templates = dict(sorted(document.pop("templates").items()))
    # Page by page: one long call into C would hold the GIL, and with it every other thread.
    pages = ",".join(_dumped(_page_document(page)) for page in site.named_pages)
    return f'{_dumped(document)[:-1]},"pages":[{pages}],"templates":{_dumped(templates)}}}'


def site_from_document(text: str) -> Site:
    """Return the site that `site_to_document` wrote, with its hash."""
    return replace(_sites().validate_json(text), hash=_hash(text))


def _site(file: SiteFile, templates: Mapping[str, Template]) -> Site:
    site = Site(
        title=file.title,
        description=file.description,
        language=file.language,
        facts=file.facts,
        pages=file.pages,
        templates=dict(sorted(templates.items())),
        glossary=file.glossary,
        collections=file.collections,
    )
    return replace(site, hash=_hash(site_to_document(site)))


def _page_document(page: Page) -> dict[str, Any]:
    """Return a page as it is stored: what it says beyond the defaults, as `site_to_document`."""
    document = _pages().dump_python(page, mode="json")
    _drop(document, file=f"{page.id}.md", front={}, language="", collection="")
    return document


def _drop(document: dict[str, Any], **defaults: object) -> None:
    for key, default in defaults.items():
        if document[key] == default:
            del document[key]


def _warnings(name: str, file: SiteFile, templates: Mapping[str, Template]) -> Iterator[str]:
    for where, section in sections_in(file):
        place = f"{name}:{file.lines[where]}: section {where}"
        if section.template is not None and section.template not in templates:
            known = ", ".join(sorted(templates)) or "none yet"
            yield f"{place} names the unknown template {section.template!r}; known: {known}"
        elif section.template is None and section.text is None:
            yield f"{place} has no template and no text; write one of them"


def _hash(document: str) -> str:
    return hashlib.blake2b(document.encode(), digest_size=16).hexdigest()


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=1)
def _pages() -> TypeAdapter[Page]:
    return TypeAdapter(Page)


@lru_cache(maxsize=1)
def _sites() -> TypeAdapter[Site]:
    """Build the adapter at its first use, as that takes milliseconds."""
    return TypeAdapter(Site)


def _stamp(file: Path) -> tuple[str, int, int, int]:
    try:
        status = file.lstat()
    except OSError:
        return (str(file), 0, -1, 0)
    # The inode shows a file that was replaced within one tick of the clock.
    return (str(file), status.st_mtime_ns, status.st_size, status.st_ino)
