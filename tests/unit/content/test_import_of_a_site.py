"""What a site that is there becomes: collections, languages, templates; and what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_server.config import Settings, open_workspace
from mcp_server.content.existing.grouping import grouped, languages_of
from mcp_server.content.existing.importing import Imported, NoPages, import_site
from mcp_server.content.existing.plan import LISTED_MAX
from mcp_server.content.existing.search import place_of, place_with
from mcp_server.content.existing.survey import look_at
from mcp_server.content.expanded import expanded
from mcp_server.content.pages.listing import Listing
from mcp_server.content.site import Site
from mcp_server.content.workspace.loader import SiteLoader
from mcp_server.content.workspace.starter import FileInTheWay
from mcp_server.folder import Folder
from tests.sites.build import GENERATORS, build

TODAY = "2026-11-30"


def written(root: Path, files: dict[str, str | bytes]) -> Path:
    """Write files below `root`, and return it."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def imported(root: Path, *, split: bool = False) -> Imported:
    """Import the site in a folder."""
    place = place_of(root)
    assert place is not None
    return import_site(place, today=TODAY, split=split)


def loaded(root: Path) -> Site:
    """Return the site of a workspace with the pages of its collections; nothing is wrong."""
    workspace = open_workspace(root, {})
    loader = SiteLoader(workspace)
    site = loader.load()
    assert loader.warnings == ()
    return expanded(site, Listing(Folder(workspace.content_dir)).listed().paths)


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below `folder`."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize("split", [False, True])
def test_every_page_is_in_the_collection_that_was_said(
    generator: str, tmp_path: Path, *, split: bool
) -> None:
    """As the loader finds them: each file once, and no pattern that fits nothing."""
    built = build(generator, tmp_path, files=120)
    found = imported(tmp_path, split=split)
    site = loaded(tmp_path)
    theirs = {(page.collection, page.file) for page in site.pages}
    ours = {(each.id, path) for each in found.plan.collections for path in each.paths}
    assert theirs == ours
    assert (site.blocked, site.unmatched) == ({}, ())
    assert all(collection.split is split for collection in site.collections)
    markdown = {path for path in built.pages if not path.endswith((".html", ".rst"))}
    assert markdown <= {path for _, path in ours}


@pytest.mark.parametrize("generator", GENERATORS)
def test_nothing_that_was_there_is_touched(generator: str, tmp_path: Path) -> None:
    """Four files come, beside the pages, and every other byte stays."""
    build(generator, tmp_path, files=40)
    before = contents(tmp_path)
    found = imported(tmp_path)
    after = contents(tmp_path)
    assert {path: after[path] for path in before} == before
    assert set(after) - set(before) == {
        "pressroom.toml",
        "pressroom/site.yaml",
        "pressroom/templates/body.yaml",
        "pressroom/templates/meta.yaml",
    }
    assert len(found.written) == 4


@pytest.mark.parametrize("generator", ["hugo", "docusaurus", "mkdocs"])
def test_a_page_has_the_language_of_its_folder(generator: str, tmp_path: Path) -> None:
    """Those outside of such folders have the site's."""
    built = build(generator, tmp_path, files=150)
    imported(tmp_path)
    site = loaded(tmp_path)
    for page in site.pages:
        if "language folder" in built.pages.get(page.file, ()):
            assert f"{page.language}/" in page.file
        else:
            assert site.language_of(page.id) in {"en", "de"}  # `docs/de/index.md` is the frame's


def test_a_big_site_has_a_site_file_of_a_page_or_two(tmp_path: Path) -> None:
    """However many pages and folders there are."""
    files: dict[str, str | bytes] = {"hugo.toml": "title = 'Big'"}
    for number in range(1_500):
        files[f"content/part-{number % 40}/p{number}.md"] = "---\ntitle: P\n---\n\nText.\n"
    found = imported(written(tmp_path, files))
    assert len(found.plan.files["pressroom/site.yaml"].splitlines()) < 100
    assert len(found.plan.collections) == 12
    assert sum(len(each.paths) for each in found.plan.collections) == 1_500
    assert len(loaded(tmp_path).pages) == 1_500


