"""The database refuses for real: one clear line to the client, `status` says so, and it goes on.

The lock is another process's, the limits are the operating system's, the damage is on the disk.
What a server refuses besides is in `tests/shared`: a full disk, a role without rights, damage.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.faults.invariants import assert_each_section_once, database
from tests.faults.processes import (
    Moment,
    end_workers,
    has_ended,
    hasten,
    hasty_site,
    pressroom,
    queued,
    reach,
    wait_ended,
    workers,
    working,
)
from tests.faults.saying import assert_one_clear_line, text
from tests.locking import locked
from tests.waiting import PATIENCE_S, wait_until
from tests.wire import Pipe, command, environment, pipe, query, serving

linux_only = pytest.mark.skipif(
    sys.platform != "linux", reason="limits of another process can only be set on Linux"
)


def test_a_lock_held_for_longer_than_anybody_waits_holds_up_and_loses_nothing(
    tmp_path: Path,
) -> None:
    """Calls are refused, reading goes on and says why; freed, the worker goes on by itself."""
    root = hasty_site(tmp_path / "site", 2, 12)
    with pipe(root, "auto") as chat:
        chat.begin()
        batch = queued(chat, "generate", page="p1")
        reach(root, batch, Moment(2, 0))
        with locked(root):
            refusal = chat.call("generate", page="p2")
            assert_one_clear_line(refusal)
            assert "busy" in text(refusal)
            wait_until(lambda: "another process is writing" in worker_message(chat))
            assert chat.process.poll() is None
            assert "another process is writing" in doctor(root)
        other = queued(chat, "generate", page="p2")
        wait_ended(root, batch, other)
        assert "writing" not in worker_message(chat)
    for each in (batch, other):
        assert_each_section_once(root, each, 12)
    end_workers(root)


def test_health_fails_while_nothing_can_be_written(tmp_path: Path) -> None:
    """Whoever watches from outside is told, without a token; and that it is over, too."""
    root = hasty_site(tmp_path / "site", 1, 2)
    with serving(root) as url:
        wait_until(lambda: health(url) == (200, {"status": "ok"}))
        with locked(root):
            reason = "the database cannot be written"
            wait_until(lambda: health(url) == (503, {"status": "failing", "reason": reason}))
        wait_until(lambda: health(url) == (200, {"status": "ok"}))


def health(url: str) -> tuple[int, object]:
    """Return what `/health` says."""
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE_S)) as connection:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


@linux_only
@pytest.mark.parametrize("worker", ["detached", "embedded"])
def test_a_disk_that_reports_errors_is_said_and_survived(tmp_path: Path, worker: str) -> None:
    """What was acknowledged is kept; each end of an attempt is recorded once it can be."""
    root = hasty_site(tmp_path / "site", 2, 12, worker=worker, max_retries=0)
    with pipe(root, "auto") as chat:
        chat.begin()
        batch = queued(chat, "generate", page="p1")
        reach(root, batch, Moment(2, 0))
        with limited([chat.process.pid, *workers(root)], resource.RLIMIT_FSIZE, 4096):
            wait_until(lambda: "reports an error" in worker_message(chat))
            refusal = chat.call("generate", page="p2")
            assert_one_clear_line(refusal)
            assert "reports an error" in text(refusal)
            wait_until(lambda: overdue(root))
            assert not has_ended(root, batch)
            assert chat.process.poll() is None
        wait_ended(root, batch)
        other = queued(chat, "generate", page="p2")
        wait_ended(root, other)
    for each in (batch, other):
        assert_each_section_once(root, each, 12)
    end_workers(root)


@linux_only
def test_a_process_that_may_open_no_more_files_says_so_and_goes_on(tmp_path: Path) -> None:
    """Its worker is not started either; with files to open again, all goes on by itself."""
    root = hasty_site(tmp_path / "site", 2, 4)
    with pipe(root, "auto") as chat:
        chat.begin()
        first = queued(chat, "generate", page="p1")
        wait_ended(root, first)
        end_workers(root)
        pid = chat.process.pid
        with limited([pid], resource.RLIMIT_NOFILE, len([*Path(f"/proc/{pid}/fd").iterdir()])):
            answer = chat.call("generate", page="p2")
            said = text(answer) + text(chat.call("status"))
            assert "Traceback" not in said
            assert "Too many open files" in said
            assert chat.process.poll() is None
        second = queued(chat, "generate", page="p2")
        wait_ended(root, second)
    for each in (first, second):
        assert_each_section_once(root, each, 4)
    end_workers(root)


@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_read_only_database_is_said_and_made_writable_it_goes_on(
    tmp_path: Path, what: str
) -> None:
    """The server starts, waits with what was queued, and needs no restart."""
    root, batch = interrupted(tmp_path)
    place = database(root).parent if what == "folder" else database(root)
    with read_only(place), pipe(root, "auto") as chat:
        chat.begin()
        refusal = chat.call("generate-all", mode="new")
        assert_one_clear_line(refusal)
        assert "read-only" in text(refusal)
        wait_until(lambda: "read-only" in text(chat.call("status")))
        assert "read-only" in doctor(root)
        assert chat.process.poll() is None
        writable(place)
        wait_until(lambda: not chat.call("status").get("isError"))  # a call opens what was shut
        wait_ended(root, batch)
        other = retried(chat, "generate-all", mode="new")
        wait_ended(root, other)
        assert "read-only" not in text(chat.call("status"))
    for each in (batch, other):
        assert_each_section_once(root, each, 8)
    end_workers(root)


def test_a_damaged_database_is_said_and_a_copy_put_back_is_worked_on(tmp_path: Path) -> None:
    """Neither the server nor its worker need a restart, and what the copy knows of is done."""
    root, batch = interrupted(tmp_path)
    kept = database(root).with_suffix(".kept")
    shutil.copy(database(root), kept)
    damage(database(root), "jobs")
    with pipe(root, "auto") as chat:
        chat.begin()
        refusal = chat.call("generate-all", mode="new")
        assert_one_clear_line(refusal)
        assert "damaged" in text(refusal)
        wait_until(lambda: "damaged" in text(chat.call("status")))
        assert "damaged" in doctor(root)
        assert chat.process.poll() is None
        for end in ("", "-wal", "-shm"):
            database(root).with_name(database(root).name + end).unlink(missing_ok=True)
        kept.replace(database(root))
        wait_ended(root, batch)
        other = retried(chat, "generate-all", mode="new")
        wait_ended(root, other)
    for each in (batch, other):
        assert_each_section_once(root, each, 8)
    end_workers(root)


def retried(chat: Pipe, tool: str, **arguments: str) -> str:
    """Call a tool until it is not refused, as a person would; return its batch."""
    wait_until(lambda: not chat.call("status").get("isError"))
    found: list[str] = []

    def accepted() -> bool:
        answer = chat.call(tool, **arguments)
        if not answer.get("isError"):
            found.append(answer["structuredContent"]["batchId"])
        return bool(found)

    wait_until(accepted)
    return found[0]


def damage(path: Path, table: str) -> None:
    """Overwrite the first page of a table of a closed database."""
    with closing(sqlite3.connect(path)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)
        ).fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(bytes(byte ^ 0xFF for byte in b"\0" * 64))


def interrupted(tmp_path: Path) -> tuple[Path, str]:
    """Make a workspace whose batch waits in a closed database; return the batch, too."""
    root = hasty_site(tmp_path / "site", 1, 8, composer_delay_s=3, concurrency=1)
    with pipe(root, "auto") as chat:
        chat.begin()
        batch = queued(chat)
        working(root)
        reach(root, batch, Moment(1, 0))
        hasten(root)
        pressroom("stop", "--workspace", str(root))
        chat.hang_up()
    assert not list(root.glob(".pressroom/*-wal"))
    (root / ".pressroom" / "stopped").unlink()
    return root, batch


@contextmanager
def read_only(place: Path) -> Generator[None]:
    """Let nobody write to a file or folder, an administrator included."""
    if os.geteuid() == 0:
        for step in (["--bind", place, place], ["-o", "remount,ro,bind", place]):
            done = subprocess.run(["mount", *map(str, step)], capture_output=True, check=False)
            if done.returncode:
                pytest.skip("this user may not mount a folder")
    else:
        place.chmod(0o500 if place.is_dir() else 0o400)
    try:
        yield
    finally:
        writable(place)


def writable(place: Path) -> None:
    """Take `read_only` back; it may have been before."""
    if os.geteuid() == 0:
        subprocess.run(["umount", "--lazy", str(place)], capture_output=True, check=False)
    else:
        place.chmod(0o700 if place.is_dir() else 0o600)


@contextmanager
def limited(pids: Sequence[int], what: int, bound: int) -> Generator[None]:
    """Set a limit of living processes."""
    before = {pid: resource.prlimit(pid, what) for pid in pids}
    for pid, (_, hard) in before.items():
        resource.prlimit(pid, what, (bound, hard))
    try:
        yield
    finally:
        for pid, limits in before.items():
            with suppress(ProcessLookupError):
                resource.prlimit(pid, what, limits)


def worker_message(chat: Pipe) -> str:
    """Return what `status` says of the worker."""
    answer = chat.call("status")
    assert not answer.get("isError"), answer
    return answer["structuredContent"]["worker"]["message"]


def doctor(root: Path) -> str:
    """Run `pressroom doctor`, which should find something; return what it says."""
    line = command("doctor", "--workspace", str(root))
    done = subprocess.run(line, capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == 1, done
    return done.stdout


def overdue(root: Path) -> bool:
    """Whether leases have run out, as nothing can be recorded."""
    found = "SELECT count(*) FROM jobs WHERE state = 'processing' AND lease_until < ?"
    return query(root, found, time.time())[0][0] > 0
