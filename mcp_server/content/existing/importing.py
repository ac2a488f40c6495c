"""Makes a workspace of a site that is there already, and writes nothing among its pages."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import splitext

from mcp_server.config import SETTINGS_FILE
from mcp_server.content.existing.excluded import exclusions, is_excluded
from mcp_server.content.existing.plan import Plan, plan_import
from mcp_server.content.existing.search import Place
from mcp_server.content.existing.survey import Seen, look_at
from mcp_server.content.expanded import expanded
from mcp_server.content.page_paths import KEPT_ONLY
from mcp_server.content.pages.disk import PAGE_BYTES_MAX
from mcp_server.content.pages.front_matter import FrontStyle
from mcp_server.content.pages.layout import Blocked
from mcp_server.content.pages.listing import PASSED_BY, Listing
from mcp_server.content.site import Site
from mcp_server.content.workspace.site_yaml import read_site
from mcp_server.content.workspace.starter import (
    FileInTheWay,
    starter_settings,
    write_workspace,
)
from mcp_server.content.workspace.yaml_tree import YamlReader
from mcp_server.errors import CallerError
from mcp_server.folder import Folder

OTHER_FORMATS = frozenset(
    {".rst", ".adoc", ".asciidoc", ".org", ".textile", ".mkd", ".mdown", ".qmd", ".rmd", ".ipynb"}
)
"""Endings of texts that generators read and Pressroom does not."""


class NoPages(CallerError):
    """The content folder holds nothing that can be a page."""

    def __init__(self, content: Path) -> None:
        super().__init__(
            f"{content} holds no Markdown files that can be pages: name the folder that does with "
            "`pressroom init DIR --import FOLDER`."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What was found, and what was written."""

    place: Place
    plan: Plan
    pages: Sequence[Seen]
    written: Sequence[Path]
    kept_only: int = 0
    """Files of HTML, which stay as they are."""
    other: Mapping[str, int] = field(default_factory=dict[str, int])
    """How many files of texts are in formats that are not read, by their ending."""
    excluded: tuple[str, ...] = ()
    """Files such as `README.md`, which are no pages."""
    unread: Mapping[str, Blocked] = field(default_factory=dict[str, Blocked])
    """By path of a file that cannot be worked on, the reason and the line."""


def import_site(place: Place, *, today: str, split: bool = False) -> Imported:
    """Look a site over, and write the settings, `site.yaml` and templates that take it as it is.

    Raises:
        FileInTheWay: a workspace is there already; nothing was written.
        NoPages: there is nothing to work on.
        Unavailable: the folder cannot be written.
    """
    refuse_a_second(place.root)
    listed = Listing(Folder(place.content)).listed()
    markdown = [path for path in listed.paths if not path.endswith(KEPT_ONLY)]
    excludes = exclusions(place.site, listed.paths)
    excluded = [path for path in markdown if is_excluded(path, excludes)]
    paths = sorted({*markdown}.difference(excluded))
    pages = list(_looked_at(place.content, paths, today))
    if not pages:
        raise NoPages(place.content)
    name = " ".join(place.root.name.replace("_", " ").replace("-", " ").split()).capitalize()
    plan = plan_import(
        place.site,
        pages,
        excludes,
        excluded,
        settings=starter_settings(),
        split=split,
        name=name or "My site",
    )
    files = {path: text.encode() for path, text in plan.files.items()}
    left_out = {
        path: Blocked(reason)
        for path, reason in listed.left_out.items()
        if path.rpartition("/")[2] not in PASSED_BY and not is_excluded(path, excludes)
    }
    return Imported(
        place=place,
        plan=plan,
        pages=pages,
        written=write_workspace(place.root, files),
        kept_only=len(listed.paths) - len(markdown),
        other=_in_other_formats(place.content),
        excluded=tuple(excluded),
        unread={**_twice(plan, listed.paths), **dict(_problems(pages, plan)), **left_out},
    )


def refuse_a_second(root: Path) -> None:
    """Refuse a folder that is a workspace, or has a folder of that name.

    Raises:
        FileInTheWay: it is.
    """
    for there in (root / SETTINGS_FILE, root / "pressroom"):
        if there.exists() or there.is_symlink():
            raise FileInTheWay(there)


def _in_other_formats(content: Path) -> Mapping[str, int]:
    """Return how many files there are in formats of texts that are not read, by their ending."""
    found: Counter[str] = Counter()
    for _, folders, names in os.walk(content):
        folders[:] = [each for each in folders if each[0] != "." and each not in PASSED_BY]
        found.update(end for name in names if (end := splitext(name)[1].lower()) in OTHER_FORMATS)
    return dict(found.most_common())


def _looked_at(content: Path, paths: Sequence[str], today: str) -> Iterator[Seen]:
    for path in paths:
        *below, name = path.split("/")
        try:
            data = Folder(content, *below).read(name, PAGE_BYTES_MAX)
        except OSError as error:
            reason = f"it cannot be read ({error.strerror or error})"
            yield Seen(path=path, problem=Blocked(reason))
            continue
        if len(data) > PAGE_BYTES_MAX:
            reason = f"it is larger than {PAGE_BYTES_MAX // 1024**2} MiB, which no page is"
            yield Seen(path=path, problem=Blocked(reason))
        else:
            yield look_at(path, data, today)


def _twice(plan: Plan, paths: Sequence[str]) -> Mapping[str, Blocked]:
    """Return the pages that two files claim, as they will be found in the site that is written."""
    problems: list[str] = []
    file = read_site(YamlReader("site.yaml", problems), plan.files["pressroom/site.yaml"].encode())
    assert file is not None, "we have written it"
    assert not problems, problems
    site = Site(
        title=file.title,
        description="",
        language=file.language,
        facts={},
        pages=(),
        templates={},
        collections=file.collections,
    )
    blocked = expanded(site, paths).blocked
    return {page: Blocked(reason) for page, reason in blocked.items()}


def _problems(pages: Sequence[Seen], plan: Plan) -> Iterator[tuple[str, Blocked]]:
    """Yield what cannot be worked on, and why; what few files have comes first."""
    found = list(_all_problems(pages, plan))
    often = Counter(problem.reason for _, problem in found)
    yield from sorted(found, key=lambda each: (often[each[1].reason], each[0]))


def _all_problems(pages: Sequence[Seen], plan: Plan) -> Iterator[tuple[str, Blocked]]:
    owners = {path: each for each in plan.collections for path in each.paths}
    for page in pages:
        if page.problem is not None:
            yield page.path, page.problem
        elif page.style in {FrontStyle.TOML, FrontStyle.JSON} and owners[page.path].meta:
            reason = f"its front matter is {page.style}, whose keys cannot be edited"
            yield page.path, Blocked(reason, 1)
