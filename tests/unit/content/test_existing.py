"""Which generator's site lies in a folder, and where its pages are; no file is touched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from mcp_server.content.existing.config_text import assigned, values
from mcp_server.content.existing.detection import Existing, SeveralSites, detect
from mcp_server.content.existing.search import NoFolder, place_of, place_with, site_around
from mcp_server.content.existing.tree import DiskTree, Names
from tests.sites.build import GENERATORS, build


class Texts:
    """A tree of the files in a mapping."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files

    def names(self, folder: str) -> Names:
        inside = [p.removeprefix(f"{folder}/") for p in self._files if p.startswith(f"{folder}/")]
        inside = inside if folder else list(self._files)
        return Names(
            frozenset(path for path in inside if "/" not in path),
            frozenset(path.partition("/")[0] for path in inside if "/" in path),
        )

    def text(self, path: str) -> str:
        return self._files.get(path, "")


def site_in(files: Mapping[str, str]) -> Existing:
    """Return the site in a tree of these files."""
    site = detect(Texts(files))
    assert site is not None
    return site


def content_in(folder: Path) -> str:
    """Return the content folder of the site in a folder."""
    place = place_of(folder)
    assert place is not None
    return place.site.content


EXPECTED = {
    "hugo": ("Hugo", "content", "Harbour Bicycles"),
    "jekyll": ("Jekyll", "", "Harbour Bicycles"),
    "eleventy": ("Eleventy", "src", "Harbour Bicycles"),
    "pelican": ("Pelican", "content", "Harbour Bicycles"),
    "astro": ("Astro", "src/content", "Harbour Bicycles"),
    "starlight": ("Starlight", "src/content/docs", "Tidewater"),
    "docusaurus": ("Docusaurus", "", "Tidewater"),
    "mkdocs": ("MkDocs", "docs", "Tidewater"),
    "vitepress": ("VitePress", "docs", "Tidewater"),
}


@pytest.mark.parametrize("generator", GENERATORS)
def test_each_generator_is_recognised_with_its_content_folder_and_title(
    generator: str, tmp_path: Path
) -> None:
    """As the sites of `tests/sites` are laid out."""
    built = build(generator, tmp_path, files=20)
    site = detect(DiskTree(tmp_path))
    assert site is not None
    assert (site.generator, site.content, site.title) == EXPECTED[generator]
    assert site.content == built.content
    assert site.language == ("" if generator == "astro" else "en")


@pytest.mark.parametrize("generator", GENERATORS)
def test_a_site_below_the_folder_is_found(generator: str, tmp_path: Path) -> None:
    """A documentation site in a folder of a code project, as `docs/` or `apps/web/`."""
    for below in ("website", "apps/web"):
        root = tmp_path / below.replace("/", "-")
        build(generator, root / below, files=20)
        (root / "package.json").write_text('{"name": "code"}', "utf-8")
        site = detect(DiskTree(root))
        assert site is not None
        name, content, _ = EXPECTED[generator]
        assert site.generator == name
        assert site.content == f"{below}/{content}".rstrip("/")


def test_a_site_nearer_by_wins_over_one_below_it() -> None:
    """What lies below a site is part of it: an example, or a theme's."""
    site = site_in(
        {
            "hugo.toml": "title = 'Mine'",
            "content/a.md": "",
            "docs/mkdocs.yml": "site_name: Other",
            "docs/docs/a.md": "",
        }
    )
    assert (site.generator, site.title) == ("Hugo", "Mine")


@pytest.mark.parametrize("folder", ["themes/x/exampleSite", "node_modules/x", "examples/blog"])
def test_examples_and_dependencies_are_no_site(folder: str) -> None:
    """A theme brings a whole site along."""
    assert detect(Texts({f"{folder}/hugo.toml": "title = 'x'", "content/a.md": ""})) is None


def test_two_sites_as_near_as_each_other_are_a_question() -> None:
    """Both are named, with how to answer."""
    tree = Texts(
        {
            "docs/mkdocs.yml": "site_name: A",
            "docs/docs/a.md": "",
            "website/docusaurus.config.js": "export default {title: 'B'}",
            "website/docs/a.md": "",
        }
    )
    with pytest.raises(SeveralSites, match=r"MkDocs.*Docusaurus.*--import FOLDER"):
        detect(tree)


def test_two_generators_in_one_folder_are_a_question() -> None:
    """GitHub's settings for Jekyll beside those of MkDocs."""
    with pytest.raises(SeveralSites, match="more than one site"):
        detect(Texts({"mkdocs.yml": "", "_config.yml": "", "docs/a.md": "", "index.md": ""}))


