"""A workspace is copied as its processes left it, and opened elsewhere."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.faults.invariants import assert_each_section_once, assert_sound
from tests.faults.processes import (
    Moment,
    end_workers,
    has_ended,
    hasty_site,
    kill,
    queued,
    reach,
    wait_ended,
    working,
)
from tests.wire import pipe


def test_a_copy_of_a_killed_workspace_goes_on_where_it_lies(tmp_path: Path) -> None:
    """With its log of writes, which nobody had folded in; and the original goes on by itself."""
    root, copy = hasty_site(tmp_path / "site", 2, 8, composer_delay_s=0.5), tmp_path / "copy"
    with pipe(root, "auto") as chat:
        chat.begin()
        batch = queued(chat)
        worker = working(root)
        reach(root, batch, Moment(3, 0.1))
        kill(chat.process.pid)
        kill(worker)
    end_workers(root)
    shutil.copytree(root, copy)
    assert (copy / ".pressroom" / "pressroom.db-wal").stat().st_size > 0
    assert_sound(copy)
    assert not has_ended(copy, batch)
    for folder in (copy, root):
        with pipe(folder, "auto") as chat:
            chat.begin()
            wait_ended(folder, batch)
        assert_each_section_once(folder, batch, 16)
        end_workers(folder)
