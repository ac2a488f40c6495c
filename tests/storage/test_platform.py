"""What the machine must give, each said in a sentence before anything half works."""

from __future__ import annotations

import errno
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from mcp_server.errors import Unavailable
from mcp_server.storage.sql.transaction import statements_of
from mcp_server.storage.sqlite.file.connection import switch_to_wal
from mcp_server.storage.sqlite.file.platform import (
    SQLITE_MIN,
    Sqlite,
    check_locks,
    check_sqlite,
    lack_of_locks,
    present,
)
from mcp_server.storage.sqlite.file.transaction import PACKAGE, query


@pytest.mark.parametrize("version", [(3, 34, 0), (3, 37, 2)], ids=str)
def test_a_sqlite_that_is_too_old_is_refused(version: tuple[int, ...]) -> None:
    """Which one was found, which is needed, and what helps."""
    with pytest.raises(Unavailable, match=r"SQLite 3\.3[47]\.[02] is too old") as caught:
        check_sqlite(Sqlite(version))
    assert "3.38.0" in str(caught.value)
    assert "uv python install" in str(caught.value)


@pytest.mark.parametrize("option", ["OMIT_JSON", "OMIT_WAL", "THREADSAFE=0"])
def test_a_sqlite_without_a_part_that_is_needed_is_refused(option: str) -> None:
    """However new it is."""
    with pytest.raises(Unavailable, match=option):
        check_sqlite(Sqlite((3, 50, 0), frozenset({option})))


def test_the_lowest_sqlite_and_the_one_that_is_here_are_allowed() -> None:
    """Every statement of ours is tried on the one that is here by other tests."""
    check_sqlite(Sqlite(SQLITE_MIN))
    check_sqlite()
    assert present().version == sqlite3.sqlite_version_info


@pytest.mark.parametrize(
    "newer",
    ["jsonb", "unixepoch", "timediff", "string_agg", "RIGHT JOIN", "FULL JOIN", "DISTINCT FROM"],
)
def test_no_statement_needs_more_than_the_lowest_sqlite(newer: str) -> None:
    """What came after it: here it would work, and there nothing."""
    assert not [name for name in statements_of(PACKAGE) if newer.lower() in query(name).lower()]


@pytest.mark.parametrize(
    ("version", "faulty"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 0), False),
    ],
    ids=str,
)
def test_a_version_with_a_known_fault_is_known(version: tuple[int, ...], faulty: bool) -> None:
    """And where it is mended."""
    fault = Sqlite(version).fault
    assert (fault is not None) == faulty
    assert fault is None or "3.51.3" in fault


@pytest.mark.skipif(sys.platform == "win32", reason="SQLite has this file system on POSIX only")
def test_a_file_that_can_have_no_log_is_refused(tmp_path: Path) -> None:
    """SQLite stays in another mode then, and says nothing."""
    where = f"{(tmp_path / 'x.db').as_uri()}?vfs=unix-dotfile"
    with (
        closing(sqlite3.connect(where, uri=True, isolation_level=None)) as connection,
        pytest.raises(Unavailable, match="no write-ahead log where it lies") as caught,
    ):
        switch_to_wal(connection)
    assert "PRESSROOM_STATE_DIR" in str(caught.value)


def test_locks_that_keep_others_out_are_no_lack(tmp_path: Path) -> None:
    """As on every local disk; nothing is left behind."""
    assert lack_of_locks(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_locks_that_cannot_be_had_or_keep_nobody_out_are_a_lack(tmp_path: Path) -> None:
    """As on some network disks. Where nothing can be written, nothing can be said."""

    def unknown(_: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    def idle(_: int) -> None:
        """Lock nothing."""

    assert lack_of_locks(tmp_path, [unknown]) == (
        "files in it cannot be locked (No locks available)"
    )
    assert lack_of_locks(tmp_path, [idle]) == "locks in it keep nobody out"
    assert lack_of_locks(tmp_path / "missing") is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_whose_locks_keep_nobody_out_is_not_worked_in(tmp_path: Path) -> None:
    """Two workers would do each job."""
    with pytest.raises(Unavailable, match="keep nobody out") as caught:
        check_locks(tmp_path, [lambda _: None])
    assert "PRESSROOM_STATE_DIR" in str(caught.value)
