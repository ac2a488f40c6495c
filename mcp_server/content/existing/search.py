"""Finds the site that `pressroom init` is to take: in the folder named, around it, or below it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mcp_server.content.existing.detection import Existing, SeveralSites, detect, plain, sites_in
from mcp_server.content.existing.excluded import exclusions, is_excluded
from mcp_server.content.existing.tree import DiskTree, joined
from mcp_server.content.page_paths import KEPT_ONLY
from mcp_server.content.pages.listing import Listing
from mcp_server.errors import CallerError
from mcp_server.folder import Folder

LEVELS_MAX = 8
"""Folders around the one named in which a generator's settings are looked for."""
USUAL = ("content", "docs", "posts", "pages", "src")
"""Where several folders hold Markdown and nothing says which are pages: the first of these."""
PROJECTS = ("apps", "packages")
"""Folders whose folders are code, whatever their names are."""
CODE = (*PROJECTS, "site", "src", "web", "website", "www")
"""Folders of code, in which a folder of a usual name may hold the pages."""
MOST = 0.9
"""The share of all Markdown files that no longer leaves a question: others are notes on code."""


class NoFolder(CallerError):
    """What `--import` names is no folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"{folder} is no folder: --import names the folder with the site's pages.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A site, and the folder that becomes its workspace."""

    root: Path
    site: Existing
    """Its paths are relative to `root`, or absolute where they lie elsewhere."""

    @property
    def content(self) -> Path:
        """The content folder."""
        return self.root / self.site.content


def place_of(directory: Path) -> Place | None:
    """Return the site in a folder, below it, or around it if the folder is one of its pages'.

    Raises:
        SeveralSites: there is more than one.
    """
    tree = DiskTree(directory)
    if (site := detect(tree)) is not None:
        return Place(root=directory, site=site)
    if (around := site_around(directory)) is not None:
        inside = directory.is_dir() and directory.is_relative_to(around.content)
        return around if inside and _pages(around, directory) else None
    content = _plain_content(directory)
    return None if content is None else Place(root=directory, site=plain(content))


def place_with(directory: Path, content: Path) -> Place:
    """Return the site whose pages lie in `content`; `directory` becomes the workspace.

    Raises:
        NoFolder: it is none.
    """
    if not content.is_dir():
        raise NoFolder(content)
    inside = _relative(content, directory)
    if inside is None:
        return Place(root=directory, site=plain(content.as_posix()))
    tree = DiskTree(directory)
    parts = inside.split("/") if inside else []
    for length in range(len(parts), -1, -1):
        folder = "/".join(parts[:length])
        fitting = [
            s for s in sites_in(tree, folder) if inside in {s.content, ""} or s.folder == folder
        ]
        if fitting:
            nearest = next((s for s in fitting if s.content == inside), fitting[0])
            return Place(root=directory, site=replace(nearest, content=inside))
    return Place(root=directory, site=plain(inside))


def site_around(directory: Path) -> Place | None:
    """Return the site in whose folder this one lies, if it lies in one.

    A repository's folder is the last that is looked at, and the user's own is none.
    """
    for folder in _around(directory):
        tree = DiskTree(folder)
        if sites := sites_in(tree, ""):
            holding = [s for s in sites if directory.is_relative_to(folder / s.content)]
            return Place(root=folder, site=(holding or sites)[0])
    return None


def _around(directory: Path) -> Iterator[Path]:
    home = Path.home()
    for folder in directory.parents[:LEVELS_MAX]:
        if folder in {home, folder.parent}:
            return
        yield folder
        if (folder / ".git").exists():
            return


def _relative(content: Path, directory: Path) -> str | None:
    """Return the path of the content folder in the workspace, `None` where it lies elsewhere."""
    if not content.is_relative_to(directory):
        return None
    path = content.relative_to(directory).as_posix()
    return "" if path == "." else path


def _pages(place: Place, directory: Path) -> bool:
    """Whether a folder holds pages of a site."""
    return bool(_markdown(directory, place.site))


def _plain_content(directory: Path) -> str | None:
    """Return the folder that holds the Markdown files below this one, `None` if there are none.

    Raises:
        SeveralSites: several folders do, and none has a usual name.
    """
    paths = _markdown(directory, plain(""))
    if (most := _with_most(paths)) is not None:
        return most
    tops = _tops(paths)
    if not tops:
        return None
    if len(tops) == 1 or "" in tops:
        return "" if "" in tops else next(iter(tops))
    if (usual := next((name for name in USUAL if name in tops), None)) is not None:
        return usual
    named = [f"{name}/ has {_files(count)}" for name, count in tops.most_common()]
    raise SeveralSites(named, ", or DIR itself if all are")


def _with_most(paths: Sequence[str], place: str = "") -> str | None:
    """Return the folder of a usual name that holds nearly all of these, `None` without one.

    It may lie in folders of code: `src/content`, `apps/site/pages`.
    """
    tops = _tops(paths)
    name, count = tops.most_common(1)[0] if tops else ("", 0)
    if count < MOST * len(paths) or ("" in tops and name not in CODE):
        return None  # what lies beside the folder of posts is a page, beside code it is none
    found = joined(place, name)
    if name in CODE or place in PROJECTS:
        inside = [path.partition("/")[2] for path in paths if path.startswith(f"{name}/")]
        return _with_most(inside, found) or (found if name in USUAL else None)
    return found if name in USUAL else None


def _tops(paths: Sequence[str]) -> Counter[str]:
    """Return how many files lie in each folder right here, "" for those that lie in none."""
    return Counter(path.partition("/")[0] if "/" in path else "" for path in paths)


def _files(count: int) -> str:
    return f"{count} Markdown file{'' if count == 1 else 's'}"


def _markdown(directory: Path, site: Existing) -> Sequence[str]:
    if not directory.is_dir():
        return []
    paths = [p for p in Listing(Folder(directory)).listed().paths if not p.endswith(KEPT_ONLY)]
    excludes = exclusions(replace(site, content="", folder=""), paths)
    return [path for path in paths if not is_excluded(path, excludes)]


def absolute(path: Path) -> Path:
    """Return a path as its user wrote it, made whole; a link stays one."""
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - `resolve` follows links
