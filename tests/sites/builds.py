"""Lets real generators build made-up sites: `python -m tests.sites.builds --generator hugo`.

Each is installed by itself, from the registries that `uvx`, `npm` and `apt-get` are set up for. A
site is built as it is, imported, with pages redrafted, and after their rollback; then the starter
as that generator's pages. What is found wrong is printed; without any it ends with 0.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio

from tests.harness import desk, read_site, starter, trusted, write_site
from tests.sites import stages
from tests.sites.build import GENERATORS, Built, build
from tests.sites.campaign import visiting
from tests.sites.owner import Owner
from tests.sites.stages import Redraft, Visit

VARIABLES = {
    "SOURCE_DATE_EPOCH": "1700000000",  # MkDocs writes the day of the build into its pages
    "JEKYLL_NO_BUNDLER_REQUIRE": "true",  # it would look for the gems of the site's Gemfile
    "ASTRO_TELEMETRY_DISABLED": "1",
}
NODE = "node@22"
"""The newest that all of those below run on, from npm as well."""
BUILD_S_MAX = 1800
"""Docusaurus builds each language anew, and machines are busy."""
WORD = b" anew"
"""What a redraft of a phrase adds to it, as the stages do it."""
REDRAFTED = re.compile(rb"told anew|All new|Of \d+: ")
"""What their other redrafts write, in whatever a generator makes of it."""
UNPUBLISHED = {"draft", "future"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a generator is had, and run in a site's folder."""

    line: tuple[str, ...]
    output: str
    python: str = ""
    """Of PyPI."""
    packages: tuple[str, ...] = ()
    """Of npm, to be installed above the site."""
    debian: str = ""
    """The package, for who is root."""
    pages: str | None = None
    """Where the starter's pages go, if not into the content folder."""
    mdx: bool = False
    varies: bytes = rb"$^"
    """What differs between two builds of the same, in names and in files."""
    hides: tuple[str, str, str] | None = None
    """What `pressroom init` says is to be written: into which file, after which line."""


ASTRO = ("astro", "build")
RECIPES: Mapping[str, Recipe] = {
    "hugo": Recipe(line=("hugo",), output="public", python="hugo", pages="content/en"),
    "mkdocs": Recipe(line=("mkdocs", "build"), output="site", python="mkdocs"),
    "pelican": Recipe(
        line=("pelican",), output="output", python="pelican[markdown]", pages="content/pages"
    ),
    "jekyll": Recipe(
        line=("jekyll", "build"),
        output="_site",
        debian="jekyll",
        hides=("_config.yml", "exclude:\n", "  - pressroom\n  - pressroom.toml\n"),
    ),
    "eleventy": Recipe(line=("eleventy",), output="_site", packages=("@11ty/eleventy",)),
    "astro": Recipe(line=ASTRO, output="dist", packages=("astro", "@astrojs/mdx"), mdx=True),
    "starlight": Recipe(
        line=ASTRO, output="dist", packages=("astro", "@astrojs/starlight"), mdx=True
    ),
    "vitepress": Recipe(
        line=("vitepress", "build", "docs"),
        output="docs/.vitepress/dist",
        packages=("vitepress",),
        # Colours of blanks in code; and with them the names of the files with such code.
        varies=rb"--shiki-\w+:#\w+;?"
        rb"|(?<=\.md\.)[\w-]{8}(?=\.)|(?<=\.md\":\")[\w-]{8}|(?<=\.md\\\":\\\")[\w-]{8}",
    ),
    "docusaurus": Recipe(
        line=(
            "docusaurus",
            "build",
            "--locale",
            "en",
            "--locale",
            "de",
        ),  # of four: each takes long
        output="build",
        packages=("@docusaurus/core", "@docusaurus/preset-classic", "react", "react-dom"),
        pages="docs",
        mdx=True,
    ),
}


class NotHad(Exception):
    """A generator could not be installed; why."""


