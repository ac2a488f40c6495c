"""Site generators as people have them: installed by name, and run in a site's folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

VARIABLES = {
    "SOURCE_DATE_EPOCH": "1700000000",  # MkDocs writes the day of the build into its pages
    "JEKYLL_NO_BUNDLER_REQUIRE": "true",  # it would look for the gems of the site's Gemfile
    "ASTRO_TELEMETRY_DISABLED": "1",
}
NODE = "node@22"
"""The newest that all of those below run on, from npm as well."""
BUILD_S_MAX = 1800
"""Docusaurus takes minutes where a machine is busy."""


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
    varies: bytes = rb"(?!)"
    """Hashes of contents, and what differs between two builds of the same; in names, too."""
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
        # Further languages take as long again each, and show the same pages.
        line=("docusaurus", "build", "--locale", "en"),
        output="build",
        packages=("@docusaurus/core", "@docusaurus/preset-classic", "react", "react-dom"),
        pages="docs",
        mdx=True,
        varies=rb"(?<=\.)[0-9a-f]{8}(?=\.(?:js|css)\b)|(?<=:\")[0-9a-f]{8}(?=\")",
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
