"""Statements whose answers nobody reads: what becomes of one is known late, and told rightly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mcp_server.errors import StorageError
from mcp_server.storage.postgres.connection import Opened
from mcp_server.storage.postgres.group import commit
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
