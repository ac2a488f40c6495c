"""The state folder of a workspace: made here for this user, or set aside."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mcp_server.config import open_workspace
from mcp_server.errors import Unavailable
from mcp_server.trust import StateFolder

USER = "user"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace."""
    root = tmp_path / "site"
    root.mkdir()
    (root / "pressroom.toml").touch()
    return root


def state_of(root: Path, user: str = USER, **environ: str) -> StateFolder:
    """Return the state folder of a workspace, as this user has it."""
    return StateFolder(open_workspace(root, environ), user_dir=root.parent / user)


def aside(root: Path) -> list[str]:
    """Return the names of what was set aside."""
    return sorted(path.name for path in root.glob(".pressroom-set-aside-*"))


def test_a_folder_that_was_made_here_is_used_again(root: Path) -> None:
    """It is hidden from git, and nobody else can look into it."""
    state_of(root).prepare()
    state = state_of(root)
    (state.path / "kept").touch()
    mark = state.mark
    state.prepare()
    assert (state.mark, state.set_aside, aside(root)) == (mark, None, [])
    assert (state.path / "kept").exists()
    assert (state.path / ".gitignore").read_text("utf-8") == "*\n"
    if os.name == "posix":
        assert state.path.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mark", [None, "", "0" * 32, "../../x", "not a mark"])
def test_a_folder_that_came_with_the_workspace_is_set_aside_whole(
    root: Path, mark: str | None
) -> None:
    """Nothing of it is deleted, and it is said where it is."""
    (root / ".pressroom").mkdir()
    (root / ".pressroom" / "pressroom.db").write_text("theirs", "utf-8")
    if mark is not None:
        (root / ".pressroom" / "mark").write_text(mark, "utf-8")
    state = state_of(root)
    state.prepare()
    assert state.set_aside == ".pressroom-set-aside-1"
    assert (root / state.set_aside / "pressroom.db").read_text("utf-8") == "theirs"
    assert sorted(path.name for path in state.path.iterdir()) == [".gitignore", "mark"]


def test_a_link_in_the_folders_place_is_set_aside_and_not_followed(
    root: Path, tmp_path: Path
) -> None:
    """Its target stays as it is."""
    (tmp_path / "other").mkdir()
    (root / ".pressroom").symlink_to(tmp_path / "other", target_is_directory=True)
    state = state_of(root)
    state.prepare()
    assert not state.path.is_symlink() and (root / ".pressroom-set-aside-1").is_symlink()
    assert not list((tmp_path / "other").iterdir())
    with pytest.raises(Unavailable, match="nothing to take back"):
        state.take_back(".pressroom-set-aside-1")


def test_a_file_in_the_folders_place_is_said_to_be_one(root: Path) -> None:
    """And stays."""
    (root / ".pressroom").write_text("mine", "utf-8")
    with pytest.raises(Unavailable, match="PRESSROOM_STATE_DIR"):
        state_of(root).prepare()
    assert (root / ".pressroom").read_text("utf-8") == "mine"


def test_a_copy_is_not_the_folder_it_was_copied_from(root: Path, tmp_path: Path) -> None:
    """Its mark is known, and belongs to another folder."""
    state_of(root).prepare()
    shutil.copytree(root, tmp_path / "copy")
    copy = state_of(tmp_path / "copy")
    copy.prepare()
    assert copy.set_aside is not None
    assert copy.mark != state_of(root).mark
    state_of(root).prepare()
    assert aside(root) == []


def test_a_workspace_may_be_moved_and_put_back_from_a_backup(root: Path, tmp_path: Path) -> None:
    """The same folder in another place, and another folder in the same place."""
    state_of(root).prepare()
    state_of(root).trust({"provider:openai"})
    mark = state_of(root).mark
    moved = root.rename(tmp_path / "moved")
    state_of(moved).prepare()
    shutil.copytree(moved, tmp_path / "backup")
    shutil.rmtree(moved)
    (tmp_path / "backup").rename(moved)
    state_of(moved).prepare()
    record = state_of(moved).record
    assert (state_of(moved).mark, aside(moved)) == (mark, [])
    assert record is not None and record.trusted == ("provider:openai",)


def test_another_users_folder_is_not_ours(root: Path) -> None:
    """The twin lies in the folder of who made it."""
    state_of(root).prepare()
    other = state_of(root, "other")
    assert other.record is None
    other.prepare()
    assert other.set_aside == ".pressroom-set-aside-1"


def test_what_was_set_aside_can_be_taken_back_and_swapped_again(root: Path) -> None:
    """What is trusted in the workspace stays trusted; nothing is lost on the way."""
    (root / ".pressroom").mkdir()
    (root / ".pressroom" / "old").touch()
    state = state_of(root)
    state.prepare()
    (state.path / "new").touch()
    state.trust({"provider:openai"})
    assert state.set_aside is not None
    present = state.take_back(state.set_aside)
    assert (state.path / "old").exists() and (root / present / "new").exists()
    state.prepare()
    record = state.record
    assert record is not None and record.trusted == ("provider:openai",)
    assert state.set_aside is None
    state.take_back(present)
    assert (state.path / "new").exists()