def test_settings_are_the_starters_with_the_content_folder(tmp_path: Path) -> None:
    """Every other setting is there with its default, to be changed."""
    build("astro", tmp_path, files=20)
    imported(tmp_path)
    workspace = open_workspace(tmp_path, {}, user_file=tmp_path / "nobodys.toml")
    assert workspace.content_dir == tmp_path / "src" / "content"
    assert workspace.settings == Settings(content_dir=Path("src/content"))
    assert "# concurrency = 4" in (tmp_path / "pressroom.toml").read_text("utf-8")


def test_a_site_whose_own_folder_holds_the_pages_is_taken_without_what_is_beside(
    tmp_path: Path,
) -> None:
    """Layouts, includes, README files and our own folder are no pages."""
    build("jekyll", tmp_path, files=40)
    found = imported(tmp_path)
    assert found.excluded == ("CONTRIBUTING.md", "LICENSE.md", "README.md")
    assert open_workspace(tmp_path, {}).content_dir == tmp_path
    tops = {page.file.partition("/")[0] for page in loaded(tmp_path).pages}
    assert tops.isdisjoint({"README.md", "_includes", "_layouts", "_site", "vendor", "pressroom"})


def test_a_readme_is_a_page_where_the_generator_takes_it_for_one(tmp_path: Path) -> None:
    """MkDocs and Docusaurus do; Hugo does not."""
    text = "# Read me\n"
    mkdocs = {"mkdocs.yml": "site_name: M", "docs/a.md": text, "docs/x/README.md": text}
    hugo = {"hugo.toml": "title = 'H'", "content/a.md": text, "content/x/README.md": text}
    imported(written(tmp_path / "m", {**mkdocs}))
    imported(written(tmp_path / "h", {**hugo}))
    assert {page.file for page in loaded(tmp_path / "m").pages} == {"a.md", "x/README.md"}
    assert {page.file for page in loaded(tmp_path / "h").pages} == {"a.md"}


def test_front_matter_in_toml_leaves_the_body_to_be_worked_on(tmp_path: Path) -> None:
    """Few such pages are named one by one; a folder of them has no `meta` section at all."""
    toml, yaml = "+++\ntitle = 'T'\n+++\n\nText.\n", "---\ntitle: T\n---\n\nText.\n"
    files: dict[str, str | bytes] = {"hugo.toml": "title = 'H'"}
    files |= {f"content/old/{n}.md": toml for n in range(5)}
    files |= {f"content/new/{n}.md": yaml for n in range(5)}
    files |= {"content/new/odd.md": toml}
    found = imported(written(tmp_path, files))
    assert found.unread == {}
    sections = {
        page.file: [section.id for section in page.sections] for page in loaded(tmp_path).pages
    }
    assert sections["old/1.md"] == sections["new/odd.md"] == ["body"]
    assert sections["new/1.md"] == ["meta", "body"]


def test_too_many_pages_in_toml_are_said(tmp_path: Path) -> None:
    """Where they are too many to be named, and too few to have their way."""
    files: dict[str, str | bytes] = {"hugo.toml": "title = 'H'"}
    for number in range(3 * LISTED_MAX + 3):
        front = "---\ntitle: T\n---\n" if number % 3 else "+++\ntitle = 'T'\n+++\n"
        files[f"content/posts/{number}.md"] = f"{front}\nText.\n"
    found = imported(written(tmp_path, files))
    assert len(found.unread) == LISTED_MAX + 1
    assert {why.reason for why in found.unread.values()} == {
        "its front matter is TOML, whose keys cannot be edited"
    }


