"""A workspace is copied as its killed processes left it, and opened elsewhere."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.faults.invariants import assert_each_section_once, assert_sound, database
from tests.faults.processes import (
    Moment,
    end_workers,
    has_ended,
    hasten,
    hasty_site,
    kill,
    queued,
    reach,
    take_back,
    wait_ended,
    working,
)
from tests.wire import pipe


@pytest.mark.parametrize("left_out", [(), ("-shm",)], ids=["whole", "without its index"])
def test_a_copy_of_a_killed_workspace_goes_on_where_it_lies(
    tmp_path: Path, left_out: tuple[str, ...]
) -> None:
    """With its log of writes, which nobody had folded in; and the original goes on by itself."""
    root, batch = killed(tmp_path)
    copy = copied(root, tmp_path / "copy", left_out)
    assert database(copy).with_name("pressroom.db-wal").stat().st_size > 0
    assert_sound(copy)
    assert not has_ended(copy, batch)
    take_back(copy)
    for folder in (copy, root):
        with pipe(folder, "auto") as chat:
            chat.begin()
            wait_ended(folder, batch)
        assert_each_section_once(folder, batch, 16)
        end_workers(folder)


def test_a_copy_without_its_log_is_an_earlier_state_and_sound(tmp_path: Path) -> None:
    """What was written since is not in it, and nothing of it is half there."""
    root, _ = killed(tmp_path)
    copy = copied(root, tmp_path / "copy", ("-wal", "-shm"))
    take_back(copy)
    with pipe(copy, "auto") as chat:
        chat.begin()
        wait_ended(copy, queued(chat))
        batch = queued(chat, "generate-all", mode="new")
        wait_ended(copy, batch)
    assert_each_section_once(copy, batch, 16)
    end_workers(copy)


def killed(tmp_path: Path) -> tuple[Path, str]:
    """Make a workspace whose server and worker are killed in the middle of a batch."""
    root = hasty_site(tmp_path / "site", 2, 8, composer_delay_s=2)
    with pipe(root, "auto") as chat:
        chat.begin()
        batch = queued(chat)
        worker = working(root)
        reach(root, batch, Moment(3, 0.1))
        kill(chat.process.pid)
        kill(worker)
    end_workers(root)
    hasten(root)
    return root, batch


def copied(root: Path, copy: Path, left_out: tuple[str, ...]) -> Path:
    """Copy a workspace less the files beside its database that end so."""
    names = [f"{database(root).name}{end}" for end in left_out]
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns(*names))
    return copy
