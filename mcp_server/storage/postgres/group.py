"""The writes that wait share one transaction, and each gets an answer of its own. It blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.errors import LockNotAvailable

from mcp_server.errors import InvalidPayload
from mcp_server.storage.postgres.connection import Opened
from mcp_server.storage.postgres.errors import (
    GONE,
    REPEATED,
    TOO_MUCH,
    CommitUndone,
    CommitUnknown,
    is_machines,
    storage_error,
)
from mcp_server.storage.postgres.history import AnotherHistory
from mcp_server.storage.postgres.transaction import PostgresTransaction
from mcp_server.storage.sql.group_commit import Member

REPEATS_MAX = 10
"""How often a transaction is run again that the server has undone for the sake of others."""
LOST_MAX = 2
"""How often one is run whose connection was lost before the commit, or in it."""


class _Undone(Exception):
    """A member raised, so the whole transaction was rolled back."""


def commit(opened: Opened, group: Sequence[Member[Any]]) -> None:
    """Commit the group as one transaction; a member that raises is undone, and no other.

    It runs without savepoints first, and once more with them if a member raised, or a statement was
    refused: as nobody waits for every statement, it is not known yet whose it was, or what of it
    was to be kept. If the transaction fails as a whole, by the server's trouble, no member is done.
    """
    try:
        try:
            _repeated(opened, group, apart=False)
        except _Undone as undone:
            # Alone, a member that raised has its error already.
            if len(group) > 1 or isinstance(undone.__cause__, psycopg.Error):
                _repeated(opened, group, apart=True)
        except psycopg.Error as error:  # in the commit, of a statement that nobody waited for
            if is_machines(error):
                raise
            _repeated(opened, group, apart=True)
    except psycopg.Error as error:
        for member in group:
            member.error = storage_error(error)
            member.error.__cause__ = error


def _repeated(opened: Opened, group: Sequence[Member[Any]], *, apart: bool) -> None:
    undone = lost = 0
    freed = False
    while True:
        try:
            opened.write(lambda tx: _run_all(tx, group, apart=apart), waits=apart)
        except (*REPEATED, AnotherHistory):
            undone += 1
            if undone >= REPEATS_MAX:
                raise
        except LockNotAvailable:
            if freed or not opened.free():
                raise
            freed = True
        except CommitUnknown:
            raise
        except GONE as error:
            lost += 1
            again = isinstance(error, CommitUndone) or not opened.is_connected
            if not again or lost >= LOST_MAX:
                raise
        else:
            return


def _run_all(tx: PostgresTransaction, group: Sequence[Member[Any]], *, apart: bool) -> None:
    for member in group:
        if apart:
            found = tx.trial(lambda member=member: _run(tx, member))
            if isinstance(found, Exception):
                member.error = _told(found)
            continue
        try:
            _run(tx, member)
        except Exception as error:
            if is_machines(error):
                raise
            member.error = _told(error)
            raise _Undone from error


def _run(tx: PostgresTransaction, member: Member[Any]) -> None:
    before, tx.changed = tx.changed, False
    result = member.function(tx)
    member.keep(result, changed=tx.changed)
    tx.changed = tx.changed or before


def _told(error: Exception) -> Exception:
    """Return what the caller is told."""
    if not isinstance(error, psycopg.Error):
        return error
    told: Exception = storage_error(error)
    if isinstance(error, TOO_MUCH):
        told = InvalidPayload("text", ["it is too long for PostgreSQL to find it again"])
    told.__cause__ = error
    return told