def test_hugo_by_its_older_settings_needs_more_than_a_name() -> None:
    """Many programs have a `config.toml`."""
    assert detect(Texts({"config.toml": "port = 80", "content/a.md": ""})) is None
    site = site_in({"config.toml": "baseURL = '/'\ntitle = 'Old'", "content/a.md": ""})
    assert (site.generator, site.title, site.content) == ("Hugo", "Old", "content")
    below = {"config/_default/hugo.yaml": "title: Split", "content/a.md": ""}
    below["config/_default/languages.yaml"] = "de: {weight: 1}\nen: {weight: 2}"
    assert site_in(below).languages == ("de", "en")


def test_a_settings_file_that_cannot_be_read_still_tells_the_generator() -> None:
    """Half-edited, or with tags and functions of its own: only the title is missing."""
    for text in ("site_name: [", "a: " + "[" * 500, "x: !!python/name:a.b ''\nsite_name: T", "\0"):
        site = site_in({"mkdocs.yml": text, "docs/a.md": ""})
        assert site.generator == "MkDocs"
        assert site.title in {"", "T"}
    assert site_in({"hugo.toml": "title = ", "content/a.md": ""}).title == ""


def test_settings_may_name_another_content_folder() -> None:
    """And one that is not there, or leads out, is not taken."""
    named = {"mkdocs.yml": "docs_dir: manual", "manual/a.md": "", "docs/b.md": ""}
    assert site_in(named).content == "manual"
    assert site_in({"mkdocs.yml": "docs_dir: ../x", "docs/a.md": ""}).content == ""
    assert site_in({"hugo.toml": "contentDir = 'text'", "text/a.md": ""}).content == "text"
    vite = {".vitepress/config.ts": "export default { srcDir: './md' }", "md/a.md": ""}
    assert site_in(vite).content == "md"
    pelican = {"pelicanconf.py": "PATH = 'articles'\nSITENAME = \"It's\"", "articles/a.md": ""}
    assert (site_in(pelican).content, site_in(pelican).title) == ("articles", "It's")


def test_older_settings_of_jekyll_call_the_title_a_name() -> None:
    """As its own documentation does."""
    assert site_in({"_config.yml": "name: Ours", "a.md": ""}).title == "Ours"
    assert site_in({"_config.yml": "name: x\ntitle: Ours", "a.md": ""}).title == "Ours"


def test_a_site_for_each_language_is_one_site() -> None:
    """As FastAPI's documentation: settings in `docs/en/` and `docs/de/`, one inheriting."""
    languages = {
        "docs/en/mkdocs.yml": "site_name: Ours",
        "docs/en/docs/a.md": "",
        "docs/de/mkdocs.yml": "INHERIT: ../en/mkdocs.yml",
        "docs/de/docs/a.md": "",
    }
    site = site_in(languages)
    assert (site.title, site.folder, site.content) == ("Ours", "docs", "docs")
    assert site.languages == ("de", "en")
    with pytest.raises(SeveralSites):
        detect(Texts({**languages, "docs/api/mkdocs.yml": "", "docs/api/docs/a.md": ""}))


def test_hexo_is_not_taken_for_jekyll() -> None:
    """Both name their settings `_config.yml`."""
    hexo = {"_config.yml": "title: x", "package.json": '{"dependencies": {"hexo": "7"}}'}
    assert detect(Texts(hexo)) is None


def test_only_a_site_that_would_publish_our_files_is_told_how_not_to() -> None:
    """Jekyll copies what it finds; others read their content folder."""
    assert "pressroom" in site_in({"_config.yml": "title: x", "a.md": ""}).hides
    assert site_in({"_config.yml": "source: src", "src/a.md": ""}).hides == ""
    assert site_in({"eleventy.config.js": "", "a.md": ""}).hides == ""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("title: 'Ours',", "Ours"),
        ('"title" : "A \\"B\\""', 'A "B"'),
        ("// title: 'no'\n  title: `Yes`,", "Yes"),
        ("subtitle: 'no', themeTitle: 'no'", ""),
        ("title: process.env.TITLE", ""),
        ("/* title: 'no' */ title = 'yes'", "yes"),
        ("url: 'https://x', title: 'T'", "T"),
    ],
)
def test_values_in_scripts_are_read_without_running_them(text: str, value: str) -> None:
    """The first plain text that is given to the name, comments left out."""
    assert assigned(text, "title") == value


