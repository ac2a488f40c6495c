"""`pressroom init` where a site is already: what it says, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interfaces.test_cli import assert_one_line, contents, pressroom
from tests.sites.build import build


def test_without_a_folder_it_is_the_one_that_the_user_is_in(tmp_path: Path) -> None:
    """As its usage says."""
    done = pressroom("init", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "pressroom.toml").exists()


def test_a_site_is_recognised_and_described(tmp_path: Path) -> None:
    """Which generator, how many pages, drafts, titles, what cannot be worked on, and what next."""
    build("hugo", tmp_path, files=120)
    before = contents(tmp_path)
    done = pressroom("init", ".", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"{tmp_path} seems to be a Hugo site (hugo.toml)."
    assert lines[1].startswith("Its pages lie in content/: 115 pages in ")
    assert "in folders or names: de, en, fr, zh-cn" in lines[2]
    assert "live in the file, not published by your generator." in lines[3]
    assert "without a title" in done.stdout
    assert "3 files cannot be worked on yet; all others can:" in lines
    assert "its front matter never closes" in done.stdout
    assert f"pressroom review -w {tmp_path}" in done.stdout
    after = contents(tmp_path)
    assert {path: after[path] for path in before} == before
    assert pressroom("doctor", "-w", tmp_path).stderr == ""
    assert_one_line(pressroom("init", tmp_path))
    assert contents(tmp_path) == after


def test_what_would_publish_our_files_is_told_how_not_to(tmp_path: Path) -> None:
    """Jekyll, whose pages lie in its own folder."""
    build("jekyll", tmp_path, files=40)
    done = pressroom("init", tmp_path)
    assert "in _config.yml, under `exclude:`: pressroom, pressroom.toml" in done.stdout
    assert "No page was touched." in done.stdout
    assert "3 files taken for no page: CONTRIBUTING.md, LICENSE.md, README.md." in done.stdout


def test_many_files_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    """The first ten are named."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "mkdocs.yml").write_text("site_name: M", "utf-8")
    (tmp_path / "docs" / "index.md").write_text("# M\n", "utf-8")
    for number in range(14):
        (tmp_path / "docs" / f"{number}.md").write_bytes(b"Caf\xe9\n")
    done = pressroom("init", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("it is not UTF-8") == 10
    assert "  and 4 more\n" in done.stdout


def test_each_second_level_heading_may_become_a_section(tmp_path: Path) -> None:
    """`--split h2`, where there is a site; a starter site has none to divide."""
    build("mkdocs", tmp_path / "site", files=20)
    done = pressroom("init", tmp_path / "site", "--split", "h2")
    assert done.returncode == 0, done.stderr
    assert "split: h2" in (tmp_path / "site" / "pressroom" / "site.yaml").read_text("utf-8")
    assert_one_line(pressroom("init", tmp_path / "new", "--split", "h2"))
    assert pressroom("init", tmp_path / "new", "--split", "h3").returncode == 2
    assert not (tmp_path / "new").exists()


def test_where_it_cannot_be_guessed_the_folder_is_asked_for(tmp_path: Path) -> None:
    """Both sites are named; `--import` decides, from where one is or from the workspace."""
    build("hugo", tmp_path / "blog", files=20)
    build("mkdocs", tmp_path / "manual", files=20)
    asked = pressroom("init", tmp_path)
    assert_one_line(asked)
    assert "Hugo (blog/hugo.toml), pages in 'blog/content'" in asked.stderr
    assert "--import FOLDER" in asked.stderr
    assert not (tmp_path / "pressroom.toml").exists()
    for cwd in (tmp_path, Path("/")):
        done = pressroom("init", tmp_path, "--import", "manual/docs", cwd=cwd)
        assert done.returncode == (0 if cwd == tmp_path else 2), done.stderr
    settings = (tmp_path / "pressroom.toml").read_text("utf-8")
    assert '\ncontent_dir = "manual/docs"\n' in settings


def test_a_folder_of_pages_makes_the_site_around_it_the_workspace(tmp_path: Path) -> None:
    """Nothing is written among the pages."""
    build("eleventy", tmp_path, files=20)
    done = pressroom("init", "src/blog", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{tmp_path} seems to be an Eleventy site")
    assert (tmp_path / "pressroom.toml").is_file()
    assert not list((tmp_path / "src").rglob("pressroom*"))


def test_a_new_folder_in_a_site_gets_the_starter_and_a_hint(tmp_path: Path) -> None:
    """Both are possible, and the command for the other one is said."""
    build("hugo", tmp_path, files=20)
    done = pressroom("init", tmp_path / "new")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "new" / "pressroom" / "README.md").is_file()
    assert f"To work on its texts: pressroom init {tmp_path}" in done.stdout


@pytest.mark.parametrize("folder", ["", "nowhere"])
def test_import_of_no_folder_is_refused(folder: str, tmp_path: Path) -> None:
    """And nothing is made."""
    done = pressroom("init", tmp_path / "new", "--import", folder, cwd=tmp_path)
    assert done.returncode == 2
    assert contents(tmp_path) == {}
