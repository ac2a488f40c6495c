"""Members of one transaction: each is answered for itself, whatever becomes of the others."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from mcp_server.errors import LostClaim, StorageError
from mcp_server.storage.sql.group_commit import Member
from mcp_server.storage.sql.transaction import Transaction
from mcp_server.storage.sqlite.file.connection import connect, open_file
from mcp_server.storage.sqlite.file.group import commit
from mcp_server.storage.sqlite.file.migrate import migrate
from tests.waiting import PATIENCE_S

GONE = LostClaim("j_1", "a_1")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A new database."""
    path = tmp_path / "pressroom.db"
    migrate(path)
    return path


@pytest.fixture
def raw(file: Path) -> Iterator[sqlite3.Connection]:
    """A plain connection, to run groups on without a thread."""
    with closing(open_file(file)) as connection:
        yield connection


def put(hash: str) -> Member[int]:
    """A member that stores a site."""
    return Member(lambda tx: tx.count("put_site", hash=hash, document="{}"))


def stored(file: Path) -> set[str]:
    """The hashes of the stored sites."""
    with closing(sqlite3.connect(file)) as connection:
        return {row[0] for row in connection.execute("SELECT hash FROM sites")}


def fails(tx: Transaction) -> int:
    """Store something, and then find that the claim is gone."""
    tx.run("put_site", hash="half", document="{}")
    raise GONE


def test_a_member_that_raises_is_undone_alone(file: Path, raw: sqlite3.Connection) -> None:
    """A lost claim is one caller's news, not everybody's."""
    before, lost, after = put("a"), Member(fails), put("b")
    commit(raw, [before, lost, after])
    assert stored(file) == {"a", "b"}
    assert before.outcome() == after.outcome() == (1, True)
    with pytest.raises(LostClaim) as raised:
        lost.outcome()
    assert raised.value is GONE


def test_a_statement_that_is_refused_is_its_members_alone(
    file: Path, raw: sqlite3.Connection
) -> None:
    """A broken constraint is mapped for the one who broke it."""
    wrong = Member(lambda tx: tx.run("await_job", job=1, batch=1))
    commit(raw, [put("a"), wrong, put("b")])
    assert stored(file) == {"a", "b"}
    with pytest.raises(StorageError):
        wrong.outcome()


def test_a_commit_that_fails_is_tried_again_member_by_member(
    file: Path, raw: sqlite3.Connection
) -> None:
    """Only the one that makes it fail is told so; nobody's work is lost, none is done twice."""

    def refused_at_the_end(_: Transaction) -> None:
        raw.execute("PRAGMA defer_foreign_keys = ON")
        raw.execute("INSERT INTO awaited (job, batch) VALUES (1, 1)")

    before, wrong, after = put("a"), Member(refused_at_the_end), put("b")
    commit(raw, [before, wrong, after])
    assert stored(file) == {"a", "b"}
    assert before.outcome() == after.outcome() == (1, True)
    with pytest.raises(StorageError):
        wrong.outcome()
    assert not raw.in_transaction


def test_a_member_that_changes_nothing_is_told_so(raw: sqlite3.Connection) -> None:
    """So nobody is woken for it."""
    first, again = put("a"), put("a")
    commit(raw, [first, again])
    assert (first.outcome(), again.outcome()) == ((1, True), (0, False))


@pytest.mark.anyio
async def test_what_waits_for_the_writer_shares_its_next_transaction(file: Path) -> None:
    """While one transaction runs, the others gather; then all of them are answered."""
    running, gate = threading.Event(), threading.Event()
    seen: list[bool] = []

    def first(tx: Transaction) -> None:
        running.set()
        gate.wait(PATIENCE_S)
        tx.run("put_site", hash="first", document="{}")

    async with connect(file) as connection:

        async def write(name: str) -> None:
            def member(tx: Transaction) -> None:
                tx.run("put_site", hash=name, document="{}")
                seen.append("first" in stored(file) and not stored(file) & set("abc"))

            await connection.write(member)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(connection.write, first)
            with anyio.fail_after(PATIENCE_S):
                await anyio.to_thread.run_sync(running.wait)
            for name in "abc":
                tasks.start_soon(write, name)
            for _ in range(3):
                await anyio.lowlevel.checkpoint()
            gate.set()
    assert stored(file) == {"first", "a", "b", "c"}
    assert seen == [True] * 3  # none of the three was committed while another ran


@pytest.mark.anyio
async def test_what_comes_after_a_member_in_its_group_is_not_in_its_version(file: Path) -> None:
    """A claim that found nothing must not take a job for seen that was stored behind it."""
    async with connect(file) as connection:
        versions: list[int] = []

        async def look() -> None:
            versions.append((await connection.write(lambda tx: tx.one("last_change"))).version)

        async def store(hash: str) -> None:
            written = await connection.write(lambda tx: tx.run("put_site", hash=hash, document=""))
            versions.append(written.version)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(look)
            tasks.start_soon(store, "a")
            tasks.start_soon(look)
    assert versions == [0, 1, 1]
    assert connection.changes.version == 1