def test_yaml_that_would_grow_or_overflow_is_read_bounded() -> None:
    """Nesting beyond any settings is not read; a value stays the text that was written."""
    assert values("a.yml", "a: " + "[" * 10_000 + "]" * 10_000) == {}
    assert values("a.yml", "title: 2024-01-01\nn: 0x1F") == {"title": "2024-01-01", "n": "0x1F"}


def test_a_folder_of_the_pages_leads_to_the_site_around_it(tmp_path: Path) -> None:
    """The workspace is the site's own folder: nothing is written among the pages."""
    build("hugo", tmp_path / "site", files=20)
    for folder in ("content", "content/en"):
        place = place_of(tmp_path / "site" / folder)
        assert place is not None
        assert (place.root, place.site.content) == (tmp_path / "site", "content")


def test_a_new_folder_inside_of_a_site_is_no_import(tmp_path: Path) -> None:
    """Whoever makes one wants a site of their own; the one around it is still known."""
    build("hugo", tmp_path / "site", files=20)
    assert place_of(tmp_path / "site" / "new") is None
    around = site_around(tmp_path / "site" / "new")
    assert around is not None
    assert around.root == tmp_path / "site"


def test_the_search_around_a_folder_ends_at_its_repository(tmp_path: Path) -> None:
    """A generator's settings further up are somebody else's."""
    (tmp_path / "hugo.toml").write_text("title = 'x'", "utf-8")
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    assert site_around(tmp_path / "repo" / "new") is None


def test_without_a_generator_the_folder_with_the_markdown_is_taken(tmp_path: Path) -> None:
    """README and the like are no pages; of several folders, one of a usual name."""
    (tmp_path / "README.md").write_text("# x", "utf-8")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.py").write_text("", "utf-8")
    assert place_of(tmp_path) is None
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("a", "utf-8")
    assert content_in(tmp_path) == "docs"
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "b.md").write_text("b", "utf-8")
    assert content_in(tmp_path) == "docs"


@pytest.mark.parametrize(
    ("files", "content"),
    [
        ({"src/content/learn": 19, "": 1, "lint/docs": 1}, "src/content"),
        ({"apps/site/pages/en": 30, "docs": 2, "packages/ui": 1}, "apps/site/pages"),
        ({"posts": 20, "": 2}, ""),
        ({"docs": 1, "recipes": 1}, "docs"),
        ({"src": 3}, "src"),
    ],
)
def test_notes_on_code_lead_nobody_away_from_the_pages(
    files: Mapping[str, int], content: str, tmp_path: Path
) -> None:
    """Where nearly all Markdown lies in one folder, inside of code as React's documentation."""
    for folder, count in files.items():
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            (tmp_path / folder / f"{number}.md").write_text("a", "utf-8")
    assert content_in(tmp_path) == content


def test_several_folders_of_markdown_without_a_usual_name_are_a_question(tmp_path: Path) -> None:
    """Nothing says which of them are pages."""
    for name in ("soups", "cakes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.md").write_text("a", "utf-8")
    with pytest.raises(SeveralSites, match=r"cakes/ has 1 Markdown file;.*DIR itself"):
        place_of(tmp_path)
    place = place_with(tmp_path, tmp_path / "soups")
    assert (place.site.content, place.site.sign) == ("soups", "")


def test_what_import_names_keeps_its_generator(tmp_path: Path) -> None:
    """A folder of the pages, or the site's own; elsewhere it is plain Markdown."""
    build("hugo", tmp_path / "a", files=20)
    build("mkdocs", tmp_path / "b", files=20)
    named = place_with(tmp_path, tmp_path / "a" / "content" / "en")
    assert (named.site.generator, named.site.content) == ("Hugo", "a/content/en")
    named = place_with(tmp_path, tmp_path / "b" / "docs")
    assert (named.site.generator, named.site.title) == ("MkDocs", "Tidewater")
    outside = place_with(tmp_path / "work", tmp_path / "b" / "docs")
    assert outside.content == tmp_path / "b" / "docs"
    with pytest.raises(NoFolder, match="is no folder"):
        place_with(tmp_path, tmp_path / "nowhere")


def test_docusaurus_may_keep_its_pages_beside_its_folder() -> None:
    """`website/` with the generator, and `docs/` for everybody who looks at the repository."""
    settings = "export default { presets: [['classic', { docs: { path: '../docs' } }]] }"
    site = site_in({"website/docusaurus.config.ts": settings, "docs/a.md": ""})
    assert (site.folder, site.content, site.is_root) == ("website", "docs", False)
