"""Folders whose files are opened only where they are plain files inside."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_server.folder import Folder, NotPlain

SECRET = b"secret of somebody else"

posix = pytest.mark.skipif(os.name != "posix", reason="pipes and modes are a matter of POSIX")


@pytest.fixture(autouse=True, params=["held", "looked-at"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How files are reached: by an open folder, or, as on Windows, by a path that is looked at."""
    if request.param == "looked-at":
        monkeypatch.setattr("mcp_server.folder.HAS_DIR_FD", False)
        monkeypatch.setattr("mcp_server.folder._UNFOLLOWED", 0)
    return request.param


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A file outside of the folder."""
    path = tmp_path / "elsewhere"
    path.write_bytes(SECRET)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder."""
    path = tmp_path / "root"
    path.mkdir()
    return path


def append(root: Path) -> None:
    """Write to a file as a log does."""
    with Folder(root).opened() as folder, folder.open("name", "ab") as file:
        file.write(b"more")


def read(root: Path) -> None:
    """Read a file."""
    Folder(root).read("name", 100)


def overwrite(root: Path) -> None:
    """Write a file in place."""
    with Folder(root).opened() as folder:
        folder.overwrite("name", b"other")


USES = pytest.mark.parametrize("use", [append, read, overwrite])


@USES
def test_a_link_is_neither_read_nor_written_through(
    use: Callable[[Path], None], root: Path, elsewhere: Path
) -> None:
    """Wherever it leads, inside included: a checkout may have put it there just now."""
    (root / "inside").write_bytes(SECRET)
    for target in (elsewhere, root / "inside"):
        (root / "name").symlink_to(target)
        with pytest.raises(NotPlain, match="it is a symbolic link"):
            use(root)
        assert target.read_bytes() == SECRET
        (root / "name").unlink()


@USES
def test_a_link_to_nothing_makes_no_file_elsewhere(
    use: Callable[[Path], None], root: Path, tmp_path: Path
) -> None:
    """Appending to it would make its target."""
    (root / "name").symlink_to(tmp_path / "new")
    with pytest.raises(NotPlain):
        use(root)
    assert not (tmp_path / "new").exists()


@posix
@USES
def test_a_pipe_does_not_make_us_wait(use: Callable[[Path], None], root: Path) -> None:
    """Nobody is at its other end."""
    os.mkfifo(root / "name")
    with pytest.raises(NotPlain, match="not a regular file"):
        use(root)


def test_a_link_among_the_folders_below_is_not_followed(root: Path, tmp_path: Path) -> None:
    """One in the path of the root is its user's own."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "name").write_bytes(SECRET)
    (root / "below").symlink_to(tmp_path / "other", target_is_directory=True)
    with pytest.raises(NotPlain, match="symbolic link"):
        Folder(root, "below").read("name", 100)
    (tmp_path / "way").symlink_to(root, target_is_directory=True)
    (root / "name").write_bytes(b"plain")
    assert Folder(tmp_path / "way").read("name", 100) == b"plain"


def test_a_folder_that_was_opened_stays_the_same_one(root: Path, tmp_path: Path, way: str) -> None:
    """Its name may lead elsewhere before the file is written."""
    if way == "looked-at":
        pytest.skip("a folder cannot be held open there; what Windows has open cannot be renamed")
    (tmp_path / "other").mkdir()
    with Folder(root, "below").opened(create=True) as folder:
        (root / "below").rename(root / "before")
        (root / "below").symlink_to(tmp_path / "other", target_is_directory=True)
        with folder.open("name", "xb") as file:
            file.write(b"text")
        folder.replace("name", "final")
        folder.sync()
    assert (root / "before" / "final").read_bytes() == b"text"
    assert not list((tmp_path / "other").iterdir())


def test_a_file_is_read_no_further_than_it_may_be(root: Path) -> None:
    """One byte more tells that there is more."""
    (root / "name").write_bytes(b"x" * 1000)
    assert len(Folder(root).read("name", 10)) == 11


@posix
def test_a_new_file_is_its_users_alone(root: Path) -> None:
    """Whatever the umask says."""
    append(root)
    assert (root / "name").stat().st_mode & 0o777 == 0o600


def test_what_is_not_there_is_said_as_the_system_says_it(root: Path) -> None:
    """Callers tell a missing file from one that is no file."""
    with pytest.raises(FileNotFoundError):
        read(root)
    with pytest.raises(FileNotFoundError):
        read(root / "missing")
    with Folder(root).opened() as folder:
        assert folder.stat("name") is None
        folder.remove("name")
        assert list(folder.names()) == []
