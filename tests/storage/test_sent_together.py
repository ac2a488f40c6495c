"""Statements whose answers nobody reads: what becomes of one is known late, and told rightly."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest

from mcp_server.errors import StorageError
from mcp_server.storage.postgres.connecting import connect
from mcp_server.storage.postgres.connection import Opened
from mcp_server.storage.postgres.group import commit
from mcp_server.storage.postgres.pipeline import sent_together
from mcp_server.storage.postgres.rows import PostgresRow
from mcp_server.storage.postgres.transaction import KEPT_MAX, PostgresTransaction
from mcp_server.storage.sql.group_commit import Member
from mcp_server.storage.sql.transaction import Transaction
from tests.storage.postgres_server import SCHEMAS, server


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Opened]:
    """A connection to a workspace in which nothing is, to run groups on without a thread."""
    with closing(Opened(server(), SCHEMAS.of(tmp_path))) as opened:
        yield opened
    SCHEMAS.give_back(tmp_path)


def put(hash: str) -> Member[None]:
    """A member that stores a site, and asks for nothing behind that."""

    def step(tx: Transaction) -> None:
        tx.next_change()
        tx.run("put_site", hash=hash, document="{}")

    return Member(step)


def stored(connection: Opened) -> list[str]:
    """Those of the sites that are stored."""
    return connection.read(lambda tx: [each for each in "ab" if tx.one("get_site", hash=each)])


def test_a_statement_that_is_refused_in_the_commit_is_its_members_alone(
    connection: Opened,
) -> None:
    """Nobody has waited for it; it is still known whose it was."""

    def awaits_nothing(tx: Transaction) -> None:
        tx.next_change()
        tx.run("await_job", job=1, batch=1)

    before, wrong, after = put("a"), Member(awaits_nothing), put("b")
    commit(connection, [before, wrong, after])
    assert before.outcome() == after.outcome() == (None, True)
    assert stored(connection) == ["a", "b"]
    with pytest.raises(StorageError):
        wrong.outcome()


def test_a_member_that_has_changed_nothing_is_told_so(connection: Opened) -> None:
    """Also behind one whose last statements are not answered yet."""
    looks = Member(lambda tx: tx.one("get_site", hash="b"))
    commit(connection, [put("a"), looks])
    assert looks.outcome() == (None, False)


def test_a_savepoint_goes_on_working_after_statements_were_refused(connection: Opened) -> None:
    """The driver does not take for prepared what the server has passed by."""

    def refused_behind_a_savepoint(tx: Transaction) -> None:
        tx.kept_unless(lambda: tx.run("put_site", hash="a", document="{}"), failed=lambda _: True)
        tx.count("await_job", job=1, batch=1)

    def refused_before_a_savepoint(tx: Transaction) -> None:
        tx.next_change()
        tx.run("await_job", job=1, batch=1)
        stores(tx)

    def stores(tx: Transaction) -> None:
        tx.kept_unless(lambda: tx.run("put_site", hash="a", document="{}"), failed=lambda _: False)

    for refused in (refused_behind_a_savepoint, refused_before_a_savepoint):
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            connection.write(refused)
    connection.write(stores)
    assert stored(connection) == ["a"]


class CutBehindTheCommit(psycopg.Cursor[PostgresRow]):
    """Refuses to tell of a commit, and loses the connection at what is said next."""

    def execute(self, query: Any, params: Any = None, **how: Any) -> Self:
        """Execute a statement, or another in its place."""
        if str(query) == "SELECT":
            with socket.socket(fileno=os.dup(self.connection.fileno())) as lost:
                lost.shutdown(socket.SHUT_RDWR)
        tells = str(query).startswith("SELECT pg_notify")
        return super().execute("SELECT 1 / 0" if tells else query, params, **how)


def test_what_is_committed_is_not_done_again_when_nobody_could_be_told(tmp_path: Path) -> None:
    """Not even if the connection is lost, too: the commit was answered before."""

    def by(address: str, *, prepared: bool = True) -> psycopg.Connection[PostgresRow]:
        made = connect(address, prepared=prepared)
        made.cursor_factory = CutBehindTheCommit
        return made

    runs: list[int] = []
    member = Member(lambda tx: (runs.append(1), tx.count("put_site", hash="a", document="{}")))
    with closing(Opened(server(), SCHEMAS.of(tmp_path), by=by)) as opened:
        commit(opened, [member])
    assert member.outcome()[1] and runs == [1]
    SCHEMAS.give_back(tmp_path)


class FullAtTheCommit(psycopg.Cursor[PostgresRow]):
    """Has the server refuse to commit."""

    def execute(self, query: Any, params: Any = None, **how: Any) -> Self:
        """Execute a statement, or another in its place."""
        if str(query) == "COMMIT":
            super().execute("ROLLBACK")
            query = "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '53100'; END $$"
        return super().execute(query, params, **how)


def test_a_commit_that_is_refused_is_told_in_the_servers_words(tmp_path: Path) -> None:
    """Not as a connection that was lost: the server has answered."""

    def by(address: str, *, prepared: bool = True) -> psycopg.Connection[PostgresRow]:
        made = connect(address, prepared=prepared)
        made.cursor_factory = FullAtTheCommit
        return made

    member = Member(lambda tx: tx.count("put_site", hash="a", document="{}"))
    with closing(Opened(server(), SCHEMAS.of(tmp_path), by=by)) as opened:
        commit(opened, [member])
    with pytest.raises(StorageError, match="disk of the database server is full"):
        member.outcome()
    SCHEMAS.give_back(tmp_path)


def test_many_rows_are_sent_as_they_come_where_they_hold_much(tmp_path: Path) -> None:
    """Of what is kept to be sent together, the driver moves all that is left with each piece."""
    answered: list[str] = []

    def begun() -> int:
        answered.append("begun")
        return 0

    text = "x" * (KEPT_MAX // 2)
    rows = [{"page": "menu", "version": n, "stat": text, "hash": "h"} for n in range(5)]
    schema = SCHEMAS.of(tmp_path)
    with connect(server()) as made:
        made.execute(f"SET search_path = {schema}".encode())
        with sent_together(made) as pipeline:
            tx = PostgresTransaction(made, pipeline, begun)
            tx.many("put_seen", rows[:1])
            assert answered == [], "there is room for more"
            tx.many("put_seen", rows[:2])
            assert answered == ["begun"]
            assert tx.count_many("put_seen", rows) == 0
            assert not tx.changed
    SCHEMAS.give_back(tmp_path)