def test_what_cannot_be_read_is_listed_and_the_rest_works(tmp_path: Path) -> None:
    """Each with its reason, and the line where there is one; rare reasons come first."""
    site = {
        "mkdocs.yml": "site_name: M",
        "docs/good.md": "# Good\n",
        "docs/merge.md": "a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> x\n",
        "docs/open.md": "---\ntitle: x\n",
        "docs/latin.md": b"Caf\xe9\n",
        "docs/latin2.md": b"Th\xe9\n",
        "docs/twice.md": "a",
        "docs/twice/index.md": "b",
    }
    written(tmp_path, {**site})
    (tmp_path / "docs" / "link.md").symlink_to(tmp_path / "docs" / "good.md")
    found = imported(tmp_path)
    reasons = {path: (why.reason, why.line) for path, why in found.unread.items()}
    assert reasons["merge.md"] == ("a merge is under way in it", 2)
    assert reasons["open.md"] == ("its front matter never closes", 1)
    assert reasons["latin.md"] == ("it is not UTF-8", 1)
    assert reasons["link.md"] == ("it is a symbolic link", None)
    assert "two files claim one page" in reasons["twice"][0]
    assert list(reasons).index("latin2.md") > list(reasons).index("open.md")
    assert len(loaded(tmp_path).pages) == 6


def test_odd_names_of_folders_are_found_again(tmp_path: Path) -> None:
    """Signs that patterns have, blanks, quotes, other scripts, and short words.

    Beside `de/`, a folder `it/` is taken for Italian; `api/` and `how-to/` are not languages.
    """
    names = ["a[b]", "x  y", "c{d}", "über straße", "日本", "it's", "api", "it", "how-to", "x.y"]
    files: dict[str, str | bytes] = {"mkdocs.yml": "site_name: M"}
    for name in names:
        files |= {f"docs/{name}/{number}.md": "# T\n" for number in range(4)}
        files |= {f"docs/de/{name}/{number}.md": "# T\n" for number in range(4)}
    found = imported(written(tmp_path, files))
    site = loaded(tmp_path)
    assert len(site.pages) == sum(len(each.paths) for each in found.plan.collections) == 80
    german = {page.file for page in site.pages if page.language == "de"}
    assert german == {page.file for page in site.pages if page.file.startswith("de/")}
    assert {page.language for page in site.pages} == {"de", "it", ""}


def test_languages_are_told_from_words() -> None:
    """A single `it/` is the department; beside `de/`, or declared, it is Italian."""
    assert languages_of(["it/a.md", "b.md"], ()).all == set()
    assert languages_of(["it/a.md", "b.md"], ["it"]).all == {"it"}
    assert languages_of(["it/a.md", "de/a.md"], ()).all == {"it", "de"}
    assert languages_of(["zh-cn/a.md", "pt_BR/a.md", "api/a.md"], ()).all == {"zh-cn", "pt_BR"}
    assert languages_of(["blog/de/a.md", "blog/b.md"], ()).folders == {"blog": {"de"}}
    named = languages_of(["posts/a.md", "posts/a.de.md", "posts/v1.2.md"], ())
    assert (named.folders, named.names) == ({}, {"de"})


def test_a_language_in_file_names_has_a_pattern_of_its_own(tmp_path: Path) -> None:
    """As Hugo and others have it: `post.de.md`."""
    files: dict[str, str | bytes] = {"hugo.toml": "title = 'H'"}
    for number in range(4):
        files |= {f"content/posts/{number}{end}.md": "Text.\n" for end in ("", ".de", ".fr")}
    imported(written(tmp_path, files))
    found = {page.file: page.language for page in loaded(tmp_path).pages}
    assert (found["posts/1.md"], found["posts/1.de.md"], found["posts/1.fr.md"]) == ("", "de", "fr")


def test_a_language_that_only_front_matter_says_is_read_from_there(tmp_path: Path) -> None:
    """By the key that the pages have."""
    pages = {f"docs/{n}.md": f"---\ntitle: T\nlang: {n}\n---\nText.\n" for n in ("en", "de", "fr")}
    imported(written(tmp_path, {"mkdocs.yml": "site_name: M", **pages}))
    assert {each.language_key for each in loaded(tmp_path).collections} == {"lang"}


