"""The disk is full, or not what it should be: one clear line, nothing lost, and on it goes."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.faults.invariants import assert_each_section_once, assert_sound
from tests.faults.processes import (
    Moment,
    end_workers,
    has_ended,
    hasty_site,
    queued,
    reach,
    state,
    wait_ended,
)
from tests.harness import content, trusted
from tests.waiting import wait_until
from tests.wire import pipe, query


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path]:
    """A disk of 3 MB; only an administrator may make one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a disk")
    yield disk
    for root in disk.iterdir():
        end_workers(root)
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.parametrize("worker", ["detached", "embedded"])
def test_a_batch_outlives_a_full_disk(small_disk: Path, worker: str) -> None:
    """The database, the exports and the log share it: calls are refused, the worker waits."""
    root = hasty_site(small_disk / "site", 2, 12, worker=worker, max_retries=0)
    with pipe(root, "auto") as chat:
        chat.begin()
        batch = queued(chat, "generate", page="p1")
        reach(root, batch, Moment(2, 0))
        with filled(small_disk):
            done = has_ended(root, batch)
            wait_until(lambda: stalled(root))
            refusal = chat.call("generate", page="p2")
            assert refusal["isError"]
            assert_one_clear_line(refusal)
            assert "full" in text(refusal)
            assert has_ended(root, batch) == done
            assert chat.process.poll() is None
        wait_ended(root, batch)
        other = queued(chat, "generate", page="p2")
        wait_ended(root, other)
    assert assert_each_section_once(root, batch, 12)
    assert assert_each_section_once(root, other, 12)
    end_workers(root)


def test_a_server_starts_on_a_full_disk_and_works_when_there_is_room(small_disk: Path) -> None:
    """Every tool says why it cannot, until it can: no restart."""
    root = hasty_site(small_disk / "site", 1, 2)
    with pipe(root, "auto") as chat:
        with filled(small_disk):
            chat.begin()
            refusal = chat.call("generate-all")
            assert refusal["isError"]
            assert_one_clear_line(refusal)
        batch = queued(chat)
        wait_ended(root, batch)
    assert assert_each_section_once(root, batch, 2)
    end_workers(root)


def test_pages_that_do_not_fit_on_the_disk_say_so_and_retry_writes_them(
    small_disk: Path, tmp_path: Path
) -> None:
    """The texts are live, the batch failed with the reason, no half file lies about."""
    folder = small_disk / "content"
    root = hasty_site(
        tmp_path / "site", 2, 2, composer_delay_s=0, max_retries=0, content_dir=str(folder)
    )
    trusted(root)
    with pipe(root, "auto") as chat:
        chat.begin()
        wait_ended(root, queued(chat))
        folder.mkdir()
        with filled(small_disk):
            batch = queued(chat, "promote")
            wait_ended(root, batch)
            answer = chat.call("status", batchId=batch)
            assert state(root, batch) == "failed"
            assert "the disk is full" in text(answer)
            assert list(folder.iterdir()) == []
            assert_sound(root)
        queued(chat, "retry", batchId=batch)
        wait_ended(root, batch)
        assert state(root, batch) == "completed"
        assert sorted(path.name for path in folder.iterdir()) == ["p1.md", "p2.md"]
    assert_sound(root)
    end_workers(root)


def test_a_file_where_the_content_folder_should_be_is_told_and_touched_by_nobody(
    tmp_path: Path,
) -> None:
    """Nothing is made live that cannot be written; once it is away, the same call works."""
    root = hasty_site(tmp_path / "site", 2, 2, composer_delay_s=0)
    with pipe(root, "auto") as chat:
        chat.begin()
        wait_ended(root, queued(chat))
        (root / "content").write_text("in the way")
        assert "its folder's name belongs to a file" in text(chat.call("promote"))
        assert (root / "content").read_text() == "in the way"
        (root / "content").unlink()
        again = queued(chat, "promote")
        wait_ended(root, again)
        assert state(root, again) == "completed"
        assert sorted(content(root)) == ["p1.md", "p2.md"]
    assert_sound(root)
    end_workers(root)


@contextmanager
def filled(disk: Path) -> Generator[None]:
    """Leave no room on the disk."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 4096, 512):
            try:
                while file.write(b"\0" * size) == size:
                    pass
            except OSError:
                continue
    try:
        yield
    finally:
        ballast.unlink()


def stalled(root: Path) -> bool:
    """Whether leases have run out, as nothing can be recorded."""
    overdue = "SELECT count(*) FROM jobs WHERE state = 'processing' AND lease_until < ?"
    return query(root, overdue, time.time())[0][0] > 0


def text(result: dict[str, Any]) -> str:
    """Return what a tool said."""
    return "\n".join(block["text"] for block in result["content"])


def assert_one_clear_line(result: dict[str, Any]) -> None:
    """Fail if a tool error is no sentence for people."""
    said = text(result).strip()
    assert said
    assert "\n" not in said
    assert "Traceback" not in said
    assert "/" not in said