class Builder:
    """One generator, installed; every build is of a fresh copy in the same place."""

    def __init__(self, generator: str, tools: Path) -> None:
        self.recipe = RECIPES[generator]
        self._folder = tools / generator
        self._folder.mkdir(parents=True, exist_ok=True)
        there = self._folder / "node_modules/.bin"
        self._variables = os.environ | VARIABLES | {"PATH": f"{there}:{os.environ['PATH']}"}

    def install(self) -> str:
        """Install it, if it is not there; return its version.

        Raises:
            NotHad: it could not be.
        """
        name, packages = self.recipe.line[0], self.recipe.packages
        about = self._folder / "node_modules" / "".join(packages[:1]) / "package.json"
        if packages and not about.exists():
            (self._folder / "package.json").write_text('{"private": true}\n')
            quiet = ("--no-save", "--no-package-lock", "--no-audit", "--no-fund")
            newest = (f"{each}@latest" for each in packages)  # whatever node is here
            self._had("npm", "install", *quiet, NODE, *newest)
        if self.recipe.debian and shutil.which(name) is None:
            self._had("apt-get", "install", "-qy", self.recipe.debian)
        if packages:
            return json.loads(about.read_text())["version"]
        said = self._had(*self._from(name), "version" if name == "hugo" else "--version")
        found = re.search(r"\d+(\.\d+)+", said)
        return found[0] if found else said

    def _from(self, *line: str) -> tuple[str, ...]:
        python = self.recipe.python
        return ("uvx", "--from", python, *line) if python else line

    def _had(self, *line: str) -> str:
        try:
            done = self._run(line, self._folder)
        except FileNotFoundError as error:
            raise NotHad(str(error)) from error
        if done.returncode:
            raise NotHad(f"{' '.join(line)}: {done.stderr.strip()[-300:]}")
        return done.stdout

    def build(self, site: Path) -> Path | str:
        """Return the folder that was built, or what the generator says instead."""
        copy, built = self._folder / "site", Path(tempfile.mkdtemp(dir=self._folder)) / "built"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(site, copy, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        shutil.rmtree(copy / self.recipe.output, ignore_errors=True)
        done = self._run(self._from(*self.recipe.line), copy)
        said = done.stdout + done.stderr
        if done.returncode or not (copy / self.recipe.output).is_dir() or "ERROR" in said:
            return f"exit code {done.returncode}: {said[-1500:]}"
        (copy / self.recipe.output).rename(built)
        return built

    def _run(self, line: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            line,
            cwd=folder,
            env=self._variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=BUILD_S_MAX,
        )


def files_in(folder: Path, varies: bytes) -> Mapping[str, bytes]:
    """Return what was built, by path, without what `varies`."""
    found: dict[str, bytes] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = re.sub(varies, b"", path.relative_to(folder).as_posix().encode())
        found[name.decode()] = re.sub(varies, b"", path.read_bytes())
    return found


def differing(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> list[str]:
    """Return the paths of what is not the same in both."""
    return sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))


async def site_built(builder: Builder, owner: Owner, *, seed: int, pages: int) -> Visit:
    """Build the site before and after all that is done to it."""
    first, second = await _built(builder, owner), await _built(builder, owner)
    async with visiting(owner, seed=seed) as visit:
        if hides := builder.recipe.hides:
            _hide(owner.root / hides[0], *hides[1:])
        _expect_same(visit, first, second, "two builds of the same")
        _expect_same(visit, first, await _built(builder, owner), "imported")
        files = visit.random.sample(visit.drafted(), min(pages, len(visit.drafted())))
        half = len(files) // 2
        done = await stages.redraft(visit, files[:half])
        done += await stages.redraft(visit, files[half:], model=True)
        batch = await stages.promote(visit, done)
        _expect_redrafts(visit, first, await _built(builder, owner), done)
        await visit.until_done("rollback", batchId=batch)
        _expect_same(visit, first, await _built(builder, owner), "rolled back")
    return visit


def _hide(settings: Path, after: str, lines: str) -> None:
    settings.write_text(settings.read_text().replace(after, after + lines))


async def _built(builder: Builder, owner: Owner) -> Mapping[str, bytes] | str:
    built = await anyio.to_thread.run_sync(builder.build, owner.root)
    return built if isinstance(built, str) else files_in(built, builder.recipe.varies)


Files = Mapping[str, bytes] | str


def _expect_same(visit: Visit, first: Files, now: Files, what: str) -> None:
    if isinstance(first, str) or isinstance(now, str):
        visit.expect(False, f"{what}: {now if isinstance(now, str) else first}")
        return
    differs = differing(first, now)
    visit.expect(not differs, f"{what}: {len(differs)} of {len(first)} differ: {differs[:5]}")
    visit.counts[f"{what}, files alike"] += len(first) - len(differs)


