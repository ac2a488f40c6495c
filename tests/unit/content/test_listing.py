"""The files of the content folder, listed again only where something came or went."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from mcp_server.content.pages.listing import SETTLED_AFTER_S, Listing
from mcp_server.folder import HAS_DIR_FD, Folder, OpenFolder


class Watch:
    """A clock that stands until it is told to go on."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


def write(folder: Path, *paths: str) -> None:
    """Make files that hold something."""
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x", encoding="utf-8")


@pytest.fixture
def watch() -> Watch:
    """Return a clock."""
    return Watch()


@pytest.fixture
def listing(tmp_path: Path, watch: Watch) -> Listing:
    """Return a listing of an empty folder."""
    return Listing(Folder(tmp_path), watch)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the folders that are read from now on.

    The reading itself is the real one: only that it happens shows nowhere else.
    """
    names: list[str] = []
    kinds = OpenFolder.kinds

    def counted(self: OpenFolder) -> object:
        names.append(self.path.name)
        return kinds(self)

    monkeypatch.setattr(OpenFolder, "kinds", counted)
    return names


def settle(listing: Listing, watch: Watch) -> None:
    """Look until the times of the folders are trusted."""
    listing.listed()
    watch.seconds += SETTLED_AFTER_S
    listing.listed()


def test_files_that_can_be_pages_are_listed_by_path(tmp_path: Path, listing: Listing) -> None:
    """What is hidden, fetched or built is passed by."""
    write(tmp_path, "b.md", "a/x.mdx", "a/index.markdown", "c.html", "Über uns/_index.md")
    write(tmp_path, "z.rst", ".git/x.md", "node_modules/p/README.md", "_site/b.html", ".x.md")
    found = listing.listed()
    assert found.paths == ("a/index.markdown", "a/x.mdx", "b.md", "c.html", "Über uns/_index.md")
    assert (found.left_out, found.missing) == ({}, None)


def test_what_has_not_changed_is_not_read_again(
    tmp_path: Path, listing: Listing, watch: Watch, opened: list[str]
) -> None:
    """The answer is the very same one, so that a caller can keep what it made of it."""
    write(tmp_path, "a/x.md", "b/y.md")
    settle(listing, watch)
    first = listing.listed()
    opened.clear()
    assert listing.listed() is first
    assert set(opened) <= {tmp_path.name}  # the content folder itself is opened at each look


def test_only_the_folder_that_changed_is_read_again(
    tmp_path: Path, listing: Listing, watch: Watch, opened: list[str]
) -> None:
    """A file that comes, goes or is renamed changes its folder, and that one only."""
    write(tmp_path, "a/x.md", "b/y.md")
    settle(listing, watch)
    first = listing.listed()
    opened.clear()
    write(tmp_path, "b/z.md")
    second = listing.listed()
    assert second.paths == ("a/x.md", "b/y.md", "b/z.md")
    assert second.version != first.version
    assert "a" not in opened
    (tmp_path / "b" / "y.md").rename(tmp_path / "b" / "w.md")
    assert listing.listed().paths == ("a/x.md", "b/w.md", "b/z.md")
    (tmp_path / "a" / "x.md").unlink()
    assert listing.listed().paths == ("b/w.md", "b/z.md")


def test_a_folder_that_changed_a_moment_ago_is_read_again(
    tmp_path: Path, listing: Listing, watch: Watch, opened: list[str]
) -> None:
    """What comes within the same tick of the file system leaves the folder's times as they are."""
    write(tmp_path, "a/x.md")
    listing.listed()
    opened.clear()
    watch.seconds += SETTLED_AFTER_S / 2
    listing.listed()
    assert "a" in opened


def test_a_folder_that_comes_or_goes_takes_its_files_along(
    tmp_path: Path, listing: Listing, watch: Watch
) -> None:
    """Also one that is moved with all that is in it."""
    write(tmp_path, "a/b/x.md")
    settle(listing, watch)
    (tmp_path / "a").rename(tmp_path / "c")
    assert listing.listed().paths == ("c/b/x.md",)
    write(tmp_path, "a/y.md")
    assert listing.listed().paths == ("a/y.md", "c/b/x.md")


@pytest.mark.skipif(sys.platform == "win32", reason="making a link needs a right there")
def test_no_link_is_followed(tmp_path: Path, watch: Watch) -> None:
    """Neither to a file nor to a folder, nor one that takes a folder's place later."""
    write(tmp_path, "out/secret.md", "in/a/x.md")
    (tmp_path / "in" / "link").symlink_to(tmp_path / "out")
    (tmp_path / "in" / "b.md").symlink_to(tmp_path / "out" / "secret.md")
    (tmp_path / "in" / "photo.jpg").symlink_to(tmp_path / "out" / "secret.md")
    listing = Listing(Folder(tmp_path / "in"), watch)
    settle(listing, watch)
    found = listing.listed()
    assert found.paths == ("a/x.md",)
    assert found.left_out == {
        "b.md": "it is a symbolic link",
        "link": "it is a symbolic link",
    }
    (tmp_path / "in" / "a").rename(tmp_path / "in" / "old")
    (tmp_path / "in" / "a").symlink_to(tmp_path / "out")
    assert listing.listed().paths == ("old/x.md",)


@pytest.mark.skipif(sys.platform in {"win32", "darwin"}, reason="no such names there")
def test_a_name_that_no_platform_can_hold_is_left_out_with_the_reason(
    tmp_path: Path, listing: Listing
) -> None:
    """Also one that is no text."""
    write(tmp_path, "a:b.md", "con.md", "c|d/x.md", "ok.md")
    (tmp_path / os.fsdecode(b"\xff.md")).touch()
    found = listing.listed()
    assert found.paths == ("ok.md",)
    assert set(found.left_out) == {"a:b.md", "con.md", "c|d/x.md", "\N{REPLACEMENT CHARACTER}.md"}
    assert set(found.left_out.values()) == {"some platform cannot hold a file of that name"}


def test_a_folder_that_is_gone_is_missing_and_nothing_else(tmp_path: Path, watch: Watch) -> None:
    """An unmounted folder says nothing of the pages that were in it."""
    listing = Listing(Folder(tmp_path / "content"), watch)
    assert listing.listed().missing is not None
    write(tmp_path, "content/x.md")
    found = listing.listed()
    assert (found.paths, found.missing) == (("x.md",), None)
    (tmp_path / "content" / "x.md").unlink()
    (tmp_path / "content").rmdir()
    gone = listing.listed()
    assert gone.missing is not None
    assert gone.version != found.version


@pytest.mark.skipif(not HAS_DIR_FD or os.geteuid() == 0, reason="everything can be read")
def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, listing: Listing) -> None:
    """The others are listed."""
    write(tmp_path, "a/x.md", "b/y.md")
    (tmp_path / "a").chmod(0)
    try:
        found = listing.listed()
    finally:
        (tmp_path / "a").chmod(0o755)
    assert found.paths == ("b/y.md",)
    assert list(found.left_out) == ["a"]
