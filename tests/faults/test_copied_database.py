"""A workspace is copied as its killed processes left it, and opened elsewhere."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import databases
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
from tests.harness import content
from tests.wire import pipe, query

SHARED = databases.address() is not None
WAYS: dict[str, tuple[str, ...]] = {"whole": (), "without its index": ("-shm",)}
"""What a copy of a file may leave out, and is whole all the same."""


@pytest.mark.parametrize(
    "left_out", [()] if SHARED else WAYS.values(), ids=["dumped"] if SHARED else WAYS
)
def test_a_copy_of_a_killed_workspace_goes_on_where_it_lies(
    tmp_path: Path, left_out: tuple[str, ...]
) -> None:
    """With its log of writes, which nobody had folded in; and the original goes on by itself."""
    root, batch = killed(tmp_path)
    copy = copied(root, tmp_path / "copy", left_out)
    assert SHARED or database(copy).with_name("pressroom.db-wal").stat().st_size > 0
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


def test_an_older_copy_is_put_back_after_all_have_stopped(tmp_path: Path) -> None:
    """What was done since is done again; pages that are newer than it stay, and are live."""
    root, batch = killed(tmp_path)
    older = copied(root, tmp_path / "older", ())
    before = query(older, "SELECT count(*) FROM revisions")
    with pipe(root, "auto") as chat:
        chat.begin()
        wait_ended(root, batch)
        live = queued(chat, "promote")
        wait_ended(root, live)
        chat.hang_up()
    end_workers(root)
    files = content(root)
    assert len(files) == 2
    put_back(older, root)
    take_back(root)
    assert query(root, "SELECT count(*) FROM revisions") == before
    assert not has_ended(root, batch)
    with pipe(root, "auto") as chat:
        chat.begin()
        wait_ended(root, batch)
        counts = chat.call("review")["structuredContent"]["counts"]
    assert counts == {"live": 16}
    assert content(root) == files
    assert_each_section_once(root, batch, 16)
    end_workers(root)


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
    """Copy a workspace less the files beside its database that end so.

    On a shared database its copy is another site, as one gets by a dump under another id.
    """
    names = [f"{database(root).name}{end}" for end in left_out]
    shutil.copytree(root, copy, ignore=shutil.ignore_patterns(*names))
    if SHARED:
        hasten(copy)  # it gets a place of its own by that
        databases.restore(databases.dump(root), root, copy)
    return copy


def put_back(older: Path, root: Path) -> None:
    """Put what a copy holds in the place of what a workspace does; all else stays."""
    if SHARED:
        databases.restore(databases.dump(older), older, root)
        return
    for end in ("", "-wal", "-shm"):
        name = database(root).name + end
        database(root).with_name(name).unlink(missing_ok=True)
        if (kept := database(older).with_name(name)).exists():
            shutil.copy(kept, database(root).with_name(name))
