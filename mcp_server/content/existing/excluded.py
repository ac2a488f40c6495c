"""What lies among the pages of a site and is none: README files, layouts, what was built. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mcp_server.content.existing.detection import Existing
from mcp_server.content.existing.grouping import KNOWN
from mcp_server.content.page_paths import compiled

README = "**/README.md"
PROJECT = frozenset(
    {
        "readme", "license", "licence", "copying", "contributing", "code_of_conduct", "agents",
        "claude", "pull_request_template", "issue_template",
    }
)  # fmt: skip
"""Names of files that are for those who work on a project. They lie at its top."""
BESIDE = PROJECT | {
    "changelog", "security", "authors", "contributors", "support", "governance", "maintainers",
    "history", "releases", "notice", "todo", "thanks",
}  # fmt: skip
"""The same beside a README; without one, such a file may be a page."""
FOLDERS = (
    "_includes", "_layouts", "_sass", "_data", "_plugins", "_site", "archetypes", "assets", "build",
    "dist", "layouts", "node_modules", "out", "output", "pressroom", "public", "resources",
    "scripts", "static", "test", "tests", "themes", "vendor",
)  # fmt: skip
"""Folders beside a site's pages, where its own folder is the content folder."""
_VARIANT = re.compile(
    rf"(?:readme|licen[cs]e|changelog)[._](?:(?:{'|'.join(sorted(KNOWN))})(?:_(?:[a-z]{{2}}|han[st]))?"
    r"|agpl|apache|artistic|assets?|bsd|cc0?|code|content|data|docs?|documentation|fonts?|gpl|isc"
    r"|lgpl|mit|mpl|ofl|third_party|unlicense)(?:[._]?\d[\d._]*)?"
)
"""`README.de.md`, `LICENSE-docs.md`, and no `license-plates.md`"""
PARTS = ("_includes", "_layouts", "_data")
"""Such folders inside a content folder of its own."""


def exclusions(site: Existing, paths: Sequence[str]) -> Sequence[str]:
    """Return the patterns of what is no page, of `paths` in the content folder.

    Those are named that concern a file, and `README.md` anywhere, unless it is a page there.
    """
    folders = FOLDERS if site.is_root or not site.content else PARTS
    candidates = dict.fromkeys((*(f"{name}/**" for name in folders), *site.exclude))
    found = [each for each in candidates if any(map(compiled(each).fullmatch, paths))]
    readme = [] if site.readme else [README]
    top = not site.content or (site.is_root and not site.folder)
    beside = _beside(paths) if top else ()
    excludes = dict.fromkeys((*readme, *beside, *found))
    return [each for each in excludes if each != "README.md" or not readme]


def is_excluded(path: str, excludes: Sequence[str]) -> bool:
    """Whether a file is none of the pages."""
    return any(compiled(each).fullmatch(path) for each in excludes)


def _beside(paths: Sequence[str]) -> Iterator[str]:
    """Yield the files at the top for those who work on a project."""
    top = {p: p.rpartition(".")[0].lower().replace("-", "_") for p in paths if "/" not in p}
    names = BESIDE if "readme" in top.values() else PROJECT
    yield from (path for path, name in top.items() if name in names or _VARIANT.fullmatch(name))