def test_what_was_left_aside_is_spoken_of_no_more(root: Path) -> None:
    """It stays where it is."""
    (root / ".pressroom").mkdir()
    state = state_of(root)
    state.prepare()
    state.leave_aside()
    assert state.set_aside is None
    assert aside(root) == [".pressroom-set-aside-1"]


def test_a_folder_that_the_user_named_outside_needs_no_mark(root: Path, tmp_path: Path) -> None:
    """Nor the user's own folder: a container may have none that can be written."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "pressroom.db").write_text("mine", "utf-8")
    (tmp_path / USER).write_text("no folder", "utf-8")
    state = state_of(root, PRESSROOM_STATE_DIR=str(tmp_path / "state"))
    state.prepare()
    assert (tmp_path / "state" / "pressroom.db").read_text("utf-8") == "mine"
    assert state.demanded_mark() is None


def test_a_user_folder_that_cannot_be_written_is_one_clear_line(root: Path) -> None:
    """It says what else there is to do."""
    (root.parent / USER).write_text("no folder", "utf-8")
    with pytest.raises(Unavailable, match="PRESSROOM_STATE_DIR"):
        state_of(root).prepare()
    assert not (root / ".pressroom").exists()


def test_a_record_that_cannot_be_read_is_none(root: Path) -> None:
    """Half a file, or another program's: the folder is set aside, and can be taken back."""
    state = state_of(root)
    state.prepare()
    [record] = (root.parent / USER / "workspaces").iterdir()
    record.write_text('{"path": 3', "utf-8")
    state.prepare()
    assert state.set_aside == ".pressroom-set-aside-1"


def test_two_accounts_on_one_workspace_get_their_own_folders_back(root: Path) -> None:
    """Each finds the one that the other has set aside, and no third is ever made."""
    for user in ("ada", "ben", "ada", "ben", "ada"):
        state = state_of(root, user)
        state.prepare()
        word = state.path / "whose"
        assert not word.exists() or word.read_text("utf-8") == user
        word.write_text(user, "utf-8")
    assert len(aside(root)) == 1


def test_what_ended_half_way_is_found_by_the_next_look(root: Path) -> None:
    """Between the two renames there is no folder of the name, and nothing is forgotten."""
    (root / ".pressroom").mkdir()
    state_of(root).prepare()
    (root / ".pressroom").rename(root / ".pressroom-01234567.tmp")
    state = state_of(root)
    state.prepare()
    assert state.set_aside == ".pressroom-set-aside-1"
    assert not list(root.glob("*.tmp"))


@pytest.mark.parametrize("mark", [None, "0" * 32])
def test_a_mark_that_is_replaced_meanwhile_is_demanded_of_nothing(
    root: Path, mark: str | None
) -> None:
    """What lies beside it would be taken for ours."""
    state = state_of(root)
    state.prepare()
    (state.path / "mark").unlink()
    if mark is not None:
        (state.path / "mark").write_text(mark, "utf-8")
    with pytest.raises(Unavailable, match="was replaced while it was in use"):
        state.demanded_mark()


def test_a_copy_that_is_taken_back_leaves_the_original_what_it_was(
    root: Path, tmp_path: Path
) -> None:
    """Each has a mark of its own from then on; one that was only swapped keeps its."""
    state_of(root).prepare()
    mark = state_of(root).mark
    shutil.copytree(root, tmp_path / "copy")
    copy = state_of(tmp_path / "copy")
    copy.prepare()
    assert copy.set_aside is not None
    own = copy.mark
    present = copy.take_back(copy.set_aside)
    assert copy.mark not in (mark, own)
    state_of(root).prepare()
    assert (state_of(root).mark, aside(root)) == (mark, [])
    copy.take_back(present)
    assert copy.mark == own


def test_what_its_user_has_put_aside_does_not_come_back_by_itself(root: Path) -> None:
    """Neither when the folder is deleted to begin afresh, nor when another is put in its place."""
    (root / ".pressroom").mkdir()
    state = state_of(root)
    state.prepare()
    assert state.set_aside is not None
    (state.path / "mine").touch()
    present = state.take_back(state.set_aside)
    shutil.rmtree(root / ".pressroom")
    state.prepare()
    assert not (state.path / "mine").exists() and (root / present / "mine").exists()
    shutil.rmtree(root / ".pressroom")
    (root / ".pressroom").mkdir()
    state.prepare()
    assert not (state.path / "mine").exists()


def test_a_folder_that_comes_back_says_what_it_replaces(root: Path) -> None:
    """Or what the other account has written would seem to be gone."""
    for user in ("ada", "ben", "ada"):
        state_of(root, user).prepare()
    assert state_of(root, "ada").set_aside in aside(root)