def test_the_description_is_the_key_that_the_pages_use(tmp_path: Path) -> None:
    """Not one that no layout would show."""
    pages = {f"docs/{n}.md": "---\ntitle: T\nsummary: S\n---\nText.\n" for n in "abc"}
    imported(written(tmp_path, {"mkdocs.yml": "site_name: M", **pages}))
    meta = loaded(tmp_path).templates["meta"]
    assert ([field.name for field in meta.fields], meta.front_matter) == (
        ["title", "summary"],
        True,
    )


@pytest.mark.parametrize(
    ("text", "draft", "future", "titled"),
    [
        ("---\ntitle: T\ndraft: true\n---\n", True, False, True),
        ("---\ntitle: T\npublished: false\ndate: 2026-12-01\n---\n", True, True, True),
        ("---\ntitle: ''\ndate: 2026-11-30 10:00\n---\n", False, False, False),
        ("+++\ntitle = 'T'\ndraft = true\ndate = 2027-01-01\n+++\n", True, True, True),
        ("# Heading\n\nText.\n", False, False, True),
        ("<!-- note -->\n\nHeading\n=======\n", False, False, True),
        ("<!-- section: s1 -->\n\n# Heading\n\n<!-- section: s2 -->\n", False, False, True),
        ("<!-- section: s1 -->\n\nText.\n", False, False, False),
        ("Text.\n\n# Later\n", False, False, False),
        ("Title: T\nDate: 2030-01-01\nStatus: draft\n\nText.\n", True, True, True),
    ],
)
def test_drafts_future_dates_and_titles_are_seen(
    text: str, *, draft: bool, future: bool, titled: bool
) -> None:
    """In YAML, TOML, Pelican's header, and a heading that is the title."""
    seen = look_at("posts/a.md", text.encode(), TODAY)
    assert (seen.draft, seen.future, seen.titled) == (draft, future, titled)


def test_a_date_in_a_name_and_a_folder_of_drafts_count_too() -> None:
    """As Jekyll has them."""
    assert look_at("_posts/2027-01-01-x.md", b"Text.\n", TODAY).future
    assert not look_at("_posts/2020-01-01-x.md", b"Text.\n", TODAY).future
    assert look_at("_drafts/x.md", b"Text.\n", TODAY).draft


def test_comments_before_a_title_cost_no_time() -> None:
    """However many there are, and nothing after them."""
    assert not look_at("a.md", b"<!-- -->\n" * 5_000 + b"text\n", TODAY).titled


def test_a_page_with_marks_is_looked_at_as_any_other() -> None:
    """Its body is no single span; a heading that it begins with is its title, behind a mark too."""
    mark = b"<!-- section: hero -->\n\n"
    assert look_at("a.md", mark + b"# Menu\n", TODAY).titled
    assert not look_at("a.md", mark + b"Soup.\n", TODAY).titled


def test_groups_are_by_folder_and_small_ones_go_into_the_rest() -> None:
    """In the order in which their patterns must be tried."""
    paths = [*(f"posts/{n}.md" for n in range(4)), "one/a.md", "index.md", "posts/x/b.mdx"]
    groups = grouped(sorted(paths), languages_of(paths, ()))
    assert [(g.id, g.files) for g in groups] == [
        ("posts", ("posts/**/*.md", "posts/**/*.mdx")),
        ("pages", ("**/*.md",)),
    ]


def test_years_are_no_groups() -> None:
    """The posts of the next one would be in another."""
    paths = [f"{year}/{n}.md" for year in (2024, 2025) for n in range(9)]
    assert [group.id for group in grouped(paths, languages_of(paths, ()))] == ["pages"]
    paths = [f"{code}/2025/{n}.md" for code in ("de", "en") for n in range(9)]
    assert [group.id for group in grouped(paths, languages_of(paths, ()))] == ["pages"]