def _expect_redrafts(visit: Visit, first: Files, now: Files, done: Sequence[Redraft]) -> None:
    """What differs shows a redrafted text, and each such text is shown."""
    if isinstance(first, str) or isinstance(now, str):
        visit.expect(False, f"redrafted: {now if isinstance(now, str) else first}")
        return
    differs = differing(first, now)
    # VitePress keeps each page a second time, in a `.lean.js` without texts.
    shown_in = {path: path.replace(".lean.js", ".js") for path in differs}
    others = [path for path, of in shown_in.items() if not _is_redraft(first.get(of), now.get(of))]
    visit.expect(not others, f"redrafted: {len(others)} others differ: {others[:5]}")
    shown, traits = b"\n".join(now.values()), visit.owner.built.pages
    for each in done:
        if each.how == "replace" and traits[each.file].isdisjoint(UNPUBLISHED):
            visit.expect(each.phrase + WORD in shown, f"{each} is not shown")
    visit.counts["outputs with redrafts"] += len(differs)


def _is_redraft(old: bytes | None, new: bytes | None) -> bool:
    """Whether one was made of the other by redrafts; a list by title may have another order."""
    if old is None or new is None:
        return False
    same = sorted(old.split(b"\n")) == sorted(new.split(b"\n"))
    return same or bool(REDRAFTED.search(new)) or new.replace(WORD, b"") == old


async def starter_built(builder: Builder, bare: Built, folder: Path) -> Iterator[str]:
    """Write the starter's pages into a site that has none, and build it; return what is wrong."""
    place = builder.recipe.pages or bare.content
    workspace = starter(folder, content_dir=str(bare.root / place))
    site = read_site(workspace)
    for page in site["pages"][::2] if builder.recipe.mdx else ():
        page["file"] = f"{page['id']}.mdx"
    write_site(workspace, site)
    async with desk(trusted(workspace)) as talk:
        await talk.run("generate-all")
        await talk.run("promote")
    built = await _built(builder, Owner(bare))
    return iter([built]) if isinstance(built, str) else _wrong_in(built, site["pages"])


def _wrong_in(built: Mapping[str, bytes], pages: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Yield which pages are not shown, and where more is printed than texts."""
    html = {path: data.decode() for path, data in built.items() if path.endswith(".html")}
    for page in pages:
        if not any(re.search(rf"\b{page['id']}\b", path) for path in html):
            yield f"no page {page['id']} among {sorted(html)}"
    for path, text in html.items():
        printed = re.sub(r"(?s)<!--.*?-->|<(script|style|head)\b.*?</\1>", "", text)
        if found := re.search(r"sections?:|(title|description): |\{/\*|&lt;!--", printed):
            yield f"{path} prints {printed[found.start() - 40 : found.end() + 80]!r}"


def main() -> None:
    parser = ArgumentParser(prog="tests.sites.builds", description=__doc__)
    parser.add_argument("--generator", choices=[*GENERATORS, "all"], default="all")
    parser.add_argument("--files", type=int, default=60, help="of each site")
    parser.add_argument("--pages", type=int, default=10, help="redrafted, of each site")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tools", type=Path, help="where generators are, or are installed")
    asked = parser.parse_args()
    wrong = 0
    for name in GENERATORS if asked.generator == "all" else (asked.generator,):
        folder = Path(tempfile.mkdtemp(prefix="builds-"))
        builder = Builder(name, asked.tools or folder / "tools")
        try:
            print(f"{name} {builder.install()}, in {folder}", flush=True)
        except NotHad as error:
            print(f"{name} could not be had: {error}", flush=True)
            continue
        owner = Owner(build(name, folder / name, files=asked.files, seed=asked.seed, broken=False))
        visit = anyio.run(
            lambda b=builder, o=owner: site_built(b, o, seed=asked.seed, pages=asked.pages)
        )
        bare = build(name, folder / "bare", files=0)
        at_starter = anyio.run(starter_built, builder, bare, folder / "starter")
        problems = [*visit.problems, *(f"starter: {each}" for each in at_starter)]
        print("  " + ", ".join(f"{what} {count:,}" for what, count in visit.counts.items()))
        print("".join(f"  {each}\n" for each in problems) or "  all as it should be", flush=True)
        wrong += len(problems)
    sys.exit(f"{wrong} problems" if wrong else 0)


if __name__ == "__main__":
    main()
