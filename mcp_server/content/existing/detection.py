"""Tells which generator's site lies in a folder, around it or below it. Pure over a `Tree`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from posixpath import normpath

from mcp_server.content.existing.generators import GENERATORS, PLAIN, Described, Generator
from mcp_server.content.existing.grouping import is_language
from mcp_server.content.existing.tree import Tree, joined
from mcp_server.errors import CallerError
from mcp_server.excerpt import in_quotes

DEPTH_MAX = 3
"""Folders below the one that was named in which a site is looked for: `docs/`, `apps/web/docs/`."""
PASSED_BY = frozenset(
    {
        "node_modules", "bower_components", "vendor", "themes", "_site", "site-packages",
        "dist", "build", "public", "target", "out", "output",
        "test", "tests", "__tests__", "e2e", "fixtures", "testdata", "benchmark", "benchmarks",
        "example", "examples", "exampleSite", "demo", "demos", "sample", "samples", "playground",
        "starter", "starters", "template", "templates",
    }
)  # fmt: skip
"""Folders in which a generator's settings are an example's, a dependency's or a copy."""
FOLDERS_MAX = 400
"""Folders that are looked into, so that a home folder is no long search."""
NAMED_MAX = 5


class SeveralSites(CallerError):
    """More than one site is there, or more than one folder may hold its pages."""

    def __init__(self, choices: Sequence[str], more_words: str = "") -> None:
        named = "; ".join(choices[:NAMED_MAX])
        more = len(choices) - NAMED_MAX
        others = f"; and {more} more" if more > 0 else ""
        super().__init__(
            f"There is more than one site here: {named}{others}. Say which: `pressroom init DIR "
            f"--import FOLDER`, FOLDER being the folder with its pages{more_words}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """A site that is there already. Paths are relative to the tree that was looked at."""

    generator: str
    folder: str
    """The site's own, which holds the generator's settings."""
    content: str
    """The folder with its pages."""
    sign: str = ""
    """The file by which it was recognised; empty for plain Markdown."""
    title: str = ""
    language: str = ""
    languages: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    hides: str = ""
    future: bool = False
    readme: bool = False

    @property
    def is_root(self) -> bool:
        """Whether the site's own folder holds its pages, beside its settings and layouts."""
        return self.content == self.folder


def detect(tree: Tree) -> Existing | None:
    """Return the generator's site in a folder, or in one or two folders below it.

    What lies nearest counts: a site below another one is part of it.

    Raises:
        SeveralSites: more than one is as near as the other.
    """
    for folders in _by_depth(tree):
        found = [site for folder in folders for site in sites_in(tree, folder)]
        if len(found) > 1 and (one := _in_languages(found)) is not None:
            return one
        if len(found) > 1:
            raise SeveralSites([_named(site) for site in found])
        if found:
            return found[0]
    return None


def _in_languages(found: Sequence[Existing]) -> Existing | None:
    """Return the sites of one generator that lie in folders of languages as the site they make."""
    placed = [site.folder.rpartition("/") for site in found]
    around, names = {each[0] for each in placed}, [each[2] for each in placed]
    if len({site.generator for site in found}) > 1 or len(around) > 1:
        return None
    if len({*names}) < len(names) or not all(map(is_language, names)):
        return None
    main = next((site for site in found if site.title), found[0])
    (folder,) = around
    exclude = tuple(f"*/{each}" for each in main.exclude)
    return replace(main, folder=folder, content=folder, languages=tuple(names), exclude=exclude)


def sites_in(tree: Tree, folder: str) -> Sequence[Existing]:
    """Return a site for each generator whose settings lie right in a folder."""
    signs = ((generator, generator.sign(tree, folder)) for generator in GENERATORS)
    return [_existing(tree, folder, generator, sign) for generator, sign in signs if sign]


def _by_depth(tree: Tree) -> Iterator[Sequence[str]]:
    """Yield the folders of each depth, nearest first."""
    level, seen = [""], 0
    for _ in range(DEPTH_MAX + 1):
        yield level
        level = [inner for folder in level for inner in _below(tree, folder)][: FOLDERS_MAX - seen]
        seen += len(level)


def _below(tree: Tree, folder: str) -> Iterator[str]:
    for name in sorted(tree.names(folder).folders):
        if not name.startswith(".") and name not in PASSED_BY:
            yield joined(folder, name)


def _existing(tree: Tree, folder: str, generator: Generator, sign: str) -> Existing:
    about = generator.describe(tree, folder, sign)
    return Existing(
        generator=generator.name,
        folder=folder,
        content=_content(tree, folder, about),
        sign=joined(folder, sign),
        title=about.title,
        language=about.language.replace("_", "-"),
        languages=about.languages,
        exclude=about.exclude,
        hides=about.hides,
        future=generator.future,
        readme=generator.readme,
    )


def _content(tree: Tree, folder: str, about: Described) -> str:
    """Return the content folder; the site's own where the settings name none that is there."""
    content = normpath(joined(folder, about.content) or ".")
    if content == "." or content.startswith(("..", "/")) or about.content.startswith("/"):
        return folder
    there = tree.names(content)
    return content if there.files or there.folders else folder


def _named(site: Existing) -> str:
    return f"{site.generator} ({site.sign}), pages in {in_quotes(site.content or '.')}"


def plain(content: str) -> Existing:
    """Return Markdown files that no generator's settings lie beside."""
    return Existing(generator=PLAIN, folder="", content=content)
