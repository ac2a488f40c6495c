"""The sites that other tests are run on are what was measured, and the same each time."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.sites.build import FILES, GENERATORS, build, build_all
from tests.sites.traits import BROKEN, MEASURED, TRAITS


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below `folder`."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_there_are_as_many_pages_as_asked_for_and_each_trait_has_its_share(tmp_path: Path) -> None:
    """Of all sites together; a tiny share is one page or more of each site that can have it."""
    sites = build_all(tmp_path)
    assert len(sites) >= 8
    pages = [traits for site in sites.values() for traits in site.pages.values()]
    assert len(pages) == FILES >= 2_000
    found = Counter(trait for traits in pages for trait in traits)
    for trait in TRAITS:
        wanted = trait.measured / MEASURED * FILES
        assert abs(found[trait.name] - wanted) <= max(0.1 * wanted, 12), trait.name
    for trait in BROKEN:
        assert len(GENERATORS) - 1 <= found[trait.name] <= 12, trait.name


@pytest.mark.parametrize("generator", GENERATORS)
def test_a_seed_gives_the_same_bytes(generator: str, tmp_path: Path) -> None:
    """And another one other bytes."""
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        build(generator, tmp_path / name, files=60, seed=seed)
    assert contents(tmp_path / "a") == contents(tmp_path / "b") != contents(tmp_path / "c")


@pytest.mark.parametrize("generator", GENERATORS)
def test_the_files_are_what_their_traits_say(generator: str, tmp_path: Path) -> None:
    """Line ends, byte order mark, front matter, and what no page can be worked on with."""
    built = build(generator, tmp_path, files=150)
    content = tmp_path / built.content
    for path in built.having("crlf"):
        assert b"\r\n" in (content / path).read_bytes()
    for path in built.having("bom"):
        assert (content / path).read_bytes().startswith(b"\xef\xbb\xbf")
    for path in built.having("merge conflict"):
        assert b"\n<<<<<<< HEAD" in (content / path).read_bytes()
    for path in built.having("front only"):
        assert (content / path).read_bytes().rstrip().endswith((b"---", b"+++"))
    for path in built.having("toml"):
        assert (content / path).read_bytes().startswith((b"+++", b"\xef\xbb\xbf+++"))
    for path in built.having("latin-1"):
        with pytest.raises(UnicodeDecodeError):
            (content / path).read_text("utf-8")
    assert all((content / path).is_file() for path in built.pages)


def test_without_what_is_broken_every_page_can_be_read(tmp_path: Path) -> None:
    """So that real generators build it."""
    built = build("hugo", tmp_path, files=200, broken=False)
    for path in built.pages:
        text = (tmp_path / built.content / path).read_text("utf-8")
        assert "\n<<<<<<< HEAD\nSome" not in text