def test_a_rare_language_beside_many_others_is_one() -> None:
    """Pidgin and Sanskrit; three letters beside two languages may be anything."""
    many = ["de", "en", "fr", "it", "ja", "ko", "pcm", "pt", "sa", "ta"]
    assert languages_of([f"_articles/{c}/a.md" for c in many], ()).all == {*many}
    few = ["de", "en", "api"]
    assert languages_of([f"{c}/a.md" for c in few], ()).all == {"de", "en"}


def test_files_for_those_who_work_on_a_project_lie_beside_its_readme(tmp_path: Path) -> None:
    """In the folder of a documentation, `releases.md` is a page; a name is excluded once."""
    text = "# T\n"
    vite = {"docs/.vitepress/config.ts": "", "docs/releases.md": text, "docs/a.md": text}
    assert imported(written(tmp_path / "v", {**vite, "README.md": text})).excluded == ()
    own = {".vitepress/config.ts": "", "releases.md": text, "a.md": text, "CLAUDE.md": text}
    assert imported(written(tmp_path / "o", {**own})).excluded == ("CLAUDE.md",)
    top = {"_config.yml": "exclude: [SECURITY.md]", "a.md": text, "SECURITY.md": text}
    found = imported(written(tmp_path / "t", {**top, "README.de.md": text, "README.md": text}))
    assert found.excluded == ("README.de.md", "README.md", "SECURITY.md")
    (pages,) = found.plan.collections
    assert len(pages.exclude) == len({*pages.exclude})


def test_a_page_may_be_called_like_a_file_for_those_who_work_on_a_project(tmp_path: Path) -> None:
    """Plates have licences, and archives changes; a language or a licence behind it says more."""
    pages = ["license-plates.md", "readme_first.md", "changelog-archive.md", "license-to-kill.md"]
    none = ["LICENSE-MIT.md", "README-zh-CN.md", "README.fr.md", "licence_docs.md"]
    files: dict[str, str | bytes] = dict.fromkeys([*pages, *none], "# T\n")
    found = imported(written(tmp_path / "a", {"_config.yml": "", **files}))
    assert found.excluded == tuple(none)
    beside = {"_config.yml": "", "README.md": "# T\n", **files}
    found = imported(written(tmp_path / "b", beside))
    assert not {*pages} & {*found.excluded}


@pytest.mark.parametrize("there", ["pressroom.toml", "pressroom/notes.txt", "pressroom"])
def test_a_workspace_that_is_there_is_not_overwritten(there: str, tmp_path: Path) -> None:
    """Not even a folder of that name that holds other things."""
    build("hugo", tmp_path, files=20)
    written(tmp_path, {there: "mine"})
    before = contents(tmp_path)
    with pytest.raises(FileInTheWay):
        imported(tmp_path)
    assert contents(tmp_path) == before


def test_a_folder_without_pages_is_one_clear_line(tmp_path: Path) -> None:
    """A generator's settings alone are no site."""
    written(tmp_path, {"hugo.toml": "title = 'H'", "content/logo.svg": "<svg/>"})
    with pytest.raises(NoPages, match="--import FOLDER"):
        imported(tmp_path)
    assert not (tmp_path / "pressroom").exists()


def test_pages_outside_of_the_workspace_are_named_by_their_whole_path(tmp_path: Path) -> None:
    """The user trusts that folder once."""
    written(tmp_path / "elsewhere", {"a.md": "# A\n"})
    import_site(place_with(tmp_path / "work", tmp_path / "elsewhere"), today=TODAY)
    workspace = open_workspace(tmp_path / "work", {})
    assert workspace.content_dir == tmp_path / "elsewhere"
    assert contents(tmp_path / "elsewhere") == {"a.md": b"# A\n"}
    assert [page.id for page in loaded(tmp_path / "work").pages] == ["a"]
